/**
 * MAD's multi-query in-context recall, plain and noisy: pairs of a key and its value, in which a key that comes again
 * has the value it had before. Source: mad-lab (Poli et al., arXiv:2403.17844), `in-context-recall` and
 * `noisy-in-context-recall` with `multi_query`.
 */
import type { RandomStream } from "../../core/index.ts";
import { IGNORED } from "../batch.ts";
import { defineTask, requireSetting, type Split, type Task } from "./task.ts";

export interface InContextRecallSettings {
  /** Keys are the lower half of the ids, values the upper half. Even. */
  readonly vocabularySize: number;
  /** Tokens of the pairs, including the last value, which is only a target. Even. */
  readonly sequenceLength: number;
}

export interface NoisyInContextRecallSettings extends InContextRecallSettings {
  /** The highest ids of the vocabulary, kept for noise. */
  readonly noiseVocabularySize: number;
  /** The probability that a pair is replaced by two noise tokens, 0 up to but not including 1. */
  readonly noiseFraction: number;
}

/**
 * In training every next token is a target, keys too; in testing only the values of keys that were seen before.
 * Rows are `sequenceLength` - 1 long, because targets are inputs shifted by one.
 */
export function inContextRecall(settings: InContextRecallSettings): Task {
  return recall("in-context-recall", { ...settings, noiseVocabularySize: 0, noiseFraction: 0 });
}

/** In-context recall in which noise stands in the place of some pairs; at least one pair is never replaced. */
export function noisyInContextRecall(settings: NoisyInContextRecallSettings): Task {
  return recall("noisy-in-context-recall", settings);
}

function recall(name: string, settings: NoisyInContextRecallSettings): Task {
  const { vocabularySize, sequenceLength, noiseVocabularySize, noiseFraction } = settings;
  const symbols = vocabularySize - noiseVocabularySize;
  const keys = Math.floor(symbols / 2);
  requireSetting(
    sequenceLength >= 4 && sequenceLength % 2 === 0,
    "sequenceLength",
    sequenceLength,
    "an even number of at least 4: keys and values alternate",
  );
  requireSetting(keys >= 1, "vocabularySize", vocabularySize, "at least 2 ids that are not noise");
  requireSetting(
    noiseFraction >= 0 && noiseFraction < 1 && (noiseFraction === 0 || noiseVocabularySize > 0),
    "noiseFraction",
    noiseFraction,
    "at least 0 and under 1, with noise ids when above 0",
  );

  const write = (inputs: Int32Array, targets: Int32Array, stream: RandomStream, split: Split): void => {
    const sequence = new Int32Array(sequenceLength);
    const wanted = new Int32Array(sequenceLength).fill(IGNORED);
    const shown = new Map<number, number>();
    const pairs = sequenceLength / 2 - 1;
    // Drawn among the pairs before the probe, so that the probe always has a key to ask for (mad-lab's own draw
    // includes the probe's place and can leave none, with probability noiseFraction^pairs / (pairs + 1)).
    const neverNoise = stream.integer(0, pairs - 1);
    for (let pair = 0; pair < pairs; pair++) {
      const at = 2 * pair;
      if (noiseFraction > 0 && pair !== neverNoise && stream.uniform() < noiseFraction) {
        sequence[at] = stream.integer(symbols, vocabularySize - 1);
        sequence[at + 1] = stream.integer(symbols, vocabularySize - 1);
        continue;
      }
      const key = stream.integer(0, keys - 1);
      const seen = shown.get(key);
      const value = seen ?? stream.integer(keys, symbols - 1);
      if (seen === undefined) shown.set(key, value);
      else wanted[at + 1] = value;
      sequence[at] = key;
      sequence[at + 1] = value;
    }
    const [probe, answer] = stream.pick([...shown]);
    sequence[sequenceLength - 2] = probe;
    sequence[sequenceLength - 1] = answer;
    wanted[sequenceLength - 1] = answer;
    inputs.set(sequence.subarray(0, -1));
    targets.set((split === "train" ? sequence : wanted).subarray(1));
  };
  return defineTask(
    {
      name,
      vocabularySize,
      sequenceLength: sequenceLength - 1,
      chance: 1 / (symbols - keys),
      scoring: "tokens",
      backbone: "language-model",
    },
    write,
  );
}
