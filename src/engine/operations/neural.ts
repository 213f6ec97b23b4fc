/**
 * The compositions that language models are made of, each with a closed-form gradient where that saves passes over
 * memory. They know shapes, not architectures.
 */

import { constant, fill, isFloat, OperationError, type Tensor, tensor, withGradient } from "../graph.ts";
import {
  add,
  broadcastShapes,
  cast,
  divide,
  equal,
  exp,
  log,
  multiply,
  not,
  oneHot,
  reciprocal,
  sqrt,
  subtract,
  sumTo,
} from "./elementwise.ts";
import { matmul } from "./matmul.ts";
import { max, sum, sumOfSquares } from "./reduce.ts";
import { concatenate, pad, reshape, slice, transpose } from "./shape.ts";

const last = { keepAxes: true } as const;

/** exp(x) / sum(exp(x)) over the last axis. */
export function softmax(x: Tensor): Tensor {
  if (!isFloat(x) || x.shape.length === 0)
    throw new OperationError("softmax", [x], "needs a floating-point tensor with an axis");
  const y: Tensor = tensor("softmax", [x], x.shape, x.dataType, {}, (g) => [
    multiply(y, subtract(g, sum(multiply(g, y), -1, last))),
  ]);
  return y;
}

/** log(sum(exp(x))) over the last axis, without overflow. */
export function logSumExp(x: Tensor, options: { readonly keepAxes?: boolean } = {}): Tensor {
  const { logarithm, probabilities } = softmaxParts(x);
  const result = withGradient("logSumExp", logarithm, [x], (g) => [multiply(probabilities(), g)]);
  return options.keepAxes ? result : reshape(result, x.shape.slice(0, -1));
}

/** The numerically safe log-sum-exp [..., 1] of the last axis, and the softmax that shares its exponentials. */
function softmaxParts(x: Tensor): { logarithm: Tensor; probabilities: () => Tensor } {
  const largest = max(x, -1, last);
  const exponentials = exp(subtract(x, largest));
  const total = sum(exponentials, -1, last);
  return { logarithm: add(log(total), largest), probabilities: () => divide(exponentials, total) };
}

export interface CrossEntropyOptions {
  /** Targets with this value have loss 0 and no gradient. Default -100. */
  readonly ignoreIndex?: number;
}

/**
 * -log softmax(logits)[target] in nats for each position: logits [..., classes], targets int32 [...] -> losses [...].
 * `counted` is 1 where a target counts and 0 where it is ignored; a mean is sum(losses) / sum(counted).
 * Gradient for the logits: (softmax(logits) - onehot(target)) * counted * g.
 */
export function crossEntropy(
  logits: Tensor,
  targets: Tensor,
  options: CrossEntropyOptions = {},
): { losses: Tensor; counted: Tensor } {
  const classes = logits.shape.at(-1) ?? 0;
  if (targets.dataType !== "int32" || `${targets.shape}` !== `${logits.shape.slice(0, -1)}`) {
    throw new OperationError(
      "crossEntropy",
      [logits, targets],
      "the int32 targets must have the logits' leading axes",
    );
  }
  const counted = cast(not(equal(targets, fill(options.ignoreIndex ?? -100, [], "int32"))), logits.dataType);
  const target = oneHot(targets, classes, logits.dataType);
  const { logarithm, probabilities } = softmaxParts(logits);
  const picked = sum(multiply(logits, target), -1);
  const losses = multiply(subtract(reshape(logarithm, targets.shape), picked), counted);
  return {
    counted,
    losses: withGradient("crossEntropy", losses, [logits], (g) => [
      multiply(subtract(probabilities(), target), reshape(multiply(g, counted), [...targets.shape, 1])),
    ]),
  };
}

/**
 * x / rms(x) * weight over the last axis, rms(x) = sqrt(mean(x^2) + epsilon) (Zhang and Sennrich, arXiv:1910.07467).
 * Gradient: with w = g * weight and r = 1 / rms, dx = r * (w - x * r^2 * mean(w * x)). The backward pass works r out
 * again from x, which costs less than keeping the forward pass from being one kernel.
 */
export function rmsNorm(x: Tensor, weight: Tensor, epsilon = 1e-5): Tensor {
  const width = normalisedWidth("rmsNorm", x, weight);
  return tensor("rmsNorm", [x, weight], x.shape, x.dataType, { epsilon }, (g) => {
    const inverse = inverseRoot(x, width, epsilon);
    const normal = multiply(x, inverse);
    const scaled = multiply(g, weight);
    const along = multiply(sum(multiply(scaled, normal), -1, last), 1 / width);
    return [
      multiply(subtract(scaled, multiply(normal, along)), inverse),
      sumTo(multiply(g, normal), weight.shape),
    ];
  });
}

