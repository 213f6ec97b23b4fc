import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { InputError, Sampler } from "../core/index.ts";
import { accelerator } from "../hardware/index.ts";
import { preset } from "../model/index.ts";
import { Deployment, type WeightFormat } from "./index.ts";

const A100 = accelerator("a100-sxm-80");

/** gpt-fast README: tokens a second of one sequence, prompt of 5, 200 new tokens; 8 x A100-80GB capped at 330 W. */
const GPT_FAST: readonly [string, WeightFormat, number, number][] = [
  ["llama-2-7b", "bf16", 1, 104.9],
  ["llama-2-7b", "bf16", 2, 168.84],
  ["llama-2-7b", "bf16", 4, 254.02],
  ["llama-2-7b", "bf16", 8, 328.43],
  ["llama-2-70b", "bf16", 2, 21.32],
  ["llama-2-70b", "bf16", 4, 38.01],
  ["llama-2-70b", "bf16", 8, 62.5],
  ["llama-2-7b", "int8", 1, 155.58],
  ["llama-2-70b", "int8", 1, 19.13],
  ["llama-2-70b", "int8", 8, 80.44],
  ["llama-2-7b", "int4", 1, 196.8],
  ["llama-2-70b", "int4", 1, 25.25],
  ["llama-2-70b", "int4", 8, 90.77],
];

function meanError(rows: typeof GPT_FAST, sampler = new Sampler(1)): number {
  const errors = rows.map(([model, weights, tensorParallel, published]) => {
    const { architecture } = preset(model);
    const deployment = new Deployment(sampler, { architecture, accelerator: A100, tensorParallel, weights });
    return Math.abs(1 / deployment.stepTime(1, 105).value("s") / published - 1);
  });
  return errors.reduce((total, error) => total + error, 0) / errors.length;
}

describe("decoding against the published rates of gpt-fast", () => {
  it("meets the seven bf16 rows, from which its three parameters were fitted, within 3 %", () => {
    expect(meanError(GPT_FAST.filter(([, weights]) => weights === "bf16"))).toBeLessThan(0.03);
  });

  it("meets the six rows of weight-only int8 and int4 within 8 %, with one more parameter each", () => {
    expect(meanError(GPT_FAST.filter(([, weights]) => weights !== "bf16"))).toBeLessThan(0.08);
  });

  it("holds every row in its 90 % interval", () => {
    const sampler = new Sampler(1);
    for (const [model, weights, tensorParallel, published] of GPT_FAST) {
      const { architecture } = preset(model);
      const { low, high } = new Deployment(sampler, {
        architecture,
        accelerator: A100,
        tensorParallel,
        weights,
      })
        .stepTime(1, 105)
        .interval("s");
      expect(1 / published).toBeGreaterThan(low);
      expect(1 / published).toBeLessThan(high);
    }
  });
});

describe("a deployment", () => {
  const sampler = new Sampler(1);
  const llama = preset("llama-3-8b").architecture;

  it("holds as many sequences as the cache leaves room for", () => {
    const deployment = new Deployment(sampler, { architecture: llama, accelerator: A100 });
    // Llama 3 8B: 128 KiB a token; 8.03e9 weights of 2 bytes; 90 % of 80 GB usable.
    expect(deployment.tensorParallel).toBe(1);
    expect(deployment.largestBatch(8192)).toBe(Math.floor((72e9 - 2 * 8.03e9) / (8192 * 128 * 1024)));
  });

  it("takes the fewest accelerators that hold the weights", () => {
    const large = preset("llama-3-70b").architecture;
    expect(new Deployment(sampler, { architecture: large, accelerator: A100 }).tensorParallel).toBe(2);
    const small = new Deployment(sampler, { architecture: large, accelerator: A100, weights: "int4" });
    expect(small.tensorParallel).toBe(1);
  });

  it("prefills no slower than the model's FLOPs at the peak, and in proportion to the batch", () => {
    const deployment = new Deployment(sampler, { architecture: llama, accelerator: A100 });
    const seconds = deployment.prefillTime(1, 4096).value("s");
    expect(seconds).toBeGreaterThan((2 * 7e9 * 4096) / 312e12);
    expect(seconds).toBeLessThan((2 * (2 * 8e9 * 4096)) / 312e12);
    expect(deployment.prefillTime(8, 4096).value("s") / seconds).toBeCloseTo(8, 0);
  });

  it("slows with batch and position, and gains throughput with batch", () => {
    const deployment = new Deployment(sampler, { architecture: llama, accelerator: A100 });
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 64 }), fc.integer({ min: 0, max: 30_000 }), (batch, position) => {
        const step = deployment.stepTime(batch, position).value();
        expect(deployment.stepTime(batch, position + 500).value()).toBeGreaterThan(step);
        expect(deployment.stepTime(2 * batch, position).value()).toBeGreaterThan(step);
        expect(deployment.decodeThroughput(2 * batch, position).value()).toBeGreaterThan(
          deployment.decodeThroughput(batch, position).value(),
        );
      }),
      { numRuns: 30 },
    );
  });

  it("decodes long contexts faster with fewer attention layers, as arXiv:2510.04800 Table 13 finds", () => {
    const rate = (name: string, position: number) =>
      new Deployment(sampler, {
        architecture: preset(name).architecture,
        accelerator: accelerator("h200-sxm"),
      })
        .decodeThroughput(4, position)
        .value();
    const gain = (position: number) =>
      rate("hybrid-1b-inter-1-5", position) / rate("hybrid-1b-llama", position);
    expect(gain(32_768)).toBeGreaterThan(gain(2048));
    const flat = rate("hybrid-1b-mamba", 32_768) / rate("hybrid-1b-mamba", 2048);
    expect(flat).toBeCloseTo(1, 6);
  });

  it("refuses weights that do not fit and replicas across nodes", () => {
    const large = preset("llama-3-70b").architecture;
    const deploy = (tensorParallel: number) => () =>
      new Deployment(sampler, { architecture: large, accelerator: A100, tensorParallel });
    expect(deploy(1)).toThrow(/141.1 GB of weights on each of 1 x a100-sxm-80/);
    expect(deploy(16)).toThrow(/from 1 to the 8 accelerators/);
    expect(deploy(1.5)).toThrow(InputError);
    expect(() => new Deployment(sampler, { architecture: llama, accelerator: A100, weights: "fp8" })).toThrow(
      /fp8 on a100-sxm-80[\s\S]*bf16/,
    );
  });
});
