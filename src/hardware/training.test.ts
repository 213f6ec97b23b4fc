import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { FigureTable, InputError, Sampler } from "../core/index.ts";
import { type Architecture, architecture, preset } from "../model/index.ts";
import { accelerator, type TrainingStep, trainingSteps } from "./index.ts";

/** LLaMA and Llama 2 of the sizes that the table of models lacks (arXiv:2302.13971 Table 2; hidden sizes of the release). */
function llama(layers: number, width: number, heads: number, hidden: number): Architecture {
  return architecture(`(AF)${layers}`, width, {
    vocabulary: 32_000,
    attention: { heads, kvHeads: heads, headDim: width / heads },
    feedForward: { hidden },
    tiedEmbeddings: false,
  });
}

function fitting(step: TrainingStep): TrainingStep & { fits: true } {
  if (!step.fits) throw new Error(`does not fit: ${JSON.stringify(step.layout)}`);
  return step;
}

const perHours = (tokens: number, acceleratorHours: number) => tokens / (acceleratorHours * 3600);
/** Tokens a second of one accelerator at a reported rate of model FLOPs, 6 a parameter and token. */
const atRate = (flopsPerSecond: number) => flopsPerSecond / (6 * 405.9e9);
const A100 = ["a100-sxm-80", 2048, 4 * 2 ** 20] as const;

/**
 * Published runs: tokens a second of one accelerator. LLaMA: 1T and 1.4T tokens in the GPU hours of arXiv:2302.13971
 * Table 15; Llama 2: 2T in those of arXiv:2307.09288 Table 2; Llama 3.1 405B: 430 and 400 TFLOP/s, arXiv:2407.21783
 * Table 4. The number of A100 is that of LLaMA 65B (2048) throughout.
 */
const RUNS: readonly [string, Architecture, string, number, number, context: number, rate: number][] = [
  ["LLaMA 7B", llama(32, 4096, 32, 11_008), ...A100, 2048, perHours(1e12, 82_432)],
  ["LLaMA 13B", llama(40, 5120, 40, 13_824), ...A100, 2048, perHours(1e12, 135_168)],
  ["LLaMA 33B", llama(60, 6656, 52, 17_920), ...A100, 2048, perHours(1.4e12, 530_432)],
  ["LLaMA 65B", llama(80, 8192, 64, 22_016), ...A100, 2048, perHours(1.4e12, 1_022_362)],
  ["Llama 2 7B", preset("llama-2-7b").architecture, ...A100, 4096, perHours(2e12, 184_320)],
  ["Llama 2 13B", preset("llama-2-13b").architecture, ...A100, 4096, perHours(2e12, 368_640)],
  ["Llama 2 70B", preset("llama-2-70b").architecture, ...A100, 4096, perHours(2e12, 1_720_320)],
  ["Llama 3.1 405B", preset("llama-3.1-405b").architecture, "h100-sxm", 8192, 2 ** 24, 8192, atRate(430e12)],
  [
    "Llama 3.1 405B",
    preset("llama-3.1-405b").architecture,
    "h100-sxm",
    16_384,
    2 ** 24,
    8192,
    atRate(400e12),
  ],
];

describe("published training runs", () => {
  const sampler = new Sampler(1);
  const ratios = RUNS.map(([name, model, machine, count, batchTokens, context, rate]) => {
    const steps = trainingSteps(sampler, accelerator(machine), { architecture: model, context, batchTokens });
    const { throughput, layout, modelFlopsUtilisation } = fitting(steps(count));
    return {
      name,
      count,
      layout,
      modelFlopsUtilisation,
      throughput,
      rate,
      ratio: rate / (throughput.value() / count),
    };
  });

  it.each(ratios)("$name on $count: within the 90 % interval", ({ throughput, count, rate }) => {
    const { low, high } = throughput.interval();
    expect(rate * count).toBeGreaterThan(low);
    expect(rate * count).toBeLessThan(high);
  });

  it("average to the step efficiency of data/efficiencies.csv, and span its range", () => {
    const row = new FigureTable("efficiencies").get("training", "step efficiency");
    const implied = ratios.map(({ ratio }) => row.value * ratio);
    const mean = Math.exp(implied.reduce((total, x) => total + Math.log(x), 0) / implied.length);
    expect(Math.abs(mean / row.value - 1)).toBeLessThan(0.02);
    expect(Math.abs(Math.min(...implied) - row.low!)).toBeLessThan(0.015);
    expect(Math.abs(Math.max(...implied) - row.high!)).toBeLessThan(0.015);
  });

  it("lays Llama 3.1 405B out as it was trained: 8 ways tensor, 16 pipeline, the rest data (Table 4)", () => {
    const large = ratios.filter(({ name }) => name === "Llama 3.1 405B");
    expect(
      large.map(({ layout }) => [layout.tensorParallel, layout.pipelineParallel, layout.dataParallel]),
    ).toEqual([
      [8, 16, 64],
      [8, 16, 128],
    ]);
    for (const { modelFlopsUtilisation } of large) {
      const { low, high } = modelFlopsUtilisation.interval();
      expect(low).toBeLessThan(0.38);
      expect(high).toBeGreaterThan(0.43);
    }
  });
});

