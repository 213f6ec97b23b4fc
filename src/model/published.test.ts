/** Published costs, arXiv:2510.04800 Tables 2, 9, 10 and arXiv:2510.00379, against this room's formulas. */
import { describe, expect, it } from "vitest";
import { cacheBytes } from "./cache.ts";
import { tokensForBudget, trainingFlopsPerToken } from "./flops.ts";
import { layerCounts, layerParameters, parameters } from "./parameters.ts";
import { preset } from "./presets.ts";

const MIB = 2 ** 20;
const CONTEXT = 8192;
const model = (name: string) => preset(name).architecture;
const billions = (name: string) => parameters(model(name)).primitives / 1e9;
const flops60B = (name: string) => (trainingFlopsPerToken(model(name), CONTEXT) * 60e9) / 1e20;
const mebibytes = (name: string) => cacheBytes(model(name), CONTEXT).total / MIB;
const tokens = (name: string) => tokensForBudget(model(name), 4.5e20, CONTEXT) / 1e9;

/** The tables print some cells rounded and some cut off; either is taken, at the digits that are printed. */
function expectPrinted(value: number, printed: string): void {
  const digits = printed.split(".")[1]?.length ?? 0;
  const cut = (Math.floor(value * 10 ** digits) / 10 ** digits).toFixed(digits);
  expect([value.toFixed(digits), cut]).toContain(printed);
}

describe("the 1B models at 8K context (Tables 2 and 9)", () => {
  // name | non-embedding, 1e9 | FLOPs of 60B tokens, 1e20 | cache, MiB | tokens at 4.5e20 FLOPs, 1e9. Left as a separate
  // script computed it from the formulas, to four digits; right as printed.
  it.each([
    ["llama", [0.973, "0.97"], [4.47, "4.5"], [256.0, "256"], [60.4, "60"]],
    ["mamba", [0.9895, "0.99"], [3.673, "3.7"], [13.4, "13"], [73.5, "73"]],
    ["swa-3-13", [0.973, "0.97"], [3.79, "3.8"], [62.6, "63"], [71.2, "71"]],
    ["inter-1-1", [0.9585, "0.96"], [3.933, "3.9"], [119.2, "119"], [68.6, "68"]],
    ["inter-1-3", [0.944, "0.94"], [3.663, "3.6"], [58.3, "58"], [73.7, "73"]],
    ["inter-1-5", [0.959, "0.96"], [3.666, "3.7"], [43.4, "43"], [73.6, "73"]],
    ["inter-1-12", [0.974, "0.97"], [3.67, "3.7"], [28.4, "28"], [73.6, "73"]],
    ["intra-1-5", [0.984, "0.98"], [3.739, "3.7"], [37.5, "38"], [72.2, "72"]],
    ["intra-1-3", [0.981, "0.98"], [3.772, "3.8"], [49.6, "50"], [71.6, "71"]],
  ] as const)("%s", (name, size, flops, cache, budget) => {
    for (const [value, [derived, printed], tolerance] of [
      [billions(`hybrid-1b-${name}`), size, 0.0006],
      [flops60B(`hybrid-1b-${name}`), flops, 0.002],
      [mebibytes(`hybrid-1b-${name}`), cache, 0.051],
      [tokens(`hybrid-1b-${name}`), budget, 0.06],
    ] as const) {
      expect(Math.abs(value - derived)).toBeLessThan(tolerance);
      expectPrinted(value, printed);
    }
  });

  it("has the Transformer's and the Mamba's figures to four digits", () => {
    expect(flops60B("hybrid-1b-llama").toFixed(3)).toBe("4.470");
    expect(mebibytes("hybrid-1b-llama")).toBe(256);
    expect(mebibytes("hybrid-1b-mamba").toFixed(1)).toBe("13.4");
    expect(mebibytes("hybrid-1b-inter-1-5").toFixed(1)).toBe("43.4");
  });

  it("trains Mamba with 18 % fewer FLOPs than the Transformer", () => {
    expect((flops60B("hybrid-1b-mamba") / flops60B("hybrid-1b-llama")).toFixed(3)).toBe("0.822");
  });

  // The query and value widths of these three ratios were retuned and not published; with those of 1:5 the cache is off by
  // up to 11 % and the training FLOPs of 1:0 by 2 %.
  it.each([
    ["intra-1-1", "0.97", 3.9, 89, 69],
    ["intra-1-0", "0.95", 4.2, 180, 65],
    ["intra-1-12", "0.99", 3.7, 23, 73],
  ] as const)("%s, whose widths are not published, comes near", (name, size, flops, cache, budget) => {
    expectPrinted(billions(`hybrid-1b-${name}`), size);
    expect(Math.abs(flops60B(`hybrid-1b-${name}`) / flops - 1)).toBeLessThan(0.025);
    expect(Math.abs(mebibytes(`hybrid-1b-${name}`) / cache - 1)).toBeLessThan(0.11);
    expect(Math.abs(tokens(`hybrid-1b-${name}`) / budget - 1)).toBeLessThan(0.02);
  });

  it("has the mixers and the feed-forward that the text compares", () => {
    const a = model("hybrid-1b-inter-1-5");
    expect(layerParameters(a, "A").primitive).toBe(10_485_760);
    expect((layerParameters(a, "S").primitive / 1e6).toFixed(2)).toBe("25.78");
    expect(layerParameters(a, "F").primitive).toBe(50_331_648);
  });

  it.each([
    ["llama", "512", "1024"],
    ["mamba", "13", "13"],
    ["swa-3-13", "110", "207"],
    ["inter-1-5", "75", "139"],
    ["intra-1-5", "63", "113"],
  ] as const)("%s keeps this much at 16K and 32K (Table 12)", (name, at16K, at32K) => {
    const a = model(`hybrid-1b-${name}`);
    expectPrinted(cacheBytes(a, 16_384).total / MIB, at16K);
    expectPrinted(cacheBytes(a, 32_768).total / MIB, at32K);
  });
});

