/**
 * Beside Optuna's GP sampler, BoTorch (qLogNEHVI, qLogNEI) and Ax on the same problems, with the same noise, initial
 * trials and budget, one seed after another. Prints the mean of what was reached after 50 trials, its ratio to ours
 * and the ratio of the times a proposal took, both over the same seeds. `--peers ""` runs ours alone.
 *
 *   python3 -m venv .venv && .venv/bin/pip install -r bench/peers/requirements.txt
 *   node --import tsx bench/search/peers.ts [--seeds 10] [--trials 50] [--problems a,b] [--peers ax,botorch,optuna]
 */
import { type ChildProcess, spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { RandomStream } from "../../src/core/index.ts";
import { hypervolume, isFeasible, lossesOf, referenceLosses } from "../../src/search/index.ts";
import { slacksOf } from "../../src/search/objectives.ts";
import { bayesianPolicy } from "../../src/search/policies/bayesian.ts";
import {
  BRANIN_CURRIN_NOISE,
  bnh,
  branin,
  braninCurrin,
  c2dtlz2,
  hartmann6,
  type TestProblem,
  withNoise,
} from "../../src/search/testing/problems.ts";
import { simulate } from "../../src/search/testing/simulate.ts";

const PROBLEMS: Readonly<Record<string, TestProblem>> = { branin, hartmann6, braninCurrin, bnh, c2dtlz2 };

const { values: flags } = parseArgs({
  options: {
    seeds: { type: "string", default: "10" },
    trials: { type: "string", default: "50" },
    problems: { type: "string", default: "branin,hartmann6,braninCurrin,bnh,c2dtlz2" },
    peers: { type: "string", default: "optuna,botorch,ax" },
    python: { type: "string", default: ".venv/bin/python" },
  },
});
const seeds = Number(flags.seeds);
const trials = Number(flags.trials);
const peers = flags.peers.split(",").filter(Boolean);

interface Result {
  /** Hypervolume (larger is better) or regret (smaller is better) at the end. */
  readonly reached: number;
  readonly secondsPerProposal: number;
}

for (const name of flags.problems.split(",")) {
  const problem = PROBLEMS[name];
  if (!problem) throw new Error(`no problem "${name}"; there are ${Object.keys(PROBLEMS).join(", ")}`);
  const noise = problem === braninCurrin ? BRANIN_CURRIN_NOISE : {};
  const noisy = Object.keys(noise).length > 0;
  const several = problem.goal.objectives.length > 1;
  const results = new Map<string, Result[]>();
  const keep = (who: string, result: Result) => results.set(who, [...(results.get(who) ?? []), result]);
  for (let seed = 0; seed < seeds; seed++) {
    const policy = bayesianPolicy(problem.space, problem.goal, seed, { noise: noisy });
    const ours = await simulate(problem, policy, trials, seed, noise);
    keep("terrarium", { reached: reachedBy(ours.progress), secondsPerProposal: ours.secondsPerProposal });
    for (const peer of peers) keep(peer, await runPeer(problem, peer, seed));
  }
  const ours = results.get("terrarium")!;
  console.log(`\n${problem.name}: ${trials} trials, ${seeds} seeds, ${several ? "hypervolume" : "regret"}`);
  console.table(
    [...results].map(([who, runs]) => ({
      who,
      [several ? "hypervolume" : "regret"]: mean(runs.map(({ reached }) => reached)).toPrecision(5),
      worst: (several ? Math.min : Math.max)(...runs.map(({ reached }) => reached)).toPrecision(4),
      "standard error": standardError(runs.map(({ reached }) => reached)).toPrecision(2),
      "ours / theirs": (
        mean(ours.map(({ reached }) => reached)) / mean(runs.map(({ reached }) => reached))
      ).toPrecision(3),
      "s per proposal": mean(runs.map(({ secondsPerProposal }) => secondsPerProposal)).toFixed(3),
      "their time / ours": (
        mean(runs.map(({ secondsPerProposal }) => secondsPerProposal)) /
        mean(ours.map(({ secondsPerProposal }) => secondsPerProposal))
      ).toFixed(1),
    })),
  );

  function reachedBy(progress: readonly number[]): number {
    return several ? progress.at(-1)! : progress.at(-1)! - problem!.optimum;
  }

  async function runPeer(problem: TestProblem, peer: string, seed: number): Promise<Result> {
    const d = problem.space.dimensions.length;
    const reference = referenceLosses(problem.goal) ?? [];
    const child = spawn(flags.python, [fileURLToPath(new URL("./peer.py", import.meta.url)), peer], {
      stdio: ["pipe", "pipe", "inherit"],
      env: { ...process.env, OMP_NUM_THREADS: "1" },
    });
    const answers = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
    say(child, {
      seed,
      trials,
      dimensions: d,
      initial: Math.min(20, Math.max(5, 2 * (d + 1))),
      noisy,
      losses: problem.goal.objectives.length,
      slacks: problem.goal.outcomeConstraints.length,
      reference,
    });
    const found: number[][] = [];
    let seconds = 0;
    for (let trial = 0; trial < trials; trial++) {
      const { value, done } = await answers.next();
      if (done) throw new Error(`${peer} ended after ${trial} trials`);
      const answer = JSON.parse(value) as { point: number[]; seconds: number };
      seconds += answer.seconds;
      const candidate = problem.space.decode(Float64Array.from(answer.point));
      const exact = problem.evaluate(candidate);
      if (isFeasible(problem.goal, exact)) found.push(lossesOf(problem.goal, exact));
      const random = new RandomStream(seed).split(trial).split("noise");
      const seen = withNoise(problem, noise, candidate, random);
      say(child, { losses: lossesOf(problem.goal, seen), slacks: slacksOf(problem.goal, seen) });
    }
    child.stdin!.end();
    const best = several ? hypervolume(found, reference) : Math.min(...found.map((losses) => losses[0]!));
    return { reached: reachedBy([best]), secondsPerProposal: seconds / trials };
  }
}

function say(child: ChildProcess, message: unknown): void {
  child.stdin!.write(`${JSON.stringify(message)}\n`);
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

function standardError(values: readonly number[]): number {
  const centre = mean(values);
  const variance =
    values.reduce((sum, value) => sum + (value - centre) ** 2, 0) / Math.max(1, values.length - 1);
  return Math.sqrt(variance / values.length);
}
