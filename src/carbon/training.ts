/** Carbon of a training run from the quantities that a plan has: accelerators, hours, watts, place. */
import type { DimensionOf, Estimate } from "../core/index.ts";
import { type Amortisation, amortised } from "./embodied.ts";
import { facilityEnergy, operationalCarbon } from "./operational.ts";
import type {
  Accelerators,
  Carbon,
  CarbonPerAccelerator,
  Energy,
  Intensity,
  PowerPerAccelerator,
  Ratio,
  Time,
} from "./quantities.ts";

export interface AcceleratorRun extends Amortisation {
  readonly accelerators: Accelerators;
  readonly wallClock: Time;
  /** Mean draw of one accelerator while it runs. */
  readonly power: PowerPerAccelerator;
  /** Power of the server over that of its accelerators; 1 where `power` already has the host in it. */
  readonly hostFactor: Ratio;
  readonly pue: Ratio;
  readonly intensity: Intensity;
  /** Of one accelerator and its share of the host. */
  readonly embodied: CarbonPerAccelerator;
}

export interface RunCarbon {
  /** Drawn by the facility, PUE included. */
  readonly energy: Energy;
  readonly operational: Carbon;
  readonly embodied: Carbon;
  readonly total: Carbon;
}

/**
 * Energy = accelerators x time x power x host factor x PUE; operational = energy x intensity;
 * embodied = accelerators x embodied x time / (lifetime x utilisation).
 */
export function runCarbon(run: AcceleratorRun): RunCarbon {
  const drawn: Energy = run.accelerators.times(run.power).times(run.wallClock).times(run.hostFactor);
  const energy = facilityEnergy(drawn, run.pue);
  const operational = operationalCarbon(energy, run.intensity);
  const embodied = amortised(run.accelerators.times(run.embodied), run.wallClock, run);
  return { energy, operational, embodied, total: operational.plus(embodied) };
}

/**
 * Wall-clock time of `work` at a model-FLOP utilisation: work / (accelerators x peak x efficiency)
 * (LLMCarbon's time model, Faiz et al. 2023).
 */
export function computeTime(
  work: Estimate<DimensionOf<"FLOP">>,
  accelerators: Accelerators,
  peak: Estimate<DimensionOf<"FLOP/s/accelerator">>,
  efficiency: Ratio,
): Time {
  return work.over(accelerators.times(peak).times(efficiency));
}
