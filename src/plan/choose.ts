/** From all designs to one: the constraints, the Pareto front, the compromise on it, and the constraint that binds. */
import {
  formatNumber,
  InputError,
  type Problem as Mistake,
  type Place,
  printedUnit,
  unit,
} from "../core/index.ts";
import { paretoFront } from "../search/index.ts";
import type { Objective } from "./brief.ts";
import type { Design, Sketch } from "./designs.ts";

/** An upper limit on one outcome, to be met with a stated probability. */
export interface Constraint {
  readonly objective: Objective;
  /** In `unit`. */
  readonly limit: number;
  readonly unit: string;
  readonly confidence: number;
  /** Where the brief says so. */
  readonly place: Place;
}

/** Weighs a sketch with all draws; remembers what it has weighed. */
export type Weigh = (sketch: Sketch) => Design;

export interface Chosen {
  readonly sketch: Sketch;
  /** Sketches that meet every constraint and that no other such sketch betters on every objective. */
  readonly front: readonly Sketch[];
}

const limitInBaseUnits = (constraint: Constraint) => constraint.limit * unit(constraint.unit).scale;

/** Whether the outcome lies under the limit with the probability that was asked for. */
export function meets(design: Design, constraint: Constraint): boolean {
  return (
    design.outcomes[constraint.objective].quantile(constraint.confidence) <= limitInBaseUnits(constraint)
  );
}

/**
 * The compromise among the designs that meet every constraint: on their Pareto front, the one nearest to the ideal point
 * when each objective is scaled to its range on the front (compromise programming, Euclidean). Our choice; with one
 * objective it is the best design. Undefined where no design meets the constraints.
 *
 * Objectives are compared at the medians of all inputs; constraints hold for the draws, and only designs that reach the
 * front are weighed for them.
 */
export function choose(
  sketches: readonly Sketch[],
  objectives: readonly Objective[],
  constraints: readonly Constraint[],
  weigh: Weigh,
): Chosen | undefined {
  // A design that breaks a limit at the medians breaks it with a probability of about one half.
  let pool = sketches.filter((sketch) =>
    constraints.every(
      (constraint) =>
        constraint.confidence < 0.5 || sketch.values[constraint.objective] <= limitInBaseUnits(constraint),
    ),
  );
  while (pool.length > 0) {
    const front = frontOf(pool, objectives);
    const broken = new Set(
      front.filter((sketch) => constraints.some((constraint) => !meets(weigh(sketch), constraint))),
    );
    if (broken.size === 0) return { sketch: compromise(front, objectives), front };
    pool = pool.filter((sketch) => !broken.has(sketch));
  }
  return undefined;
}

/**
 * The compromise where only it is wanted and not the front: the constraints are checked for it alone, and the next one is
 * taken where it breaks them. For alternatives, of which there are many.
 */
export function chooseOne(
  sketches: readonly Sketch[],
  objectives: readonly Objective[],
  constraints: readonly Constraint[],
  weigh: Weigh,
): Sketch | undefined {
  let pool = withinLimitsAtMedians(sketches, constraints);
  while (pool.length > 0) {
    const sketch = chooseFreely(pool, objectives);
    if (constraints.every((constraint) => meets(weigh(sketch), constraint))) return sketch;
    pool = pool.filter((other) => other !== sketch);
  }
  return undefined;
}

/** A design that breaks a limit at the medians breaks it with a probability of about one half. */
function withinLimitsAtMedians(
  sketches: readonly Sketch[],
  constraints: readonly Constraint[],
): readonly Sketch[] {
  const limits = constraints.filter(({ confidence }) => confidence >= 0.5);
  const within = ({ values }: Sketch) =>
    limits.every((constraint) => values[constraint.objective] <= limitInBaseUnits(constraint));
  // The same list where nothing is left out, so that its front is known.
  return sketches.every(within) ? sketches : sketches.filter(within);
}

/** The compromise as if there were no constraints. */
export function chooseFreely(sketches: readonly Sketch[], objectives: readonly Objective[]): Sketch {
  return compromise(frontOf(sketches, objectives), objectives);
}

// A limit that leaves nothing out is weighed with and without it: the front of the same list is the same.
const fronts = new WeakMap<readonly Sketch[], Map<string, Sketch[]>>();

