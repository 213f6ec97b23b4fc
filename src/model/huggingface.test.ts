import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { InputError } from "../core/index.ts";
import { parseHuggingFace } from "./huggingface.ts";
import { printLayers } from "./notation.ts";
import { parameters } from "./parameters.ts";
import { preset } from "./presets.ts";

/** The fields that matter, with the values of the released files. */
const LLAMA_3_8B = {
  architectures: ["LlamaForCausalLM"],
  attention_bias: false,
  bos_token_id: 128000,
  hidden_act: "silu",
  hidden_size: 4096,
  intermediate_size: 14336,
  max_position_embeddings: 8192,
  model_type: "llama",
  num_attention_heads: 32,
  num_hidden_layers: 32,
  num_key_value_heads: 8,
  rms_norm_eps: 1e-5,
  rope_scaling: null,
  rope_theta: 500000.0,
  tie_word_embeddings: false,
  torch_dtype: "bfloat16",
  vocab_size: 128256,
};
const MISTRAL_7B = {
  model_type: "mistral",
  hidden_size: 4096,
  intermediate_size: 14336,
  num_attention_heads: 32,
  num_hidden_layers: 32,
  num_key_value_heads: 8,
  rope_theta: 10000.0,
  sliding_window: 4096,
  tie_word_embeddings: false,
  vocab_size: 32000,
};
const MIXTRAL_8X7B = {
  ...MISTRAL_7B,
  model_type: "mixtral",
  num_local_experts: 8,
  num_experts_per_tok: 2,
  rope_theta: 1e6,
  router_aux_loss_coef: 0.02,
  sliding_window: null,
};
const QWEN25_7B = {
  model_type: "qwen2",
  hidden_size: 3584,
  intermediate_size: 18944,
  max_window_layers: 28,
  num_attention_heads: 28,
  num_hidden_layers: 28,
  num_key_value_heads: 4,
  rope_theta: 1000000.0,
  sliding_window: 131072,
  tie_word_embeddings: false,
  use_sliding_window: false,
  vocab_size: 152064,
};
const QWEN3_4B = {
  model_type: "qwen3",
  attention_bias: false,
  head_dim: 128,
  hidden_size: 2560,
  intermediate_size: 9728,
  max_window_layers: 36,
  num_attention_heads: 32,
  num_hidden_layers: 36,
  num_key_value_heads: 8,
  rope_theta: 1000000,
  sliding_window: null,
  tie_word_embeddings: true,
  use_sliding_window: false,
  vocab_size: 151936,
};
const QWEN15_MOE = {
  model_type: "qwen2_moe",
  decoder_sparse_step: 1,
  hidden_size: 2048,
  intermediate_size: 5632,
  max_window_layers: 21,
  moe_intermediate_size: 1408,
  norm_topk_prob: false,
  num_attention_heads: 16,
  num_experts: 60,
  num_experts_per_tok: 4,
  num_hidden_layers: 24,
  num_key_value_heads: 16,
  rope_theta: 1000000.0,
  shared_expert_intermediate_size: 5632,
  sliding_window: 32768,
  tie_word_embeddings: false,
  use_sliding_window: false,
  vocab_size: 151936,
};
const QWEN3_30B_A3B = {
  ...QWEN3_4B,
  model_type: "qwen3_moe",
  decoder_sparse_step: 1,
  hidden_size: 2048,
  intermediate_size: 6144,
  max_window_layers: 48,
  mlp_only_layers: [],
  moe_intermediate_size: 768,
  num_experts: 128,
  num_experts_per_tok: 8,
  num_hidden_layers: 48,
  num_key_value_heads: 4,
  tie_word_embeddings: false,
};
const MAMBA2_780M = {
  model_type: "mamba2",
  chunk_size: 256,
  conv_kernel: 4,
  expand: 2,
  head_dim: 64,
  hidden_size: 1536,
  n_groups: 1,
  num_heads: 48,
  num_hidden_layers: 48,
  state_size: 128,
  tie_word_embeddings: true,
  use_bias: false,
  use_conv_bias: true,
  vocab_size: 50288,
};
const MAMBA2_27B_NATIVE = {
  d_model: 2560,
  d_intermediate: 0,
  n_layer: 64,
  vocab_size: 50277,
  ssm_cfg: { layer: "Mamba2" },
  attn_layer_idx: [],
  attn_cfg: {},
  rms_norm: true,
  residual_in_fp32: true,
  fused_add_norm: true,
  pad_vocab_size_multiple: 16,
  tie_embeddings: true,
};
const BAMBA_9B = {
  model_type: "bamba",
  attn_layer_indices: [9, 18, 27],
  hidden_size: 4096,
  intermediate_size: 14336,
  mamba_conv_bias: true,
  mamba_d_conv: 4,
  mamba_d_head: 64,
  mamba_d_state: 128,
  mamba_expand: 2,
  mamba_n_groups: 1,
  mamba_n_heads: 128,
  num_attention_heads: 32,
  num_hidden_layers: 32,
  num_key_value_heads: 8,
  tie_word_embeddings: false,
  vocab_size: 128256,
};
const FALCON_H1_05B = {
  model_type: "falcon_h1",
  head_dim: 64,
  hidden_size: 1024,
  intermediate_size: 2048,
  mamba_d_conv: 4,
  mamba_d_head: 64,
  mamba_d_ssm: 1536,
  mamba_d_state: 128,
  mamba_expand: 2,
  mamba_n_groups: 1,
  mamba_n_heads: 24,
  mamba_rms_norm: false,
  num_attention_heads: 8,
  num_hidden_layers: 36,
  num_key_value_heads: 2,
  rope_theta: 1e11,
  tie_word_embeddings: false,
  vocab_size: 32784,
};
const NEMOTRON_H_8B = {
  model_type: "nemotron_h",
  attention_head_dim: 128,
  hidden_size: 4096,
  hybrid_override_pattern: "M-M-M-M*-M-M-M-M-M*-M-M-M-M-M*-M-M-M-M-M*-M-M-M-M-M-",
  intermediate_size: 21504,
  mamba_head_dim: 64,
  mamba_num_heads: 128,
  mlp_hidden_act: "relu2",
  n_groups: 8,
  num_attention_heads: 32,
  num_hidden_layers: 52,
  num_key_value_heads: 8,
  ssm_state_size: 128,
  tie_word_embeddings: false,
  vocab_size: 131072,
};

