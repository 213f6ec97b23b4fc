/**
 * S: Mamba-2 (Dao and Gu, arXiv:2405.21060): one projection to gate z, values x, B, C and step sizes; a causal depthwise
 * convolution over x, B and C; the recurrence; a skip D x; the gate, and an RMSNorm after it.
 */
import {
  add,
  causalConvolution,
  concatenate,
  exp,
  float32,
  type Initialiser,
  initialConstant,
  initialUniform,
  matmul,
  multiply,
  negate,
  reshape,
  rmsNorm,
  silu,
  sizeOf,
  slice,
  softplus,
  split,
  type Tensor,
} from "../../engine/index.ts";
import type { SsmSettings } from "../../model/index.ts";
import {
  type Initialisation,
  type Layer,
  matrix,
  ones,
  type Tensors,
  vector,
  type Weight,
  zeros,
} from "./layer.ts";
import { scanChunked, scanRecurrent } from "./scan.ts";
import type { Segment } from "./segment.ts";

/** Mamba-2 with its output projection. */
export function ssmLayer(
  width: number,
  settings: SsmSettings,
  residualScale: number,
  initialisation: Initialisation,
): Layer {
  const mixer = ssmMixer(width, settings, initialisation);
  return {
    weights: [
      ...mixer.weights,
      matrix("output", settings.innerWidth, width, residualScale),
      ...(settings.projectionBias ? [zeros("output_bias", width)] : []),
    ],
    cache: mixer.cache,
    apply(weights, x, segment, cache) {
      const { mixed, cache: next } = mixer.apply(weights, x, segment, cache);
      const output = matmul(mixed, weights.output!);
      return {
        output: settings.projectionBias ? add(output, weights.output_bias!) : output,
        ...(next && { cache: next }),
      };
    },
  };
}

export interface SsmResult {
  /** [batch, time, innerWidth]. */
  readonly mixed: Tensor;
  readonly cache?: Readonly<Record<string, Tensor>>;
}

export interface SsmMixer {
  readonly weights: readonly Weight[];
  readonly cache: Layer["cache"];
  /** `values` [batch, time, innerWidth] stand in for x where the mixer has no projection of its own for them. */
  apply(weights: Tensors, x: Tensor, segment: Segment, cache?: Tensors, values?: Tensor): SsmResult;
}

/** Mamba-2 up to, not including, its output projection. With `ownValues` false, x comes from outside (value sharing). */
export function ssmMixer(
  width: number,
  settings: SsmSettings,
  initialisation: Initialisation,
  ownValues = true,
): SsmMixer {
  const { innerWidth, headDim, stateSize, groups, convWidth, convBias, projectionBias, gatedNorm } = settings;
  const heads = innerWidth / headDim;
  const convolved = innerWidth + 2 * groups * stateSize;
  const ownChannels = ownValues ? convolved : convolved - innerWidth;
  const projected = innerWidth + ownChannels + heads;
  const [low, high] = initialisation.decayRange;

  return {
    weights: [
      matrix("input", width, projected),
      ...(projectionBias ? [zeros("input_bias", projected)] : []),
      {
        name: "convolution",
        shape: [convWidth, convolved],
        initial: likeConvolution(convWidth),
        decay: true,
      },
      ...(convBias ? [vector("convolution_bias", convolved, likeConvolution(convWidth))] : []),
      vector("dt_bias", heads, initialSteps(initialisation.stepRange)),
      vector("A_log", heads, logarithmOf(initialUniform(low, high))),
      vector("D", heads, initialConstant(1)),
      ...(gatedNorm ? [ones("norm", innerWidth)] : []),
    ],

    cache: (batch) => ({
      // As many columns as the convolution has taps, as the paper counts; the oldest is not read again.
      columns: float32([batch, convWidth, convolved]),
      state: float32([batch, heads, headDim, stateSize]),
    }),

    apply(weights, x, { batch, time }, cache, values) {
      const raw = matmul(x, weights.input!);
      const all = projectionBias ? add(raw, weights.input_bias!) : raw;
      const [gate, own, stepsRaw] = split(all, 2, [innerWidth, ownChannels, heads]) as [
        Tensor,
        Tensor,
        Tensor,
      ];
      const columns = ownValues ? own : concatenate([values!, own], 2);
      const history = cache ? concatenate([cache.columns!, columns], 1) : columns;
      const filtered = causalConvolution(history, weights.convolution!);
      const current = cache ? slice(filtered, 1, convWidth) : filtered;
      const active = silu(convBias ? add(current, weights.convolution_bias!) : current);
      const shared = groups * stateSize;
      const [u, b, c] = split(active, 2, [innerWidth, shared, shared]) as [Tensor, Tensor, Tensor];

      const steps = softplus(add(stepsRaw, weights.dt_bias!));
      const u4 = reshape(u, [batch, time, heads, headDim]);
      const operands = {
        values: multiply(u4, reshape(steps, [batch, time, heads, 1])),
        decay: multiply(steps, negate(exp(weights.A_log!))),
        input: reshape(b, [batch, time, groups, stateSize]),
        output: reshape(c, [batch, time, groups, stateSize]),
        state: cache?.state,
      };
      const { y, state } = time === 1 ? scanRecurrent(operands) : scanChunked(operands);
      const skipped = add(y, multiply(u4, reshape(weights.D!, [heads, 1])));
      const gated = multiply(reshape(skipped, [batch, time, innerWidth]), silu(gate));
      return {
        mixed: gatedNorm ? rmsNorm(gated, weights.norm!) : gated,
        ...(cache && { cache: { columns: slice(history, 1, time), state } }),
      };
    },
  };
}

/** Uniform within 1 / sqrt(taps), as a depthwise convolution of PyTorch starts. */
function likeConvolution(taps: number): Initialiser {
  return initialUniform(-(taps ** -0.5), taps ** -0.5);
}

function logarithmOf(initial: Initialiser): Initialiser {
  return (stream, shape) => initial(stream, shape).map(Math.log);
}

/** Biases whose softplus is log-uniform on the range, at least 1e-4 (Mamba-2's code). */
function initialSteps([low, high]: readonly [number, number]): Initialiser {
  return (stream, shape) =>
    Float32Array.from({ length: sizeOf(shape) }, () => {
      const step = Math.max(1e-4, low * (high / low) ** stream.uniform());
      return step + Math.log(-Math.expm1(-step));
    });
}
