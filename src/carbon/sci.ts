/**
 * Software Carbon Intensity (ISO/IEC 21031): SCI = (E I + M) / R, carbon per functional unit, and the embodied part M as
 * the Green Software Foundation's Impact Framework prices a share of a server.
 */
import { Estimate } from "../core/index.ts";
import type { Carbon, Ratio, Time } from "./quantities.ts";
import { figures } from "./tables.ts";

/** A machine as the Impact Framework sees it; what is left out takes its baseline. */
export interface SciMachine {
  readonly vcpus?: number;
  readonly memoryGigabytes?: number;
  readonly solidStateDisks?: number;
  readonly hardDisks?: number;
  readonly accelerators?: number;
}

/**
 * M = TE x (T / lifespan) x share, with TE the baseline server plus each vCPU, gigabyte, disk and accelerator above it,
 * a lifespan of four years, and T the time of use.
 */
export function sciEmbodied(machine: SciMachine, inUse: Time, share: Ratio): Carbon {
  const of = (figure: string) => figures("sci-embodied").get("server", figure);
  const value = (figure: string) => of(figure).value;
  const memoryAbove = (machine.memoryGigabytes ?? value("baseline-memory")) - value("baseline-memory");
  const kilograms =
    value("baseline") +
    ((machine.vcpus ?? 1) - 1) * value("per-vcpu") +
    memoryAbove * (value("memory-numerator") / value("memory-denominator")) +
    (machine.solidStateDisks ?? 0) * value("per-ssd") +
    (machine.hardDisks ?? 0) * value("per-hdd") +
    (machine.accelerators ?? 0) * value("per-gpu");
  const { evidence } = of("baseline");
  const lifespan = Estimate.exact(value("lifespan"), "s", evidence);
  return Estimate.exact(kilograms, "kgCO2e", evidence).times(inUse.over(lifespan)).times(share);
}