describe("the 350M models (Table 10)", () => {
  it.each([
    ["llama", "224"],
    ["mamba", "9"],
    ["intra-1-1", "60"],
    ["intra-1-3", "34"],
    ["intra-1-5", "26"],
    ["intra-1-12", "17"],
  ])("%s keeps %s MiB", (name, printed) => {
    expect(mebibytes(`hybrid-350m-${name}`).toFixed(0)).toBe(printed);
  });

  it("keeps 109.5 MiB in intra 1:0, where the table prints 110", () => {
    expect(mebibytes("hybrid-350m-intra-1-0").toFixed(1)).toBe("109.5");
  });

  it("trains with the printed FLOPs", () => {
    expect(flops60B("hybrid-350m-llama").toFixed(1)).toBe("1.9");
    expect(flops60B("hybrid-350m-mamba").toFixed(1)).toBe("1.4");
    expect(flops60B("hybrid-350m-llama").toFixed(2)).toBe("1.90");
    expect(flops60B("hybrid-350m-mamba").toFixed(2)).toBe("1.40");
  });
});

describe("the sizes of Table 8", () => {
  it.each([
    ["hybrid-100m-llama", "0.10", "0.13"],
    ["hybrid-350m-llama", "0.35", "0.20"],
    ["hybrid-1b-llama", "0.97", "0.26"],
    ["hybrid-3b-llama", "2.77", "0.39"], // the table prints 2.78; 28 blocks of its dimensions are 2.7745e9
    ["hybrid-100m-inter-1-5", "0.09", "0.13"],
  ])("%s", (name, nonEmbedding, embedding) => {
    expect(billions(name).toFixed(2)).toBe(nonEmbedding);
    expect((parameters(model(name)).embedding / 1e9).toFixed(2)).toBe(embedding);
  });
});

describe("Composer's finds at 1B (arXiv:2510.00379)", () => {
  const llama = model("llama-3.2-1b");

  it("starts from 973.08M parameters in 32 primitive layers", () => {
    expect((parameters(llama).primitives / 1e6).toFixed(2)).toBe("973.08");
    expect(llama.layers).toHaveLength(32);
  });

  it.each([
    ["composer-1b-stacked", 27, 9, "1.000"],
    ["composer-1b-stretched", 29, 10, "1.061"],
  ])("%s has %i layers, %i of them attention", (name, depth, attention, size) => {
    const a = model(name);
    expect(a.layers).toHaveLength(depth);
    expect(layerCounts(a.layers).get("A")).toBe(attention);
    expect(billions(name).toFixed(3)).toBe(size);
  });

  it("keeps 1.69 times less than Llama, the mean of the two", () => {
    const ratio = (name: string) => cacheBytes(llama, CONTEXT).total / cacheBytes(model(name), CONTEXT).total;
    const mean = (ratio("composer-1b-stacked") + ratio("composer-1b-stretched")) / 2;
    expect(mean.toFixed(2)).toBe("1.69");
  });
});
