import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type Architecture, type ArchitectureSettings, architecture } from "./architecture.ts";
import { cacheBytes } from "./cache.ts";
import { trainingFlops } from "./flops.ts";
import type { Primitive } from "./notation.ts";
import { type OperatorKind, operators, operatorTotals } from "./operators.ts";
import { layerParameters, parameters } from "./parameters.ts";
import { BF16, decodePass, type Pass, prefillPass, trainingPass } from "./pass.ts";
import { preset, presets } from "./presets.ts";

const few = (max: number) => fc.integer({ min: 1, max });

const hybrid: fc.Arbitrary<ArchitectureSettings["hybrid"]> = fc.oneof(
  fc.record({
    norm: fc.constantFrom("group", "none"),
    scale: fc.constantFrom("none", "vector", "scalar"),
    fusion: fc.constantFrom("add", "difference"),
    values: fc.constantFrom("separate", "shared"),
    output: fc.constantFrom("separate", "joint"),
  }),
  fc.record({ fusion: fc.constant("concatenate" as const), output: fc.constant("joint" as const) }),
);

const model: fc.Arbitrary<Architecture> = fc
  .record({
    layers: fc.array(fc.constantFrom<Primitive>("A", "W", "S", "H", "F", "E"), {
      minLength: 1,
      maxLength: 10,
    }),
    width: fc.constantFrom(64, 128, 256),
    tiedEmbeddings: fc.boolean(),
    norm: fc.constantFrom("rms", "layer"),
    attention: fc.record({ qkvBias: fc.boolean(), outputBias: fc.boolean(), qkNorm: fc.boolean() }),
    window: fc.record({ window: few(64), sink: few(16) }),
    ssm: fc.record({ projectionBias: fc.boolean(), convBias: fc.boolean(), gatedNorm: fc.boolean() }),
    feedForward: fc.record({ gated: fc.boolean(), bias: fc.boolean() }),
    experts: fc.record({ experts: fc.constant(8), active: few(8), shared: few(3), sharedGate: fc.boolean() }),
    hybrid,
  })
  .map(({ layers, width, ...settings }) =>
    architecture(layers, width, { ...settings, vocabulary: 1000 } as ArchitectureSettings),
  );

function flopsOf(a: Architecture, pass: Pass, kind: OperatorKind): number {
  const rows = operators(a, pass).filter((row) => row.kind === kind && row.name !== "head");
  return operatorTotals(rows).flops;
}

describe("operators", () => {
  it("agree with the training FLOPs: a step is three forward passes", () => {
    fc.assert(
      fc.property(model, few(4), few(300), (a, batch, context) => {
        const pass = trainingPass(batch, context);
        const training = trainingFlops(a, context);
        const matrices = a.layers.reduce((sum, p) => sum + layerParameters(a, p).activeMatrices, 0);
        expect(3 * flopsOf(a, pass, "matmul")).toBe(6 * matrices * context * batch);
        expect(3 * flopsOf(a, pass, "attention")).toBe(training.attention * batch);
        expect(3 * flopsOf(a, pass, "scan")).toBe(training.scan * batch);
        const head = operators(a, pass).find((row) => row.name === "head");
        expect(3 * head!.flops).toBe(training.head * batch);
      }),
    );
  });

  it("read each weight once in a decoding step, of experts those that are visited, of the embedding a row", () => {
    fc.assert(
      fc.property(model, few(1000), (a, position) => {
        const { active, embedding } = parameters(a);
        const read = operatorTotals(operators(a, decodePass(1, position))).weightBytes;
        const untied = a.tiedEmbeddings ? 0 : embedding;
        expect(read / (2 * (active - untied + a.width))).toBeCloseTo(1, 12);
      }),
    );
  });

  it("read the whole cache in a decoding step", () => {
    fc.assert(
      fc.property(model, few(8), few(1000), (a, batch, position) => {
        const { cacheBytes: read } = operatorTotals(operators(a, decodePass(batch, position)));
        expect(read).toBe(batch * cacheBytes(a, position).total);
      }),
    );
  });

  it("do the same work in one prompt or in two parts", () => {
    fc.assert(
      fc.property(model, few(200), few(200), (a, first, second) => {
        for (const kind of ["matmul", "attention", "scan", "convolution", "norm"] as const) {
          const parts =
            flopsOf(a, prefillPass(1, first), kind) + flopsOf(a, prefillPass(1, second, BF16, first), kind);
          const finalNorm = kind === "norm" ? 5 * a.width : 0; // each part ends in logits for its last token
          expect(parts - finalNorm).toBe(flopsOf(a, prefillPass(1, first + second), kind));
        }
      }),
    );
  });

  it("have 2 m k n FLOPs a product", () => {
    fc.assert(
      fc.property(model, few(64), (a, tokens) => {
        for (const row of operators(a, prefillPass(1, tokens)).filter(({ kind }) => kind === "matmul")) {
          const { m, k, n, times } = row.gemm!;
          expect((2 * m * k * n * times) / row.flops).toBeCloseTo(1, 12);
        }
      }),
    );
  });

  it("stream the 7B Llama's weights but for the embedding, and its cache, at every token", () => {
    const sum = operatorTotals(operators(preset("llama-2-7b").architecture, decodePass(1, 1000)));
    expect(sum.weightBytes).toBe(2 * (6_738_415_616 - 32_000 * 4096 + 4096));
    expect(sum.cacheBytes).toBe(1000 * 512 * 1024);
  });

  it("scale with the bytes of an element", () => {
    const a = preset("llama-3-8b").architecture;
    const bf16 = operatorTotals(operators(a, decodePass(4, 500)));
    const mixed = operatorTotals(
      operators(a, decodePass(4, 500, { weights: 0.5, activations: 2, cache: 1 })),
    );
    expect(mixed.weightBytes).toBe(bf16.weightBytes / 4);
    expect(mixed.cacheBytes).toBe(bf16.cacheBytes / 2);
    expect(mixed.activationBytes).toBe(bf16.activationBytes);
  });

  it("come to reading all experts as the tokens grow", () => {
    const a = preset("mixtral-8x7b").architecture;
    const times = (batch: number) =>
      operators(a, decodePass(batch, 1)).find((row) => row.name === "expert_up")!.gemm!.times;
    expect(times(1)).toBeCloseTo(2, 12);
    expect(times(2)).toBeCloseTo(3.5, 12); // 8 (1 - (3/4)^2)
    expect(times(1000)).toBeCloseTo(8, 12);
  });

  it("are tens of rows for a model of any depth, named once a kind of layer", () => {
    for (const [, { architecture: a }] of presets()) {
      const rows = operators(a, prefillPass(1, 128));
      expect(rows.length).toBeLessThan(40);
      expect(new Set(rows.map((row) => `${row.layer}/${row.name}`)).size).toBe(rows.length);
      expect(operatorTotals(rows.filter((row) => row.name === "pre_norm")).calls).toBe(a.layers.length);
    }
  });

  it.each([
    [{ batch: 0 }, "batch"],
    [{ newTokens: 1.5 }, "newTokens"],
    [{ position: -1 }, "position"],
    [{ precision: { ...BF16, cache: 0 } }, "precision.cache"],
    [{ precision: { ...BF16, weights: 16 } }, "precision.weights"],
  ])("refuse a pass with %j", (change, path) => {
    const pass = { ...prefillPass(1, 1), ...change };
    expect(() => operators(architecture("AF", 64), pass)).toThrow(path);
  });
});
