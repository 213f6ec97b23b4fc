/**
 * The space's own operators: fresh samples, mutation and crossover of encoded candidates. Numeric coordinates use
 * polynomial mutation and simulated binary crossover (Deb & Agrawal 1995; Deb, "Multi-Objective Optimization using
 * Evolutionary Algorithms", 2001, section 4.3), categorical ones a uniform change and uniform inheritance.
 */
import type { RandomStream } from "../../core/index.ts";
import type { Operators } from "../operator.ts";
import { cellCentre, cellOf, type Dimension } from "./parameter.ts";
import type { Point, Space } from "./space.ts";

export interface VariationOptions {
  /** Chance that each coordinate is mutated; 1/d unless given. At least one always is. */
  readonly mutationProbability?: number | undefined;
  /** Distribution index of polynomial mutation: larger stays nearer. */
  readonly mutationIndex?: number | undefined;
  /** Distribution index of simulated binary crossover: larger stays nearer to the parents. */
  readonly crossoverIndex?: number | undefined;
}

/**
 * `draft` (a sample), `improve` (a mutation of the parent) and `crossover` (two parents, then mutated) on `space`.
 * The names are the roles that every policy asks for.
 */
export function spaceOperators(space: Space, options: VariationOptions = {}): Operators<Point> {
  return {
    draft: { apply: ({ random }) => ({ candidate: space.sample(random) }) },
    improve: {
      apply: ({ parents, random }) => ({
        candidate: mutate(space, parents[0]!.candidate!, random, options),
      }),
    },
    crossover: {
      apply: ({ parents, random }) => ({
        candidate: crossover(space, parents[0]!.candidate!, parents[1]!.candidate!, random, options),
      }),
    },
  };
}

/** A candidate near `point` that differs from it and meets the constraints (equal only where the space has no other). */
export function mutate(
  space: Space,
  point: Point,
  random: RandomStream,
  options: VariationOptions = {},
): Point {
  const movable = space.dimensions.flatMap(({ levels }, i) => (levels > 1 ? [i] : []));
  if (movable.length === 0) return point;
  const probability = options.mutationProbability ?? 1 / movable.length;
  const key = space.key(point);
  let tries = 0;
  return space.firstThatHolds(() => {
    for (;;) {
      const unit = space.encode(point, () => random.uniform());
      const certain = random.pick(movable);
      for (const i of movable) {
        if (i === certain || random.uniform() < probability)
          unit[i] = mutateCoordinate(space.dimensions[i]!, unit[i]!, random, options.mutationIndex ?? 20);
      }
      const mutated = space.decode(unit);
      // A change inside a part that does not exist changes nothing; a handful of tries leaves only tiny spaces.
      if (space.key(mutated) !== key || ++tries > 100) return mutated;
    }
  });
}

/** A child of two parents, mutated. */
export function crossover(
  space: Space,
  first: Point,
  second: Point,
  random: RandomStream,
  options: VariationOptions = {},
): Point {
  const a = space.encode(first, () => random.uniform());
  const b = space.encode(second, () => random.uniform());
  const child = space.firstThatHolds(() =>
    space.decode(
      Float64Array.from(space.dimensions, (dimension, i) => {
        if (dimension.kind === "categorical") return random.uniform() < 0.5 ? a[i]! : b[i]!;
        return binaryCrossover(a[i]!, b[i]!, random, options.crossoverIndex ?? 15);
      }),
    ),
  );
  return mutate(space, child, random, options);
}

/** All candidates that differ from `point` in one coordinate: the next level either way where ordered, each where not. */
export function neighbours(space: Space, point: Point): Point[] {
  const here = space.encode(point);
  const seen = new Set([space.key(point)]);
  const found: Point[] = [];
  space.dimensions.forEach(({ levels, kind }, i) => {
    if (!Number.isFinite(levels)) return;
    const level = cellOf(here[i]!, levels);
    const others =
      kind === "numeric"
        ? [level - 1, level + 1].filter((other) => other >= 0 && other < levels)
        : Array.from({ length: levels }, (_, other) => other).filter((other) => other !== level);
    for (const other of others) {
      const unit = here.slice();
      unit[i] = cellCentre(other, levels);
      const neighbour = space.decode(unit);
      const key = space.key(neighbour);
      if (seen.has(key) || space.violated(neighbour)) continue;
      seen.add(key);
      found.push(neighbour);
    }
  });
  return found;
}

function mutateCoordinate(dimension: Dimension, unit: number, random: RandomStream, index: number): number {
  const { kind, levels } = dimension;
  if (kind === "categorical") {
    const level = cellOf(unit, levels);
    const other = random.integer(0, levels - 2);
    return cellCentre(other < level ? other : other + 1, levels);
  }
  const moved = polynomialMutation(unit, random, index);
  if (!Number.isFinite(levels) || cellOf(moved, levels) !== cellOf(unit, levels)) return moved;
  // The draw stayed inside the level's own cell: go to the next level on a side that exists.
  const level = cellOf(unit, levels);
  const up = level === 0 || (level < levels - 1 && moved >= unit);
  return cellCentre(up ? level + 1 : level - 1, levels);
}

function polynomialMutation(unit: number, random: RandomStream, index: number): number {
  const u = random.uniform();
  const power = 1 / (index + 1);
  const shift =
    u < 0.5
      ? (2 * u + (1 - 2 * u) * (1 - unit) ** (index + 1)) ** power - 1
      : 1 - (2 * (1 - u) + (2 * u - 1) * unit ** (index + 1)) ** power;
  return Math.min(1, Math.max(0, unit + shift));
}

function binaryCrossover(a: number, b: number, random: RandomStream, index: number): number {
  if (random.uniform() < 0.5 || a === b) return random.uniform() < 0.5 ? a : b;
  const u = random.uniform();
  const power = 1 / (index + 1);
  const spread = u <= 0.5 ? (2 * u) ** power : (1 / (2 * (1 - u))) ** power;
  const side = random.uniform() < 0.5 ? 1 : -1;
  return Math.min(1, Math.max(0, 0.5 * (a + b + side * spread * Math.abs(a - b))));
}