const parse = (config: unknown) => parseHuggingFace(JSON.stringify(config, null, 2));
function complaint(text: string): string {
  try {
    parseHuggingFace(text, "model/config.json");
  } catch (error) {
    if (error instanceof InputError) return error.message;
    throw error;
  }
  throw new Error("the configuration was accepted");
}

describe("parseHuggingFace", () => {
  // Totals of the released checkpoints.
  it.each([
    ["Llama-3-8B", LLAMA_3_8B, "(AF)32", 8_030_261_248],
    ["Mistral-7B", MISTRAL_7B, "(WF)32", 7_241_732_096],
    ["Mixtral-8x7B", MIXTRAL_8X7B, "(AE)32", 46_702_792_704],
    ["Qwen2.5-7B", QWEN25_7B, "(AF)28", 7_615_616_512],
    ["Qwen3-4B", QWEN3_4B, "(AF)36", 4_022_468_096],
    ["Qwen1.5-MoE-A2.7B", QWEN15_MOE, "(AE)24", 14_315_784_192],
    ["Qwen3-30B-A3B", QWEN3_30B_A3B, "(AE)48", 30_532_122_624],
    ["Falcon-H1-0.5B", FALCON_H1_05B, "(HF)36", 521_411_104],
  ])("reads %s", (_, config, layers, total) => {
    const { architecture } = parse(config);
    expect(printLayers(architecture.layers)).toBe(layers);
    expect(parameters(architecture).total).toBe(total);
  });

  // Published to two or three digits only.
  it.each([
    ["Bamba-9B", BAMBA_9B, "SF ((SF)8 AF)3 (SF)4", "9.78"],
    ["Nemotron-H-8B", NEMOTRON_H_8B, "S (FS)3 (A (FS)5)4 F", "8.10"],
  ])("reads %s", (_, config, layers, billions) => {
    const { architecture } = parse(config);
    expect(printLayers(architecture.layers)).toBe(layers);
    expect((parameters(architecture).total / 1e9).toFixed(2)).toBe(billions);
  });

  it("agrees with the presets of the same models", () => {
    for (const [config, name] of [
      [LLAMA_3_8B, "llama-3-8b"],
      [QWEN25_7B, "qwen2.5-7b"],
      [QWEN3_4B, "qwen3-4b"],
      [MAMBA2_780M, "mamba2-780m"],
      [MAMBA2_27B_NATIVE, "mamba2-2.7b"],
    ] as const) {
      const { architecture } = preset(name);
      expect(parameters(parse(config).architecture)).toEqual(parameters(architecture));
      expect(parse(config).architecture.layers).toEqual(architecture.layers);
    }
  });

  it("puts windows where the file does", () => {
    const layers = (config: unknown) => printLayers(parse(config).architecture.layers);
    const windowed = { ...QWEN25_7B, sliding_window: 1024, use_sliding_window: true };
    expect(layers({ ...windowed, max_window_layers: 21 })).toBe("(AF)21 (WF)7");
    const types = Array.from({ length: 28 }, (_, i) =>
      i % 4 === 3 ? "full_attention" : "sliding_attention",
    );
    expect(layers({ ...windowed, layer_types: types })).toBe("((WF)3 AF)7");
    expect(parse(windowed).architecture.window).toMatchObject({ window: 1024, sink: 0 });
  });

  it("puts dense layers among experts where the file does", () => {
    const config = { ...QWEN3_30B_A3B, num_hidden_layers: 6, decoder_sparse_step: 2, mlp_only_layers: [3] };
    expect(parse(config).architecture.layers.join("")).toBe("AFAEAFAFAFAE");
  });

  it("reads what Python writes and JSON forbids", () => {
    const text = JSON.stringify(MAMBA2_780M).replace("{", '{"time_step_limit": [0.0, Infinity], ');
    expect(parseHuggingFace(text).architecture.width).toBe(1536);
  });

  it("says what it did not use", () => {
    const { notes } = parse({
      ...LLAMA_3_8B,
      rope_scaling: { factor: 8 },
      quantization_config: { bits: 4 },
      partial_rotary_factor: 0.5,
    });
    expect(notes).toEqual([
      "quantization_config: the bytes of a weight are not part of the architecture; give them as the precision",
      "rope_scaling: changes positions, not costs",
      "not used: partial_rotary_factor",
    ]);
    expect(parse(LLAMA_3_8B).notes).toEqual([]);
  });

  it("names the line of what is missing or wrong", () => {
    const { num_attention_heads: _, ...missing } = LLAMA_3_8B;
    expect(complaint(JSON.stringify(missing))).toContain("num_attention_heads");
    expect(complaint(JSON.stringify({ ...LLAMA_3_8B, hidden_size: "wide" }, null, 2))).toMatchInlineSnapshot(`
      "model/config.json:8:18  hidden_size
        found     "wide"
        expected  a number"
    `);
    expect(complaint(JSON.stringify({ ...LLAMA_3_8B, num_hidden_layers: 1e9 }))).toContain(
      "at most 1024 layers",
    );
    expect(complaint(JSON.stringify({ ...LLAMA_3_8B, num_key_value_heads: 5 }))).toContain(
      "attention.kvHeads",
    );
    expect(complaint(JSON.stringify({ ...LLAMA_3_8B, num_attention_heads: 33 }))).toContain(
      "attention.headDim",
    );
  });

  it("refuses unknown families, and says which it knows", () => {
    const unknown = complaint(JSON.stringify({ model_type: "gpt2" }));
    expect(unknown).toContain('"gpt2"');
    expect(unknown).toContain("llama");
    expect(unknown).toContain("nemotron_h");
    expect(complaint(JSON.stringify({ model_type: "lama" }))).toContain('did you mean "llama"');
    expect(complaint("{}")).toContain("model_type");
  });

  it("refuses what it could only approximate, and says why", () => {
    expect(complaint(JSON.stringify({ model_type: "jamba" }))).toContain("Mamba-1");
    expect(complaint(JSON.stringify({ model_type: "deepseek_v3" }))).toContain("latent");
    expect(complaint(JSON.stringify({ ...NEMOTRON_H_8B, hybrid_override_pattern: "ME*" }))).toContain(
      "mixture",
    );
    expect(complaint(JSON.stringify({ ...MAMBA2_27B_NATIVE, attn_layer_idx: [3] }))).toContain(
      "no attention layers",
    );
    expect(complaint(JSON.stringify({ ...MAMBA2_27B_NATIVE, ssm_cfg: { layer: "Mamba1" } }))).toContain(
      "Mamba2",
    );
  });

  it.each([
    "",
    "nonsense",
    "[1, 2",
    '{"model_type": "llama",',
    "[]",
    "null",
    "42",
    '{"model_type": 7}',
    "\0",
  ])("refuses %j", (text) => {
    expect(complaint(text)).toContain("model/config.json");
  });

  it("throws nothing but InputError, whatever a field holds", () => {
    const junk = fc.oneof(fc.integer(), fc.double(), fc.string(), fc.constant(null), fc.array(fc.integer()));
    fc.assert(
      fc.property(fc.constantFrom(...Object.keys(QWEN15_MOE)), junk, (key, value) => {
        try {
          parseHuggingFace(JSON.stringify({ ...QWEN15_MOE, num_hidden_layers: 2, [key]: value }));
        } catch (error) {
          expect(error).toBeInstanceOf(InputError);
        }
      }),
    );
  });
});
