/** What a study seeks: objectives whose direction is fixed, and constraints on what an evaluation measures. */
import { InputError, suggest } from "../core/index.ts";
import type { Metrics } from "./events.ts";
import type { Trial, View } from "./history.ts";

export interface Objective {
  readonly metric: string;
  readonly direction: "minimise" | "maximise";
  /** The metric's value at the hypervolume's reference point; needed by what measures hypervolume, no default. */
  readonly reference?: number | undefined;
}

/** A trial is feasible when every such metric is within its bound. At least one bound is given. */
export interface OutcomeConstraint {
  readonly metric: string;
  readonly atMost?: number | undefined;
  readonly atLeast?: number | undefined;
}

export interface Goal {
  readonly objectives: readonly Objective[];
  readonly outcomeConstraints: readonly OutcomeConstraint[];
}

/** One number an objective, each to be minimised. */
export function lossesOf(goal: Goal, metrics: Metrics): number[] {
  return goal.objectives.map(({ metric, direction }) =>
    direction === "minimise" ? metrics[metric]! : -metrics[metric]!,
  );
}

/** The reference point in the terms of `lossesOf`, or undefined unless every objective has one. */
export function referenceLosses(goal: Goal): number[] | undefined {
  const losses: number[] = [];
  for (const { reference, direction } of goal.objectives) {
    if (reference === undefined) return undefined;
    losses.push(direction === "minimise" ? reference : -reference);
  }
  return losses;
}

/** For each bound, metric minus bound in the direction that breaks it: feasible where none is above 0. */
export function slacksOf(goal: Goal, metrics: Metrics): number[] {
  return goal.outcomeConstraints.flatMap(({ metric, atMost, atLeast }) => [
    ...(atMost === undefined ? [] : [metrics[metric]! - atMost]),
    ...(atLeast === undefined ? [] : [atLeast - metrics[metric]!]),
  ]);
}

export function isFeasible(goal: Goal, metrics: Metrics): boolean {
  return slacksOf(goal, metrics).every((slack) => slack <= 0);
}

/**
 * Why `metrics` cannot be taken, or undefined when they can: each metric that the goal names must be there, and every
 * metric must be a finite number (a NaN would otherwise pass every comparison, and an infinity win one).
 */
export function whyUnusable(goal: Goal, metrics: Readonly<Record<string, unknown>>): string | undefined {
  for (const { metric } of [...goal.objectives, ...goal.outcomeConstraints]) {
    if (!(metric in metrics)) {
      const names = Object.keys(metrics);
      const hint = names.length === 0 ? "it returned none" : suggest(metric, names);
      return `the evaluation returned no metric "${metric}" (${hint})`;
    }
  }
  for (const [name, value] of Object.entries(metrics)) {
    if (typeof value !== "number") return `metric "${name}" is ${JSON.stringify(value)}, not a number`;
    if (!Number.isFinite(value)) return `metric "${name}" is ${value}`;
  }
  return undefined;
}

/** The one objective of a goal. Throws an `InputError` that names the policy when there are several. */
export function onlyObjective(goal: Goal, policy: string): Objective {
  if (goal.objectives.length === 1) return goal.objectives[0]!;
  throw new InputError({
    place: { path: "policy.name" },
    found: `"${policy}" with ${goal.objectives.length} objectives`,
    expected: "one objective: this policy orders trials by one number",
    remedy: 'keep one objective (the others as outcome constraints), or use "nsga2" or "bayesian"',
  });
}

/** The sum of what bounds are overstepped by; 0 when feasible. */
export function violation(goal: Goal, metrics: Metrics): number {
  let total = 0;
  for (const slack of slacksOf(goal, metrics)) total += Math.max(0, slack);
  return total;
}

/** A complete trial of a one-objective goal, with what it is ordered by. */
export interface Placed<C = unknown> {
  readonly trial: Trial<C>;
  readonly violation: number;
  readonly loss: number;
}

export function placed<C>(goal: Goal, trial: Trial<C>): Placed<C> {
  const metrics = trial.metrics!;
  return { trial, violation: violation(goal, metrics), loss: lossesOf(goal, metrics)[0]! };
}

/**
 * Best first: feasible before infeasible, feasible ones by objective, infeasible ones by the sum of their violations
 * (Deb's rules), older before newer where equal.
 */
export function byMerit(a: Placed, b: Placed): number {
  return a.violation - b.violation || a.loss - b.loss || a.trial.id - b.trial.id;
}

/** Complete trials in order of merit. */
export class Ranking {
  #sorted: Placed[] = [];
  #fresh: Placed[] = [];

  add(entry: Placed): void {
    this.#fresh.push(entry);
  }

  /** All of them, best first. A few new ones are inserted one by one, many are merged by sorting. */
  get sorted(): readonly Placed[] {
    if (this.#fresh.length > 64) {
      this.#sorted = this.#sorted.concat(this.#fresh).sort(byMerit);
    } else {
      for (const entry of this.#fresh) {
        let low = 0;
        let high = this.#sorted.length;
        while (low < high) {
          const middle = (low + high) >> 1;
          if (byMerit(this.#sorted[middle]!, entry) < 0) low = middle + 1;
          else high = middle;
        }
        this.#sorted.splice(low, 0, entry);
      }
    }
    this.#fresh = [];
    return this.#sorted;
  }
}

export function rankingView(goal: Goal): View<Ranking> {
  return {
    create: () => new Ranking(),
    told: (ranking, trial) => {
      if (trial.state === "complete") ranking.add(placed(goal, trial));
    },
  };
}