/** (x - mean) / sqrt(variance + epsilon) * weight + bias over the last axis (Ba et al., arXiv:1607.06450). */
export function layerNorm(x: Tensor, weight: Tensor, bias: Tensor, epsilon = 1e-5): Tensor {
  const width = normalisedWidth("layerNorm", x, weight);
  normalisedWidth("layerNorm", x, bias);
  const mean = (t: Tensor): Tensor => multiply(sum(t, -1, last), 1 / width);
  return tensor("layerNorm", [x, weight, bias], x.shape, x.dataType, { epsilon }, (g) => {
    const centred = subtract(x, mean(x));
    const inverse = inverseRoot(centred, width, epsilon);
    const normal = multiply(centred, inverse);
    const scaled = multiply(g, weight);
    const along = mean(multiply(scaled, normal));
    return [
      multiply(subtract(subtract(scaled, mean(scaled)), multiply(normal, along)), inverse),
      sumTo(multiply(g, normal), weight.shape),
      sumTo(g, bias.shape),
    ];
  });
}

/** 1 / sqrt(mean(x^2) + epsilon) over the last axis. */
const inverseRoot = (x: Tensor, width: number, epsilon: number): Tensor =>
  reciprocal(sqrt(add(multiply(sumOfSquares(x, -1, last), 1 / width), epsilon)));

function normalisedWidth(name: string, x: Tensor, weight: Tensor): number {
  const width = x.shape.at(-1);
  if (width === undefined || weight.shape.length !== 1 || weight.shape[0] !== width) {
    throw new OperationError(
      name,
      [x, weight],
      `the weight must have the length of the last axis (${width})`,
    );
  }
  return width;
}

export interface AttentionOptions {
  /** What the scores q k^T are multiplied with. Default 1 / sqrt(head width). */
  readonly scale?: number;
  /** Added to the scores: 0 where a query may look, `MASKED` where not; broadcasts to [batch, heads, queries, keys]. No gradient. */
  readonly mask?: Tensor;
}

/** Low enough that its exponential is 0 in float32 beside any score, without an infinity that could become NaN. */
export const MASKED = -1e30;

/**
 * softmax(scale * Q K^T + mask) V. Queries [batch, heads, queries, width]; keys [batch, groups, keys, width] and values
 * [batch, groups, keys, value width] with heads a multiple of groups (grouped-query attention): head h reads group
 * floor(h / (heads / groups)). Result [batch, heads, queries, value width].
 *
 * Gradient in closed form: with P the probabilities, dP = dO V^T and r = rowsum(dO * O), dS = P * (dP - r)
 * (Dao et al., arXiv:2205.14135, appendix B.2), which needs two passes over the scores instead of four.
 */
export function attention(query: Tensor, key: Tensor, value: Tensor, options: AttentionOptions = {}): Tensor {
  const [batch, heads, queries, width] = query.shape as [number, number, number, number];
  const [, groups, keys] = key.shape as [number, number, number, number];
  const fits =
    [query, key, value].every((t) => t.shape.length === 4 && t.shape[0] === batch) &&
    heads % groups === 0 &&
    key.shape[3] === width &&
    value.shape[1] === groups &&
    value.shape[2] === keys;
  if (!fits) {
    throw new OperationError(
      "attention",
      [query, key, value],
      "needs queries [batch, heads, queries, width], keys [batch, groups, keys, width], values [batch, groups, keys, any], heads a multiple of groups",
    );
  }
  const { mask } = options;
  const scores = [batch, heads, queries, keys];
  if (mask && `${broadcastShapes(mask.shape, scores)}` !== `${scores}`) {
    throw new OperationError(
      "attention",
      [query, key, value, mask],
      `the mask does not broadcast to [${scores.join(", ")}]`,
    );
  }
  const scale = options.scale ?? 1 / Math.sqrt(width);
  // The heads of a group are rows of one matrix, so that keys and values are never repeated in memory.
  const grouped = (t: Tensor): Tensor => reshape(t, [batch, groups, (heads / groups) * queries, t.shape[3]!]);
  const q = multiply(grouped(query), scale);
  const raw = reshape(matmul(q, key, { transposeSecond: true }), scores);
  const probabilities = grouped(softmax(mask ? add(raw, mask) : raw));
  const out = matmul(probabilities, value);
  const result = reshape(out, [batch, heads, queries, value.shape[3]!]);
  return withGradient("attention", result, [query, key, value], (gradient) => {
    const g = grouped(gradient);
    const along = sum(multiply(g, out), -1, last);
    const dScores = multiply(probabilities, subtract(matmul(g, value, { transposeSecond: true }), along));
    return [
      reshape(multiply(matmul(dScores, key), scale), query.shape),
      productOverColumns(dScores, q),
      productOverColumns(probabilities, g),
    ];
  });
}

