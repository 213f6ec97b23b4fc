/** What a run trains and is tested on: windows of a corpus, or sequences of a synthetic task. */
import { InputError, RandomStream, type Supervision, suggest } from "../../core/index.ts";
import type { Batch } from "../batch.ts";
import { type Corpus, openCorpus } from "../corpora/index.ts";
import {
  epochBatches,
  MAD_TASKS,
  madBaseline,
  madTask,
  multiQueryAssociativeRecall,
  retrieval,
  type Task,
  ZOOLOGY_BASELINE,
} from "../tasks/index.ts";
import { byteTokenizer, loadTokenizer, type Tokenizer } from "../tokens/index.ts";
import { DEFAULTS } from "./defaults.ts";

export type DataSource = CorpusData | TaskData;

export interface CorpusData {
  /** A packaged corpus by name, or a path. */
  readonly corpus: string;
  /** `bytes`, or the path of a tokenizer.json. */
  readonly tokenizer: string;
}

export interface TaskData {
  readonly task: string;
  /** Changes to the task's published baseline. */
  readonly settings: Readonly<Record<string, number | boolean>>;
  /** Train on a fixed set of so many sequences; absent: every step sees new ones. */
  readonly trainSequences?: number | undefined;
}

export interface TrainingData {
  readonly name: string;
  readonly vocabulary: number;
  /** Tokens of a sequence. */
  readonly length: number;
  readonly tokenizer?: Tokenizer;
  readonly corpus?: Corpus;
  readonly task?: Task;
  /** Batch number `step`, which depends on the seed and the step alone. */
  batch(step: number): Batch;
  close(): void;
}

const MQAR = "multi-query-associative-recall";
const RETRIEVAL = ["passkey", "needle"] as const;
export const TASKS: readonly string[] = [...MAD_TASKS, MQAR, ...RETRIEVAL];

/** The task called `name`. Throws an InputError for an unknown name, setting or value. */
export function taskOf(name: string, settings: TaskData["settings"] = {}): Task {
  const mad = MAD_TASKS.find((task) => task === name);
  if (mad) {
    requireKnown(settings, Object.keys(madBaseline(mad)));
    return madTask(mad, settings as never);
  }
  if (name === MQAR) {
    requireKnown(settings, Object.keys(ZOOLOGY_BASELINE));
    return multiQueryAssociativeRecall(settings as never);
  }
  const form = RETRIEVAL.find((task) => task === name);
  if (form) {
    requireKnown(settings, ["sequenceLength", "depth", "digits"]);
    return retrieval({ sequenceLength: DEFAULTS.context, ...settings, form, tokenizer: byteTokenizer });
  }
  throw new InputError({
    place: { path: "task" },
    found: `"${name}"`,
    expected: "the name of a task",
    remedy: suggest(name, TASKS),
  });
}

function requireKnown(settings: TaskData["settings"], known: readonly string[]): void {
  const unknown = Object.keys(settings).filter((name) => !known.includes(name));
  if (unknown.length === 0) return;
  throw new InputError(
    unknown.map((name) => ({
      place: { path: `settings.${name}` },
      found: `the setting "${name}"`,
      expected: "a setting of the task",
      remedy: suggest(name, known),
    })),
  );
}

/** `bytes`, or the tokenizer in a tokenizer.json. */
export async function tokenizerNamed(name: string): Promise<Tokenizer> {
  return name === "bytes" ? byteTokenizer : await loadTokenizer(name);
}

/** Opens what a run reads: `length` tokens a sequence for a corpus (a task has its own), `batch` sequences a step. */
export async function openData(
  source: DataSource,
  { length, batch, seed }: { length: number; batch: number; seed: number },
  supervision: Supervision = {},
): Promise<TrainingData> {
  const stream = new RandomStream(seed).split("data");
  if ("task" in source) {
    const task = taskOf(source.task, source.settings);
    const { trainSequences } = source;
    const fixed =
      trainSequences === undefined
        ? undefined
        : epochBatches(
            task.generate(stream.split("set"), "train", trainSequences),
            batch,
            stream.split("order"),
          );
    return {
      name: task.name,
      vocabulary: task.vocabularySize,
      length: task.sequenceLength,
      task,
      batch: fixed ? (step) => fixed.at(step) : (step) => task.generate(stream.split(step), "train", batch),
      close: () => undefined,
    };
  }
  const tokenizer = await tokenizerNamed(source.tokenizer);
  const corpus = await openCorpus(source.corpus, { tokenizer, ...supervision });
  try {
    const batches = corpus.train.batches(batch, length, stream);
    return {
      name: corpus.name,
      vocabulary: tokenizer.vocabularySize,
      length,
      tokenizer,
      corpus,
      batch: (step) => batches.at(step),
      close: () => corpus.close(),
    };
  } catch (error) {
    corpus.close();
    throw error;
  }
}
