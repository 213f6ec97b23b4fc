import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, describe, expect, test, vi } from "vitest";
import { RandomStream } from "../../core/index.ts";
import { type Comparison, type ComparisonTimings, compare } from "./compare.ts";
import { LEVEL, meanInterval, pairedDifference } from "./differences.ts";
import { measuredLosses } from "./evidence.ts";
import { comparedJobs, sweepJobs } from "./jobs.ts";
import { readRecipe } from "./recipe.ts";
import { htmlComparison, terminalComparison } from "./report.ts";
import { judge } from "./trends.ts";

// Every comparison starts processes, which a busy machine keeps waiting.
vi.setConfig({ testTimeout: 300_000 });

const scratch = mkdtempSync(join(tmpdir(), "terrarium-compare-"));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));
const recipes = fileURLToPath(new URL("../../../examples/lab/", import.meta.url));

const TINY = `title: Tiny
data: { corpus: moby-dick }
context: 32
batch: 2
budget: { flops: 1.2e7 }
model: { width: 16, ssm: { stateSize: 4 } }
architectures:
  attention: AF
  mamba: { layers: SF, learningRates: [1.0e-3, 3.0e-3] }
seeds: 2
evaluation: { windows: 4, extrapolate: 2, longWindows: 2, decodeContexts: [16] }
`;
const TREND = `trends:
  - claim: Mamba-2 beats attention
    source: a table
    better: mamba
    than: attention
`;
let files = 0;
function written(text: string): string {
  const file = join(scratch, `recipe-${files++}.yaml`);
  writeFileSync(file, text);
  return file;
}

describe("a recipe", () => {
  test.each(readdirSync(recipes).filter((name) => name.endsWith(".yaml")))(
    "%s can be run as it is",
    async (name) => {
      const recipe = await readRecipe(join(recipes, name));
      const jobs = [
        ...sweepJobs(recipe),
        ...comparedJobs(recipe, new Map(recipe.architectures.map((a) => [a.name, 1]))),
      ];
      expect(new Set(jobs.map(({ id }) => id)).size).toBe(jobs.length);
      expect(recipe.pairs.length).toBeGreaterThan(0);
    },
  );

  test("spends the same FLOPs on each architecture, to within a step", async () => {
    const recipe = await readRecipe(written(TINY));
    const rates = new Map([
      ["attention", 1],
      ["mamba", 1],
    ]);
    const jobs = comparedJobs(recipe, rates);
    expect(jobs.map(({ plan }) => plan.seed)).toEqual([1, 1, 2, 2]);
    const steps = new Map(jobs.map(({ architecture, plan }) => [architecture, plan.steps]));
    expect(steps.get("attention")).toBeGreaterThan(steps.get("mamba")!);
    expect(sweepJobs(recipe).map(({ id }) => id)).toEqual(["mamba-rate0.001-seed0", "mamba-rate0.003-seed0"]);
  });

  test.each([
    [
      "a layer that there is not",
      TINY.replace("attention: AF", "attention: AX"),
      /yaml:8:\d+ {2}architectures\.attention[\s\S]*"X"/,
    ],
    ["a key that there is not", TINY.replace("budget:", "bugdet:"), /yaml:5:1[\s\S]*did you mean "budget"/],
    [
      "a setting that there is not",
      TINY.replace("stateSize", "stateSise"),
      /yaml:6:\d+[\s\S]*did you mean "stateSize"/,
    ],
    [
      "a task that there is not",
      TINY.replace("corpus: moby-dick", "task: recal"),
      /yaml:2:\d+ {2}data\.task[\s\S]*"recal"/,
    ],
    [
      "a pair of unknown names",
      `${TINY}compare: [[mamba, transformer]]\n`,
      /yaml:12:\d+ {2}compare\.0\.1[\s\S]*"transformer"[\s\S]*attention, mamba/,
    ],
    [
      "a trend of unknown names",
      `${TINY}trends:\n  - { claim: c, source: s, better: mamba, than: transformer }\n`,
      /yaml:13:\d+ {2}trends\.0\.than[\s\S]*"transformer"[\s\S]*attention, mamba/,
    ],
    [
      "heads that do not fit",
      TINY.replace("width: 16,", "width: 16, attention: { heads: 3, kvHeads: 2 },"),
      /kvHeads[\s\S]*a divisor of attention\.heads \(3\)/,
    ],
    [
      "recall of a network of text",
      TINY.replace("windows: 4", "recall: { lengths: [64] }"),
      /recall of a network trained on text/,
    ],
    ["no YAML", "title: [", /yaml:\d+:\d+[\s\S]*YAML or JSON/],
  ])("with %s is refused at its line", async (_, text, message) => {
    await expect(readRecipe(written(text))).rejects.toThrow(message);
    await expect(readRecipe(written(text))).rejects.toMatchObject({ name: "InputError" });
  });
});

