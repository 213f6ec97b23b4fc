/** The proxy that candidates are trained and scored by: one small training run for each seed, budgeted in steps. */
import {
  type DataSource,
  DEFAULTS,
  INITIALISATION,
  type RunPlan,
  smallModel,
  taskOf,
  tokenizerNamed,
} from "../lab/index.ts";
import { architecture } from "../model/index.ts";

/** Everything that a score depends on beside the layers and the seed; no part of it is a time. */
export interface Protocol {
  readonly data: DataSource;
  /** Channels of the small models, which are narrower than those that the search is for. */
  readonly width: number;
  /** Tokens of a training sequence; a task has its own. */
  readonly length: number;
  readonly batch: number;
  /** Most steps of a run. On a task it ends earlier once test accuracy reaches `ACCURACY`. */
  readonly steps: number;
  readonly learningRate: number;
  /** Steps between measurements of a task's accuracy. */
  readonly evaluateEvery: number;
}

/** The accuracy that runs on a task are timed to, in steps. */
export const ACCURACY = 0.95;

/** Held-out windows that a language model is scored on. */
export const WINDOWS = 128;

/**
 * A small model of `layers` under the protocol, as a run of the lab. Embedding and head are untied, which lets attention
 * learn recall in half the steps (docs/compose.md).
 */
export async function planOf(layers: string, seed: number, protocol: Protocol): Promise<RunPlan> {
  const { data, width, length, batch, steps, learningRate, evaluateEvery } = protocol;
  const task = "task" in data ? taskOf(data.task, data.settings) : undefined;
  const vocabulary =
    task?.vocabularySize ??
    (await tokenizerNamed("corpus" in data ? data.tokenizer : "bytes")).vocabularySize;
  return {
    architecture: architecture(layers, width, { ...smallModel(width), vocabulary, tiedEmbeddings: false }),
    initialisation: INITIALISATION,
    data,
    length: task?.sequenceLength ?? length,
    batch,
    steps,
    optimiser: { ...DEFAULTS.optimiser, schedule: task ? "constant" : "cosine", learningRate },
    seed,
    evaluateEvery: task ? evaluateEvery : 0,
    ...(task && { stopAtAccuracy: ACCURACY }),
  };
}
