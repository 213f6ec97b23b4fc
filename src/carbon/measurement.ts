/**
 * What meters say, whatever the meter: energy a device over time, and everything about it that a reader must know.
 * Readings that are missing, zero or stop early are never filled in; they are said.
 */
import { drawFigure, Estimate, InputError, type Place, type Sampler, type Source } from "../core/index.ts";
import { EnergyProfile, mergedProfile } from "./energy-profile.ts";
import type { Energy } from "./quantities.ts";
import { figures } from "./tables.ts";
import { formatMoment } from "./timestamps.ts";

export const COMPONENTS = ["accelerator", "processor", "memory", "machine"] as const;
export type Component = (typeof COMPONENTS)[number];

export interface DeviceEnergy {
  readonly device: string;
  readonly component: Component;
  readonly energy: EnergyProfile;
  /** Readings that went into it. */
  readonly samples: number;
}

export interface Measurement {
  /** `nvidia-smi`, `RAPL`, `DCGM`, `Slurm`, `CSV`. */
  readonly instrument: string;
  /** The file or tree that was read. */
  readonly source: string;
  readonly devices: readonly DeviceEnergy[];
  /** False where the log's moments name no time zone: the total stands, its hours do not. */
  readonly zoneKnown: boolean;
  /** Why the energy may be too low: shown before any figure. */
  readonly warnings: readonly string[];
}

/** Energy of all devices over time. */
export function measuredProfile(measurement: Measurement): EnergyProfile {
  return mergedProfile(measurement.devices.map((device) => device.energy));
}

/** Total energy, with the error of the instrument where one is published. */
export function measuredEnergy(measurement: Measurement, sampler: Sampler): Energy {
  const source: Source = { id: measurement.source, title: `${measurement.instrument} readings` };
  const joules = Estimate.exact(measuredProfile(measurement).joules, "J", {
    basis: "measured",
    sources: [source],
  });
  const calibration = figures("meters").find(measurement.instrument, "calibration");
  if (calibration === undefined) return joules;
  // One draw for all readings of one instrument: a gain error does not average out over time.
  return joules.times(
    drawFigure(
      sampler,
      `meters/${measurement.instrument}/calibration`,
      { ...calibration, evidence: { ...calibration.evidence, basis: "measured" } },
      "1",
    ),
  );
}

/** Watts at moments to energy, by the trapezoid rule between neighbours. */
export class PowerIntegrator {
  readonly device: string;
  readonly component: Component;
  readonly #energy = new EnergyProfile();
  readonly #longestGap: number | undefined;
  #last: { readonly moment: number; readonly watts: number } | undefined;
  #firstStep: number | undefined;
  #samples = 0;
  #unread = 0;
  #missingSeconds = 0;
  #highest = 0;

  /** `longestGapSeconds` is the longest silence that is bridged: five times the first step, and a minute at least. */
  constructor(device: string, component: Component, longestGapSeconds?: number) {
    this.device = device;
    this.component = component;
    this.#longestGap = longestGapSeconds;
  }

