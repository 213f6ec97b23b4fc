/**
 * What the tensor core computes: `rows x depth` times `depth x columns`. A convolution is the same product whose left
 * operand overlaps: a tile of it holds fewer words than rows x depth.
 */
import { InputError, type Place } from "../../core/index.ts";

export interface MatrixProduct {
  readonly rows: number;
  readonly depth: number;
  readonly columns: number;
  /**
   * Where the left operand is an image seen through a window of `window x window` over `grid x grid` places, one step
   * apart, as the original estimator takes a patch embedding. rows = grid^2, depth = channels x window^2.
   */
  readonly sliding?: { readonly grid: number; readonly window: number } | undefined;
}

/** Factors or extents along rows, depth and columns. */
export type Tile = readonly [rows: number, depth: number, columns: number];

export const ROWS = 0;
export const DEPTH = 1;
export const COLUMNS = 2;

export function requireProduct({ rows, depth, columns, sliding }: MatrixProduct, place?: Place): void {
  for (const [name, value] of Object.entries({ rows, depth, columns })) {
    if (Number.isInteger(value) && value >= 1) continue;
    throw new InputError({
      place: { ...place, path: name },
      found: String(value),
      expected: "a whole number of at least 1",
    });
  }
  if (sliding && (rows !== sliding.grid ** 2 || depth % sliding.window ** 2 !== 0)) {
    throw new InputError({
      place: { ...place, path: "sliding" },
      found: `a grid of ${sliding.grid} and a window of ${sliding.window} for ${rows} rows and depth ${depth}`,
      expected: "rows = grid^2 and depth a multiple of window^2",
    });
  }
}

/** Reads `197x768x3072`. Throws an `InputError` for anything else. */
export function parseProduct(text: string, place?: Place): MatrixProduct {
  const [, rows, depth, columns] = /^(\d+)x(\d+)x(\d+)$/.exec(text.replaceAll(/\s/g, "")) ?? [];
  if (rows === undefined) {
    throw new InputError({
      place,
      found: `"${text}"`,
      expected: "rows x depth x columns, such as 197x768x3072",
    });
  }
  const product = { rows: Number(rows), depth: Number(depth), columns: Number(columns) };
  requireProduct(product, place);
  return product;
}

/**
 * Words of the left operand under a tile. A sliding window's rows fill one image line before the next, its depth one
 * window line, then the window, then the channels.
 */
export function leftWords(product: MatrixProduct, rows: number, depth: number): number {
  if (!product.sliding) return rows * depth;
  const { grid, window } = product.sliding;
  const across = gcd(rows, grid);
  const windowAcross = gcd(depth, window);
  const windowDown = gcd(depth / windowAcross, window);
  const channels = depth / windowAcross / windowDown;
  return (across + windowAcross - 1) * (rows / across + windowDown - 1) * channels;
}

const divisorLists = new Map<number, readonly number[]>();

/** Rising. */
export function divisors(n: number): readonly number[] {
  let list = divisorLists.get(n);
  if (!list) {
    const low: number[] = [];
    const high: number[] = [];
    for (let d = 1; d * d <= n; d++) {
      if (n % d !== 0) continue;
      low.push(d);
      if (d * d !== n) high.push(n / d);
    }
    list = [...low, ...high.reverse()];
    divisorLists.set(n, list);
  }
  return list;
}

export function gcd(a: number, b: number): number {
  let [x, y] = [a, b];
  while (y !== 0) [x, y] = [y, x % y];
  return x;
}

/** Whether `inner` tiles `outer` evenly. */
export function divides(inner: Tile, outer: Tile): boolean {
  return outer[0] % inner[0] === 0 && outer[1] % inner[1] === 0 && outer[2] % inner[2] === 0;
}

/** Every tile that divides `whole`. */
export function tilesOf(whole: Tile): Tile[] {
  const all: Tile[] = [];
  for (const rows of divisors(whole[0]))
    for (const depth of divisors(whole[1]))
      for (const columns of divisors(whole[2])) all.push([rows, depth, columns]);
  return all;
}

/** Those of `tiles` that divide no other of them. */
export function maximal(tiles: readonly Tile[]): Tile[] {
  const largestFirst = [...tiles].sort((a, b) => b[0] * b[1] * b[2] - a[0] * a[1] * a[2]);
  const kept: Tile[] = [];
  for (const tile of largestFirst) if (!kept.some((other) => divides(tile, other))) kept.push(tile);
  return kept;
}

/** The largest tile that divides both. */
export function meet(a: Tile, b: Tile): Tile {
  return [gcd(a[0], b[0]), gcd(a[1], b[1]), gcd(a[2], b[2])];
}

export function over(a: Tile, b: Tile): Tile {
  return [a[0] / b[0], a[1] / b[1], a[2] / b[2]];
}

export function extent(tile: Tile): number {
  return tile[0] * tile[1] * tile[2];
}
