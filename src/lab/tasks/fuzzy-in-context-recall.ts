/**
 * MAD's fuzzy in-context recall: like in-context recall, but a key or a value is a motif of several adjacent tokens.
 * Source: mad-lab (Poli et al., arXiv:2403.17844), `fuzzy-in-context-recall` with `multi_query`.
 */
import type { RandomStream } from "../../core/index.ts";
import { IGNORED } from "../batch.ts";
import { defineTask, distinct, requireSetting, type Split, type Task } from "./task.ts";

export interface FuzzyInContextRecallSettings {
  /** The last id is padding; of the others the lower half make keys, the upper half values. */
  readonly vocabularySize: number;
  /** Positions of a row. */
  readonly sequenceLength: number;
  /** The most tokens in a key. Training keys have 1 to this many, test keys always this many. */
  readonly keyMotifSize: number;
  /** The most tokens in a value. */
  readonly valueMotifSize: number;
}

/**
 * One pair is planted at a random place and asked for again at the end; the row is padded on the left. In training
 * every next token is a target (padding too); in testing only the value tokens of keys that were seen before.
 * The probe is planted among the places that the sequence is certain to reach: mad-lab's own draw can fall behind the
 * last pair, and then asks for a value that was never shown.
 */
export function fuzzyInContextRecall(settings: FuzzyInContextRecallSettings): Task {
  const { vocabularySize, sequenceLength, keyMotifSize, valueMotifSize } = settings;
  const padding = vocabularySize - 1;
  const keys = Math.floor(padding / 2);
  const longestPair = keyMotifSize + valueMotifSize;
  requireSetting(
    keyMotifSize >= 1 && valueMotifSize >= 1 && keys >= keyMotifSize && padding - keys >= valueMotifSize,
    "vocabularySize",
    vocabularySize,
    `keys and values enough for motifs of ${keyMotifSize} and ${valueMotifSize} different tokens, and one id for padding`,
  );
  requireSetting(
    sequenceLength > 3 * longestPair,
    "sequenceLength",
    sequenceLength,
    `more than ${3 * longestPair}: three of the longest pairs`,
  );

  const write = (inputs: Int32Array, targets: Int32Array, stream: RandomStream, split: Split): void => {
    const keyMotif = (): number[] =>
      distinct(stream, 0, keys - 1, split === "train" ? stream.integer(1, keyMotifSize) : keyMotifSize);
    const valueMotif = (): number[] => distinct(stream, keys, padding - 1, stream.integer(1, valueMotifSize));

    const probe = keyMotif();
    const answer = valueMotif();
    const probeName = probe.join(" ");
    const probeSize = probe.length + answer.length;
    const end = sequenceLength - probeSize - longestPair;
    const plantFrom = stream.integer(0, Math.min(sequenceLength - 2 * probeSize, end - longestPair + 1) - 1);

    const sequence: number[] = [];
    const wanted: number[] = [];
    const append = (key: readonly number[], value: readonly number[], scored: boolean): void => {
      sequence.push(...key, ...value);
      for (const _ of key) wanted.push(IGNORED);
      for (const token of value) wanted.push(scored ? token : IGNORED);
    };
    const shown = new Map<string, number[]>();
    while (sequence.length < end) {
      const plant = sequence.length >= plantFrom && !shown.has(probeName);
      const key = plant ? probe : keyMotif();
      const name = key.join(" ");
      const seen = shown.get(name);
      const value = seen ?? (name === probeName ? answer : valueMotif());
      shown.set(name, value);
      append(key, value, seen !== undefined);
    }
    append(probe, answer, true);

    const pad = sequenceLength + 1 - sequence.length;
    inputs.fill(padding);
    inputs.set(sequence.slice(0, -1), pad);
    const labels = split === "train" ? sequence : wanted;
    if (split === "train") targets.fill(padding, 0, pad);
    targets.set(labels, pad - 1);
  };
  return defineTask(
    {
      name: "fuzzy-in-context-recall",
      vocabularySize,
      sequenceLength,
      chance: 1 / (padding - keys),
      scoring: "tokens",
      backbone: "language-model",
    },
    write,
  );
}