describe("paired differences", () => {
  test.each([3, 5, 12])("intervals of %d pairs hold the true mean about as often as they say", (pairs) => {
    const stream = new RandomStream(pairs);
    let held = 0;
    const trials = 300;
    for (let trial = 0; trial < trials; trial++) {
      const [low, high] = meanInterval(Array.from({ length: pairs }, () => 0.3 + stream.normal()))!;
      if (low <= 0.3 && 0.3 <= high) held++;
    }
    // Two binomial deviations; the bootstrap of twelve is a little short of its level.
    expect(held / trials).toBeGreaterThan(LEVEL - (pairs < 10 ? 0.026 : 0.06));
    expect(held / trials).toBeLessThan(0.99);
  });

  const of = (name: string, values: number[]) => ({
    name,
    values: new Map(values.map((v, i) => [i + 1, v])),
  });

  test("no difference is found where the interval holds 0", () => {
    const found = pairedDifference("heldOutLoss", of("a", [2, 2.1, 2.05]), of("b", [2.1, 2, 2.05]))!;
    expect(found.mean).toBeCloseTo(0, 12);
    expect(found.verdict).toBe("no difference found");
    // Three of one sign are not enough by themselves.
    const leaning = pairedDifference("heldOutLoss", of("a", [2.01, 2.1, 2.02]), of("b", [2, 2, 2]))!;
    expect(leaning.verdict).toBe("no difference found");
  });

  test("a verdict knows which way is better", () => {
    const low = of("low", [1, 1.1, 1.05]);
    const high = of("high", [2, 2.1, 2.04]);
    expect(pairedDifference("heldOutLoss", low, high)!.verdict).toBe("low is better than high");
    expect(pairedDifference("heldOutLoss", high, low)!.verdict).toBe("low is better than high");
    expect(pairedDifference("accuracy", low, high)!.verdict).toBe("high is better than low");
  });

  test("a published trend holds, is reversed, or is not seen", () => {
    const trend = { claim: "c", source: "s", better: "a", than: "b", metric: "accuracy" } as const;
    const here = (a: number[], b: number[]) =>
      judge(trend, pairedDifference("accuracy", of("a", a), of("b", b))!).here;
    expect(here([0.9, 0.91, 0.9], [0.5, 0.5, 0.51])).toBe("holds");
    expect(here([0.5, 0.5, 0.51], [0.9, 0.91, 0.9])).toBe("reversed");
    expect(here([0.5, 0.9, 0.7], [0.6, 0.7, 0.8])).toBe("no difference found");
    expect(here([0.9], [0.5])).toMatch(/one pair/);
  });

  test("seeds that only one side has are left out, and one pair says nothing", () => {
    const found = pairedDifference("heldOutLoss", of("a", [1]), of("b", [2, 3]))!;
    expect(found.bySeed).toEqual([{ seed: 1, difference: -1 }]);
    expect(found.interval).toBeUndefined();
    expect(found.verdict).toMatch(/no statement/);
    expect(pairedDifference("heldOutLoss", of("a", []), of("b", [1]))).toBeUndefined();
  });
});