/** X^T Y where Y is much the narrower: (Y^T X)^T, so that no score-sized matrix is transposed. */
function productOverColumns(x: Tensor, y: Tensor): Tensor {
  return transpose(matmul(transpose(y), x));
}

export interface CausalMaskOptions {
  /** A query sees itself and the `window` - 1 positions before it. Default: all before it. */
  readonly window?: number;
  /** The first `sinks` positions are seen by every later query even outside the window. Default 0. */
  readonly sinks?: number;
}

/** The additive mask [queries, keys] of causal attention; the last query stands at the last key. */
export function causalMask(queries: number, keys: number, options: CausalMaskOptions = {}): Tensor {
  const { window = Number.POSITIVE_INFINITY, sinks = 0 } = options;
  const elements = new Float32Array(queries * keys);
  for (let i = 0; i < queries; i++) {
    const at = i + keys - queries;
    for (let j = 0; j < keys; j++) {
      const seen = j <= at && (j > at - window || j < sinks);
      elements[i * keys + j] = seen ? 0 : MASKED;
    }
  }
  return constant(elements, [queries, keys]);
}

/**
 * Rotates the pairs (x_i, x_{i + width/2}) of the last axis by an angle a_i, given as cosines and sines that broadcast
 * to [..., width/2]: rotary position embedding (Su et al., arXiv:2104.09864), in the half-split layout of Llama.
 */
export function rotate(x: Tensor, cosine: Tensor, sine: Tensor): Tensor {
  const half = (x.shape.at(-1) ?? 0) / 2;
  if (!Number.isInteger(half) || cosine.shape.at(-1) !== half || sine.shape.at(-1) !== half) {
    throw new OperationError(
      "rotate",
      [x, cosine, sine],
      "the last axis must be twice that of the cosines and sines",
    );
  }
  const turn = (t: Tensor, direction: 1 | -1): Tensor => {
    const a = slice(t, -1, 0, half);
    const b = slice(t, -1, half);
    const [less, more] = direction === 1 ? [subtract, add] : [add, subtract];
    return concatenate(
      [less(multiply(a, cosine), multiply(b, sine)), more(multiply(b, cosine), multiply(a, sine))],
      t.shape.length - 1,
    );
  };
  return withGradient("rotate", turn(x, 1), [x], (g) => [turn(g, -1)]);
}

/**
 * y[t, c] = sum over k of weight[k, c] * x[t - (taps - 1) + k, c], zeros before the start: a depthwise convolution that
 * sees no later position. x [..., time, channels], weight [taps, channels].
 */
export function causalConvolution(x: Tensor, weight: Tensor): Tensor {
  const [taps, channels] = weight.shape as [number, number];
  const rank = x.shape.length;
  if (rank < 2 || weight.shape.length !== 2 || x.shape[rank - 1] !== channels) {
    throw new OperationError(
      "causalConvolution",
      [x, weight],
      "needs x [..., time, channels] and weight [taps, channels]",
    );
  }
  const time = rank - 2;
  const length = x.shape[time]!;
  const ends = (amount: number): number[] => x.shape.map((_, i) => (i === time ? amount : 0));
  const tap = (k: number): Tensor => slice(weight, 0, k, k + 1);
  const correlate = (padded: Tensor, tapAt: (k: number) => Tensor): Tensor =>
    Array.from({ length: taps }, (_, k) =>
      multiply(slice(padded, time, k, k + length), reshape(tapAt(k), [channels])),
    ).reduce((a, b) => add(a, b));
  const before = pad(x, ends(taps - 1), ends(0));
  return withGradient("causalConvolution", correlate(before, tap), [x, weight], (g) => [
    correlate(pad(g, ends(0), ends(taps - 1)), (k) => tap(taps - 1 - k)),
    concatenate(
      Array.from({ length: taps }, (_, k) =>
        sumTo(multiply(g, slice(before, time, k, k + length)), [1, channels]),
      ),
      0,
    ),
  ]);
}

/** Values of `x` [..., classes] at `index` (int32 [...]) along the last axis: [...]. */
export function pick(x: Tensor, index: Tensor): Tensor {
  const chosen = oneHot(index, x.shape.at(-1) ?? 0, x.dataType);
  return sum(multiply(x, chosen), -1);
}
