/**
 * Files of carbon intensity over time: Electricity Maps (portal CSV and API JSON), WattTime (API JSON), and CSV tables with
 * a time column and one column a zone. Every reader fixes the signal, the unit and the zone, and refuses to guess them.
 */
import { InputError, type Place, readCsv, suggest } from "../core/index.ts";
import type { SignalLabel } from "./grids.ts";
import type { IntensitySeries } from "./series.ts";
import { assemble, type SeriesOptions, type Step, UNITS } from "./series-assembly.ts";
import { readJson } from "./series-json.ts";
import { Timestamps } from "./timestamps.ts";

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
  const timestamps = new Timestamps(/utc/i.test(time) ? "UTC" : options.timeZone, {
    file,
    path: "time-zone",
  });
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
  const timestamps = new Timestamps(options.timeZone, { file, path: "time-zone" });
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
