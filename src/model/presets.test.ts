import { describe, expect, it } from "vitest";
import { parameters } from "./parameters.ts";
import { preset, presets } from "./presets.ts";

describe("presets", () => {
  // Totals of the released checkpoints, as their safetensors indices and model cards give them.
  it.each([
    ["llama-2-7b", 6_738_415_616],
    ["llama-2-13b", 13_015_864_320],
    ["llama-2-70b", 68_976_648_192],
    ["llama-3-8b", 8_030_261_248],
    ["llama-3-70b", 70_553_706_496],
    ["llama-3.1-405b", 405_853_388_800],
    ["llama-3.2-1b", 1_235_814_400],
    ["llama-3.2-3b", 3_212_749_824],
    ["mistral-7b-v0.1", 7_241_732_096],
    ["mistral-7b-v0.3", 7_248_023_552],
    ["mixtral-8x7b", 46_702_792_704],
    ["mixtral-8x22b", 140_630_071_296],
    ["qwen2.5-0.5b", 494_032_768],
    ["qwen2.5-1.5b", 1_543_714_304],
    ["qwen2.5-3b", 3_085_938_688],
    ["qwen2.5-7b", 7_615_616_512],
    ["qwen2.5-14b", 14_770_033_664],
    ["qwen2.5-32b", 32_763_876_352],
    ["qwen2.5-72b", 72_706_203_648],
    ["qwen3-0.6b", 596_049_920],
    ["qwen3-4b", 4_022_468_096],
    ["qwen3-8b", 8_190_735_360],
    ["qwen3-14b", 14_768_307_200],
    ["qwen3-32b", 32_762_123_264],
    ["qwen3-30b-a3b", 30_532_122_624],
    ["qwen3-235b-a22b", 235_093_634_560],
  ])("%s has %i parameters", (name, total) => {
    expect(parameters(preset(name).architecture).total).toBe(total);
  });

  it("visits 12.88e9 of Mixtral's parameters a token, and 3.35e9 of Qwen3-30B-A3B's", () => {
    expect(parameters(preset("mixtral-8x7b").architecture).active).toBe(12_879_925_248);
    expect(parameters(preset("qwen3-30b-a3b").architecture).active).toBe(3_353_032_704);
  });

  // The released names round; arXiv:2405.21060 gives the dimensions.
  it.each([
    ["mamba2-130m", "0.13"],
    ["mamba2-370m", "0.37"],
    ["mamba2-780m", "0.78"],
    ["mamba2-1.3b", "1.34"],
    ["mamba2-2.7b", "2.70"],
  ])("%s has %s billion", (name, billions) => {
    expect((parameters(preset(name).architecture).total / 1e9).toFixed(2)).toBe(billions);
  });

  it("counts Mamba-2 130M as its tensors, added one by one", () => {
    const [d, inner, state, heads] = [768, 1536, 128, 24];
    const tensors = [
      d * (2 * inner + 2 * state + heads), // in_proj.weight
      (inner + 2 * state) * 4, // conv1d.weight
      inner + 2 * state, // conv1d.bias
      ...[heads, heads, heads], // A_log, D, dt_bias
      inner, // norm.weight of the mixer
      inner * d, // out_proj.weight
      d, // norm.weight of the block
    ];
    const block = tensors.reduce((sum, n) => sum + n);
    expect(parameters(preset("mamba2-130m").architecture).total).toBe(24 * block + 50_288 * d + d);
  });

  it("names every model once, with a source", () => {
    for (const [name, { architecture, source }] of presets()) {
      expect(architecture.name).toBe(name);
      expect(source.title).not.toBe("");
    }
    expect(presets().size).toBeGreaterThan(60);
  });

  it("suggests near names", () => {
    expect(() => preset("lama-3-8b")).toThrow('did you mean "llama-3-8b"');
    expect(preset("Llama-3-8B").name).toBe("llama-3-8b");
  });
});
