/**
 * MAD's memorization: the value of a key is fixed for good and never in the sequence, so that it has to be learnt into
 * the weights. Source: mad-lab (Poli et al., arXiv:2403.17844), `memorization`.
 */
import { RandomStream } from "../../core/index.ts";
import { defineTask, requireSetting, type Task } from "./task.ts";

export interface MemorizationSettings {
  /** The last id is INSERT; of the others the lower half are keys, the upper half values. */
  readonly vocabularySize: number;
  /** Positions of a row: keys and INSERT in turn. Even. */
  readonly sequenceLength: number;
}

/** mad-lab's seed of the table, the same for training and test sequences and for every run. */
const TABLE_SEED = 12345;

/** The target at an INSERT is the value of the key before it; targets are not shifted. Train and test rows are alike. */
export function memorization(settings: MemorizationSettings): Task {
  const { vocabularySize, sequenceLength } = settings;
  const insert = vocabularySize - 1;
  const keys = memorizedKeys(vocabularySize);
  requireSetting(keys >= 1, "vocabularySize", vocabularySize, "at least 3: a key, a value and INSERT");
  requireSetting(
    sequenceLength >= 2 && sequenceLength % 2 === 0,
    "sequenceLength",
    sequenceLength,
    "an even number of at least 2: keys and INSERT alternate",
  );
  const values = new RandomStream(TABLE_SEED).shuffle(
    Int32Array.from({ length: insert - keys }, (_, value) => keys + value),
  );
  return defineTask(
    {
      name: "memorization",
      vocabularySize,
      sequenceLength,
      chance: 1 / keys,
      scoring: "tokens",
      backbone: "language-model",
    },
    (inputs, targets, stream) => {
      for (let at = 0; at < sequenceLength; at += 2) {
        const key = stream.integer(0, keys - 1);
        inputs[at] = key;
        inputs[at + 1] = insert;
        targets[at + 1] = values[key]!;
      }
    },
  );
}

/** How many keys the table has. */
export function memorizedKeys(vocabularySize: number): number {
  return Math.floor((vocabularySize - 1) / 2);
}

/**
 * The expected share of the table that a fixed training set shows, 1 - (1 - 1/keys)^presentations: an upper bound on
 * test accuracy, up to lucky guesses. MAD's 256 training sequences of 32 tokens hold 4096 presentations.
 */
export function memorizationCoverage(
  settings: MemorizationSettings & { readonly trainSequences: number },
): number {
  const presentations = (settings.trainSequences * settings.sequenceLength) / 2;
  return -Math.expm1(presentations * Math.log1p(-1 / memorizedKeys(settings.vocabularySize)));
}
