/** From all designs to one: the constraints, the Pareto front, the compromise on it, and the constraint that binds. */
import { type AnyEstimate, formatNumber, InputError, type Place, printedUnit } from "../core/index.ts";
import type { Objective } from "./brief.ts";
import type { Design } from "./designs.ts";

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

export interface ConstraintCheck extends Constraint {
  /** The probability that the chosen design meets it. */
  readonly probability: number;
  /** What the plan would choose without this constraint; undefined where the choice would be the same. */
  readonly withoutIt: Design | undefined;
}

export interface Chosen {
  readonly design: Design;
  /** Designs that meet every constraint and that no other such design beats on every objective. */
  readonly front: readonly Design[];
  readonly feasible: number;
  readonly constraints: readonly ConstraintCheck[];
}

/** The outcome's value at the constraint's confidence: what has to be under the limit. */
function atConfidence(estimate: AnyEstimate, { confidence, unit }: Constraint): number {
  return estimate.quantile(confidence, unit);
}

export function meets(design: Design, constraint: Constraint): boolean {
  return atConfidence(design.outcomes[constraint.objective], constraint) <= constraint.limit;
}

/**
 * The compromise among the designs that meet every constraint: on the Pareto front of the medians, the one nearest to
 * the ideal point when each objective is scaled to its range on the front (compromise programming, Euclidean). Our
 * choice; with one objective it is the best design. Throws an `InputError` where no design meets the constraints.
 */
export function choose(
  designs: readonly Design[],
  objectives: readonly Objective[],
  constraints: readonly Constraint[],
): Chosen {
  const feasible = designs.filter((design) => constraints.every((constraint) => meets(design, constraint)));
  if (feasible.length === 0) throw new InputError(noPlan(designs, constraints));
  const front = paretoFront(feasible, objectives);
  const design = compromise(front, objectives);
  return {
    design,
    front,
    feasible: feasible.length,
    constraints: constraints.map((constraint) => ({
      ...constraint,
      probability: design.outcomes[constraint.objective].probability(
        (value) => value <= constraint.limit * unitScale(design, constraint),
      ),
      withoutIt: withoutConstraint(designs, objectives, constraints, constraint, design),
    })),
  };
}

/** The best design that a filter leaves, feasible if there is one: for "what if you insisted on this option". */
export function bestOf(
  designs: readonly Design[],
  objectives: readonly Objective[],
  constraints: readonly Constraint[],
): { design: Design; feasible: boolean } {
  const feasible = designs.filter((design) => constraints.every((constraint) => meets(design, constraint)));
  const pool = feasible.length > 0 ? feasible : designs;
  return { design: compromise(paretoFront(pool, objectives), objectives), feasible: feasible.length > 0 };
}

/**
 * The designs whose medians no other design equals or betters on every objective while bettering one. Sorted by the
 * first objective, so that a design need only be compared with the front before it.
 */
export function paretoFront(designs: readonly Design[], objectives: readonly Objective[]): Design[] {
  const points = designs
    .map((design) => ({ design, values: objectives.map((objective) => design.outcomes[objective].value()) }))
    .sort((a, b) => lexicographic(a.values, b.values));
  const front: typeof points = [];
  for (const point of points) {
    const dominated = front.some(({ values }) => values.every((value, i) => value <= point.values[i]!));
    if (!dominated) front.push(point);
  }
  return front.map(({ design }) => design);
}

function lexicographic(a: readonly number[], b: readonly number[]): number {
  const i = a.findIndex((value, k) => value !== b[k]);
  return i < 0 ? 0 : a[i]! - b[i]!;
}

function compromise(front: readonly Design[], objectives: readonly Objective[]): Design {
  const values = front.map((design) => objectives.map((objective) => design.outcomes[objective].value()));
  const low = objectives.map((_, k) => Math.min(...values.map((row) => row[k]!)));
  const high = objectives.map((_, k) => Math.max(...values.map((row) => row[k]!)));
  const distance = (row: readonly number[]) =>
    Math.hypot(...row.map((value, k) => (high[k] === low[k] ? 0 : (value - low[k]!) / (high[k]! - low[k]!))));
  const distances = values.map(distance);
  return front[distances.indexOf(Math.min(...distances))]!;
}

function withoutConstraint(
  designs: readonly Design[],
  objectives: readonly Objective[],
  constraints: readonly Constraint[],
  left: Constraint,
  chosen: Design,
): Design | undefined {
  const others = constraints.filter((constraint) => constraint !== left);
  const { design } = bestOf(designs, objectives, others);
  return design === chosen ? undefined : design;
}

function unitScale(design: Design, { objective, unit }: Constraint): number {
  const estimate = design.outcomes[objective];
  return estimate.isExact && estimate.value() === 0 ? 1 : estimate.value() / estimate.value(unit);
}

/** Why there is no plan: a constraint that nothing meets, or two that nothing meets together. */
function noPlan(designs: readonly Design[], constraints: readonly Constraint[]) {
  const say = (constraint: Constraint) =>
    `${constraint.objective} under ${formatNumber(constraint.limit)} ${printedUnit(constraint.unit)}`;
  const least = (pool: readonly Design[], constraint: Constraint) =>
    Math.min(...pool.map((design) => atConfidence(design.outcomes[constraint.objective], constraint)));
  const asked = (constraint: Constraint) => `(with probability ${constraint.confidence})`;

  const unmeetable = constraints.filter((constraint) => !designs.some((design) => meets(design, constraint)));
  if (unmeetable.length > 0) {
    return unmeetable.map((constraint) => ({
      place: constraint.place,
      found: say(constraint),
      expected: `a limit that some design meets ${asked(constraint)}: the least of ${formatNumber(designs.length)} designs is ${formatNumber(least(designs, constraint))} ${printedUnit(constraint.unit)}`,
      remedy: "raise the limit, widen what the brief leaves open, or lower constraints.confidence",
    }));
  }
  for (const [i, first] of constraints.entries()) {
    for (const second of constraints.slice(i + 1)) {
      const pool = designs.filter((design) => meets(design, first));
      if (pool.some((design) => meets(design, second))) continue;
      return {
        place: second.place,
        found: `${say(second)} together with ${say(first)}`,
        expected: `constraints that one design can meet at once ${asked(second)}: with ${say(first)}, the least ${second.objective} is ${formatNumber(least(pool, second))} ${printedUnit(second.unit)}`,
        remedy: `raise one of the two, or widen what the brief leaves open`,
      };
    }
  }
  return {
    place: constraints[0]?.place,
    found: constraints.map(say).join(", "),
    expected: "constraints that one design can meet at once; any two of these can be met, but not all",
    remedy: "raise or leave out one of them",
  };
}
