/**
 * What meters say, whatever the meter: energy a device over time, and everything about it that a reader must know.
 * Readings that are missing, zero or stop early are never filled in; they are said.
 */
import {
  drawFigure,
  Estimate,
  InputError,
  type Place,
  type Sampler,
  type Source,
  sum,
} from "../core/index.ts";
import { EnergyProfile, mergedProfile } from "./energy-profile.ts";
import type { Energy } from "./quantities.ts";
import { figures } from "./tables.ts";
import { formatMoment } from "./timestamps.ts";

export const COMPONENTS = ["accelerator", "processor", "memory", "machine"] as const;
export type Component = (typeof COMPONENTS)[number];

/** Energy of one device, before it is said which instrument read it. */
export interface DeviceReading {
  readonly device: string;
  readonly component: Component;
  readonly energy: EnergyProfile;
  /** Readings that went into it. */
  readonly samples: number;
}

export interface DeviceEnergy extends DeviceReading {
  readonly instrument: Instrument;
}

export const INSTRUMENTS = ["nvidia-smi", "RAPL", "DCGM", "Slurm", "CSV"] as const;
export type Instrument = (typeof INSTRUMENTS)[number];

export interface Measurement {
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

/** The instruments of a measurement, each once. */
export function instrumentsOf({ devices }: Measurement): string {
  return [...new Set(devices.map(({ instrument }) => instrument))].join(" and ");
}

/** Total energy, with the error of each instrument where one is published. */
export function measuredEnergy(measurement: Measurement, sampler: Sampler): Energy {
  const sources: Source[] = [{ id: measurement.source, title: `${instrumentsOf(measurement)} readings` }];
  const parts = INSTRUMENTS.map((instrument) => {
    const devices = measurement.devices.filter((device) => device.instrument === instrument);
    const joules = devices.reduce((total, { energy }) => total + energy.joules, 0);
    const read = Estimate.exact(joules, "J", { basis: "measured", sources });
    const calibration = figures("meters").find(instrument, "calibration");
    if (calibration === undefined || joules === 0) return read;
    // One draw for all readings of one instrument: a gain error does not average out over time.
    const evidence = { ...calibration.evidence, basis: "measured" as const };
    return read.times(
      drawFigure(sampler, `meters/${instrument}/calibration`, { ...calibration, evidence }, "1"),
    );
  });
  return sum(Estimate.exact(0, "J"), ...parts);
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
  finish(logEnd = this.lastMoment): { device: DeviceReading; warnings: string[] } {
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
    if (last !== undefined && moment <= last.moment) return;
    this.#last = { moment, joules };
    if (last === undefined) return;
    let drawn = joules - last.joules;
    if (drawn < 0) {
      if (this.#range === undefined) this.#restarts++;
      drawn = this.#range === undefined ? joules : drawn + this.#range;
    }
    this.#energy.add(last.moment, moment, drawn);
  }

  finish(): { device: DeviceReading; warnings: string[] } {
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

export interface Finished {
  readonly instrument: Instrument;
  readonly device: DeviceReading;
  readonly warnings: readonly string[];
}

/** Puts integrators together; throws an `InputError` where there is nothing at all to report. */
export function measurementOf(
  source: string,
  finished: readonly Finished[],
  { zoneKnown = true, warnings = [] as readonly string[] } = {},
): Measurement {
  if (finished.length === 0) {
    throw new InputError({
      place: { file: source },
      found: "no reading of any device",
      expected: "power or energy of at least one",
    });
  }
  return {
    source,
    devices: finished.map(({ device, instrument }) => ({ ...device, instrument })),
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
