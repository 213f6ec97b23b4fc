/** Compares architectures by a recipe: chooses learning rates, runs all seeds, and draws what follows. */
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { InputError, type ProgressEvent, type Supervision } from "../../core/index.ts";
import { cacheBytes, parameters, printLayers, trainingFlopsPerToken } from "../../model/index.ts";
import { type PositionBucket, positionBuckets, type RecallCell } from "../evaluation/index.ts";
import type { StepsToAccuracy } from "../tasks/index.ts";
import { openData, writeWhole } from "../training/index.ts";
import { type Difference, LEVEL, pairedDifference } from "./differences.ts";
import { comparedJobs, type Job, sweepJobs } from "./jobs.ts";
import { METRICS, type Metric } from "./metrics.ts";
import { type JobTimings, type Outcome, readOutcome, readTimings } from "./outcome.ts";
import { runPool } from "./pool.ts";
import type { NamedArchitecture, Recipe } from "./recipe.ts";
import { type JudgedTrend, judge } from "./trends.ts";

export interface CompareOptions extends Supervision {
  /** Processes, one thread each. Default: one a core. */
  readonly workers?: number;
}

export interface ComparedRun {
  readonly seed: number;
  readonly metrics: Outcome["metrics"];
  readonly trainLoss: number;
  readonly accuracy: readonly { readonly step: number; readonly accuracy: number }[];
  readonly stepsTo95?: StepsToAccuracy;
  readonly failed?: string;
}

export interface ComparedArchitecture {
  readonly name: string;
  readonly pattern: string;
  readonly width: number;
  readonly parameters: number;
  /** Without embedding, head and norms: the papers' count. */
  readonly nonEmbedding: number;
  /** Training, embedding and head excluded. */
  readonly flopsPerToken: number;
  readonly steps: number;
  readonly tokens: number;
  readonly flops: number;
  /** Of one sequence of the training length, in bf16, by the formulas of `model/`. */
  readonly cacheBytes: number;
  readonly learningRate: number;
  readonly sweep: readonly { readonly learningRate: number; readonly score: number | null }[];
  readonly runs: readonly ComparedRun[];
  /** Mean over seeds. */
  readonly means: Readonly<Partial<Record<Metric, number>>>;
  readonly byPosition?: readonly PositionBucket[];
  readonly recall?: readonly RecallCell[];
}

/** A function of the recipe alone: the same bytes on one machine, however often it was stopped. */
export interface Comparison {
  readonly format: 1;
  readonly title: string;
  readonly question: string;
  readonly data: string;
  readonly trainedLength: number;
  readonly level: number;
  readonly architectures: readonly ComparedArchitecture[];
  readonly differences: readonly Difference[];
  readonly trends: readonly JudgedTrend[];
}

/** How long things took, by architecture. Not a function of the recipe. */
export type ComparisonTimings = Readonly<
  Record<
    string,
    { readonly tokensPerSecond: number; readonly seconds: number; readonly decoding: JobTimings["decoding"] }
  >
>;

/** Stretches of the loss by position. */
const BUCKETS = 16;

/**
 * Runs what is not done yet in `folder` and returns the comparison, which is also left there as `comparison.json`, with
 * `timings.json` beside it. Killed at any point and called again, it ends with the same `comparison.json`.
 * @throws InputError where the data cannot be read, the folder holds another comparison's runs, or the disk is full.
 */
