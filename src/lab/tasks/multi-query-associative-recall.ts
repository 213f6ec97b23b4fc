/**
 * Multi-query associative recall (MQAR): pairs of keys and values come first, then each key is asked for once, at
 * distances that follow a power law. Source: Arora et al., Zoology (arXiv:2312.04927), `multiquery_ar`.
 */
import type { RandomStream } from "../../core/index.ts";
import { defineTask, distinct, requireSetting, type Task } from "./task.ts";

export interface MultiQueryAssociativeRecallSettings {
  /** Id 0 fills the space; keys are 1 to V/2 - 1, values V/2 to V - 1. */
  readonly vocabularySize: number;
  /** Positions of a row, L. Even. */
  readonly sequenceLength: number;
  /** K, with 4 K <= L. */
  readonly keyValuePairs: number;
  /** `a` of the probability a g^(a-1) of gap g. 1 is uniform; Zoology's is 0.01. */
  readonly powerLawExponent: number;
  /** Fill the space between queries with random ids instead of 0. */
  readonly randomFiller: boolean;
}

/** The settings of Zoology's figure 2 with its shortest sequences; (128, 8), (256, 16) and (512, 64) are the others. */
export const ZOOLOGY_BASELINE: MultiQueryAssociativeRecallSettings = {
  vocabularySize: 8192,
  sequenceLength: 64,
  keyValuePairs: 4,
  powerLawExponent: 0.01,
  randomFiller: false,
};

/** Labels stand at the queries, in training too. Train and test rows are alike. */
export function multiQueryAssociativeRecall(
  settings: Partial<MultiQueryAssociativeRecallSettings> = {},
): Task {
  const { vocabularySize, sequenceLength, keyValuePairs, powerLawExponent, randomFiller } = {
    ...ZOOLOGY_BASELINE,
    ...settings,
  };
  const firstValue = Math.floor(vocabularySize / 2);
  requireSetting(
    keyValuePairs >= 1 && 4 * keyValuePairs <= sequenceLength,
    "keyValuePairs",
    keyValuePairs,
    `1 to ${Math.floor(sequenceLength / 4)}: four tokens of the ${sequenceLength} for each pair`,
  );
  requireSetting(sequenceLength % 2 === 0, "sequenceLength", sequenceLength, "an even number");
  requireSetting(
    firstValue - 1 >= keyValuePairs,
    "vocabularySize",
    vocabularySize,
    `at least ${2 * (keyValuePairs + 1)}: ${keyValuePairs} different keys and as many values`,
  );
  requireSetting(powerLawExponent > 0, "powerLawExponent", powerLawExponent, "above 0");
  const context = 2 * keyValuePairs;
  const weights = Float64Array.from(
    { length: (sequenceLength - context) / 2 },
    (_, gap) => (gap + 1) ** (powerLawExponent - 1),
  );
  return defineTask(
    {
      name: "multi-query-associative-recall",
      vocabularySize,
      sequenceLength,
      chance: 1 / (vocabularySize - firstValue),
      scoring: "tokens",
      backbone: "language-model",
    },
    (inputs, targets, stream) => {
      const keys = distinct(stream, 1, firstValue - 1, keyValuePairs);
      const values = distinct(stream, firstValue, vocabularySize - 1, keyValuePairs);
      const gaps = weightedDistinct(stream, weights, keyValuePairs);
      if (randomFiller) {
        for (let at = context; at < sequenceLength; at++) inputs[at] = stream.integer(0, vocabularySize - 1);
      }
      for (let pair = 0; pair < keyValuePairs; pair++) {
        inputs[2 * pair] = keys[pair]!;
        inputs[2 * pair + 1] = values[pair]!;
        const query = context + 2 * gaps[pair]!;
        inputs[query] = keys[pair]!;
        targets[query] = values[pair]!;
      }
    },
  );
}

/**
 * `size` different indices, drawn one after the other with probability proportional to the weights that are left: the
 * order in which exponential clocks of these rates ring first (Efraimidis and Spirakis 2006).
 */
function weightedDistinct(stream: RandomStream, weights: Float64Array, size: number): number[] {
  const clocks = Array.from(weights, (weight, index) => ({ index, rings: stream.exponential(weight) }));
  clocks.sort((a, b) => a.rings - b.rings);
  return clocks.slice(0, size).map(({ index }) => index);
}
