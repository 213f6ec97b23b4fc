/** Runs one policy on one test problem without a journal, as the benches do it. */
import { RandomStream } from "../../src/core/index.ts";
import type { Metrics } from "../../src/search/events.ts";
import {
  History,
  hypervolume,
  isFeasible,
  lossesOf,
  type Point,
  type Policy,
  referenceLosses,
  spaceOperators,
} from "../../src/search/index.ts";
import { type TestProblem, withNoise } from "../../src/search/testing/problems.ts";

export interface Run {
  /** After each trial: the hypervolume (or the best loss) of what was found, measured without noise. */
  readonly progress: number[];
  readonly secondsPerProposal: number;
}

export async function run(
  problem: TestProblem,
  policy: Policy<Point>,
  trials: number,
  seed: number,
  noise: Metrics = {},
  batch = 1,
): Promise<Run> {
  const history = new History<Point>();
  const operators = spaceOperators(problem.space);
  const reference = referenceLosses(problem.goal);
  const found: number[][] = [];
  const progress: number[] = [];
  let seconds = 0;
  for (let first = 0; first < trials; first += batch) {
    const ids: number[] = [];
    for (let trial = first; trial < Math.min(trials, first + batch); trial++) {
      const stream = new RandomStream(seed).split(trial);
      const started = performance.now();
      const decision = policy.propose(history, stream.split("policy"));
      if (typeof decision === "string") break;
      const parents = decision.parents.map((id) => history.trial(id));
      const candidate =
        decision.candidate ??
        (
          await operators[decision.operator]!.apply({
            trial: undefined as never,
            parents,
            history,
            random: stream.split("operator"),
            allowance: {},
            signal: new AbortController().signal,
          })
        ).candidate;
      seconds += (performance.now() - started) / 1000;
      history.apply({ event: "ask", at: 0, trial, ...decision, candidate });
      ids.push(trial);
    }
    for (const trial of ids) {
      const candidate = history.trial(trial).candidate!;
      const random = new RandomStream(seed).split(trial).split("noise");
      history.apply({ event: "tell", at: 0, trial, metrics: withNoise(problem, noise, candidate, random) });
      const exact = problem.evaluate(candidate);
      if (isFeasible(problem.goal, exact)) found.push(lossesOf(problem.goal, exact));
      progress.push(
        reference ? hypervolume(found, reference) : Math.min(...found.map((losses) => losses[0]!)),
      );
    }
  }
  return { progress, secondsPerProposal: seconds / trials };
}