const SMALL = preset("hybrid-1b-inter-1-5").architecture;

describe("a training step", () => {
  // Every input at its median, so that the layout chosen at the medians is best in the only draw.
  const sampler = new Sampler(1, () => 0.5);
  const seconds = (step: TrainingStep) => (step.fits ? step.time.value("s") : Number.POSITIVE_INFINITY);

  it("is never longer on twice the accelerators", () => {
    fc.assert(
      fc.property(
        fc.constantFrom("hybrid-1b-llama", "hybrid-350m-mamba", "llama-2-7b", "llama-2-70b", "mixtral-8x7b"),
        fc.constantFrom("h100-sxm", "a100-pcie-40", "l40s"),
        fc.integer({ min: 1, max: 3000 }),
        (model, machine, count) => {
          const steps = trainingSteps(sampler, accelerator(machine), {
            architecture: preset(model).architecture,
            context: 4096,
          });
          const once = seconds(steps(count));
          const twice = seconds(steps(2 * count));
          expect(twice).toBeLessThanOrEqual(once * (1 + 1e-9));
        },
      ),
      { numRuns: 60 },
    );
  });

  it("is never longer with more bandwidth to memory, link or network", () => {
    const base = accelerator("l40s");
    fc.assert(
      fc.property(
        fc.constantFrom("memoryBytesPerSecond", "linkBytesPerSecond", "networkBytesPerSecond"),
        fc.double({ min: 1, max: 20, noNaN: true }),
        fc.integer({ min: 1, max: 256 }),
        (rate, factor, count) => {
          const workload = { architecture: SMALL, context: 2048 };
          const slow = trainingSteps(sampler, base, workload)(count);
          const fast = trainingSteps(sampler, { ...base, [rate]: base[rate] * factor }, workload)(count);
          expect(seconds(fast)).toBeLessThanOrEqual(seconds(slow) * (1 + 1e-9));
        },
      ),
      { numRuns: 40 },
    );
  });

  it("grows with the batch in proportion, but for what is done once a step", () => {
    const time = (batchTokens: number) =>
      seconds(
        trainingSteps(sampler, accelerator("h100-sxm"), { architecture: SMALL, context: 2048, batchTokens })(
          8,
        ),
      );
    const [one, two, four] = [time(2 ** 22), time(2 ** 23), time(2 ** 24)];
    expect((four - two) / (two - one)).toBeCloseTo(2, 2);
    expect(two / one).toBeGreaterThan(1.9);
  });

  it("uses power between idle and the limit, and no more utilisation than there is", () => {
    const step = fitting(
      trainingSteps(new Sampler(2), accelerator("h100-sxm"), { architecture: SMALL, context: 8192 })(256),
    );
    expect(step.power.interval("W/accelerator").low).toBeGreaterThan(300);
    expect(step.power.interval("W/accelerator").high).toBeLessThan(750);
    expect(step.modelFlopsUtilisation.quantile(1)).toBeLessThan(1);
    expect(step.waiting.value()).toBeLessThan(step.time.value());
    expect(step.time.basis).toBe("assumed");
    expect(step.time.sources.map(({ id }) => id)).toContain("vidur");
  });

  it("says when a model does not fit and what it would need", () => {
    const steps = trainingSteps(sampler, accelerator("a100-pcie-40"), {
      architecture: preset("llama-2-70b").architecture,
      context: 4096,
    });
    const step = steps(8);
    expect(step.fits).toBe(false);
    // 69e9 parameters x 18 bytes over 8 accelerators, at least.
    expect(step.memory.value("GB/accelerator")).toBeGreaterThan(155);
    expect(steps(256).fits).toBe(true);
  });

  it("refuses a batch below one sequence and counts that are no counts", () => {
    const a = accelerator("h100-sxm");
    expect(() =>
      trainingSteps(sampler, a, { architecture: SMALL, context: 8192, batchTokens: 4096 }),
    ).toThrow(/at least one sequence of 8192 tokens/);
    const steps = trainingSteps(sampler, a, { architecture: SMALL, context: 8192 });
    for (const count of [0, 1.5, -8, Number.NaN]) expect(() => steps(count)).toThrow(InputError);
  });
});
