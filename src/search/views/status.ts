/** What a person asks of a study: how far it is, what it used, and the best that it found. */
import type { Metrics, Spending } from "../events.ts";
import type { History, Trial, TrialState } from "../history.ts";
import { byMerit, type Goal, isFeasible, lossesOf, placed, referenceLosses } from "../objectives.ts";
import { paretoFront } from "../pareto/front.ts";
import { hypervolume } from "../pareto/hypervolume.ts";
import type { Budget, StudySpec } from "../spec.ts";
import { BestSoFar } from "./progress.ts";

export interface Status {
  readonly domain: string;
  readonly policy: string;
  readonly trials: Readonly<Record<TrialState, number>>;
  /** Complete trials that break an outcome constraint. */
  readonly infeasible: number;
  readonly elapsedSeconds: number;
  /** At the pace so far, until the budget of trials is used. */
  readonly secondsLeft?: number | undefined;
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
  const settled = trials.complete + trials.failed;
  const { budget } = spec;
  return {
    domain: spec.domain,
    policy: spec.policy.name,
    trials,
    infeasible: trials.complete - feasible.length,
    elapsedSeconds: history.at,
    ...(budget.trials === undefined || settled === 0
      ? {}
      : { secondsLeft: (history.at / settled) * (budget.trials - settled) }),
    spent: history.spent,
    budget,
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
  const [best] = feasible.map((trial) => placed(goal, trial)).sort(byMerit);
  return best ? [best.trial as Trial<C>] : [];
}

/**
 * After each trial: the best objective value so far, or with several objectives the hypervolume so far. NaN before the
 * first feasible trial of a one-objective study; undefined where several objectives lack reference values.
 */
export function bestSoFar({ spec, history }: { spec: StudySpec; history: History }): number[] | undefined {
  if (spec.objectives.length > 1 && !referenceLosses(spec)) return undefined;
  const best = new BestSoFar(spec);
  return history.trials.map(({ metrics }) => {
    if (metrics) best.add(metrics);
    return best.value;
  });
}
