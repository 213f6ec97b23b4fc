/**
 * AdamW (Loshchilov and Hutter, arXiv:1711.05101, algorithm 2) and clipping by the global norm, as graph.
 *
 * Memory passes are what an update costs, so the two moments are kept scaled, M = m / (1 - beta1) and
 * V = v / (1 - beta2), and every factor that depends on the step alone is worked out beforehand, in double precision:
 *
 *   M <- beta1 M + g        V <- beta2 V + g^2        p <- p (1 - rate * decay) - stepSize * M / (sqrt(V) + epsilon s)
 *   s = sqrt((1 - beta2^t) / (1 - beta2))             stepSize = rate * s (1 - beta1) / (1 - beta1^t)
 */

import { float32, type Tensor } from "../graph.ts";
import { add, divide, minimum, multiply, sqrt, subtract } from "../operations/elementwise.ts";
import { sumOfSquares } from "../operations/reduce.ts";
import type { Schedule } from "./schedule.ts";

export interface AdamWOptions {
  readonly learningRate: Schedule;
  /** Default 0.9. */
  readonly beta1?: number;
  /** Default 0.95, as is usual for language models. */
  readonly beta2?: number;
  /** Default 1e-8. */
  readonly epsilon?: number;
  /** Decoupled decay of the parameters that ask for it. Default 0.1. */
  readonly weightDecay?: number;
  /** Largest global norm of the gradient; a larger one is scaled down to it. Default 1; Infinity never clips. */
  readonly clipNorm?: number;
}

export type ResolvedAdamW = Required<AdamWOptions>;

export function resolveAdamW(options: AdamWOptions): ResolvedAdamW {
  return { beta1: 0.9, beta2: 0.95, epsilon: 1e-8, weightDecay: 0.1, clipNorm: 1, ...options };
}

/** The inputs of the update that change with the step. */
export const stepInputs = { "step.keep": float32([]), "step.size": float32([]), "step.epsilon": float32([]) };
export type StepInputs = { readonly [K in keyof typeof stepInputs]: Tensor };

/** Their values for update number `step`, from 0. */
export function stepValues(
  options: ResolvedAdamW,
  step: number,
): { readonly [K in keyof typeof stepInputs]: Float32Array } {
  const { beta1, beta2, epsilon, weightDecay } = options;
  const rate = options.learningRate(step);
  const scale = Math.sqrt((1 - beta2 ** (step + 1)) / (1 - beta2));
  return {
    "step.keep": Float32Array.of(1 - rate * weightDecay),
    "step.size": Float32Array.of((rate * scale * (1 - beta1)) / (1 - beta1 ** (step + 1))),
    "step.epsilon": Float32Array.of(epsilon * scale),
  };
}

/**
 * The norm of all gradients after division by `weight`, and the factor that divides by the weight and clips.
 * One sum a tensor: a single float32 sum over ten million squares is off by 1e-3.
 */
export function clipByGlobalNorm(
  gradients: readonly Tensor[],
  weight: Tensor,
  clipNorm: number,
): { norm: Tensor; factor: Tensor } {
  const squares = gradients.map((g) => sumOfSquares(g)).reduce((a, b) => add(a, b));
  const norm = divide(sqrt(squares), weight);
  if (clipNorm === Number.POSITIVE_INFINITY) return { norm, factor: divide(1, weight) };
  // The small addend, as in PyTorch's clip_grad_norm_, keeps a zero gradient from dividing by zero.
  return { norm, factor: divide(minimum(divide(clipNorm, add(norm, 1e-6)), 1), weight) };
}

export interface AdamWState {
  readonly parameter: Tensor;
  readonly first: Tensor;
  readonly second: Tensor;
}

/** One update of one parameter by `gradient` * `factor`. */
export function adamw(
  { parameter, first, second }: AdamWState,
  gradient: Tensor,
  factor: Tensor,
  decays: boolean,
  step: StepInputs,
  { beta1, beta2 }: ResolvedAdamW,
): AdamWState {
  const g = multiply(gradient, factor);
  const nextFirst = add(multiply(first, beta1), g);
  const nextSecond = add(multiply(second, beta2), multiply(g, g));
  const update = multiply(divide(nextFirst, add(sqrt(nextSecond), step["step.epsilon"])), step["step.size"]);
  const kept = decays ? multiply(parameter, step["step.keep"]) : parameter;
  return { parameter: subtract(kept, update), first: nextFirst, second: nextSecond };
}
