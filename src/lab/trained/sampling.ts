/** Drawing a token, as part of the program that computes its logits. */
import {
  and,
  argMax,
  cast,
  cumulativeSum,
  exp,
  greaterOrEqual,
  less,
  lessOrEqual,
  max,
  multiply,
  pick,
  reshape,
  slice,
  subtract,
  sum,
  type Tensor,
  topIndices,
} from "../../engine/index.ts";

export interface Sampling {
  /** 0 always takes the likeliest token. */
  readonly temperature: number;
  /** Draw among so many of the likeliest tokens only. Default: all. */
  readonly topK?: number | undefined;
}

/**
 * A token int32 [1] drawn from softmax(logits / temperature), logits [1, vocabulary]: the first at which the cumulative
 * distribution exceeds `chance` [1], a number in [0, 1).
 */
export function draw(logits: Tensor, chance: Tensor, { temperature, topK }: Sampling): Tensor {
  if (temperature === 0) return argMax(logits);
  const vocabulary = logits.shape[1]!;
  const above = subtract(logits, max(logits, 1, { keepAxes: true }));
  const weights = exp(multiply(above, 1 / temperature));
  const kept = topK === undefined || topK >= vocabulary ? weights : multiply(weights, among(logits, topK));
  const reached = cumulativeSum(kept, 1);
  const total = slice(reached, 1, vocabulary - 1);
  // Rounding may lift the threshold to the total, beyond which there is no token.
  const passed = and(lessOrEqual(reached, multiply(total, reshape(chance, [1, 1]))), less(reached, total));
  return cast(sum(cast(passed, "float32"), 1), "int32");
}

/** 1 for each of the `count` largest logits, 0 for the others. */
function among(logits: Tensor, count: number): Tensor {
  const least = pick(logits, reshape(slice(topIndices(logits, count), 1, count - 1), [1]));
  return cast(greaterOrEqual(logits, reshape(least, [1, 1])), "float32");
}
