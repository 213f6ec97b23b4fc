/**
 * The evaluator: trains one small model and scores it. It is also the module that the search kernel's processes load, so
 * that a candidate which crashes takes nothing along.
 */
import { rmSync } from "node:fs";
import type { Supervision } from "../core/index.ts";
import { type Outcome, readOutcome, runJob } from "../lab/index.ts";
import type { Evaluated, EvaluatorContext } from "../search/index.ts";
import { ACCURACY, type Protocol, planOf, WINDOWS } from "./protocol.ts";
import { mean } from "./statistics.ts";

export interface Assignment {
  /** The whole layer string. */
  readonly layers: string;
  /** Seeds of the runs; the score is the mean over them. */
  readonly seeds: readonly number[];
  readonly protocol: Protocol;
  /** Where the runs are kept while they last, so that one which is interrupted goes on. */
  readonly folder: string;
}

/** Trains and scores; leaves no files behind once it is done. Throws where training diverged. */
export default async function evaluate(
  { layers, seeds, protocol, folder }: Assignment,
  { signal }: Pick<EvaluatorContext, "signal">,
): Promise<Evaluated> {
  const runs: Record<string, number>[] = [];
  for (const seed of seeds) {
    const run = `${folder}/${layers}-${seed}`;
    runs.push(measured(await trained(run, layers, seed, protocol, { signal }), protocol.steps));
  }
  rmSync(folder, { recursive: true, force: true });
  return Object.fromEntries(
    Object.keys(runs[0]!).map((metric) => [metric, mean(runs.map((run) => run[metric]!))]),
  );
}

async function trained(
  folder: string,
  layers: string,
  seed: number,
  protocol: Protocol,
  options: Supervision,
): Promise<Outcome> {
  const plan = planOf(layers, seed, protocol);
  const evaluation = {
    windows: WINDOWS,
    extrapolate: 1,
    longWindows: 1,
    evaluateEvery: protocol.evaluateEvery,
    decodeContexts: [],
  };
  await runJob(folder, { id: layers, architecture: layers, plan, evaluation, timed: false }, options);
  return readOutcome(folder)!;
}

/**
 * The score, lower is better. On text, held-out loss in nats a token. On a task, the steps to `ACCURACY`; a run that did
 * not get there in its `most` steps counts as most (1 + the accuracy that it lacked), which keeps the order of the
 * censored ones by how far they came.
 */
export function measured({ failed, metrics, stepsTo95 }: Outcome, most: number): Record<string, number> {
  if (failed !== undefined) throw new Error(`training diverged: ${failed}`);
  const { heldOutLoss, accuracy, accuracyArea } = metrics;
  if (heldOutLoss !== undefined) return { score: heldOutLoss };
  const { steps, reached } = stepsTo95!;
  return {
    score: reached ? steps : most * (1 + ACCURACY - accuracy!),
    steps,
    reached: Number(reached),
    accuracy: accuracy!,
    accuracyArea: accuracyArea!,
  };
}
