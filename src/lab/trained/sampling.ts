/** Drawing a token, as part of the program that computes its logits. */
import {
  and,
  argMax,
  cast,
  cumulativeSum,
  exp,
  gather,
  less,
  lessOrEqual,
  max,
  multiply,
  reshape,
  slice,
  subtract,
  sum,
  type Tensor,
  topIndices,
} from "../../engine/index.ts";

export interface Sampling {
  /** 0 always takes the likeliest token, the first of equals. */
  readonly temperature: number;
  /** Draw among so many of the likeliest tokens only; of equals the first count as likelier. Default: all. */
  readonly topK?: number | undefined;
}

/** A token int32 [1] drawn from softmax(logits / temperature), logits [vocabulary], by `chance` [1], a number in [0, 1). */
export function draw(logits: Tensor, chance: Tensor, { temperature, topK }: Sampling): Tensor {
  if (temperature === 0) return reshape(argMax(logits), [1]);
  if (topK === undefined || topK >= logits.shape[0]!) return drawn(logits, chance, temperature);
  const likeliest = topIndices(logits, topK);
  return gather(likeliest, drawn(gather(logits, likeliest), chance, temperature));
}

/** The first position at which the cumulative distribution exceeds `chance`. */
function drawn(logits: Tensor, chance: Tensor, temperature: number): Tensor {
  // Finite in single precision too, where infinity times 0 would be no number.
  const sharpness = Math.min(1 / temperature, 1e38);
  const reached = cumulativeSum(exp(multiply(subtract(logits, max(logits)), sharpness)), 0);
  const total = slice(reached, 0, logits.shape[0]! - 1);
  // Rounding may lift the threshold to the total, beyond which there is no token.
  const passed = and(lessOrEqual(reached, multiply(total, chance)), less(reached, total));
  return cast(sum(cast(passed, "float32"), 0, { keepAxes: true }), "int32");
}
