/**
 * Beside Optuna's GP sampler, BoTorch (qLogNEHVI, qLogNEI) and Ax on the same problems, with the same noise, initial
 * trials and budget. Prints the mean of what was reached after 50 trials, what ours reached beyond it (paired over
 * seeds, with a 95 % interval), and the ratio of the processor times of a proposal.
 *
 *   python3 -m venv .venv && .venv/bin/pip install -r bench/peers/requirements.txt
 *   node --import tsx bench/search/peers.ts [--seeds 10] [--trials 50] [--problems a,b] [--who terrarium,ax]
 *
 * Each run is appended to `--results` when it ends and is not repeated: the peers take hours, can be continued, and can
 * run beside each other (`--who ax`). To measure ours again, delete its lines there.
 */
import { spawn } from "node:child_process";
import { appendFileSync, existsSync, mkdirSync, readFileSync } from "node:fs";
import { dirname } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { bootstrap, RandomStream } from "../../src/core/index.ts";
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

const PROBLEMS: Readonly<Record<string, TestProblem>> = { braninCurrin, bnh, c2dtlz2, branin, hartmann6 };
const OURS = "terrarium";

const { values: flags } = parseArgs({
  options: {
    seeds: { type: "string", default: "10" },
    trials: { type: "string", default: "50" },
    problems: { type: "string", default: Object.keys(PROBLEMS).join(",") },
    who: { type: "string", default: "terrarium,optuna,botorch,ax" },
    python: { type: "string", default: ".venv/bin/python" },
    results: { type: "string", default: "studies/search-peers.jsonl" },
  },
});
const seeds = Number(flags.seeds);
const trials = Number(flags.trials);
const names = flags.problems.split(",");
const contestants = flags.who.split(",");

/** One policy's run on one problem. */
interface Run {
  readonly problem: string;
  readonly who: string;
  readonly seed: number;
  readonly trials: number;
  /** Hypervolume (larger is better) or the negative regret at the end. */
  readonly reached: number;
  readonly secondsPerProposal: number;
}

const runs: Run[] = existsSync(flags.results)
  ? readFileSync(flags.results, "utf8")
      .trim()
      .split("\n")
      .filter(Boolean)
      .map((line) => JSON.parse(line) as Run)
  : [];
mkdirSync(dirname(flags.results), { recursive: true });

const started = new Map<string, ReturnType<typeof startPeer>>();
for (const who of contestants)
  for (let seed = 0; seed < seeds; seed++)
    for (const name of names) {
      const problem = PROBLEMS[name];
      if (!problem) throw new Error(`no problem "${name}"; there are ${Object.keys(PROBLEMS).join(", ")}`);
      const same = (run: Run) =>
        run.problem === name && run.who === who && run.seed === seed && run.trials === trials;
      if (runs.some(same)) continue;
      const { reached, secondsPerProposal } =
        who === OURS ? await runOurs(problem, seed) : await runPeer(problem, who, seed);
      const run = { problem: name, who, seed, trials, reached, secondsPerProposal };
      runs.push(run);
      appendFileSync(flags.results, `${JSON.stringify(run)}\n`);
    }
for (const peer of started.values()) peer.end();

for (const name of names) {
  const of = (who: string) =>
    runs
      .filter((run) => run.problem === name && run.who === who && run.trials === trials && run.seed < seeds)
      .sort((a, b) => a.seed - b.seed);
  const ours = of(OURS);
  if (ours.length === 0) continue;
  console.log(`\n${PROBLEMS[name]!.name}: ${trials} trials, ${seeds} seeds, ${measure(PROBLEMS[name]!)}`);
  console.table(
    contestants.map((who) => {
      const theirs = of(who);
      const beyond = theirs.flatMap(({ seed, reached }) =>
        ours.filter((run) => run.seed === seed).map((run) => run.reached - reached),
      );
      const { value, low, high } = bootstrap(beyond, mean, new RandomStream(1), { level: 0.95 });
      return {
        who,
        mean: mean(theirs.map(({ reached }) => reached)).toPrecision(5),
        worst: Math.min(...theirs.map(({ reached }) => reached)).toPrecision(5),
        "ours beyond it":
          who === OURS ? "" : `${value.toPrecision(2)} (${low.toPrecision(2)} to ${high.toPrecision(2)})`,
        "ms per proposal": (1000 * mean(theirs.map(time))).toFixed(0),
        "their time / ours": (mean(theirs.map(time)) / mean(ours.map(time))).toFixed(1),
      };
    }),
  );
}

function measure({ goal }: TestProblem): string {
  return goal.objectives.length > 1 ? "hypervolume" : "minus the regret";
}

function noiseOf(problem: TestProblem): Readonly<Record<string, number>> {
  return problem === braninCurrin ? BRANIN_CURRIN_NOISE : {};
}

async function runOurs(
  problem: TestProblem,
  seed: number,
): Promise<Pick<Run, "reached" | "secondsPerProposal">> {
  const noise = noiseOf(problem);
  const options = { noise: problem === braninCurrin };
  const policy = bayesianPolicy(problem.space, problem.goal, seed, options);
  const { progress, secondsPerProposal } = await simulate(problem, policy, trials, seed, noise);
  const last = progress.at(-1)!;
  return { reached: problem.goal.objectives.length > 1 ? last : problem.optimum - last, secondsPerProposal };
}

async function runPeer(
  problem: TestProblem,
  who: string,
  seed: number,
): Promise<Pick<Run, "reached" | "secondsPerProposal">> {
  const peer = started.get(who) ?? startPeer(who);
  started.set(who, peer);
  const { goal, space } = problem;
  const d = space.dimensions.length;
  const noise = noiseOf(problem);
  const reference = referenceLosses(goal) ?? [];
  peer.say({
    seed,
    trials,
    dimensions: d,
    initial: Math.min(20, Math.max(5, 2 * (d + 1))),
    noisy: Object.keys(noise).length > 0,
    losses: goal.objectives.length,
    slacks: goal.outcomeConstraints.length,
    reference,
  });
  const found: number[][] = [];
  let seconds = 0;
  for (let trial = 0; trial < trials; trial++) {
    const answer = await peer.hear();
    seconds += answer.seconds;
    const candidate = space.decode(Float64Array.from(answer.point));
    const exact = problem.evaluate(candidate);
    if (isFeasible(goal, exact)) found.push(lossesOf(goal, exact));
    const random = new RandomStream(seed).split(trial).split("noise");
    const seen = withNoise(problem, noise, candidate, random);
    peer.say({ losses: lossesOf(goal, seen), slacks: slacksOf(goal, seen) });
  }
  const reached =
    goal.objectives.length > 1
      ? hypervolume(found, reference)
      : problem.optimum - Math.min(...found.map((losses) => losses[0]!));
  return { reached, secondsPerProposal: seconds / trials };
}

/** A process of `peer.py`, which works on one problem after another. */
function startPeer(who: string) {
  const child = spawn(flags.python, [fileURLToPath(new URL("./peer.py", import.meta.url)), who], {
    stdio: ["pipe", "pipe", "inherit"],
    env: { ...process.env, OMP_NUM_THREADS: "1" },
  });
  const answers = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  return {
    say: (message: unknown) => child.stdin.write(`${JSON.stringify(message)}\n`),
    async hear(): Promise<{ point: number[]; seconds: number }> {
      const { value, done } = await answers.next();
      if (done) throw new Error(`${who} ended in the middle of a run`);
      return JSON.parse(value);
    },
    end: () => child.stdin.end(),
  };
}

function time({ secondsPerProposal }: Run): number {
  return secondsPerProposal;
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
