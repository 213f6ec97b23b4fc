/** Runs one policy on one test problem in memory, as the tests and the benches of policies do it. */
import { RandomStream } from "../../core/index.ts";
import type { Metrics } from "../events.ts";
import { History } from "../history.ts";
import { isFeasible, lossesOf, referenceLosses } from "../objectives.ts";
import { hypervolume } from "../pareto/hypervolume.ts";
import type { Policy } from "../policy.ts";
import type { Point } from "../space/space.ts";
import { spaceOperators } from "../space/variation.ts";
import { type TestProblem, withNoise } from "./problems.ts";

export interface Simulation {
  /** After each trial: the hypervolume (or the best loss) of what was found, measured without noise. */
  readonly progress: number[];
  /** Of processor time: what else runs on the machine does not count. */
  readonly secondsPerProposal: number;
}

/** `batch` trials are asked for before the outcomes of any of them are told. */
export async function simulate(
  problem: TestProblem,
  policy: Policy<Point>,
  trials: number,
  seed: number,
  noise: Metrics = {},
  batch = 1,
): Promise<Simulation> {
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
      const started = process.cpuUsage();
      const decision = policy.propose(history, stream.split("policy"));
      if (typeof decision === "string") break;
      history.apply({ event: "ask", at: 0, trial, ...decision });
      if (decision.candidate === undefined) {
        const made = await operators[decision.operator]!.apply({
          trial: history.trial(trial),
          parents: decision.parents.map((id) => history.trial(id)),
          history,
          random: stream.split("operator"),
          allowance: {},
          signal: new AbortController().signal,
        });
        history.apply({ event: "make", at: 0, trial, candidate: made.candidate });
      }
      const { user, system } = process.cpuUsage(started);
      seconds += (user + system) / 1e6;
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