export async function compare(
  recipe: Recipe,
  folder: string,
  { workers = availableParallelism(), progress, signal }: CompareOptions = {},
): Promise<{ comparison: Comparison; timings: ComparisonTimings }> {
  if (recipe.architectures.length === 0) {
    throw new InputError({
      place: { path: "architectures" },
      found: "none",
      expected: "at least one architecture",
    });
  }
  // The corpus is tokenized once, here, and a mistake in it is met before any process starts.
  (
    await openData(recipe.data, { length: recipe.length, batch: recipe.batch, seed: 0 }, { progress, signal })
  ).close();
  const folderOf = (job: Job): string => join(folder, "runs", job.id);
  const sweep = sweepJobs(recipe);
  const assumed = new Map(recipe.architectures.map(({ name, learningRates }) => [name, learningRates[0]!]));
  const watch = new Watch([...sweep, ...comparedJobs(recipe, assumed)], progress);
  const run = (jobs: readonly Job[]): Promise<void> => {
    const open = jobs.filter((job) => !readOutcome(folderOf(job)) || !watch.done(job));
    return runPool(open, {
      workers,
      signal,
      folderOf,
      onProgress: (job, event) => watch.moved(job, event),
      onDone: (job) => void watch.done(job),
    });
  };
  await run(sweep);
  const scores = new Map(
    recipe.architectures.map(({ name }) => [
      name,
      sweep
        .filter((job) => job.architecture === name)
        .map((job) => ({
          learningRate: job.plan.optimiser.learningRate,
          score: sweepScore(readOutcome(folderOf(job))!),
        })),
    ]),
  );
  const rates = new Map(
    recipe.architectures.map((named) => [named.name, bestRate(named, scores.get(named.name)!)]),
  );
  const compared = comparedJobs(recipe, rates);
  await run(compared);

  const architectures = recipe.architectures.map((named) => {
    const jobs = compared.filter((job) => job.architecture === named.name);
    const outcomes = jobs.map((job) => ({ job, outcome: readOutcome(folderOf(job))! }));
    return summarise(recipe, named, rates.get(named.name)!, scores.get(named.name)!, outcomes);
  });
  const comparison: Comparison = {
    format: 1,
    title: recipe.title,
    question: recipe.question,
    data: "task" in recipe.data ? recipe.data.task : recipe.data.corpus,
    trainedLength: recipe.length,
    level: LEVEL,
    architectures,
    differences: recipe.pairs.flatMap((pair) => differencesOf(pair, architectures)),
    trends: recipe.trends.flatMap((trend) =>
      differencesOf([trend.better, trend.than], architectures)
        .filter(({ metric }) => metric === trend.metric)
        .map((difference) => judge(trend, difference)),
    ),
  };
  const timings = timingsOf(recipe, compared, folderOf);
  writeWhole(join(folder, "comparison.json"), `${JSON.stringify(comparison, null, 2)}\n`);
  writeWhole(join(folder, "timings.json"), `${JSON.stringify(timings, null, 2)}\n`);
  return { comparison, timings };
}

/** What a learning rate is chosen by, higher is better; null where the run failed. */
function sweepScore({ metrics }: Outcome): number | null {
  if (metrics.accuracyArea !== undefined) return metrics.accuracyArea;
  return metrics.heldOutLoss === undefined ? null : -metrics.heldOutLoss;
}

function bestRate(
  { learningRates }: NamedArchitecture,
  scores: readonly { readonly learningRate: number; readonly score: number | null }[],
): number {
  const best = scores.reduce<(typeof scores)[number] | undefined>(
    (chosen, next) =>
      next.score !== null && (chosen === undefined || next.score > chosen.score!) ? next : chosen,
    undefined,
  );
  return best?.learningRate ?? learningRates[0]!;
}

function summarise(
  recipe: Recipe,
  { name, architecture }: NamedArchitecture,
  learningRate: number,
  sweep: ComparedArchitecture["sweep"],
  outcomes: readonly { readonly job: Job; readonly outcome: Outcome }[],
): ComparedArchitecture {
  const counts = parameters(architecture);
  const steps = outcomes[0]!.job.plan.steps;
  const tokens = steps * recipe.batch * recipe.length;
  const flopsPerToken = trainingFlopsPerToken(architecture, recipe.length);
  const values = (metric: Metric): number[] =>
    outcomes.map(({ outcome }) => outcome.metrics[metric]).filter((value) => value !== undefined);
  const means = Object.fromEntries(
    (Object.keys(METRICS) as Metric[])
      .filter((metric) => values(metric).length > 0)
      .map((metric) => [metric, average(values(metric))]),
  );
  const positions = outcomes.flatMap(({ outcome }) => (outcome.byPosition ? [outcome.byPosition] : []));
  const grids = outcomes.flatMap(({ outcome }) => (outcome.recall ? [outcome.recall] : []));
  return {
    name,
    pattern: printLayers(architecture.layers),
    width: architecture.width,
    parameters: counts.total,
    nonEmbedding: counts.primitives,
    flopsPerToken,
    steps,
    tokens,
    flops: tokens * flopsPerToken,
    cacheBytes: cacheBytes(architecture, recipe.length).total,
    learningRate,
    sweep,
    runs: outcomes.map(({ job, outcome }) => ({
      seed: job.plan.seed,
      metrics: outcome.metrics,
      trainLoss: outcome.result.trainLoss,
      accuracy: outcome.result.accuracy,
      ...(outcome.stepsTo95 && { stepsTo95: outcome.stepsTo95 }),
      ...(outcome.failed !== undefined && { failed: outcome.failed }),
    })),
    means,
    ...(positions.length > 0 && {
      byPosition: positionBuckets(
        positions[0]!.map((_, at) => average(positions.map((losses) => losses[at]!))),
        BUCKETS,
      ),
    }),
    ...(grids.length > 0 && {
      recall: grids[0]!.map((cell, i) => ({
        ...cell,
        accuracy: average(grids.map((grid) => grid[i]!.accuracy)),
        tokenAccuracy: average(grids.map((grid) => grid[i]!.tokenAccuracy)),
      })),
    }),
  };
}

