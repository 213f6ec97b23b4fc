/**
 * Published figures, kept in `data/*.csv` with one row a figure: subject, figure, value, low, high, unit, basis,
 * source, where, year, note. `low` and `high` bound the central 90 %; a row without them is taken as exact. `source`
 * is a key of `data/sources.csv`. Everything that this project knows without measuring it stands in these files.
 */
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { parse } from "csv-parse/sync";
import { InputError, suggest } from "./errors.ts";
import { BASES, type Basis, Estimate, type Evidence, type Source } from "./estimate.ts";
import type { Sampler } from "./sampler.ts";
import { intervalQuantile } from "./statistics.ts";
import { type DimensionOf, parseUnit, sameDimension, type Unit, unit } from "./units.ts";

export interface Figure {
  readonly subject: string;
  readonly figure: string;
  readonly value: number;
  readonly low?: number | undefined;
  readonly high?: number | undefined;
  readonly unit: Unit;
  readonly evidence: Evidence;
  readonly note: string;
}

/** The folder of data tables, beside `src/` and `dist/` alike. */
export function dataFile(name: string): string {
  return fileURLToPath(new URL(`../../data/${name}`, import.meta.url));
}

/** The rows of a CSV file with a header, each with its line. Throws an `InputError` that names the line. */
export function readCsv(file: string): { line: number; row: Readonly<Record<string, string>> }[] {
  try {
    const records: { info: { lines: number }; record: Record<string, string> }[] = parse(readFileSync(file), {
      columns: true,
      info: true,
      comment: "#",
      comment_no_infix: true,
      skip_empty_lines: true,
      trim: true,
      bom: true,
    });
    return records.map(({ info, record }) => ({ line: info.lines, row: record }));
  } catch (error) {
    throw new InputError({
      place: { file, line: (error as { lines?: number }).lines },
      found: (error as Error).message,
      expected: "a CSV file with a header line and the same number of fields on every line",
    });
  }
}

let sources: ReadonlyMap<string, Source> | undefined;

/** The source called `id` in `data/sources.csv`. Throws where there is none: a figure without a source is our bug. */
export function source(id: string, where?: string): Source {
  sources ??= new Map(
    readCsv(dataFile("sources.csv")).map(({ row }) => [
      row.id!,
      { id: row.id!, title: row.title!, where: row.url!, year: Number(row.year) || undefined },
    ]),
  );
  const known = sources.get(id);
  if (!known) throw new Error(`data/sources.csv has no source "${id}"`);
  return where ? { ...known, where } : known;
}

export class FigureTable {
  readonly name: string;
  readonly #rows = new Map<string, Map<string, Figure>>();

  /** Reads `data/<name>.csv`. */
  constructor(name: string) {
    this.name = name;
    const file = dataFile(`${name}.csv`);
    for (const { line, row } of readCsv(file)) {
      const figure = parseFigure(row, file, line);
      const figures = this.#rows.get(figure.subject) ?? new Map<string, Figure>();
      this.#rows.set(figure.subject, figures);
      if (figures.has(figure.figure)) {
        throw new InputError({
          place: { file, line },
          found: `a second row for "${figure.figure}" of "${figure.subject}"`,
          expected: "one row a figure",
        });
      }
      figures.set(figure.figure, figure);
    }
  }

  get subjects(): string[] {
    return [...this.#rows.keys()];
  }

  /** The figure, or undefined where the table has no such row. */
  find(subject: string, figure: string): Figure | undefined {
    return this.#rows.get(subject)?.get(figure);
  }

  /** All figures of one subject. */
  of(subject: string): Figure[] {
    return [...(this.#rows.get(subject)?.values() ?? [])];
  }

  /** The figure; throws an error that lists what there is, which a caller turns into an `InputError` with a place. */
  get(subject: string, figure: string): Figure {
    const found = this.find(subject, figure);
    if (found) return found;
    const figures = this.#rows.get(subject);
    throw new InputError({
      found: figures ? `no "${figure}" for "${subject}"` : `"${subject}"`,
      expected: `${figures ? "a figure" : "a subject"} of data/${this.name}.csv`,
      remedy: figures ? suggest(figure, [...figures.keys()]) : suggest(subject, this.subjects),
    });
  }

  /** The figure as an estimate of `symbol`'s dimension, drawn under the name `<table>/<subject>/<figure>`. */
  estimate<S extends string>(
    sampler: Sampler,
    subject: string,
    figure: string,
    symbol: S,
  ): Estimate<DimensionOf<S>> {
    return drawFigure(sampler, `${this.name}/${subject}/${figure}`, this.get(subject, figure), symbol);
  }
}

/** Draws a figure: exact where it has no interval, else by the distribution that its median and 90 % range fix. */
export function drawFigure<S extends string>(
  sampler: Sampler,
  name: string,
  figure: Figure,
  symbol: S,
): Estimate<DimensionOf<S>> {
  const wanted = unit(symbol);
  if (!sameDimension(wanted.dimension, figure.unit.dimension)) {
    throw new TypeError(`${name} is in ${figure.unit.symbol}, which cannot be read in ${symbol}`);
  }
  const factor = figure.unit.scale / wanted.scale;
  if (figure.low === undefined || figure.high === undefined) {
    return Estimate.exact(figure.value * factor, symbol, figure.evidence);
  }
  const quantile = intervalQuantile(figure.low, figure.value, figure.high);
  return sampler.draw(name, (p) => quantile(p) * factor, symbol, figure.evidence);
}

function parseFigure(row: Readonly<Record<string, string>>, file: string, line: number): Figure {
  const number = (column: "value" | "low" | "high"): number | undefined => {
    const text = row[column] ?? "";
    if (text === "") return undefined;
    const value = Number(text);
    if (Number.isFinite(value)) return value;
    throw new InputError({ place: { file, line, path: column }, found: `"${text}"`, expected: "a number" });
  };
  const value = number("value");
  const basis = (row.basis || "published") as Basis;
  if (value === undefined || !row.subject || !row.figure || !BASES.includes(basis)) {
    throw new InputError({
      place: { file, line },
      found: JSON.stringify(row),
      expected: `subject, figure and value, and a basis among ${BASES.join(", ")}`,
    });
  }
  const [low, high] = [number("low"), number("high")];
  if (
    (low === undefined) !== (high === undefined) ||
    (low !== undefined && !(low <= value && value <= high!))
  ) {
    throw new InputError({
      place: { file, line },
      found: `low ${low}, value ${value}, high ${high}`,
      expected: "both bounds or neither, with low <= value <= high",
    });
  }
  const origin = source(row.source!, row.where);
  const year = Number(row.year) || origin.year;
  return {
    subject: row.subject,
    figure: row.figure,
    value,
    low,
    high,
    unit: parseUnit(row.unit || "1", { file, line, path: "unit" }),
    evidence: { basis, sources: [{ ...origin, year }] },
    note: row.note ?? "",
  };
}
