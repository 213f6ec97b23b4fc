import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { architecture } from "./architecture.ts";
import { cacheBytes, layerCacheBytes } from "./cache.ts";
import { preset } from "./presets.ts";

describe("cacheBytes", () => {
  it.each([
    ["llama-2-7b", 512 * 1024],
    ["llama-2-70b", 320 * 1024],
    ["llama-3-8b", 128 * 1024],
  ])("%s keeps %i bytes a token in bf16", (name, bytes) => {
    const a = preset(name).architecture;
    expect(cacheBytes(a, 2).total - cacheBytes(a, 1).total).toBe(bytes);
  });

  it("stops growing at the window and its sink", () => {
    const a = architecture("W", 512, { window: { window: 100, sink: 28 } });
    expect(cacheBytes(a, 64).window).toBe(cacheBytes(a, 128).window / 2);
    expect(cacheBytes(a, 4096)).toEqual(cacheBytes(a, 128));
  });

  it("keeps a state that no context changes", () => {
    const a = architecture("SF", 512);
    expect(cacheBytes(a, 1)).toEqual(cacheBytes(a, 1_000_000));
    // 2 (d_ssm N + N_conv (2 N + d_ssm)), arXiv:2510.04800 Table 1.
    expect(cacheBytes(a, 1).state).toBe(2 * (1024 * 128 + 4 * (2 * 128 + 1024)));
  });

  it("keeps both halves of a hybrid, the values at their own width", () => {
    const a = preset("hybrid-1b-intra-1-5").architecture;
    // 2 L N_kv (d_qk + d_v) a head and element, and the state of the half-size Mamba.
    expect(layerCacheBytes(a, "H", 8192)).toMatchObject({
      attention: 2 * 8192 * 4 * (72 + 128),
      state: 2 * (2304 * 128 + 4 * (2 * 128 + 2304)),
    });
  });

  it("is the sum of its layers and scales with the element", () => {
    const layers = fc.array(fc.constantFrom("A", "W", "S", "H", "F", "E"), { minLength: 1, maxLength: 12 });
    fc.assert(
      fc.property(layers, fc.integer({ min: 1, max: 100_000 }), (list, context) => {
        const a = architecture(list, 256);
        const sum = list.reduce((bytes, layer) => bytes + layerCacheBytes(a, layer, context).total, 0);
        expect(cacheBytes(a, context).total).toBe(sum);
        expect(cacheBytes(a, context, 1).total).toBe(sum / 2);
      }),
    );
  });

  it.each([0, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY])("refuses a context of %d tokens", (context) => {
    expect(() => cacheBytes(architecture("A", 64), context)).toThrow("at least 1");
  });
});
