/** Puts values at moments together into a series of even steps, and refuses what cannot be one. */
import { InputError, type Place } from "../core/index.ts";
import type { Boundary, SignalLabel } from "./grids.ts";
import type { Origin } from "./provenance.ts";
import type { IntensitySeries } from "./series.ts";
import { formatMoment, type Timestamps } from "./timestamps.ts";

/** Units in which intensity is published, in gCO2e/kWh. */
export const UNITS: Readonly<Record<string, number>> = {
  "gCO2e/kWh": 1,
  "gCO2eq/kWh": 1,
  "kgCO2e/MWh": 1,
  "lb/MWh": 0.45359237,
  lbs_co2_per_mwh: 0.45359237,
};

export interface SeriesOptions {
  /** Needed where a file has several zones. */
  readonly zone?: string | undefined;
  /** Needed where a file does not say its unit: one of `gCO2e/kWh`, `lb/MWh`. */
  readonly unit?: string | undefined;
  /** Which column of an Electricity Maps file; life cycle unless said otherwise. */
  readonly boundary?: Boundary | undefined;
  /** Average unless the file or this says otherwise. */
  readonly signal?: SignalLabel["signal"] | undefined;
  /** Where moments without a zone were written, `UTC` or `+02:00`. */
  readonly timeZone?: string | undefined;
  /** The moment of row 0 in a table that numbers its hours instead of dating them. */
  readonly start?: string | undefined;
}

/** One value of a file; NaN where it has none. */
export interface Step {
  readonly moment: number;
  readonly value: number;
  readonly place: Place;
}

export function assemble(
  file: string,
  zone: string,
  steps: readonly Step[],
  label: SignalLabel,
  timestamps: Timestamps,
  notes: readonly string[],
  origin: Origin = "given",
): IntensitySeries {
  const sorted = [...steps].sort((a, b) => a.moment - b.moment);
  if (sorted.length < 2) {
    throw new InputError({
      place: { file, path: zone },
      found: `${sorted.length} values`,
      expected: "at least two, whose distance in time is the step of the series",
    });
  }
  const stepSeconds = sorted
    .slice(1)
    .reduce(
      (least, { moment }, index) => Math.min(least, moment - sorted[index]!.moment),
      Number.POSITIVE_INFINITY,
    );
  const start = sorted[0]!.moment;
  const length = Math.round((sorted.at(-1)!.moment - start) / stepSeconds) + 1;
  if (stepSeconds === 0 || !Number.isSafeInteger(length)) {
    const index = sorted.findIndex((entry, i) => i > 0 && entry.moment === sorted[i - 1]!.moment);
    throw new InputError({
      place: sorted[index]!.place,
      found: `a second value for ${formatMoment(sorted[index]!.moment)}`,
      expected: "one value for each moment",
      remedy: "times of a clock that was set back for winter must name their offset from UTC",
    });
  }
  const values = new Float64Array(length).fill(Number.NaN);
  for (const { moment, value, place } of sorted) {
    const index = (moment - start) / stepSeconds;
    if (!Number.isInteger(index)) {
      throw new InputError({
        place,
        found: `${formatMoment(moment)}, which is off the step of ${stepSeconds / 60} min`,
        expected: "moments that are evenly spaced; whole steps may be missing",
      });
    }
    if (value < 0 && label.signal === "average") {
      throw new InputError({
        place,
        found: `${value}`,
        expected: "an average carbon intensity of 0 or more",
      });
    }
    values[index] = value;
  }
  const missing = values.reduce((count, value) => count + (Number.isNaN(value) ? 1 : 0), 0);
  return {
    ...label,
    zone,
    start,
    stepSeconds,
    gramsPerKilowattHour: values,
    provenance: {
      what: `${label.signal} carbon intensity of ${zone}`,
      origin,
      source: file,
      vintage: `${formatMoment(start)} to ${formatMoment(start + length * stepSeconds)}`,
    },
    notes: [
      ...notes,
      ...(missing > 0 ? [`${missing} of ${length} steps have no value`] : []),
      ...(timestamps.zoneKnown ? [] : ["the times name no zone and were read as UTC"]),
    ],
  };
}
