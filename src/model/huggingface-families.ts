/**
 * The families of Hugging Face models that can be priced exactly. Each has a schema of the fields that shape the model,
 * with the defaults of its configuration class, and a reading of them as layers and settings.
 */

import { z } from "zod";
import type { ArchitectureSettings } from "./architecture.ts";
import { MOST_LAYERS, type Primitive } from "./notation.ts";

export interface Shape extends ArchitectureSettings {
  readonly layers: readonly Primitive[];
  readonly width: number;
}

export interface Family<S extends z.ZodObject = z.ZodObject> {
  readonly schema: S;
  readonly read: (config: z.output<S>) => Shape;
}

const size = z.int().positive();
const depth = size.max(MOST_LAYERS, `at most ${MOST_LAYERS} layers`);
const indices = z.array(z.int().nonnegative());

const decoder = {
  vocab_size: size,
  hidden_size: size,
  num_hidden_layers: depth,
  tie_word_embeddings: z.boolean().default(false),
};

const attention = {
  num_attention_heads: size,
  num_key_value_heads: size.nullish(),
  head_dim: size.nullish(),
  rope_theta: z.number().positive().optional(),
  rope_parameters: z.looseObject({ rope_theta: z.number().positive().optional() }).nullish(),
};

const window = {
  sliding_window: size.nullish(),
  layer_types: z.array(z.enum(["full_attention", "sliding_attention"])).nullish(),
};

const transformer = { ...decoder, ...attention, ...window, intermediate_size: size };

const qwen = {
  ...transformer,
  use_sliding_window: z.boolean().default(false),
  max_window_layers: z.int().nonnegative().default(28),
};

const qwenExperts = {
  num_experts: size,
  num_experts_per_tok: size,
  moe_intermediate_size: size,
  decoder_sparse_step: size.default(1),
  mlp_only_layers: indices.default([]),
};

/** The names that Bamba and Falcon-H1 share for their Mamba-2 part. */
const mamba = {
  mamba_n_heads: size,
  mamba_d_head: z.union([size, z.literal("auto")]).default("auto"),
  mamba_d_state: size,
  mamba_n_groups: size.default(1),
  mamba_d_conv: size.default(4),
  mamba_expand: z.number().positive().default(2),
  mamba_conv_bias: z.boolean().default(true),
};

