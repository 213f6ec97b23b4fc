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

/**
 * Orders complete trials of a one-objective goal, best first: feasible before infeasible, feasible ones by objective,
 * infeasible ones by the sum of their violations (Deb's rules), older before newer where equal.
 */
export function comparator(goal: Goal): (a: Trial, b: Trial) => number {
  return (a, b) => {
    const excess = violation(goal, a.metrics!) - violation(goal, b.metrics!);
    if (excess !== 0) return excess;
    const loss = lossesOf(goal, a.metrics!)[0]! - lossesOf(goal, b.metrics!)[0]!;
    return loss !== 0 ? loss : a.id - b.id;
  };
}

/** The sum of what bounds are overstepped by; 0 when feasible. */
export function violation(goal: Goal, metrics: Metrics): number {
  let total = 0;
  for (const slack of slacksOf(goal, metrics)) total += Math.max(0, slack);
  return total;
}

interface Ranked {
  sorted: Trial[];
  fresh: Trial[];
}

/** All complete trials, best first by `comparator`, kept sorted as they arrive. Read it through `ranking`. */
export function rankingView(): View<Ranked> {
  return {
    create: () => ({ sorted: [], fresh: [] }),
    told: (ranked, trial) => {
      if (trial.state === "complete") ranked.fresh.push(trial);
    },
  };
}

/** The sorted list behind a `rankingView`. A few new trials are inserted one by one, many are merged by sorting. */
export function ranking(ranked: Ranked, order: (a: Trial, b: Trial) => number): readonly Trial[] {
  if (ranked.fresh.length > 64) {
    for (const trial of ranked.fresh) ranked.sorted.push(trial);
    ranked.sorted.sort(order);
  } else {
    for (const trial of ranked.fresh) {
      let low = 0;
      let high = ranked.sorted.length;
      while (low < high) {
        const middle = (low + high) >> 1;
        if (order(ranked.sorted[middle]!, trial) < 0) low = middle + 1;
        else high = middle;
      }
      ranked.sorted.splice(low, 0, trial);
    }
  }
  ranked.fresh = [];
  return ranked.sorted;
}
