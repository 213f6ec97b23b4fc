/**
 * A forward pass as a list of operators, each with its FLOPs and its memory traffic: what a roofline needs to time it.
 *
 * Rows are per kernel of a well-built engine: projections that share an input are one product, the residual addition is
 * fused into the norm, attention is fused (scores never reach memory), the embedding reads only the rows it looks up.
 * Equal layers share a row with a `count`, so the list stays short however deep the model is.
 */

import { type Architecture, type AttentionSettings, mixers, type SsmSettings } from "./architecture.ts";
import { convolutionStateElements, keyValueElements, stateElements } from "./cache.ts";
import { attendedPairs, attentionFlops, scanFlops } from "./flops.ts";
import type { Primitive } from "./notation.ts";
import { layerCounts, normParameters } from "./parameters.ts";
import { type Pass, type Precision, requirePass } from "./pass.ts";
import { attentionChannels, convolutionChannels, type Linear, layerWeights } from "./weights.ts";

export type OperatorKind =
  | "embedding"
  | "norm"
  | "matmul"
  | "rotary"
  | "attention"
  | "convolution"
  | "scan"
  | "elementwise";

/** `times` independent products of m x k by k x n. Fractional for experts, where m and times are expectations. */
export interface Gemm {
  readonly m: number;
  readonly k: number;
  readonly n: number;
  readonly times: number;
}

/** All figures are of one call; the pass makes `count` of them. */
export interface Operator {
  readonly name: string;
  readonly kind: OperatorKind;
  /** The primitive that the operator is part of; `model` for embedding, final norm and head. */
  readonly layer: Primitive | "model";
  readonly count: number;
  readonly flops: number;
  readonly weightBytes: number;
  readonly activationBytes: number;
  readonly cacheBytes: number;
  readonly writtenBytes: number;
  /** Only for `matmul`. */
  readonly gemm?: Gemm;
}

/**
 * The operators of one forward pass, in order of first execution.
 * @throws InputError when the pass has no tokens or a precision is not positive.
 */
export function operators(a: Architecture, pass: Pass): Operator[] {
  requirePass(pass);
  const { batch, newTokens, precision } = pass;
  const tokens = batch * newTokens;
  const rows: Operator[] = [
    row("embedding", "embedding", "model", 1, {
      weightBytes: tokens * a.width * precision.weights,
      writtenBytes: tokens * a.width * precision.activations,
    }),
  ];
  for (const [primitive, count] of layerCounts(a.layers))
    rows.push(...layerOperators(a, primitive, count, pass));

  const outputs = pass.logits === "all" ? tokens : batch;
  rows.push(norm("final_norm", "model", 1, outputs, a.width, normParameters(a), precision));
  rows.push(
    product(
      { name: "head", inputs: a.width, outputs: a.vocabulary, bias: 0, copies: 1, active: 1 },
      "model",
      1,
      outputs,
      precision,
    ),
  );
  return rows;
}

/** The sums of `rows` over all calls. */
export function operatorTotals(rows: readonly Operator[]): {
  calls: number;
  flops: number;
  weightBytes: number;
  activationBytes: number;
  cacheBytes: number;
  writtenBytes: number;
} {
  const sum = { calls: 0, flops: 0, weightBytes: 0, activationBytes: 0, cacheBytes: 0, writtenBytes: 0 };
  for (const r of rows) {
    sum.calls += r.count;
    sum.flops += r.count * r.flops;
    sum.weightBytes += r.count * r.weightBytes;
    sum.activationBytes += r.count * r.activationBytes;
    sum.cacheBytes += r.count * r.cacheBytes;
    sum.writtenBytes += r.count * r.writtenBytes;
  }
  return sum;
}

