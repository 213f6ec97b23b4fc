/** Makes ledger records from quantities: accelerator runs, metered energy, buildings and networks. */

import { Estimate, exactly, formatEstimate, InputError, type Sampler } from "../core/index.ts";
import type { Capacity } from "./act.ts";
import type { EnergyProfile } from "./energy-profile.ts";
import type { GridIntensity } from "./grids.ts";
import type { EmbodiedRecord, OperationalRecord, Phase } from "./ledger.ts";
import { instrumentsOf, type Measurement, measuredEnergy } from "./measurement.ts";
import { facilityEnergy, operationalCarbon } from "./operational.ts";
import type { Provenance } from "./provenance.ts";
import type { Carbon, Energy, Intensity, Power, Ratio, Time } from "./quantities.ts";
import { carbonOverTime, type IntensitySeries } from "./series.ts";
import { figures } from "./tables.ts";
import { formatMoment } from "./timestamps.ts";
import { type AcceleratorRun, runCarbon } from "./training.ts";

/** Where electricity comes from, by both ways of accounting. */
export interface Supply {
  readonly grid: GridIntensity;
  /** By contract; undefined where nobody said. */
  readonly market: Intensity | undefined;
}

/** Energy that the facility drew, at a yearly mean intensity. */
export function energyRecord(
  phase: Phase,
  what: string,
  energy: Energy,
  { grid, market }: Supply,
  provenance: readonly Provenance[],
  notes: readonly string[] = [],
): OperationalRecord {
  return {
    phase,
    kind: "operational",
    what,
    emitter: electricityOf(grid),
    energy,
    carbon: operationalCarbon(energy, grid.intensity),
    marketCarbon: market && operationalCarbon(energy, market),
    signal: grid.signal,
    provenance: [...provenance, grid.provenance],
    notes: grid.note === "" ? notes : [grid.note, ...notes],
  };
}

function electricityOf({ zone, intensity }: GridIntensity): string {
  return zone === "given" ? `electricity at ${formatEstimate(intensity).value}` : `electricity of ${zone}`;
}

/** A run of accelerators: what it draws, and what of their making it answers for. `provenance` is of the run itself. */
export function runRecords(
  phase: Phase,
  what: string,
  run: AcceleratorRun,
  supply: Supply,
  provenance: readonly Provenance[],
): [OperationalRecord, EmbodiedRecord] {
  const { energy, embodied } = runCarbon(run);
  const made = "accelerators and hosts";
  return [
    energyRecord(phase, what, energy, supply, provenance),
    embodiedRecord(phase, `${made} of ${what}`, made, embodied, provenance),
  ];
}

export function embodiedRecord(
  phase: Phase,
  what: string,
  emitter: string,
  carbon: Carbon,
  provenance: readonly Provenance[],
): EmbodiedRecord {
  return { phase, kind: "embodied", what, emitter, carbon, provenance, notes: [] };
}

export interface MeteredSupply extends Supply {
  /** Energy of the facility over that which the meter saw: PUE, unless it is monthly, and whatever the meter does not see. */
  readonly overhead: Ratio;
  /** From January to December, by UTC. */
  readonly monthlyPue?: readonly number[] | undefined;
  /** Hour by hour, where it is known: else `grid`'s mean. */
  readonly series: IntensitySeries | undefined;
}

/** What a meter said, and the energy of all its devices over time: added up once, however often it is priced. */
export interface Metered {
  readonly measurement: Measurement;
  readonly profile: EnergyProfile;
}

/** Energy read from a meter, at the intensity of the hours it was drawn in where there is a series. */
export function meteredRecord(
  phase: Phase,
  what: string,
  { measurement, profile: metered }: Metered,
  supply: MeteredSupply,
  sampler: Sampler,
): OperationalRecord {
  const { series, monthlyPue } = supply;
  if (metered.joules === 0) {
    throw new InputError({
      place: { file: measurement.source },
      found: `no energy (${measurement.warnings.join("; ")})`,
      expected: "a log with readings above zero: missing energy is not zero energy",
      remedy: "count this entry by accelerators, time and power instead",
    });
  }
  const profile = monthlyPue
    ? metered.scaled((moment) => monthlyPue[new Date(moment * 1000).getUTCMonth()]!)
    : metered;
  const energy = facilityEnergy(measuredEnergy(measurement, sampler), supply.overhead).times(
    profile.joules / metered.joules,
  );
  const meter: Provenance = {
    what: `energy by ${instrumentsOf(measurement)}`,
    origin: "measured",
    source: measurement.source,
    vintage: `${formatMoment(metered.start)} to ${formatMoment(metered.end)}`,
  };
  if (series === undefined) return energyRecord(phase, what, energy, supply, [meter], measurement.warnings);
  const hourly = carbonOverTime(profile, series, { zoneKnown: measurement.zoneKnown });
  const perEnergy = hourly.over(Estimate.exact(profile.joules, "J"));
  return {
    phase,
    kind: "operational",
    what,
    emitter: `electricity of ${series.zone}`,
    energy,
    carbon: operationalCarbon(energy, perEnergy),
    marketCarbon: supply.market && operationalCarbon(energy, supply.market),
    signal: series.signal,
    provenance: [meter, series.provenance],
    notes: [...measurement.warnings, ...series.notes],
  };
}

export interface Building {
  readonly carbon: Carbon;
  /** Power at its meter that it was built for: with PUE, as the energies of records are. */
  readonly capacity: Power;
  readonly lifetime: Time;
}

/**
 * The share of the data centre's own construction: the building's carbon times the energy drawn over all that it can
 * ever supply, capacity x lifetime. Energy is power held for a time, so this is share of power times share of life.
 */
export function buildingRecord(
  phase: Phase,
  what: string,
  building: Building,
  energy: Energy,
  provenance: readonly Provenance[],
): EmbodiedRecord {
  const share = energy.over(building.capacity.times(building.lifetime));
  return embodiedRecord(phase, what, "buildings", building.carbon.times(share), provenance);
}

/** Life of the shell, power and cooling plant of a data centre. */
export function buildingLifetime(sampler: Sampler): Time {
  return figures("facilities").estimate(sampler, "building", "lifetime", "year");
}

/** Energy that network equipment draws to move data, by volume, without PUE. */
export function networkEnergy(sampler: Sampler, transferred: Capacity): Energy {
  const perTransfer = figures("facilities").estimate(sampler, "network", "energy-per-transfer", "kWh/GB");
  return perTransfer.times(transferred);
}

/**
 * How much of one phase a fleet spends for another, from the capacities of a large operator (experimentation : training :
 * inference = 10 : 20 : 70): a first guess for phases that nobody has counted.
 */
export function fleetRatio(wanted: FleetPhase, known: FleetPhase): Ratio {
  const capacity = (phase: FleetPhase) => {
    const figure = figures("facilities").get("fleet", phase);
    return exactly(figure.value, figure.evidence);
  };
  return capacity(wanted).over(capacity(known));
}

export const FLEET_PHASES = ["experimentation", "training", "inference"] as const;
export type FleetPhase = (typeof FLEET_PHASES)[number];
