import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { InputError } from "../core/index.ts";
import {
  architecture,
  cacheBytes,
  layerParameters,
  parameters,
  parseLayers,
  preset,
  printLayers,
} from "../model/index.ts";
import { extrapolate } from "./extrapolate.ts";

// arXiv:2510.00379: widths and size of Llama-3.2-1B, A = 2 d^2 + 2 d d_head N_kv, F = 3 d d_ff.
const llama = preset("llama-3.2-1b").architecture;
const target = parameters(llama).primitives;
const stacked = extrapolate(parseLayers("2A 4F"), target, "stack", llama);
const stretched = extrapolate(parseLayers("2A 5F 2A 3F A 3F"), target, "stretch", llama);

describe("the published extrapolations to 1B", () => {
  it("starts from the published sizes", () => {
    expect(layerParameters(llama, "A").primitive).toBe(10_485_760);
    expect(layerParameters(llama, "F").primitive).toBe(50_331_648);
    expect(target).toBe(973_078_528);
  });

  it("stacks 2A 4F to 27 layers: four copies and a shrunk one", () => {
    expect(printLayers(stacked.layers)).toBe("(2A 4F)4 A 2F");
    expect(stacked.layers).toHaveLength(27);
    expect(stacked.layers.filter((layer) => layer === "A")).toHaveLength(9);
    expect(parameters(stacked).primitives).toBeCloseTo(1.0003e9, -5);
  });

  it("stretches 2A 5F 2A 3F A 3F to 29 layers", () => {
    expect(printLayers(stretched.layers)).toBe("4A 9F 4A 5F 2A 5F");
    expect(stretched.layers).toHaveLength(29);
    expect(stretched.layers.filter((layer) => layer === "A")).toHaveLength(10);
    expect(parameters(stretched).primitives).toBeCloseTo(1.0612e9, -5);
  });

  it("makes the cache 1.689 times smaller on average, the paper's 1.69", () => {
    const reduction = (a: typeof llama) => cacheBytes(llama, 8192).total / cacheBytes(a, 8192).total;
    expect(reduction(stacked)).toBeCloseTo(16 / 9, 12);
    expect(reduction(stretched)).toBeCloseTo(16 / 10, 12);
    expect((reduction(stacked) + reduction(stretched)) / 2).toBeCloseTo(1.689, 3);
  });

  it("degenerates a short block when it is stretched: all A, then all F", () => {
    expect(printLayers(extrapolate(parseLayers("2A 4F"), target, "stretch", llama).layers)).toBe("9A 18F");
  });
});

describe("extrapolation", () => {
  const like = architecture("A", 64, { vocabulary: 256 });
  const strings = fc.string({ unit: fc.constantFrom("A", "F", "S"), minLength: 1, maxLength: 16 });
  const sizes = fc.integer({ min: 1, max: 10_000_000 });

  it("reaches the target, and passes it by less than one layer a run", () => {
    fc.assert(
      fc.property(strings, sizes, fc.constantFrom("stack" as const, "stretch" as const), (text, size, by) => {
        const layers = parseLayers(text);
        const runs = text.match(/A+|F+|S+/g)!;
        const most = runs.reduce((sum, [letter]) => sum + layerParameters(like, letter as "A").primitive, 0);
        const block = parameters(architecture(layers, 64, like)).primitives;
        fc.pre((size / block + 1) * layers.length < 1000);
        const got = parameters(extrapolate(layers, size, by, like)).primitives;
        expect(got).toBeGreaterThanOrEqual(size);
        expect(got).toBeLessThan(size + most);
      }),
    );
  });

  it("returns whole multiples unchanged but for their repeats", () => {
    fc.assert(
      fc.property(strings, fc.integer({ min: 1, max: 20 }), (text, copies) => {
        const layers = parseLayers(text);
        const block = parameters(architecture(layers, 64, like)).primitives;
        expect(extrapolate(layers, copies * block, "stack", like).layers.join("")).toBe(text.repeat(copies));
        const stretched = extrapolate(layers, copies * block, "stretch", like).layers.join("");
        expect(stretched).toBe(text.replace(/./g, (letter) => letter.repeat(copies)));
      }),
    );
  });

  it("keeps the widths and settings of the model that it is like", () => {
    const { layers: _, name: __, ...kept } = llama;
    expect(stacked).toMatchObject(kept);
  });

  it.each([
    ["no size", 0, "positive"],
    ["a size that is no number", Number.NaN, "positive"],
    ["more layers than any model has", 1e18, "at most 1024 layers"],
  ])("refuses %s", (_, size, words) => {
    const act = () => extrapolate(parseLayers("AF"), size, "stack", llama);
    expect(act).toThrow(InputError);
    expect(act).toThrow(words);
  });
});
