/** Which factors of a product may be unrolled over a grid of processing elements or cores. */
import { divisors, extent, over, type Tile, tilesOf } from "./product.ts";

/**
 * The mappings among which the best is sought.
 *
 * `whole`: all. Any set of divisors that the grid holds may be unrolled.
 *
 * `sunstone`: what Sunstone's rules leave, by which published designs were judged; they miss good mappings where an
 * extent is prime. Each axis of the grid is to be filled exactly by divisors of two of the three dimensions; where that
 * cannot be done for the second axis, it takes what fills it most, first of the same two dimensions. The registers are
 * then filled before the levels above are looked at.
 */
export type MappingSpace = "whole" | "sunstone";

type Grid = readonly [columns: number, rows: number];

export function unrollings(whole: Tile, grid: Grid, space: MappingSpace): Tile[] {
  return space === "whole" ? anyUnrollings(whole, grid) : fullAxes(whole, grid);
}

/** A set of divisors fits a grid when its product is a x b with a at most the columns and b at most the rows. */
function anyUnrollings(whole: Tile, [columns, rows]: Grid): Tile[] {
  const known = new Map<number, boolean>();
  const fits = (lanes: number): boolean => {
    for (let across = Math.min(columns, lanes); across * rows >= lanes; across--) {
      if (lanes % across === 0) return true;
    }
    return false;
  };
  return tilesOf(whole).filter((tile) => {
    const lanes = extent(tile);
    if (lanes > columns * rows) return false;
    const found = known.get(lanes) ?? fits(lanes);
    known.set(lanes, found);
    return found;
  });
}

/** The dimensions that leave two of the operands alone: depth and columns, rows and columns, rows and depth. */
const PAIRS = [
  [1, 2],
  [0, 2],
  [0, 1],
] as const;
type Pair = (typeof PAIRS)[number];

function fullAxes(whole: Tile, [columns, rows]: Grid): Tile[] {
  const found = new Map<string, Tile>();
  const unroll = (pair: Pair, across: readonly Tile[]): void => {
    for (const x of across) {
      const rest = over(whole, x);
      const exact = filling(rest, pair, rows);
      for (const y of exact.length > 0 ? exact : nearlyFilling(rest, pair, rows)) {
        const tile: Tile = [x[0] * y[0], x[1] * y[1], x[2] * y[2]];
        found.set(tile.join(), tile);
      }
    }
  };
  for (const pair of PAIRS) unroll(pair, filling(whole, pair, columns));
  if (found.size === 0) for (const pair of PAIRS) unroll(pair, nearlyFilling(whole, pair, columns));
  return [...found.values()];
}

/** Tiles of the two dimensions whose product is the axis. */
function filling(whole: Tile, pair: readonly number[], axis: number): Tile[] {
  return tilesOf(keeping(whole, pair)).filter((tile) => extent(tile) === axis);
}

function nearlyFilling(whole: Tile, pair: Pair, axis: number): Tile[] {
  const most = largestWithin(keeping(whole, pair), axis);
  const exact = tilesOf(whole).filter((tile) => {
    if (extent(tile) !== axis) return false;
    const ofPair = tile[pair[0]] * tile[pair[1]];
    const used = pair.every((dimension) => tile[dimension] === whole[dimension]);
    return used || ofPair >= axis / ofPair;
  });
  if (exact.length > 0) return [...most, ...exact];
  const least = Math.min(...most.map(extent));
  return [...most, ...largestWithin(whole, axis).filter((tile) => extent(tile) > least)];
}

/** Tiles within the axis of which no dimension can take its next larger divisor. */
function largestWithin(whole: Tile, axis: number): Tile[] {
  return tilesOf(whole).filter((tile) => {
    const lanes = extent(tile);
    return (
      lanes <= axis &&
      tile.every((factor, dimension) => {
        const next = divisors(whole[dimension]!).find((divisor) => divisor > factor);
        return next === undefined || (lanes / factor) * next > axis;
      })
    );
  });
}

function keeping(whole: Tile, dimensions: readonly number[]): Tile {
  const kept = whole.map((value, dimension) => (dimensions.includes(dimension) ? value : 1));
  return [kept[0]!, kept[1]!, kept[2]!];
}
