/**
 * The weights of each primitive, written down once: parameter counts, FLOPs and operators are all derived from here.
 * Projections that read the same input are one matrix, as every serving engine runs them (query, key and value; gate and
 * up).
 *
 * Sources: attention and SwiGLU as in Llama; Mamba-2 as in arXiv:2405.21060 (in_proj to z, x, B, C, dt); the hybrid as in
 * arXiv:2510.04800 §3.
 */

import type { Architecture, AttentionSettings, SsmSettings } from "./architecture.ts";
import type { Primitive } from "./notation.ts";

/** `copies` matrices of inputs x outputs, of which one token goes through `active`. */
export interface Linear {
  readonly name: string;
  readonly inputs: number;
  readonly outputs: number;
  /** Entries of the bias of one copy. */
  readonly bias: number;
  readonly copies: number;
  readonly active: number;
}

export interface LayerWeights {
  readonly linears: readonly Linear[];
  /** Entries of the depthwise convolution's kernel and bias. */
  readonly convolution: number;
  /** Entries of all other vectors and scalars but the layer's pre-norm: inner norms, scales, A_log, D, dt_bias. */
  readonly vectors: number;
}

/** Channels that go through the Mamba-2 convolution: x, B and C. */
export function convolutionChannels(s: SsmSettings): number {
  return s.innerWidth + 2 * s.groups * s.stateSize;
}

/** Channels of queries, keys and values, all heads. */
export function attentionChannels(s: AttentionSettings): { queries: number; keys: number; values: number } {
  return { queries: s.heads * s.headDim, keys: s.kvHeads * s.headDim, values: s.kvHeads * s.valueDim };
}

/** The weights of one layer of kind `primitive`, without its pre-norm. */
export function layerWeights(a: Architecture, primitive: Primitive): LayerWeights {
  switch (primitive) {
    case "A":
      return attentionWeights(a.width, a.attention);
    case "W":
      return attentionWeights(a.width, a.window);
    case "S":
      return ssmWeights(a.width, a.ssm);
    case "F":
      return feedForwardWeights(a);
    case "E":
      return expertWeights(a);
    case "H":
      return hybridWeights(a);
  }
}

function linear(
  name: string,
  inputs: number,
  outputs: number,
  bias = false,
  copies = 1,
  active = copies,
): Linear {
  return { name, inputs, outputs, bias: bias ? outputs : 0, copies, active };
}

function attentionWeights(width: number, s: AttentionSettings): LayerWeights {
  return {
    linears: [queryKeyValue(width, s), linear("attention_output", s.heads * s.valueDim, width, s.outputBias)],
    convolution: 0,
    vectors: s.qkNorm ? 2 * s.headDim : 0,
  };
}

function queryKeyValue(width: number, s: AttentionSettings): Linear {
  const { queries, keys, values } = attentionChannels(s);
  return linear("attention_qkv", width, queries + keys + values, s.qkvBias);
}

function ssmWeights(width: number, s: SsmSettings): LayerWeights {
  return {
    linears: [ssmInput(width, s, 2), linear("ssm_output", s.innerWidth, width, s.projectionBias)],
    convolution: convolutionChannels(s) * (s.convWidth + (s.convBias ? 1 : 0)),
    vectors: ssmVectors(s),
  };
}

/** z, x (one of the two when the attention's values stand in for x), B, C and dt. */
function ssmInput(width: number, s: SsmSettings, innerBranches: 1 | 2): Linear {
  const outputs = innerBranches * s.innerWidth + 2 * s.groups * s.stateSize + s.innerWidth / s.headDim;
  return linear("ssm_input", width, outputs, s.projectionBias);
}

function ssmVectors(s: SsmSettings): number {
  return 3 * (s.innerWidth / s.headDim) + (s.gatedNorm ? s.innerWidth : 0);
}

function feedForwardWeights({ width, feedForward: s }: Architecture): LayerWeights {
  return {
    linears: [
      linear("feed_forward_up", width, (s.gated ? 2 : 1) * s.hidden, s.bias),
      linear("feed_forward_down", s.hidden, width, s.bias),
    ],
    convolution: 0,
    vectors: 0,
  };
}

function expertWeights({ width, experts: s }: Architecture): LayerWeights {
  const shared = [
    linear("shared_expert_up", width, 2 * s.sharedHidden, false, s.shared),
    linear("shared_expert_down", s.sharedHidden, width, false, s.shared),
    ...(s.sharedGate ? [linear("shared_expert_gate", width, 1)] : []),
  ];
  return {
    linears: [
      linear("router", width, s.experts),
      linear("expert_up", width, 2 * s.hidden, false, s.experts, s.active),
      linear("expert_down", s.hidden, width, false, s.experts, s.active),
      ...(s.shared > 0 ? shared : []),
    ],
    convolution: 0,
    vectors: 0,
  };
}

function hybridWeights({ width, hybrid: s }: Architecture): LayerWeights {
  const ssm = ssmWeights(width, s.ssm);
  const attention = attentionWeights(width, s.attention);
  const attended = s.attention.heads * s.attention.valueDim;
  const branchChannels = attended + s.ssm.innerWidth;
  const outputs =
    s.output === "separate"
      ? [attention.linears[1]!, ssm.linears[1]!]
      : [linear("hybrid_output", s.fusion === "concatenate" ? branchChannels : attended, width)];
  return {
    linears: [
      queryKeyValue(width, s.attention),
      ssmInput(width, s.ssm, s.values === "shared" ? 1 : 2),
      ...outputs,
    ],
    convolution: ssm.convolution,
    vectors:
      attention.vectors +
      ssm.vectors +
      (s.norm === "group" ? branchChannels : 0) +
      { none: 0, vector: branchChannels, scalar: 1 }[s.scale],
  };
}
