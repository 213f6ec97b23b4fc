/** Carbon intensity hour by hour, and the carbon of a load that meets it. Files are read by `series-files.ts`. */
import { Estimate, type Evidence, InputError } from "../core/index.ts";
import { BIN_SECONDS, type EnergyProfile } from "./energy-profile.ts";
import type { SignalLabel } from "./grids.ts";
import type { Provenance } from "./provenance.ts";
import type { Carbon } from "./quantities.ts";
import { formatMoment } from "./timestamps.ts";

export interface IntensitySeries extends SignalLabel {
  readonly zone: string;
  /** Start of the first step, seconds since 1970. */
  readonly start: number;
  readonly stepSeconds: number;
  /** One a step; NaN where the file has none. */
  readonly gramsPerKilowattHour: Float64Array;
  readonly provenance: Provenance;
  /** What a reader must be told: estimated hours, missing ones. */
  readonly notes: readonly string[];
}

const JOULES_PER_KILOWATT_HOUR = 3.6e6;

/**
 * Carbon of `energy` drawn by the facility at the hours when it was drawn: the sum over bins of energy x intensity.
 *
 * Throws an `InputError` where the series does not cover the whole job, or where the clock of the log is not known.
 */
export function carbonOverTime(
  energy: EnergyProfile,
  series: IntensitySeries,
  options: { readonly zoneKnown?: boolean; readonly evidence?: Evidence } = {},
): Carbon {
  if (options.zoneKnown === false) {
    throw new InputError({
      place: { path: "time zone" },
      found: "moments of the energy log without a time zone",
      expected: "a known time zone, since each hour has an intensity of its own",
      remedy: "say where the log was written: --time-zone +02:00, or UTC",
    });
  }
  const evidence = options.evidence ?? measuredBy(series);
  if (energy.joules === 0) return Estimate.exact(0, "gCO2e", evidence);
  covered(energy, series);
  let grams = 0;
  for (const { start, joules } of energy.bins()) {
    grams += (joules / JOULES_PER_KILOWATT_HOUR) * intensityAt(series, Math.max(start, energy.start));
  }
  return Estimate.exact(grams, "gCO2e", evidence);
}

function measuredBy({ provenance }: IntensitySeries): Evidence {
  const { source, what, vintage } = provenance;
  return { basis: "measured", sources: [{ id: source, title: what, where: vintage }] };
}

/** Mean over the steps that `start` and `end` (seconds since 1970) span, in gCO2e/kWh; each step counts by its share. */
export function meanIntensity(series: IntensitySeries, start: number, end: number): number {
  let sum = 0;
  for (let moment = start; moment < end; ) {
    const step = Math.floor((moment - series.start) / series.stepSeconds);
    const until = Math.min(end, series.start + (step + 1) * series.stepSeconds);
    sum += (until - moment) * (series.gramsPerKilowattHour[step] ?? Number.NaN);
    moment = until;
  }
  return sum / (end - start);
}

/** Mean of all steps that have a value. */
export function overallMean(series: IntensitySeries): number {
  const known = series.gramsPerKilowattHour.filter((value) => !Number.isNaN(value));
  return known.reduce((total, value) => total + value, 0) / known.length;
}

/** A bin may begin before its job, or end after the last step of a coarse series: the moment inside both decides. */
function intensityAt(series: IntensitySeries, moment: number): number {
  const step = Math.floor((moment - series.start) / series.stepSeconds);
  if (series.stepSeconds >= BIN_SECONDS) return series.gramsPerKilowattHour[step]!;
  const end = Math.min(moment + BIN_SECONDS, seriesEnd(series));
  return meanIntensity(series, moment, end);
}

function seriesEnd(series: IntensitySeries): number {
  return series.start + series.gramsPerKilowattHour.length * series.stepSeconds;
}

function covered(energy: EnergyProfile, series: IntensitySeries): void {
  const place = { file: series.provenance.source, path: series.zone };
  const end = seriesEnd(series);
  if (energy.start < series.start || energy.end > end) {
    throw new InputError({
      place,
      found: `intensities from ${formatMoment(series.start)} to ${formatMoment(end)}`,
      expected: `hours that cover the job, from ${formatMoment(energy.start)} to ${formatMoment(energy.end)}`,
      remedy: "export a longer series, or use the yearly mean of the zone",
    });
  }
  const from = Math.floor((energy.start - series.start) / series.stepSeconds);
  const to = Math.ceil((energy.end - series.start) / series.stepSeconds);
  const missing = series.gramsPerKilowattHour.subarray(from, to).findIndex(Number.isNaN);
  if (missing >= 0) {
    throw new InputError({
      place,
      found: `no intensity at ${formatMoment(series.start + (from + missing) * series.stepSeconds)}`,
      expected: "a value for every hour of the job",
      remedy: "export the series again, or fill the gap and say how",
    });
  }
}