/** By `model_type`. */
export const FAMILIES: Readonly<Record<string, Family>> = {
  llama: family(
    z.object({
      ...transformer,
      attention_bias: z.boolean().default(false),
      mlp_bias: z.boolean().default(false),
    }),
    (c) => ({
      ...transformerShape(c),
      attention: { ...attentionOf(c), qkvBias: c.attention_bias, outputBias: c.attention_bias },
      feedForward: { hidden: c.intermediate_size, bias: c.mlp_bias },
    }),
  ),
  mistral: family(z.object(transformer), (c) => transformerShape(c)),
  mixtral: family(z.object({ ...transformer, num_local_experts: size, num_experts_per_tok: size }), (c) => ({
    ...transformerShape(c, () => "E"),
    experts: {
      experts: c.num_local_experts,
      active: c.num_experts_per_tok,
      hidden: c.intermediate_size,
      shared: 0,
    },
  })),
  qwen2: family(z.object(qwen), (c) => ({
    ...transformerShape(c),
    attention: { ...attentionOf(c), qkvBias: true },
  })),
  qwen3: family(z.object({ ...qwen, attention_bias: z.boolean().default(false) }), (c) => ({
    ...transformerShape(c),
    attention: {
      ...attentionOf(c),
      qkNorm: true,
      qkvBias: c.attention_bias,
      outputBias: c.attention_bias,
    },
  })),
  qwen2_moe: family(
    z.object({
      ...qwen,
      ...qwenExperts,
      shared_expert_intermediate_size: size,
      qkv_bias: z.boolean().default(true),
    }),
    (c) => ({
      ...transformerShape(c, (i) => qwenLayer(c, i)),
      attention: { ...attentionOf(c), qkvBias: c.qkv_bias },
      experts: {
        ...qwenExpertsOf(c),
        shared: 1,
        sharedHidden: c.shared_expert_intermediate_size,
        sharedGate: true,
      },
    }),
  ),
  qwen3_moe: family(
    z.object({ ...qwen, ...qwenExperts, attention_bias: z.boolean().default(false) }),
    (c) => ({
      ...transformerShape(c, (i) => qwenLayer(c, i)),
      attention: {
        ...attentionOf(c),
        qkNorm: true,
        qkvBias: c.attention_bias,
        outputBias: c.attention_bias,
      },
      experts: { ...qwenExpertsOf(c), shared: 0 },
    }),
  ),
  mamba2: family(
    z.object({
      ...decoder,
      num_heads: size,
      head_dim: size,
      state_size: size,
      n_groups: size.default(8),
      conv_kernel: size.default(4),
      use_bias: z.boolean().default(false),
      use_conv_bias: z.boolean().default(true),
    }),
    (c) => ({
      ...decoderShape(c),
      layers: Array<Primitive>(c.num_hidden_layers).fill("S"),
      ssm: {
        innerWidth: c.num_heads * c.head_dim,
        headDim: c.head_dim,
        stateSize: c.state_size,
        groups: c.n_groups,
        convWidth: c.conv_kernel,
        convBias: c.use_conv_bias,
        projectionBias: c.use_bias,
      },
    }),
  ),
  bamba: family(
    z.object({ ...decoder, ...attention, ...mamba, intermediate_size: size, attn_layer_indices: indices }),
    (c) => ({
      ...decoderShape(c),
      layers: blocks(c.num_hidden_layers, (i) => [c.attn_layer_indices.includes(i) ? "A" : "S", "F"]),
      attention: attentionOf(c),
      feedForward: { hidden: c.intermediate_size },
      ssm: mambaOf(c),
    }),
  ),
  falcon_h1: family(
    z.object({
      ...decoder,
      ...attention,
      ...mamba,
      intermediate_size: size,
      mamba_d_ssm: size.nullish(),
      mamba_rms_norm: z.boolean().default(false),
      mamba_proj_bias: z.literal(false).default(false),
      projectors_bias: z.literal(false).default(false),
      attention_bias: z.literal(false).default(false),
      mlp_bias: z.literal(false).default(false),
    }),
    (c) => {
      const heads = attentionOf(c);
      return {
        ...decoderShape(c),
        layers: blocks(c.num_hidden_layers, () => ["H", "F"]),
        feedForward: { hidden: c.intermediate_size },
        hybrid: {
          attention: { ...heads, valueDim: heads.headDim },
          ssm: { ...mambaOf(c), gatedNorm: c.mamba_rms_norm },
          norm: "none",
          fusion: "add",
        },
      };
    },
  ),
  nemotron_h: family(
    z.object({
      ...decoder,
      num_attention_heads: size,
      num_key_value_heads: size,
      head_dim: size.optional(),
      attention_head_dim: size.optional(),
      intermediate_size: size,
      hybrid_override_pattern: z
        .string()
        .regex(/^[M*-]+$/, "only M, * and - (its mixture of experts, E, is not known here)"),
      mamba_num_heads: size,
      mamba_head_dim: size,
      ssm_state_size: size,
      n_groups: size.default(8),
      conv_kernel: size.default(4),
      use_conv_bias: z.boolean().default(true),
      use_bias: z.boolean().default(false),
      attention_bias: z.boolean().default(false),
      mlp_bias: z.boolean().default(false),
    }),
    (c) => ({
      ...decoderShape(c),
      layers: [...c.hybrid_override_pattern].map(
        (letter) => ({ M: "S", "*": "A", "-": "F" })[letter] as Primitive,
      ),
      attention: {
        ...attentionOf({ ...c, head_dim: c.head_dim ?? c.attention_head_dim }),
        ropeTheta: null,
        qkvBias: c.attention_bias,
        outputBias: c.attention_bias,
      },
      feedForward: { hidden: c.intermediate_size, gated: false, bias: c.mlp_bias },
      ssm: {
        innerWidth: c.mamba_num_heads * c.mamba_head_dim,
        headDim: c.mamba_head_dim,
        stateSize: c.ssm_state_size,
        groups: c.n_groups,
        convWidth: c.conv_kernel,
        convBias: c.use_conv_bias,
        projectionBias: c.use_bias,
      },
    }),
  ),
};

