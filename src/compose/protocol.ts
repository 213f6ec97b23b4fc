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
  /** Ids of the data's tokens. */
  readonly vocabulary: number;
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

/** Ids that `data` uses. Throws an InputError for an unknown task, setting or tokenizer. */
export async function vocabularyOf(data: DataSource): Promise<number> {
  return "task" in data
    ? taskOf(data.task, data.settings).vocabularySize
    : (await tokenizerNamed(data.tokenizer)).vocabularySize;
}

/**
 * A small model of `layers` under the protocol, as a run of the lab. Embedding and head are untied, which lets attention
 * learn recall in far fewer steps (docs/compose.md).
 * @throws InputError where the layers cannot have this width.
 */
export function planOf(layers: string, seed: number, protocol: Protocol): RunPlan {
  const { data, vocabulary, width, length, batch, steps, learningRate, evaluateEvery } = protocol;
  const isTask = "task" in data;
  return {
    architecture: architecture(layers, width, { ...smallModel(width), vocabulary, tiedEmbeddings: false }),
    initialisation: INITIALISATION,
    data,
    length: isTask ? taskOf(data.task, data.settings).sequenceLength : length,
    batch,
    steps,
    optimiser: { ...DEFAULTS.optimiser, schedule: isTask ? "constant" : "cosine", learningRate },
    seed,
    evaluateEvery: isTask ? evaluateEvery : 0,
    ...(isTask && { stopAtAccuracy: ACCURACY }),
  };
}