/** The operators of one layer of kind `primitive`, each with `count` calls. */
function layerOperators(a: Architecture, primitive: Primitive, count: number, pass: Pass): Operator[] {
  const { precision } = pass;
  const tokens = pass.batch * pass.newTokens;
  const { attention, span, ssm } = mixers(a, primitive);
  const rows = [norm("pre_norm", primitive, count, tokens, a.width, normParameters(a), precision)];
  for (const linear of layerWeights(a, primitive).linears) {
    rows.push(product(linear, primitive, count, tokens, precision));
    switch (linear.name) {
      case "attention_qkv":
        if (attention) rows.push(...attentionOperators(attention, span, primitive, count, pass));
        break;
      case "ssm_input":
        if (ssm) rows.push(...ssmOperators(ssm, primitive, count, pass));
        if (primitive === "H") rows.push(...fusionOperators(a, count, tokens, precision));
        break;
      case "feed_forward_up": {
        const { hidden, gated } = a.feedForward;
        rows.push(activation("feed_forward_activation", primitive, count, tokens, hidden, precision, gated));
        break;
      }
      case "expert_up": {
        const { active, hidden } = a.experts;
        rows.push(activation("expert_activation", primitive, count, tokens * active, hidden, precision));
        break;
      }
      case "shared_expert_up": {
        const { shared, sharedHidden } = a.experts;
        rows.push(
          activation("shared_expert_activation", primitive, count, tokens * shared, sharedHidden, precision),
        );
        break;
      }
    }
  }
  return rows;
}

/** Rotary embedding and head norms on queries and keys, then fused attention that also appends to the cache. */
function attentionOperators(
  s: AttentionSettings,
  span: number | undefined,
  layer: Primitive,
  count: number,
  { batch, newTokens, position, precision, cached }: Pass,
): Operator[] {
  const tokens = batch * newTokens;
  const { queries, keys } = attentionChannels(s);
  const rotated = tokens * (queries + keys);
  const rows: Operator[] = [];
  if (s.qkNorm) {
    rows.push(norm("query_key_norm", layer, count, tokens, queries + keys, 2 * s.headDim, precision, false));
  }
  if (s.ropeTheta !== null) {
    rows.push(
      row("rotary_embedding", "rotary", layer, count, {
        flops: 3 * rotated,
        activationBytes: rotated * precision.activations,
        writtenBytes: rotated * precision.activations,
      }),
    );
  }
  const reach = span ?? Number.POSITIVE_INFINITY;
  const kept = cached ? batch * Math.min(newTokens, reach) * keyValueElements(s) * precision.cache : 0;
  const attended = tokens * s.heads * s.valueDim * precision.activations;
  rows.push(
    row("attention", "attention", layer, count, {
      flops: batch * attentionFlops(s, attendedPairs(position, newTokens, reach)),
      activationBytes: tokens * (queries + keyValueElements(s)) * precision.activations,
      cacheBytes: batch * Math.min(position, reach) * keyValueElements(s) * precision.cache,
      writtenBytes: attended + kept,
    }),
  );
  return rows;
}

/** Causal convolution of x, B and C, the recurrence with its gate, and the gated norm. */
function ssmOperators(
  s: SsmSettings,
  layer: Primitive,
  count: number,
  { batch, newTokens, position, precision, cached }: Pass,
): Operator[] {
  const tokens = batch * newTokens;
  const channels = convolutionChannels(s);
  const heads = s.innerWidth / s.headDim;
  const kernel = channels * (s.convWidth + (s.convBias ? 1 : 0));
  const convolved = tokens * channels * precision.activations;
  const convolutionState = batch * convolutionStateElements(s) * precision.cache;
  const state = batch * stateElements(s) * precision.cache;
  const inner = tokens * s.innerWidth * precision.activations;
  const rows = [
    row("convolution", "convolution", layer, count, {
      flops: 2 * tokens * kernel,
      weightBytes: kernel * precision.weights,
      activationBytes: convolved,
      cacheBytes: position > 0 ? convolutionState : 0,
      writtenBytes: convolved + (cached ? convolutionState : 0),
    }),
    row("scan", "scan", layer, count, {
      flops: batch * scanFlops(s, newTokens),
      weightBytes: 3 * heads * precision.weights,
      activationBytes: convolved + inner + tokens * heads * precision.activations,
      cacheBytes: position > 0 ? state : 0,
      writtenBytes: inner + (cached ? state : 0),
    }),
  ];
  if (s.gatedNorm) {
    rows.push(norm("gated_norm", layer, count, tokens, s.innerWidth, s.innerWidth, precision, false));
  }
  return rows;
}