  get #gap(): number {
    return this.#longestGap ?? Math.max(60, 5 * (this.#firstStep ?? 0));
  }

  get lastMoment(): number {
    return this.#last?.moment ?? Number.NEGATIVE_INFINITY;
  }

  /** `undefined` where the meter answered without a value. Throws an `InputError` for negative power and time. */
  sample(moment: number, watts: number | undefined, place?: Place): void {
    if (watts === undefined) {
      this.#unread++;
      return;
    }
    if (watts < 0) {
      throw new InputError({
        place,
        found: `${watts} W`,
        expected: `a power of 0 W or more of ${this.device}`,
      });
    }
    const last = this.#last;
    if (last !== undefined && moment < last.moment) {
      throw new InputError({
        place,
        found: `${formatMoment(moment)} after ${formatMoment(last.moment)} for ${this.device}`,
        expected: "readings of each device in the order of time",
        remedy: "sort the log; a local clock that was set back must be exported in UTC",
      });
    }
    this.#samples++;
    this.#highest = Math.max(this.#highest, watts);
    this.#last = { moment, watts };
    if (last === undefined || moment === last.moment) return;
    const step = moment - last.moment;
    this.#firstStep ??= step;
    if (step > this.#gap) this.#missingSeconds += step;
    else this.#energy.add(last.moment, moment, ((watts + last.watts) / 2) * step);
  }

  /** `logEnd` is when the last device was heard: one that stopped before is reported. */
  finish(logEnd = this.lastMoment): { device: DeviceEnergy; warnings: string[] } {
    const warnings: string[] = [];
    if (this.#samples < 2) {
      warnings.push(`${this.device}: ${this.#samples} readings, too few to give an energy`);
    } else if (this.#highest === 0) {
      warnings.push(
        `${this.device}: every reading is zero; its sensor does not work, and its energy is missing`,
      );
    }
    if (this.#unread > 0) warnings.push(`${this.device}: ${this.#unread} readings had no value`);
    if (this.#missingSeconds > 0) {
      warnings.push(
        `${this.device}: no readings for ${seconds(this.#missingSeconds)}, which are not counted`,
      );
    }
    const silent = logEnd - this.lastMoment;
    if (this.#samples > 0 && silent > this.#gap) {
      warnings.push(
        `${this.device}: stopped answering at ${formatMoment(this.lastMoment)}, ${seconds(silent)} before the log ends`,
      );
    }
    const { device, component } = this;
    return { device: { device, component, energy: this.#energy, samples: this.#samples }, warnings };
  }
}

/** A counter of energy that only grows, but for wrapping around at `range` joules or starting anew. */
export class CounterIntegrator {
  readonly device: string;
  readonly component: Component;
  readonly #range: number | undefined;
  readonly #energy = new EnergyProfile();
  #last: { readonly moment: number; readonly joules: number } | undefined;
  #samples = 0;
  #unread = 0;
  #restarts = 0;

  /** Without `rangeJoules` a counter that falls was reset: what it counted before its reset is lost, and said. */
  constructor(device: string, component: Component, rangeJoules?: number) {
    this.device = device;
    this.component = component;
    this.#range = rangeJoules;
  }

  sample(moment: number, joules: number | undefined): void {
    if (joules === undefined) {
      this.#unread++;
      return;
    }
    const last = this.#last;
    this.#samples++;
    this.#last = { moment, joules };
    if (last === undefined || moment <= last.moment) return;
    let drawn = joules - last.joules;
    if (drawn < 0) {
      if (this.#range === undefined) this.#restarts++;
      drawn = this.#range === undefined ? joules : drawn + this.#range;
    }
    this.#energy.add(last.moment, moment, drawn);
  }

  finish(): { device: DeviceEnergy; warnings: string[] } {
    const warnings: string[] = [];
    if (this.#samples < 2) {
      warnings.push(`${this.device}: ${this.#samples} readings of its counter, too few to give an energy`);
    } else if (this.#energy.joules === 0) {
      warnings.push(`${this.device}: its energy counter did not move; its energy is missing`);
    }
    if (this.#unread > 0)
      warnings.push(`${this.device}: its counter could not be read ${times(this.#unread)}`);
    if (this.#restarts > 0) {
      warnings.push(
        `${this.device}: its counter restarted ${times(this.#restarts)}; some energy is not counted`,
      );
    }
    const { device, component } = this;
    return { device: { device, component, energy: this.#energy, samples: this.#samples }, warnings };
  }
}

/** Puts integrators together; throws an `InputError` where there is nothing at all to report. */
export function measurementOf(
  instrument: string,
  source: string,
  finished: readonly { readonly device: DeviceEnergy; readonly warnings: readonly string[] }[],
  { zoneKnown = true, warnings = [] as readonly string[] } = {},
): Measurement {
  if (finished.length === 0) {
    throw new InputError({
      place: { file: source },
      found: "no reading of any device",
      expected: `power or energy as ${instrument} writes it`,
    });
  }
  return {
    instrument,
    source,
    devices: finished.map(({ device }) => device),
    zoneKnown,
    warnings: [...warnings, ...finished.flatMap((one) => one.warnings)],
  };
}

function times(count: number): string {
  return count === 1 ? "once" : `${count} times`;
}

function seconds(duration: number): string {
  if (duration < 120) return `${Math.round(duration)} s`;
  if (duration < 7200) return `${Math.round(duration / 60)} min`;
  return `${(duration / 3600).toFixed(1)} h`;
}