describe("a comparison", () => {
  const recipe = written(TINY + TREND);
  const whole = join(scratch, "whole");
  let found: { comparison: Comparison; timings: ComparisonTimings } | undefined;
  const once = async () => (found ??= await compare(await readRecipe(recipe), whole, { workers: 2 }));

  test("has every run, parameters and FLOPs beside every figure, and the rate that came out best", async () => {
    const { comparison, timings } = await once();
    const [attention, mamba] = comparison.architectures;
    expect(attention).toMatchObject({ pattern: "AF", learningRate: 3e-3, sweep: [] });
    expect(mamba!.sweep).toHaveLength(2);
    const best = mamba!.sweep.reduce((a, b) => (b.score! > a.score! ? b : a));
    expect(mamba!.learningRate).toBe(best.learningRate);
    for (const one of comparison.architectures) {
      expect(one.runs.map(({ seed }) => seed)).toEqual([1, 2]);
      expect(one.flops).toBeLessThanOrEqual(1.2e7);
      expect(one.flops).toBeGreaterThan(1.2e7 - 2 * 32 * one.flopsPerToken);
      expect(one.byPosition).toHaveLength(16);
      const losses = one.runs.map(({ metrics }) => metrics.heldOutLoss!);
      expect(one.means.heldOutLoss).toBeCloseTo((losses[0]! + losses[1]!) / 2, 12);
    }
    const difference = comparison.differences.find(({ metric }) => metric === "heldOutLoss")!;
    expect(difference).toMatchObject({ first: "mamba", second: "attention" });
    expect(difference.bySeed[0]!.difference).toBeCloseTo(
      mamba!.runs[0]!.metrics.heldOutLoss! - attention!.runs[0]!.metrics.heldOutLoss!,
      12,
    );
    expect(timings.mamba!.decoding[0]).toMatchObject({ context: 16 });
  });

  test("is a report on the terminal and on a page without network, and evidence by pattern", async () => {
    const { comparison, timings } = await once();
    expect(terminalComparison(comparison, timings)).toMatch(/mamba - attention +held-out loss/);
    expect(terminalComparison(comparison, timings)).toMatch(
      /Mamba-2 beats attention \(a table\): .+\. mamba - attention, held-out loss: [-+]/,
    );
    const page = htmlComparison(comparison, timings);
    expect(page.match(/<svg/g)!.length).toBeGreaterThanOrEqual(3);
    expect(page).not.toMatch(/<script|(src|href)="http/);
    const task: Comparison = {
      ...comparison,
      architectures: comparison.architectures.map((one) => ({
        ...one,
        means: { accuracyArea: 0.5 },
        recall: [0, 1].map((depth) => ({ length: 64, depth, accuracy: 0.25, tokenAccuracy: 0.5 })),
        runs: one.runs.map((run, i) => ({
          ...run,
          metrics: { accuracyArea: 0.5 },
          accuracy: [{ step: 5, accuracy: 0.75 }],
          stepsTo95: { steps: 5, reached: i === 0 },
        })),
      })),
    };
    expect(terminalComparison(task, timings)).toMatch(/5 >5/);
    for (const title of ["Recall by depth and length", "Accuracy while training"]) {
      expect(htmlComparison(task, timings)).toContain(`<h2>${title}</h2>`);
    }
    const evidence = measuredLosses(join(whole, "comparison.json"));
    expect(evidence).toMatchObject({ title: "Tiny", seeds: [1, 2] });
    expect(evidence.architectures[1]).toMatchObject({
      pattern: "SF",
      tokens: comparison.architectures[1]!.tokens,
      losses: comparison.architectures[1]!.runs.map(({ metrics }) => metrics.heldOutLoss),
    });
    expect(() => measuredLosses(recipe)).toThrow(/format/);
  });

  test("killed in the middle, it ends with the same bytes", async () => {
    await once();
    const folder = join(scratch, "killed");
    const root = fileURLToPath(new URL("../../..", import.meta.url));
    const driver = join(scratch, "driver.mjs");
    const room = new URL("../index.ts", import.meta.url).href;
    writeFileSync(
      driver,
      `import { compare, readRecipe } from ${JSON.stringify(room)};
await compare(await readRecipe(process.argv[2]), process.argv[3], { workers: 1 });
`,
    );
    const outcomes = (): number => {
      const runs = join(folder, "runs");
      if (!existsSync(runs)) return 0;
      return readdirSync(runs).filter((run) => existsSync(join(runs, run, "outcome.json"))).length;
    };
    const started = () =>
      spawn(process.execPath, [...process.execArgv, driver, recipe, folder], {
        cwd: root,
        stdio: ["ignore", "ignore", "inherit"],
      });
    const killed = started();
    const watch = setInterval(() => {
      // Some runs are done, another is under way: no time to clean up.
      if (outcomes() >= 2) killed.kill("SIGKILL");
    }, 5);
    const signal = await new Promise((resolve) => killed.once("exit", (_, by) => resolve(by)));
    clearInterval(watch);
    expect(signal).toBe("SIGKILL");
    expect(existsSync(join(folder, "comparison.json"))).toBe(false);
    const again = started();
    expect(await new Promise((resolve) => again.once("exit", resolve))).toBe(0);
    expect(readFileSync(join(folder, "comparison.json"), "utf8")).toBe(
      readFileSync(join(whole, "comparison.json"), "utf8"),
    );
  });

  test("stops when it is told to, and goes on", async () => {
    const folder = join(scratch, "stopped");
    const stop = new AbortController();
    const progress = (): void => stop.abort(new Error("enough"));
    const plan = await readRecipe(recipe);
    await expect(compare(plan, folder, { workers: 1, progress, signal: stop.signal })).rejects.toThrow(
      "enough",
    );
    expect(existsSync(join(folder, "comparison.json"))).toBe(false);
  });

  test("of another recipe is not mixed with what is in the folder", async () => {
    await once();
    const other = await readRecipe(written(TINY.replace("context: 32", "context: 16")));
    rmSync(join(whole, "runs", "attention-rate0.003-seed1", "outcome.json"));
    await expect(compare(other, whole, { workers: 1 })).rejects.toThrow(
      /another run, which differs in length/,
    );
  });
});
