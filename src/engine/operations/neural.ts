/**
 * The compositions that language models are made of, each with a closed-form gradient where that saves passes over
 * memory. They know shapes, not architectures.
 */

import { fill, isFloat, OperationError, type Tensor, tensor, withGradient } from "../graph.ts";
import { sumTo } from "./broadcast.ts";
import {
  add,
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
} from "./elementwise.ts";
import { max, sum, sumOfSquares } from "./reduce.ts";
import { concatenate, pad, reshape, slice } from "./shape.ts";

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
