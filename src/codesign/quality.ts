/**
 * How good a model is, without training it: a surrogate through known points. The trend is ln of each tower's parameters
 * with coefficients of the sign that more is better, by non-negative least squares; what it leaves is kriged (a Gaussian
 * process of known mean, Matern 5/2), so that the surrogate meets every known point and a model near one shares in what
 * sets it apart. It says where it extrapolates and how far it missed points that were left out.
 *
 * It is a stand-in. A search that matters ends with training the models that it found.
 */
import { Matrix, solve } from "ml-matrix";
import { type Evidence, InputError, nnls, type Place, readCsv, source, suggest } from "../core/index.ts";

export interface KnownModel {
  readonly name: string;
  /** Sizes that a search varies, in the family's order; all above 0. */
  readonly sizes: readonly number[];
  /** Parameters of each tower. */
  readonly capacities: readonly number[];
  readonly quality: number;
}

export interface Prediction {
  readonly value: number;
  readonly nearest: string;
  /** To the nearest known model, in ranges of the known sizes. */
  readonly distance: number;
  /** Outside the range of the known sizes, or farther from all of them than they are from each other. */
  readonly extrapolates: boolean;
}

export type Direction = "maximise" | "minimise";

export interface QualitySurrogate {
  readonly direction: Direction;
  readonly known: readonly KnownModel[];
  /** Root mean square miss of each known model by a surrogate through the others; absent where nothing is interpolated. */
  readonly leaveOneOutError?: number | undefined;
  readonly evidence: Evidence;
  predict(sizes: readonly number[], capacities: readonly number[]): Prediction;
}

/** Throws an `InputError` for fewer than three models, a size that is not positive, or the same sizes twice. */
export function qualitySurrogate(
  known: readonly KnownModel[],
  direction: Direction,
  evidence: Evidence,
  place?: Place,
): QualitySurrogate {
  if (known.length < 3) {
    throw new InputError({
      place,
      found: `${known.length} models`,
      expected: "at least three models of known quality",
    });
  }
  for (const { name, sizes, quality } of known) {
    if (sizes.every((size) => size > 0 && Number.isFinite(size)) && Number.isFinite(quality)) continue;
    throw new InputError({
      place: { ...place, path: name },
      found: `sizes ${sizes.join(", ")}, quality ${quality}`,
      expected: "sizes above 0 and a finite quality",
    });
  }
  const keys = known.map(({ sizes }) => sizes.join());
  const repeated = keys.findIndex((key, i) => keys.indexOf(key) !== i);
  if (repeated >= 0) {
    throw new InputError({
      place: { ...place, path: known[repeated]!.name },
      found: `the sizes of ${known[keys.indexOf(keys[repeated]!)]!.name} again`,
      expected: "one quality for each model",
      remedy: "keep one of the two, or their mean",
    });
  }
  const predict = surface(known, direction);
  const misses = known.map((model, i) => {
    const others = known.filter((_, j) => j !== i);
    return surface(others, direction)(model.sizes, model.capacities).value - model.quality;
  });
  const leaveOneOutError = Math.sqrt(misses.reduce((sum, miss) => sum + miss ** 2, 0) / misses.length);
  return { direction, known, leaveOneOutError, evidence, predict };
}

function surface(known: readonly KnownModel[], direction: Direction): QualitySurrogate["predict"] {
  const sign = direction === "maximise" ? 1 : -1;
  const first = known[0]!;
  const logarithms = first.sizes.map((_, k) => known.map(({ sizes }) => Math.log(sizes[k]!)));
  const low = logarithms.map((column) => Math.min(...column));
  const ranges = logarithms.map((column, k) => Math.max(...column) - low[k]!);
  // A size that all known models share has no range to measure by: a doubling counts as one.
  const scale = ranges.map((range) => (range > 0 ? range : Math.LN2));
  const placed = (sizes: readonly number[]) => sizes.map((size, k) => (Math.log(size) - low[k]!) / scale[k]!);
  const places = known.map(({ sizes }) => placed(sizes));

  // The offset is free: it is written as the difference of two non-negative coefficients.
  const terms = (capacities: readonly number[]) => [1, -1, ...capacities.map((c) => sign * Math.log(c))];
  const coefficients = nnls(
    known.map(({ capacities }) => terms(capacities)),
    known.map(({ quality }) => quality),
  );
  const trend = (capacities: readonly number[]) =>
    terms(capacities).reduce((sum, term, k) => sum + coefficients[k]! * term, 0);
  const residuals = known.map(({ capacities, quality }) => quality - trend(capacities));
  // How far known models stand from each other is how far what is known of one says anything of another.
  const apart = Math.max(
    ...places.map((a, i) => Math.min(...places.flatMap((b, j) => (i === j ? [] : [distance(a, b)])))),
  );
  const covariance = places.map((a) => places.map((b) => matern52(distance(a, b) / apart)));
  const weights = solve(new Matrix(covariance), Matrix.columnVector(residuals)).to1DArray();

  return (sizes, capacities) => {
    const at = placed(sizes);
    const distances = places.map((other) => distance(at, other));
    const least = Math.min(...distances);
    const residual = distances.reduce((sum, d, i) => sum + weights[i]! * matern52(d / apart), 0);
    const outside = at.some((x, k) => x < -1e-9 || x > ranges[k]! / scale[k]! + 1e-9);
    return {
      value: trend(capacities) + residual,
      nearest: known[distances.indexOf(least)]!.name,
      distance: least,
      extrapolates: outside || least > apart,
    };
  };
}

function matern52(distance: number): number {
  const r = Math.sqrt(5) * distance;
  return (1 + r + r ** 2 / 3) * Math.exp(-r);
}

function distance(a: readonly number[], b: readonly number[]): number {
  return Math.sqrt(a.reduce((sum, x, k) => sum + (x - b[k]!) ** 2, 0));
}

/**
 * Reads a table of own measurements: a column for each of `columns`, one for the quality, and a name if there is one.
 * Throws an `InputError` that names the line.
 */
export function readQualityTable(
  file: string,
  columns: readonly string[],
  quality: string,
): { name: string; sizes: number[]; quality: number }[] {
  return readCsv(file).map(({ line, row }) => {
    const number = (column: string): number => {
      const place = { file, line, path: column };
      const text = row[column];
      if (text === undefined) {
        throw new InputError({
          place,
          found: `no column "${column}"`,
          expected: `columns ${[...columns, quality].join(", ")}`,
          remedy: suggest(column, Object.keys(row)),
        });
      }
      const value = Number(text);
      if (text !== "" && Number.isFinite(value)) return value;
      throw new InputError({ place, found: `"${text}"`, expected: "a number" });
    };
    return { name: row.name ?? `line ${line}`, sizes: columns.map(number), quality: number(quality) };
  });
}

/** Evidence of a person's own table. */
export function measuredIn(file: string): Evidence {
  return { basis: "measured", sources: [{ id: file, title: `measurements in ${file}`, where: file }] };
}

/** Evidence of the published points, where the surrogate stands between them. */
export function publishedPoints(): Evidence {
  return { basis: "published", sources: [source("catransformers", "Tables 3 and 9")] };
}