/** What the hybrid does to its branches before the output projections: norm, scale and, if joint, fusion. */
function fusionOperators(a: Architecture, count: number, tokens: number, precision: Precision): Operator[] {
  const { hybrid } = a;
  const channels = hybrid.attention.heads * hybrid.attention.valueDim + hybrid.ssm.innerWidth;
  const rows: Operator[] = [];
  if (hybrid.norm === "group") {
    rows.push(norm("branch_norm", "H", count, tokens, channels, channels, precision, false));
  }
  if (hybrid.scale !== "none") {
    rows.push(
      row("branch_scale", "elementwise", "H", count, {
        flops: tokens * channels,
        weightBytes: (hybrid.scale === "vector" ? channels : 1) * precision.weights,
        activationBytes: tokens * channels * precision.activations,
        writtenBytes: tokens * channels * precision.activations,
      }),
    );
  }
  if (hybrid.output === "joint" && hybrid.fusion !== "concatenate") {
    rows.push(
      row("branch_fusion", "elementwise", "H", count, {
        flops: (tokens * channels) / 2,
        activationBytes: tokens * channels * precision.activations,
        writtenBytes: (tokens * channels * precision.activations) / 2,
      }),
    );
  }
  return rows;
}

/**
 * A projection. With more copies than a token visits, the weights read are those of the experts that some token visits:
 * copies x (1 - (1 - active / copies)^tokens), the expectation under uniform, independent routing.
 */
function product(
  { name, inputs, outputs, bias, copies, active }: Linear,
  layer: Operator["layer"],
  count: number,
  tokens: number,
  precision: Precision,
): Operator {
  const visited = copies * (1 - (1 - active / copies) ** tokens);
  const rowsThrough = tokens * active;
  return {
    ...row(name, "matmul", layer, count, {
      flops: 2 * rowsThrough * inputs * outputs,
      weightBytes: visited * (inputs * outputs + bias) * precision.weights,
      activationBytes: rowsThrough * inputs * precision.activations,
      writtenBytes: rowsThrough * outputs * precision.activations,
    }),
    gemm: { m: rowsThrough / visited, k: inputs, n: outputs, times: visited },
  };
}

/** A norm over `channels`. With `residual`, it also adds the previous layer's output to the stream and writes both. */
function norm(
  name: string,
  layer: Operator["layer"],
  count: number,
  tokens: number,
  channels: number,
  weights: number,
  precision: Precision,
  residual = true,
): Operator {
  const streams = residual ? 2 : 1;
  const bytes = streams * tokens * channels * precision.activations;
  return row(name, "norm", layer, count, {
    flops: (residual ? 5 : 4) * tokens * channels,
    weightBytes: weights * precision.weights,
    activationBytes: bytes,
    writtenBytes: bytes,
  });
}

function activation(
  name: string,
  layer: Primitive,
  count: number,
  tokens: number,
  hidden: number,
  precision: Precision,
  gated = true,
): Operator {
  return row(name, "elementwise", layer, count, {
    flops: (gated ? 5 : 4) * tokens * hidden,
    activationBytes: (gated ? 2 : 1) * tokens * hidden * precision.activations,
    writtenBytes: tokens * hidden * precision.activations,
  });
}

function row(
  name: string,
  kind: OperatorKind,
  layer: Operator["layer"],
  count: number,
  cost: Partial<Pick<Operator, "flops" | "weightBytes" | "activationBytes" | "cacheBytes" | "writtenBytes">>,
): Operator {
  return {
    name,
    kind,
    layer,
    count,
    flops: cost.flops ?? 0,
    weightBytes: cost.weightBytes ?? 0,
    activationBytes: cost.activationBytes ?? 0,
    cacheBytes: cost.cacheBytes ?? 0,
    writtenBytes: cost.writtenBytes ?? 0,
  };
}
