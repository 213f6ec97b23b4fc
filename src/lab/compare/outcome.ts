/** What one run of a comparison came to: a function of the recipe and the seed alone. */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { InputError, type Supervision } from "../../core/index.ts";
import { openCorpus } from "../corpora/index.ts";
import {
  type DecodeSpeed,
  decodeSpeed,
  heldOutLoss,
  mean,
  type RecallCell,
  recallGrid,
} from "../evaluation/index.ts";
import { areaUnderAccuracyCurve, type StepsToAccuracy, stepsToAccuracy } from "../tasks/index.ts";
import { byteTokenizer } from "../tokens/index.ts";
import { TrainedModel } from "../trained/index.ts";
import { DivergedError, RunFolder, type RunResult, type RunTimings, train } from "../training/index.ts";
import type { Job } from "./jobs.ts";
import type { Metric } from "./metrics.ts";

export interface Outcome {
  readonly result: RunResult;
  readonly metrics: Readonly<Partial<Record<Metric, number>>>;
  /** Mean loss over long windows, by position. */
  readonly byPosition?: readonly number[];
  readonly recall?: readonly RecallCell[];
  /** Of tasks: the first measured step at 95 %, or a lower bound of it. */
  readonly stepsTo95?: StepsToAccuracy;
  /** Why there are no metrics. */
  readonly failed?: string;
}

export interface JobTimings extends RunTimings {
  readonly decoding: readonly DecodeSpeed[];
}

const OUTCOME = "outcome.json";
const SPEED = "speed.json";

/** Runs a job in its folder, or goes on with it, or does nothing where it is done. */
export async function runJob(folder: string, job: Job, options: Supervision): Promise<void> {
  if (readOutcome(folder)) return;
  const run = new RunFolder(folder);
  let outcome: Outcome;
  try {
    outcome = await measure(folder, job, await train(folder, job.plan, options), options);
  } catch (error) {
    if (!(error instanceof DivergedError)) throw error;
    const nothing = {
      steps: 0,
      tokens: 0,
      flops: 0,
      headFlops: 0,
      parameters: 0,
      trainLoss: 0,
      accuracy: [],
    };
    outcome = { result: nothing, metrics: {}, failed: error.problems[0]!.found };
  }
  run.writeJson(OUTCOME, outcome);
}

export function readOutcome(folder: string): Outcome | undefined {
  return read(join(folder, OUTCOME)) as Outcome | undefined;
}

export function readTimings(folder: string): JobTimings | undefined {
  const timings = new RunFolder(folder).timings();
  return timings && { ...timings, decoding: (read(join(folder, SPEED)) ?? []) as DecodeSpeed[] };
}

async function measure(folder: string, job: Job, result: RunResult, options: Supervision): Promise<Outcome> {
  const { plan, evaluation, timed } = job;
  const trained = await TrainedModel.open(folder);
  try {
    if (timed && evaluation.decodeContexts.length > 0) {
      const contexts = evaluation.decodeContexts;
      new RunFolder(folder).writeJson(SPEED, await decodeSpeed(trained, { ...options, contexts }));
    }
    if (!("corpus" in plan.data)) {
      const recall =
        evaluation.recall &&
        (await recallGrid(
          trained.scorer,
          { ...evaluation.recall, tokenizer: byteTokenizer },
          { ...evaluation.recall, seed: plan.seed, ...options },
        ));
      return {
        result,
        metrics: {
          accuracy: result.accuracy.at(-1)!.accuracy,
          accuracyArea: areaUnderAccuracyCurve(result.accuracy, plan.steps),
          ...meanRecall(
            "recall",
            recall?.filter(({ length }) => length <= plan.length),
          ),
          ...meanRecall(
            "recallBeyond",
            recall?.filter(({ length }) => length > plan.length),
          ),
        },
        ...(recall && { recall }),
        stepsTo95: stepsToAccuracy(result.accuracy),
      };
    }
    const tokenizer = await trained.tokenizer();
    const corpus = await openCorpus(plan.data.corpus, { tokenizer, ...options });
    try {
      const { length } = plan;
      const { windows, extrapolate, longWindows } = evaluation;
      const short = await heldOutLoss(trained.scorer, corpus.heldOut, { length, windows, ...options });
      const long =
        extrapolate > 1
          ? await heldOutLoss(trained.scorer, corpus.heldOut, {
              length: Math.round(extrapolate * length),
              windows: longWindows,
              ...options,
            })
          : undefined;
      // A start without context is hard for every model: left out of what the rise is measured from.
      const within = long && mean(long.byPosition.slice(Math.floor(length / 4), length));
      const beyond = long && mean(long.byPosition.slice(length));
      return {
        result,
        metrics: {
          heldOutLoss: short.mean,
          ...(long && { lossBeyond: beyond!, lossRise: beyond! - within! }),
        },
        ...(long && { byPosition: long.byPosition }),
      };
    } finally {
      corpus.close();
    }
  } finally {
    await trained.close();
  }
}

function meanRecall(metric: Metric, cells: readonly RecallCell[] = []): Partial<Record<Metric, number>> {
  return cells.length === 0 ? {} : { [metric]: mean(cells.map(({ accuracy }) => accuracy)) };
}

function read(file: string): unknown {
  if (!existsSync(file)) return undefined;
  try {
    return JSON.parse(readFileSync(file, "utf8"));
  } catch (error) {
    throw new InputError({
      place: { file },
      found: (error as Error).message,
      expected: "the JSON that a comparison writes",
      remedy: "remove the file; its run is measured again",
    });
  }
}
