/**
 * Policies judged exactly: each searches the oracle's strings on the search kernel, with a look-up in the table in the
 * place of training, and its simple regret is known because the best string is.
 */
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { RandomStream, type Supervision } from "../../core/index.ts";
import {
  createPolicy,
  drive,
  InProcessRunner,
  type Point,
  Space,
  Study,
  type StudyRequest,
  spaceOperators,
} from "../../search/index.ts";
import { type Aggregation, aggregate, type Scored } from "../aggregate.ts";
import { mean, meansByString } from "../statistics.ts";
import type { MeasuredRun } from "./measure.ts";
import { completeSeeds, scoresByString } from "./table.ts";

/** What is replayed: name in reports, and the kernel's policy. */
export const REPLAYED: Readonly<Record<string, StudyRequest["policy"]>> = {
  random: { name: "random" },
  greedy: { name: "greedy" },
  mcts: { name: "mcts" },
  evolutionary: { name: "evolutionary" },
  bayesian: { name: "bayesian", kernel: "rbf" },
};

/** Policies whose trials the N_0 aggregate is also taken of. */
const AGGREGATED = ["random", "bayesian"];

export interface RegretCurve {
  readonly policy: string;
  /** After each trial, mean over replays, in the score's unit: 0 is the best string of the table. */
  readonly mean: readonly number[];
  /** Of that mean, at 95 % over replays. */
  readonly low: readonly number[];
  readonly high: readonly number[];
}

export interface ReplayOptions extends Supervision {
  readonly trials: number;
  readonly replays: number;
  readonly aggregation: Aggregation;
}

/**
 * Simple regret against trials. A string's true score is its mean over the seeds that all strings have; a policy sees one
 * seed's score at a time, the next seed where it tries a string again. What it would hand over is the string with the
 * best mean so far, or the aggregate.
 */
export async function replayPolicies(
  runs: readonly MeasuredRun[],
  { trials, replays, aggregation, progress, signal }: ReplayOptions,
): Promise<RegretCurve[]> {
  const seeds = completeSeeds(runs);
  const scores = scoresByString(runs);
  const truth = new Map(
    [...scores].map(([layers, own]) => [layers, mean(seeds.map((seed) => own.get(seed)!))]),
  );
  const least = Math.min(...truth.values());
  const regret = (layers: string): number => truth.get(layers)! - least;
  const curves: RegretCurve[] = [];
  for (const [name, policy] of Object.entries(REPLAYED)) {
    const single: number[][] = [];
    const aggregated: number[][] = [];
    for (let replay = 1; replay <= replays; replay++) {
      signal?.throwIfAborted();
      progress?.({ activity: `replaying ${name}`, done: replay, total: replays, unit: "replays" });
      const order = new RandomStream(replay).split("order").shuffle([...seeds]);
      const tried = await replayOnce(scores, order, policy, trials, replay);
      const views = tried.map((_, i) => meansByString(tried.slice(0, i + 1)));
      single.push(views.map((view) => regret(view.reduce((a, b) => (b.score < a.score ? b : a)).layers)));
      if (AGGREGATED.includes(name))
        aggregated.push(views.map((view) => regret(aggregate(view, aggregation).layers)));
    }
    curves.push(curve(name, single));
    if (aggregated.length > 0) curves.push(curve(`N_0 of ${name}`, aggregated));
  }
  return curves;
}

/** The strings that a policy tried and the scores that it saw, in order. */
async function replayOnce(
  scores: ReadonlyMap<string, ReadonlyMap<number, number>>,
  order: readonly number[],
  policy: StudyRequest["policy"],
  trials: number,
  seed: number,
): Promise<Scored[]> {
  const [first] = scores.keys();
  const alphabet = [...new Set([...scores.keys()].join(""))].sort().join("");
  const space = new Space({ layers: { kind: "string", alphabet, length: first!.length } });
  // In memory where the system offers it as a folder: nobody resumes a replay.
  const folder = mkdtempSync(join(existsSync("/dev/shm") ? "/dev/shm" : tmpdir(), "terrarium-replay-"));
  const clock = () => 0;
  const study = Study.open<Point>(
    folder,
    {
      domain: "compose",
      space,
      objectives: [{ metric: "score", direction: "minimise" }],
      policy,
      budget: { trials },
      seed,
    },
    { clock },
  );
  const seen: Scored[] = [];
  const runner = new InProcessRunner<Point>(
    (candidate) => {
      const layers = String(candidate.layers);
      const again = seen.filter((one) => one.layers === layers).length;
      const score = scores.get(layers)!.get(order[again % order.length]!)!;
      seen.push({ layers, score });
      return { score };
    },
    { clock },
  );
  try {
    await drive(study, { policy: createPolicy(study.spec, space), operators: spaceOperators(space), runner });
    return seen;
  } finally {
    study.close();
    rmSync(folder, { recursive: true });
  }
}

/** Normal intervals: there are tens of replays. */
function curve(policy: string, rows: readonly (readonly number[])[]): RegretCurve {
  const trials = rows[0]!.map((_, trial) => rows.map((row) => row[trial]!));
  const half = trials.map((values) => {
    const centre = mean(values);
    const variance = values.reduce((sum, value) => sum + (value - centre) ** 2, 0) / (values.length - 1);
    return 1.96 * Math.sqrt(variance / values.length);
  });
  const centres = trials.map(mean);
  return {
    policy,
    mean: centres,
    low: centres.map((centre, i) => centre - half[i]!),
    high: centres.map((centre, i) => centre + half[i]!),
  };
}