/** The form of the checkpoints that the Mamba-2 authors released; it has no `model_type`. */
export const STATE_SPACES: Family = family(
  z.object({
    d_model: size,
    n_layer: depth,
    vocab_size: size,
    pad_vocab_size_multiple: size.default(8),
    tie_embeddings: z.boolean().default(true),
    d_intermediate: z.literal(0).default(0),
    attn_layer_idx: indices.max(0, "no attention layers, whose form varies").default([]),
    rms_norm: z.boolean().default(true),
    ssm_cfg: z.looseObject({
      layer: z.literal("Mamba2"),
      d_state: size.default(128),
      d_conv: size.default(4),
      expand: z.number().positive().default(2),
      headdim: size.default(64),
      ngroups: size.default(1),
    }),
  }),
  (c) => ({
    layers: Array<Primitive>(c.n_layer).fill("S"),
    width: c.d_model,
    vocabulary: Math.ceil(c.vocab_size / c.pad_vocab_size_multiple) * c.pad_vocab_size_multiple,
    tiedEmbeddings: c.tie_embeddings,
    norm: c.rms_norm ? "rms" : "layer",
    ssm: {
      innerWidth: c.ssm_cfg.expand * c.d_model,
      headDim: c.ssm_cfg.headdim,
      stateSize: c.ssm_cfg.d_state,
      groups: c.ssm_cfg.ngroups,
      convWidth: c.ssm_cfg.d_conv,
    },
  }),
);

function family<S extends z.ZodObject>(schema: S, read: (config: z.output<S>) => Shape): Family {
  return { schema, read: read as Family["read"] };
}

type Decoder = z.output<z.ZodObject<typeof decoder>>;
type Transformer = z.output<z.ZodObject<typeof transformer>>;
type QwenExperts = z.output<z.ZodObject<typeof qwenExperts>>;
type Mamba = z.output<z.ZodObject<typeof mamba>>;

function decoderShape(c: Decoder) {
  return { width: c.hidden_size, vocabulary: c.vocab_size, tiedEmbeddings: c.tie_word_embeddings };
}

function blocks(count: number, of: (index: number) => readonly Primitive[]): Primitive[] {
  return Array.from({ length: count }, (_, i) => of(i)).flat();
}

/** A decoder whose layer `i` is attention, with a window where the file says so, and then `second(i)`. */
function transformerShape(
  c: Transformer & { use_sliding_window?: boolean; max_window_layers?: number },
  second: (index: number) => Primitive = () => "F",
): Shape {
  const windowed = (i: number): boolean => {
    if (c.sliding_window == null || c.use_sliding_window === false) return false;
    if (c.layer_types) return c.layer_types[i] === "sliding_attention";
    return i >= (c.max_window_layers ?? 0);
  };
  const { ropeTheta } = attentionOf(c);
  return {
    ...decoderShape(c),
    layers: blocks(c.num_hidden_layers, (i) => [windowed(i) ? "W" : "A", second(i)]),
    attention: attentionOf(c),
    window: { ropeTheta, sink: 0, ...(c.sliding_window == null ? {} : { window: c.sliding_window }) },
    feedForward: { hidden: c.intermediate_size },
  };
}

function attentionOf(c: z.output<z.ZodObject<typeof attention>> & { hidden_size: number }) {
  return {
    heads: c.num_attention_heads,
    kvHeads: c.num_key_value_heads ?? c.num_attention_heads,
    headDim: c.head_dim ?? c.hidden_size / c.num_attention_heads,
    ropeTheta: c.rope_theta ?? c.rope_parameters?.rope_theta ?? 10_000,
  };
}

function qwenLayer(c: QwenExperts, i: number): Primitive {
  return !c.mlp_only_layers.includes(i) && (i + 1) % c.decoder_sparse_step === 0 ? "E" : "F";
}

function qwenExpertsOf(c: QwenExperts) {
  return { experts: c.num_experts, active: c.num_experts_per_tok, hidden: c.moe_intermediate_size };
}

function mambaOf(c: Mamba & { hidden_size: number; mamba_d_ssm?: number | null | undefined }) {
  const innerWidth = c.mamba_d_ssm ?? c.mamba_expand * c.hidden_size;
  return {
    innerWidth,
    headDim: c.mamba_d_head === "auto" ? innerWidth / c.mamba_n_heads : c.mamba_d_head,
    stateSize: c.mamba_d_state,
    groups: c.mamba_n_groups,
    convWidth: c.mamba_d_conv,
    convBias: c.mamba_conv_bias,
  };
}
