/**
 * Where an acquisition function is largest over a space: every candidate of a small space, else the best of many
 * quasi-random and nearby points, each improved by moves along single coordinates (one level for ordered parts, any
 * other level for unordered ones, steps that shrink for reals).
 */
import type { RandomStream } from "../../core/index.ts";
import { SobolSequence, sobolDimensions } from "../quasirandom.ts";
import { cellCentre, cellOf } from "../space/parameter.ts";
import type { Point, Space } from "../space/space.ts";
import { mutate } from "../space/variation.ts";

/** Spaces up to this size are searched whole. */
const SMALL_SPACE = 4096;
const SMALLEST_STEP = 1e-3;
/** On an even slope, one point in 2^8 has so many neighbours that are all worse. */
const NEIGHBOURS = 8;

export interface Scored {
  readonly candidate: Point;
  readonly score: number;
}

export interface MaximiseOptions {
  /** Quasi-random points scored. */
  readonly scattered: number;
  /** The best of them that are improved. */
  readonly climbs: number;
  /** Good candidates known already; their mutants are scored too. */
  readonly near: readonly Point[];
  /** Candidates that must not be returned, by `space.key`. */
  readonly taken: (key: string) => boolean;
}

/** The candidate with the largest `score` of its encoding, or undefined when every candidate is taken. */
export function maximise(
  space: Space,
  score: (unit: Float64Array) => number,
  random: RandomStream,
  { scattered, climbs, near, taken }: MaximiseOptions,
): Scored | undefined {
  const seen = new Set<string>();
  const tried: Scored[] = [];
  const consider = (candidate: Point): Scored | undefined => {
    const key = space.key(candidate);
    if (seen.has(key)) return undefined;
    seen.add(key);
    if (taken(key) || space.violated(candidate)) return undefined;
    const scored = { candidate, score: score(space.encode(candidate)) };
    tried.push(scored);
    return scored;
  };

  if (space.gridSize <= SMALL_SPACE) {
    for (let index = 0; index < space.gridSize; index++) consider(space.decode(space.gridPoint(index)));
    return best(tried);
  }
  const d = space.dimensions.length;
  const sequence = d <= sobolDimensions() ? new SobolSequence(d, random) : undefined;
  for (let i = 0; i < scattered; i++)
    consider(space.decode(sequence?.point(i) ?? Float64Array.from({ length: d }, () => random.uniform())));
  for (const point of near) for (let i = 0; i < 8; i++) consider(mutate(space, point, random));
  for (const start of hilltops(space, tried, climbs)) climb(space, start, consider);
  // All points so far may be taken on a nearly used-up space: then any other will do.
  for (let i = 0; tried.length === 0 && i < 10 * SMALL_SPACE; i++) consider(space.sample(random));
  return best(tried);
}

/**
 * The best `count` points that have 8 others nearer to them than any better one. The best points alone often lie on
 * one hill, and the separate regions that constraints leave would never be climbed.
 */
function hilltops(space: Space, tried: readonly Scored[], count: number): Scored[] {
  const sorted = [...tried].sort((a, b) => b.score - a.score);
  const units = sorted.map(({ candidate }) => space.encode(candidate));
  const fewest = Math.min(NEIGHBOURS, sorted.length - 1);
  const tops: Scored[] = [];
  for (let i = 0; i < sorted.length && tops.length < count; i++) {
    const distances = units.map((unit) => distance(space, units[i]!, unit));
    let nearestBetter = Infinity;
    for (let j = 0; j < i; j++) nearestBetter = Math.min(nearestBetter, distances[j]!);
    let nearer = -1; // not itself
    for (const each of distances) if (each < nearestBetter) nearer++;
    if (nearer >= fewest) tops.push(sorted[i]!);
  }
  return tops;
}

/** Squared, with 1 for each unordered part that differs. */
function distance(space: Space, a: Float64Array, b: Float64Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) {
    const difference = a[i]! - b[i]!;
    if (difference !== 0) sum += space.dimensions[i]!.kind === "categorical" ? 1 : difference * difference;
  }
  return sum;
}

function climb(space: Space, start: Scored, consider: (candidate: Point) => Scored | undefined): void {
  let here = start;
  for (let step = 0.1; step >= SMALLEST_STEP; ) {
    let moved = false;
    for (let i = 0; i < space.dimensions.length; i++) {
      const unit = space.encode(here.candidate);
      for (const value of moves(space, i, unit[i]!, step)) {
        const next = unit.slice();
        next[i] = value;
        const scored = consider(space.decode(next));
        if (scored && scored.score > here.score) {
          here = scored;
          moved = true;
          break;
        }
      }
    }
    if (!moved) step /= 2;
    if (!moved && space.dimensions.every(({ levels }) => Number.isFinite(levels))) return;
  }
}

function moves(space: Space, i: number, value: number, step: number): number[] {
  const { kind, levels } = space.dimensions[i]!;
  if (!Number.isFinite(levels))
    return [value + step, value - step].map((moved) => Math.min(1, Math.max(0, moved)));
  const level = cellOf(value, levels);
  const others =
    kind === "numeric"
      ? [level + 1, level - 1].filter((other) => other >= 0 && other < levels)
      : Array.from({ length: levels - 1 }, (_, k) => (k < level ? k : k + 1));
  return others.map((other) => cellCentre(other, levels));
}

function best(tried: readonly Scored[]): Scored | undefined {
  let top: Scored | undefined;
  for (const scored of tried) if (!top || scored.score > top.score) top = scored;
  return top;
}
