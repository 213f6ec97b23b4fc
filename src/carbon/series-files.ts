/**
 * Files of carbon intensity over time: Electricity Maps (portal CSV and API JSON), WattTime (API JSON), and CSV tables with
 * a time column and one column a zone. Every reader fixes the signal, the unit and the zone, and refuses to guess them.
 */
import { z } from "zod";
import { InputError, type Place, parseConfig, readCsv, readText, suggest } from "../core/index.ts";
import type { Boundary, SignalLabel } from "./grids.ts";
import type { Origin } from "./provenance.ts";
import type { IntensitySeries } from "./series.ts";
import { formatMoment, Timestamps } from "./timestamps.ts";

/** Units in which intensity is published, in gCO2e/kWh. */
const UNITS: Readonly<Record<string, number>> = {
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

interface Step {
  readonly moment: number;
  readonly value: number;
  readonly place: Place;
}

/** Reads a series; the format is told by the file. Throws an `InputError` for what cannot be one series. */
export function readIntensitySeries(file: string, options: SeriesOptions = {}): IntensitySeries {
  return file.endsWith(".json") ? readJson(file, options) : readTable(file, options);
}

function readTable(file: string, options: SeriesOptions): IntensitySeries {
  const rows = readCsv(file);
  const columns = Object.keys(rows[0]?.row ?? {});
  if (columns.length < 2) {
    throw new InputError({
      place: { file, line: 1 },
      found: "no table of times and values",
      expected: "a CSV file with a header, a time column and a column of carbon intensities",
    });
  }
  const intensityColumns = columns.filter((column) => /^carbon intensity/i.test(column));
  return intensityColumns.length > 0
    ? readElectricityMaps(file, rows, columns, intensityColumns, options)
    : readPlainTable(file, rows, columns, options);
}

type Rows = ReturnType<typeof readCsv>;

function readElectricityMaps(
  file: string,
  rows: Rows,
  columns: readonly string[],
  intensityColumns: readonly string[],
  options: SeriesOptions,
): IntensitySeries {
  const boundary = options.boundary ?? "life-cycle";
  const wanted = boundary === "direct" ? /direct/i : /lca|life.?cycle/i;
  const value = intensityColumns.find((column) => wanted.test(column));
  const time = columns.find((column) => /^datetime/i.test(column));
  const zone = columns.find((column) => /^zone id$/i.test(column));
  const estimated = columns.find((column) => /^data estimated$/i.test(column));
  if (value === undefined || time === undefined || zone === undefined) {
    throw new InputError({
      place: { file, line: 1 },
      found: columns.join(", "),
      expected: `"Datetime (UTC)", "Zone id" and "Carbon intensity … (${boundary === "direct" ? "direct" : "Life cycle"})"`,
    });
  }
  const zones = [...new Set(rows.map(({ row }) => row[zone]!))];
  const name = theZone(zones, options.zone, file);
  const timestamps = new Timestamps(/utc/i.test(time) ? "UTC" : options.timeZone, { file, path: "timeZone" });
  const kept = rows.filter(({ row }) => row[zone] === name);
  const guessed = estimated ? kept.filter(({ row }) => /^(true|1|yes)$/i.test(row[estimated]!)).length : 0;
  return assemble(
    file,
    name,
    kept.map(({ line, row }) => step(timestamps, file, line, time, row[time]!, value, row[value]!, 1)),
    { signal: options.signal ?? "average", accounting: "location", boundary },
    timestamps,
    guessed > 0 ? [`${guessed} of ${kept.length} values are marked as estimated by Electricity Maps`] : [],
  );
}

/** A time column, and a column for each zone; or hours counted from `options.start`. */
function readPlainTable(
  file: string,
  rows: Rows,
  columns: readonly string[],
  options: SeriesOptions,
): IntensitySeries {
  const [time, ...zones] = columns as [string, ...string[]];
  const name = theZone(zones, options.zone, file);
  const factor = unitFactor(options.unit, file, name);
  const timestamps = new Timestamps(options.timeZone, { file, path: "timeZone" });
  const counted = /^hour$/i.test(time);
  if (counted && options.start === undefined) {
    throw new InputError({
      place: { file, line: 1, path: time },
      found: "hours that are numbered, not dated",
      expected: "the moment at which hour 0 begins",
      remedy: "say it: --start 2022-01-01T00:00Z",
    });
  }
  const origin = counted ? timestamps.read(options.start!, { path: "start" }) : 0;
  const steps = rows.map(({ line, row }) => {
    if (!counted) return step(timestamps, file, line, time, row[time]!, name, row[name]!, factor);
    const hour = numberIn(row[time]!, { file, line, path: time });
    const place = { file, line, path: name };
    return { moment: origin + 3600 * hour, value: factor * numberIn(row[name]!, place), place };
  });
  const label: SignalLabel = {
    signal: options.signal ?? "average",
    accounting: "location",
    boundary: options.boundary ?? "life-cycle",
  };
  return assemble(file, name, steps, label, timestamps, []);
}

const ElectricityMapsPoint = z.object({
  carbonIntensity: z.number().nonnegative().nullable(),
  datetime: z.string(),
  emissionFactorType: z.string().optional(),
  isEstimated: z.boolean().nullish(),
});
const ElectricityMapsAnswer = z.object({
  zone: z.string(),
  history: z.array(ElectricityMapsPoint).optional(),
  forecast: z.array(ElectricityMapsPoint).optional(),
  data: z.array(ElectricityMapsPoint).optional(),
});
const WattTimeAnswer = z.object({
  meta: z.object({ region: z.string(), signal_type: z.string(), units: z.string() }),
  data: z.array(z.object({ point_time: z.string(), value: z.number() })),
});

function readJson(file: string, options: SeriesOptions): IntensitySeries {
  const text = readText(file, "a JSON answer of Electricity Maps or WattTime");
  return /"point_time"/.test(text)
    ? readWattTime(text, file, options)
    : readElectricityMapsJson(text, file, options);
}

function readElectricityMapsJson(text: string, file: string, options: SeriesOptions): IntensitySeries {
  const { value: answer } = parseConfig(text, ElectricityMapsAnswer, file);
  const key = (["history", "forecast", "data"] as const).find((name) => answer[name] !== undefined);
  if (key === undefined) {
    throw new InputError({
      place: { file },
      found: "an answer without history, forecast or data",
      expected: "carbon intensities of Electricity Maps' API",
    });
  }
  const points = answer[key]!;
  const kinds = new Set(points.map((point) => point.emissionFactorType ?? "lifecycle"));
  if (kinds.size > 1) {
    throw new InputError({
      place: { file, path: `${key}.emissionFactorType` },
      found: [...kinds].join(" and "),
      expected: "one type of emission factor in one series",
    });
  }
  const timestamps = new Timestamps(options.timeZone, { file, path: "timeZone" });
  const guessed = points.filter((point) => point.isEstimated === true).length;
  return assemble(
    file,
    answer.zone,
    points.map((point, index) => ({
      moment: timestamps.read(point.datetime, { file, path: `${key}.${index}.datetime` }),
      value: point.carbonIntensity ?? Number.NaN,
      place: { file, path: `${key}.${index}` },
    })),
    {
      signal: options.signal ?? "average",
      accounting: "location",
      boundary: kinds.has("direct") ? "direct" : "life-cycle",
    },
    timestamps,
    [
      ...(key === "forecast" ? ["these intensities are a forecast"] : []),
      ...(guessed > 0 ? [`${guessed} of ${points.length} values are marked as estimated`] : []),
    ],
    "live",
  );
}

/** WattTime: `co2_moer` is the marginal operating emissions rate, in pounds per megawatt-hour. */
function readWattTime(text: string, file: string, options: SeriesOptions): IntensitySeries {
  const { value: answer, placeOf } = parseConfig(text, WattTimeAnswer, file);
  const factor = UNITS[answer.meta.units];
  if (factor === undefined) {
    throw new InputError({
      place: placeOf(["meta", "units"]),
      found: `the unit "${answer.meta.units}"`,
      expected: "a unit of carbon intensity",
      remedy: suggest(answer.meta.units, Object.keys(UNITS)),
    });
  }
  const signals: Readonly<Record<string, SignalLabel["signal"]>> = {
    co2_moer: "marginal",
    co2_aoer: "average",
  };
  const signal = signals[answer.meta.signal_type];
  if (signal === undefined) {
    throw new InputError({
      place: placeOf(["meta", "signal_type"]),
      found: `the signal "${answer.meta.signal_type}"`,
      expected: "emissions of carbon dioxide",
      remedy: suggest(answer.meta.signal_type, Object.keys(signals)),
    });
  }
  const timestamps = new Timestamps(options.timeZone, { file, path: "timeZone" });
  return assemble(
    file,
    answer.meta.region,
    answer.data.map(({ point_time, value }, index) => ({
      moment: timestamps.read(point_time, { file, path: `data.${index}.point_time` }),
      value: value * factor,
      place: { file, path: `data.${index}` },
    })),
    { signal, accounting: "location", boundary: "direct" },
    timestamps,
    [],
    "live",
  );
}

function assemble(
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

function step(
  timestamps: Timestamps,
  file: string,
  line: number,
  timeColumn: string,
  time: string,
  valueColumn: string,
  value: string,
  factor: number,
): Step {
  const place = { file, line, path: valueColumn };
  return {
    moment: timestamps.read(time, { file, line, path: timeColumn }),
    value: value === "" ? Number.NaN : factor * numberIn(value, place),
    place,
  };
}

function theZone(zones: readonly string[], wanted: string | undefined, file: string): string {
  if (wanted === undefined) {
    if (zones.length === 1) return zones[0]!;
    throw new InputError({
      place: { file, path: "zone" },
      found: `${zones.length} zones and no choice between them`,
      expected: "the zone to read",
      remedy: `name one of: ${zones.slice(0, 12).join(", ")}${zones.length > 12 ? ", …" : ""}`,
    });
  }
  const found = zones.find((zone) => zone.toLowerCase() === wanted.toLowerCase());
  if (found !== undefined) return found;
  throw new InputError({
    place: { file, path: "zone" },
    found: `the zone "${wanted}"`,
    expected: "a zone of this file",
    remedy: suggest(wanted, zones),
  });
}

function unitFactor(unit: string | undefined, file: string, column: string): number {
  const factor = unit === undefined ? undefined : UNITS[unit];
  if (factor !== undefined) return factor;
  throw new InputError({
    place: { file, path: column },
    found: unit === undefined ? "values whose unit the file does not say" : `the unit "${unit}"`,
    expected: "a unit of carbon intensity",
    remedy: unit === undefined ? `say it: --unit gCO2e/kWh or lb/MWh` : suggest(unit, Object.keys(UNITS)),
  });
}

function numberIn(text: string, place: Place): number {
  const value = Number(text);
  if (text !== "" && Number.isFinite(value)) return value;
  throw new InputError({ place, found: `"${text}"`, expected: "a number" });
}
