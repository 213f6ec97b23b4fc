/** What a person asks of a study: how far it is, what it used, and the best that it found. */
import type { Metrics, Spending } from "../events.ts";
import type { History, Trial, TrialState } from "../history.ts";
import { comparator, type Goal, isFeasible, lossesOf, referenceLosses } from "../objectives.ts";
import { paretoFront } from "../pareto/front.ts";
import { hypervolume } from "../pareto/hypervolume.ts";
import type { Budget, StudySpec } from "../spec.ts";

export interface Status {
  readonly domain: string;
  readonly policy: string;
  readonly trials: Readonly<Record<TrialState, number>>;
  /** Complete trials that break an outcome constraint. */
  readonly infeasible: number;
  readonly elapsedSeconds: number;
  readonly spent: Spending;
  readonly budget: Budget;
  /** One objective: the best feasible trial, or nothing yet. Several: the feasible Pareto front, in order of trials. */
  readonly best: readonly BestTrial[];
  /** Of the front, where every objective has a reference value and there are several. */
  readonly hypervolume?: number | undefined;
  /** Reasons of failed trials with their counts, commonest first. */
  readonly failures: readonly { readonly reason: string; readonly count: number }[];
}

export interface BestTrial {
  readonly trial: number;
  readonly candidate: unknown;
  readonly metrics: Metrics;
}

export function status({ spec, history }: { spec: StudySpec; history: History }): Status {
  const trials: Record<TrialState, number> = { asked: 0, made: 0, running: 0, complete: 0, failed: 0 };
  const reasons = new Map<string, number>();
  const feasible: Trial[] = [];
  for (const trial of history.trials) {
    trials[trial.state]++;
    if (trial.failure !== undefined) reasons.set(trial.failure, (reasons.get(trial.failure) ?? 0) + 1);
    if (trial.metrics && isFeasible(spec, trial.metrics)) feasible.push(trial);
  }
  const reference = spec.objectives.length > 1 ? referenceLosses(spec) : undefined;
  return {
    domain: spec.domain,
    policy: spec.policy.name,
    trials,
    infeasible: trials.complete - feasible.length,
    elapsedSeconds: history.at,
    spent: history.spent,
    budget: spec.budget,
    best: bestOf(spec, feasible).map(({ id, candidate, metrics }) => ({
      trial: id,
      candidate,
      metrics: metrics!,
    })),
    ...(reference
      ? {
          hypervolume: hypervolume(
            feasible.map(({ metrics }) => lossesOf(spec, metrics!)),
            reference,
          ),
        }
      : {}),
    failures: [...reasons]
      .map(([reason, count]) => ({ reason, count }))
      .sort((a, b) => b.count - a.count || (a.reason < b.reason ? -1 : 1)),
  };
}

/** The best of feasible complete trials: one, or the front where there are several objectives. */
export function bestOf<C>(goal: Goal, feasible: readonly Trial<C>[]): Trial<C>[] {
  if (goal.objectives.length > 1)
    return paretoFront(feasible.map(({ metrics }) => lossesOf(goal, metrics!))).map((i) => feasible[i]!);
  const order = comparator(goal);
  const best = feasible.reduce<Trial<C> | undefined>(
    (top, trial) => (!top || order(trial, top) < 0 ? trial : top),
    undefined,
  );
  return best ? [best] : [];
}

/**
 * After each trial: the best objective value so far, or with several objectives the hypervolume so far. NaN before the
 * first feasible trial of a one-objective study; undefined where several objectives lack reference values.
 */
export function bestSoFar({ spec, history }: { spec: StudySpec; history: History }): number[] | undefined {
  const several = spec.objectives.length > 1;
  const reference = several ? referenceLosses(spec) : undefined;
  if (several && !reference) return undefined;
  let front: number[][] = [];
  let now = several ? 0 : Number.NaN;
  return history.trials.map(({ metrics }) => {
    if (!metrics || !isFeasible(spec, metrics)) return now;
    const losses = lossesOf(spec, metrics);
    if (reference) {
      const points = [...front, losses];
      const kept = paretoFront(points);
      if (kept.at(-1) === points.length - 1) {
        front = kept.map((i) => points[i]!);
        now = hypervolume(front, reference);
      }
    } else if (front.length === 0 || losses[0]! < front[0]![0]!) {
      front = [losses];
      now = metrics[spec.objectives[0]!.metric]!;
    }
    return now;
  });
}