/** The sketches that no other equals or betters on every objective while bettering one; of equals the first. */
export function frontOf(sketches: readonly Sketch[], objectives: readonly Objective[]): Sketch[] {
  const known = fronts.get(sketches) ?? new Map<string, Sketch[]>();
  fronts.set(sketches, known);
  const key = objectives.join();
  let front = known.get(key);
  if (!front) {
    const points = sketches.map(({ values }) => objectives.map((objective) => values[objective]));
    front = paretoFront(points).map((i) => sketches[i]!);
    known.set(key, front);
  }
  return front;
}

function compromise(front: readonly Sketch[], objectives: readonly Objective[]): Sketch {
  const scaled = objectives.map((objective) => {
    const values = front.map((sketch) => sketch.values[objective]);
    const [low, high] = [Math.min(...values), Math.max(...values)];
    return values.map((value) => (high === low ? 0 : (value - low) / (high - low)));
  });
  const distances = front.map((_, i) => Math.hypot(...scaled.map((column) => column[i]!)));
  return front[distances.indexOf(Math.min(...distances))]!;
}

/** What would be chosen without `left`, where that breaks it: then the constraint binds. */
export function withoutConstraint(
  left: Constraint,
  sketches: readonly Sketch[],
  objectives: readonly Objective[],
  constraints: readonly Constraint[],
  weigh: Weigh,
): Design | undefined {
  const others = constraints.filter((constraint) => constraint !== left);
  // By `choose`, as the plan is: `chooseOne` may settle on another compromise, and the two would not compare.
  const chosen = choose(sketches, objectives, others, weigh);
  const design = chosen && weigh(chosen.sketch);
  return design && !meets(design, left) ? design : undefined;
}

/** Why there is no plan: a constraint that nothing meets, or two that nothing meets together. */
export function noPlan(
  sketches: readonly Sketch[],
  constraints: readonly Constraint[],
  weigh: Weigh,
): InputError {
  const say = ({ objective, limit, unit: symbol }: Constraint) =>
    `${objective} under ${formatNumber(limit)} ${printedUnit(symbol)}`;
  const meetable = (...together: readonly Constraint[]) =>
    chooseOne(sketches, [together[0]!.objective], together, weigh) !== undefined;
  /** What the outcome can be kept under, with its probability, by the design with the least of it that meets `others`. */
  const least = (constraint: Constraint, ...others: readonly Constraint[]) => {
    const sketch = chooseOne(sketches, [constraint.objective], others, weigh)!;
    const { objective, confidence, unit: symbol } = constraint;
    return `${formatNumber(weigh(sketch).outcomes[objective].quantile(confidence, symbol))} ${printedUnit(symbol)}`;
  };
  const remedy = "raise the limit, widen what the brief leaves open, or lower constraints.confidence";

  const unmeetable = constraints.filter((constraint) => !meetable(constraint));
  if (unmeetable.length > 0) {
    return new InputError(
      unmeetable.map(
        (constraint): Mistake => ({
          place: constraint.place,
          found: say(constraint),
          expected: `a limit that one of ${sketches.length} designs meets with probability ${constraint.confidence}: the one with the least ${constraint.objective} stays under ${least(constraint)}`,
          remedy,
        }),
      ),
    );
  }
  for (const [i, first] of constraints.entries()) {
    for (const second of constraints.slice(i + 1)) {
      if (meetable(first, second)) continue;
      return new InputError({
        place: second.place,
        found: `${say(second)} together with ${say(first)}`,
        expected: `limits that one design meets at once, each with probability ${second.confidence}: with ${say(first)}, the design with the least ${second.objective} stays under ${least(second, first)}`,
        remedy: `raise one of the two (${say(first)} is ${whereIs(first, second)}), or widen what the brief leaves open`,
      });
    }
  }
  return new InputError({
    place: constraints[0]?.place,
    found: constraints.map(say).join(", "),
    expected: "limits that one design meets at once; any two of these can be met, but not all",
    remedy: "raise or leave out one of them",
  });
}

/** Where `one` stands, for a message that is placed at `other`. */
function whereIs({ place: one }: Constraint, { place: other }: Constraint): string {
  return one.line === undefined || one.line === other.line ? `${one.path}` : `${one.path}, line ${one.line}`;
}
