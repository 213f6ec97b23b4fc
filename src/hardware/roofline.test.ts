import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Estimate, FigureTable, nelderMead, readCsv, Sampler } from "../core/index.ts";
import { BF16, operators, prefillPass, preset } from "../model/index.ts";
import { accelerator, operatorTime, roofline, rooflineSeconds, tensorParallelPart } from "./index.ts";

const sharedData = (name: string) =>
  fileURLToPath(new URL(`../../../shared/data/operators/${name}`, import.meta.url));
const required = process.env.TERRARIUM_REQUIRE_ALL === "1";

const efficiencies = new FigureTable("efficiencies");

/** The four matrix products of a layer in every row of a vidur profile, as roofline terms and measured seconds. */
function products(file: string, flopsPerSecond: number, bytesPerSecond: number) {
  return readCsv(file).flatMap(({ row }) => {
    const n = (column: string) => Number(row[column]);
    const ways = n("num_tensor_parallel_workers");
    const tokens = n("num_tokens");
    const width = n("n_embd");
    const hidden = n("n_expanded_embd");
    const qkv = ((n("n_head") + 2 * n("n_kv_head")) * width) / n("n_head");
    return [
      ["attn_pre_proj", width, qkv / ways],
      ["attn_post_proj", width / ways, width],
      ["mlp_up_proj", width, (2 * hidden) / ways],
      ["mlp_down_proj", hidden / ways, width],
    ].map(([operator, k, m]) => ({
      measured: n(`time_stats.${operator}.median`) / 1e3,
      terms: {
        computeSeconds: Float64Array.of((2 * tokens * Number(k) * Number(m)) / flopsPerSecond),
        memorySeconds: Float64Array.of(
          (2 * (Number(k) * Number(m) + tokens * (Number(k) + Number(m)))) / bytesPerSecond,
        ),
        calls: 1,
      },
    }));
  });
}

describe.skipIf(!existsSync(sharedData("vidur_a100_llama2-7b_mlp.csv")) && !required)(
  "the roofline against 4176 measured products a machine (microsoft/vidur; skipped where the data is absent)",
  () => {
    // The bounds on the error are those of an independent fit: 8.2 % on A100, 10.6 % on H100.
    it.each([
      ["a100-sxm-80", "vidur_a100_llama2-7b_mlp.csv", 0.083],
      ["h100-sxm", "vidur_h100_llama2-7b_mlp.csv", 0.107],
    ])("fits %s with three parameters, those of data/efficiencies.csv", (name, file, bound) => {
      const { flopsPerSecond, bytesPerSecond } = roofline(new Sampler(1), accelerator(name));
      const points = products(sharedData(file), flopsPerSecond, bytesPerSecond);
      expect(points).toHaveLength(4176);
      const error = (compute: number, memory: number, overhead: number) =>
        points.reduce(
          (total, { terms, measured }) =>
            total + Math.abs(rooflineSeconds(terms, compute, memory, overhead) / measured - 1),
          0,
        ) / points.length;

      const fit = nelderMead(
        ([compute, memory, overhead]) => error(Math.exp(compute!), Math.exp(memory!), Math.exp(overhead!)),
        [Math.log(0.7), Math.log(0.8), Math.log(8e-6)],
        { step: 0.2 },
      );
      expect(fit.value).toBeLessThan(bound);

      const stored = ["compute efficiency", "memory efficiency", "kernel overhead"].map((figure) => {
        const row = efficiencies.get(name, figure);
        return row.value * row.unit.scale;
      });
      for (const [i, value] of stored.entries()) {
        expect(Math.abs(value / Math.exp(fit.x[i]!) - 1)).toBeLessThan(0.02);
      }
      // The peaks alone are far off, so the fit is not free.
      expect(error(1, 1, 0)).toBeGreaterThan(0.3);
    });
  },
);

describe("operator times", () => {
  const llama = preset("llama-2-7b").architecture;

  it("take the larger of compute and memory time, and the overhead of every call", () => {
    const machine = {
      flopsPerSecond: 100,
      bytesPerSecond: 10,
      computeEfficiency: Estimate.exact(0.5, "1"),
      memoryEfficiency: Estimate.exact(0.8, "1"),
      overhead: Estimate.exact(0.25, "s"),
    };
    const work = { count: 2, flops: 100, weightBytes: 4, activationBytes: 4, cacheBytes: 0, writtenBytes: 0 };
    expect(operatorTime([work], machine).value("s")).toBeCloseTo(2 * (2 + 0.25));
    expect(operatorTime([{ ...work, weightBytes: 28 }], machine).value("s")).toBeCloseTo(2 * (4 + 0.25));
  });

  it("never grow with the rates of the machine", () => {
    const machine = roofline(new Sampler(1), accelerator("a100-sxm-80"));
    const rows = operators(llama, prefillPass(1, 300));
    fc.assert(
      fc.property(
        fc.double({ min: 1, max: 8, noNaN: true }),
        fc.double({ min: 1, max: 8, noNaN: true }),
        (f, b) => {
          const faster = {
            ...machine,
            flopsPerSecond: f * machine.flopsPerSecond,
            bytesPerSecond: b * machine.bytesPerSecond,
          };
          expect(operatorTime(rows, faster).value()).toBeLessThanOrEqual(operatorTime(rows, machine).value());
        },
      ),
    );
  });

  it("share the work of tensor parallelism out, all but norms and repeated keys and values", () => {
    const grouped = preset("llama-2-70b").architecture;
    const pass = {
      batch: 1,
      newTokens: 1,
      position: 100,
      precision: BF16,
      cached: true,
      logits: "all",
    } as const;
    const whole = operators(grouped, pass);
    const part = tensorParallelPart(grouped, whole, 16, false);
    const row = (rows: readonly (typeof whole)[number][], name: string) => rows.find((r) => r.name === name)!;
    expect(row(part, "attention_qkv").flops).toBe(row(whole, "attention_qkv").flops / 16);
    expect(row(part, "pre_norm")).toEqual(row(whole, "pre_norm"));
    expect(row(part, "attention").cacheBytes).toBe(row(whole, "attention").cacheBytes / 8);
  });
});