function differencesOf(
  [first, second]: readonly [string, string],
  architectures: readonly ComparedArchitecture[],
): Difference[] {
  const valuesOf = (name: string, metric: Metric) => ({
    name,
    values: new Map(
      architectures
        .find((one) => one.name === name)!
        .runs.flatMap(({ seed, metrics }) => {
          const value = metrics[metric];
          return value === undefined ? [] : [[seed, value] as const];
        }),
    ),
  });
  return (Object.keys(METRICS) as Metric[]).flatMap(
    (metric) => pairedDifference(metric, valuesOf(first, metric), valuesOf(second, metric)) ?? [],
  );
}

function timingsOf(recipe: Recipe, jobs: readonly Job[], folderOf: (job: Job) => string): ComparisonTimings {
  return Object.fromEntries(
    recipe.architectures.map(({ name }) => {
      const own = jobs
        .filter((job) => job.architecture === name)
        .flatMap((job) => readTimings(folderOf(job)) ?? []);
      const speeds = own.map(({ tokensPerSecond }) => tokensPerSecond).sort((a, b) => a - b);
      return [
        name,
        {
          tokensPerSecond: speeds[Math.floor(speeds.length / 2)] ?? Number.NaN,
          seconds: own.reduce((total, { seconds }) => total + seconds, 0),
          decoding: own.find(({ decoding }) => decoding.length > 0)?.decoding ?? [],
        },
      ];
    }),
  );
}

/** Progress over all runs, in FLOPs, so that the time left is fair to large and small models. */
class Watch {
  readonly #work: Map<string, number>;
  readonly #share = new Map<string, number>();
  readonly #finished = new Set<string>();
  readonly #total: number;
  readonly #progress: Supervision["progress"];

  constructor(jobs: readonly Job[], progress: Supervision["progress"]) {
    const keyed = jobs.map((job) => [watchKey(job), workOf(job)] as const);
    this.#work = new Map(keyed);
    this.#total = [...this.#work.values()].reduce((total, work) => total + work, 0);
    this.#progress = progress;
  }

  moved(job: Job, { activity, done, total, note }: ProgressEvent): void {
    if (activity === "training" && total) this.#share.set(watchKey(job), done / total);
    this.#say(`${job.id}: ${activity}${note === undefined ? "" : `, ${note}`}`);
  }

  /** Counts a job as finished; always true. */
  done(job: Job): true {
    this.#finished.add(watchKey(job));
    this.#share.set(watchKey(job), 1);
    this.#say(`${this.#finished.size} of ${this.#work.size} runs done`);
    return true;
  }

  #say(note: string): void {
    let done = 0;
    for (const [key, share] of this.#share) done += share * (this.#work.get(key) ?? 0);
    this.#progress?.({
      activity: "comparing",
      done: percent(done, this.#total),
      total: 100,
      unit: "%",
      note,
    });
  }
}

/** Without the learning rate, which is not known for all runs when the work is added up; a sweep's are told apart. */
function watchKey({ architecture, plan }: Job): string {
  const rate = plan.seed === 0 ? plan.optimiser.learningRate : "";
  return `${architecture}/${rate}/${plan.seed}`;
}

function workOf({ plan }: Job): number {
  return plan.steps * plan.batch * plan.length * trainingFlopsPerToken(plan.architecture, plan.length);
}

const percent = (part: number, whole: number): number => Math.floor((1000 * part) / whole) / 10;

function average(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0) / values.length;
}
