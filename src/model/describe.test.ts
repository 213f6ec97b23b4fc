import { expect, it, describe as suite } from "vitest";
import { describe } from "./describe.ts";
import { preset } from "./presets.ts";

suite("describe", () => {
  it("says what the 1B inter-layer hybrid is and costs", () => {
    const summary = describe(preset("hybrid-1b-inter-1-5").architecture, { context: 8192 });
    expect(summary).toMatchObject({
      name: "hybrid-1b-inter-1-5",
      pattern: "((SF)3 AF)2 (SF)5",
      width: 2048,
      depth: 26,
      context: 8192,
    });
    expect(summary.layers.map(({ primitive, count }) => [primitive, count])).toEqual([
      ["S", 11],
      ["F", 13],
      ["A", 2],
    ]);
    expect((summary.cache.total / 2 ** 20).toFixed(1)).toBe("43.4");
    expect(summary.trainingFlopsPerToken * 8192).toBe(summary.training.total);
    expect(summary.weightBytes).toBe(2 * summary.parameters.total);
    // A decoding step reads every weight (the tied embedding once, as the head) and the cache.
    expect(summary.decode.bytesMoved).toBeGreaterThan(summary.weightBytes + 0.9 * summary.cache.total);
  });

  it("describes a step at the first token as well", () => {
    expect(describe(preset("llama-3.2-1b").architecture, { context: 1 }).decode.flops).toBeGreaterThan(0);
  });
});
