import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { InputError, RandomStream } from "../../core/index.ts";
import { analyseOracle } from "./analyse.ts";
import type { MeasuredRun } from "./measure.ts";
import { drawStrings } from "./oracle.ts";
import { replayPolicies } from "./replay.ts";
import { oraclePage, terminalOracle } from "./report.ts";
import { completeSeeds, readRuns, runsCsv } from "./table.ts";

const folder = mkdtempSync(join(tmpdir(), "oracle-"));
afterAll(() => rmSync(folder, { recursive: true }));

const STRINGS = Array.from({ length: 64 }, (_, i) =>
  i.toString(2).padStart(6, "0").replaceAll("0", "A").replaceAll("1", "F"),
);
/** Made up: places away from AAFFFF times 100, and noise of `sd` a seed. */
function madeUp(seeds: number, sd: number): MeasuredRun[] {
  const stream = new RandomStream(3);
  return Array.from({ length: seeds }, (_, seed) =>
    STRINGS.map((layers) => ({
      layers,
      seed: seed + 1,
      score: 100 * [...layers].filter((letter, i) => letter !== "AAFFFF"[i]).length + sd * stream.normal(),
      steps: 500,
      reached: layers.startsWith("A"),
      accuracy: 0.5,
    })),
  ).flat();
}
const aggregation = { clusters: 5, context: 0 };

describe("replay", () => {
  it("knows the regret: a search that has tried all strings once, without noise, has none", async () => {
    const curves = await replayPolicies(madeUp(1, 0), { trials: 8, replays: 3, aggregation });
    const best = (name: string) => curves.find(({ policy }) => policy === name)!;
    for (const { mean, low, high } of curves) {
      expect(mean).toHaveLength(8);
      for (const [i, value] of mean.entries()) {
        expect(value).toBeGreaterThanOrEqual(0);
        expect(low[i]!).toBeLessThanOrEqual(value);
        expect(high[i]!).toBeGreaterThanOrEqual(value);
      }
    }
    // Without noise the best so far never gets worse; an aggregate may.
    for (const name of ["random", "greedy", "mcts", "evolutionary", "bayesian"]) {
      const { mean } = best(name);
      for (let i = 1; i < mean.length; i++) expect(mean[i]!).toBeLessThanOrEqual(mean[i - 1]!);
    }
    expect(curves.map(({ policy }) => policy)).toContain("N_0 of bayesian");
  });

  it("has random search's regret as counting gives it", async () => {
    // After one draw among 64: the mean over strings of their distance, 100 * 6 / 2.
    const replays = 100;
    const curves = await replayPolicies(madeUp(1, 0), { trials: 1, replays, aggregation });
    const { mean } = curves.find(({ policy }) => policy === "random")!;
    const standardError = (100 * Math.sqrt(6 * 0.25)) / Math.sqrt(replays);
    expect(Math.abs(mean[0]! - 300)).toBeLessThan(4 * standardError);
  }, 60_000);

  it("is the same every time", async () => {
    const once = () => replayPolicies(madeUp(2, 30), { trials: 6, replays: 2, aggregation });
    expect(await once()).toEqual(await once());
  });
});

describe("the analysis", () => {
  const options = { trials: 3, replays: 2 };

  it("finds the noise that was put in, and the order", async () => {
    const analysis = await analyseOracle({ proxy: madeUp(3, 20), larger: [] }, options);
    expect(analysis.strings).toBe(64);
    expect(analysis.order[0]!.layers).toBe("AAFFFF");
    expect(analysis.noise!.withinStrings).toBeGreaterThan(16);
    expect(analysis.noise!.withinStrings).toBeLessThan(24);
    expect(analysis.noise!.orderCorrelations).toHaveLength(3);
    for (const { rho } of analysis.noise!.orderCorrelations) expect(rho).toBeGreaterThan(0.9);
    expect(analysis.censored).toBe(0.5);
    expect(analysis.larger).toBeUndefined();
  });

  it("leaves out seeds that not all strings have", async () => {
    const runs = madeUp(2, 0).slice(0, 100);
    expect(completeSeeds(runs)).toEqual([1]);
    const analysis = await analyseOracle({ proxy: runs, larger: [] }, options);
    expect(analysis).toMatchObject({ seeds: [1], partial: 36 });
    expect(analysis.noise).toBeUndefined();
    expect(terminalOracle(analysis)).toContain("36 runs of seeds that are not complete");
  });

  it("correlates with larger models: 1 where they agree, -1 where they are reversed", async () => {
    const proxy = madeUp(1, 1);
    const larger = (sign: number) =>
      drawStrings("AF", 6, 12).map((layers) => ({
        layers,
        seed: 1,
        score: 2 + sign * 1e-3 * proxy.find((run) => run.layers === layers)!.score,
      }));
    for (const sign of [1, -1]) {
      const analysis = await analyseOracle({ proxy, larger: larger(sign) }, options);
      expect(analysis.larger).toMatchObject({ strings: 12, seeds: 1 });
      expect(analysis.larger!.rho).toBeCloseTo(sign, 12);
      const page = oraclePage(analysis);
      expect(page).not.toMatch(/NaN|undefined|\[object/);
    }
  });
});

describe("the strings that are trained larger", () => {
  it("are different ones, and a longer list goes on with a shorter one", () => {
    const all = drawStrings("AF", 6, 100);
    expect([...all].sort()).toEqual(STRINGS);
    expect(drawStrings("AF", 6, 12)).toEqual(all.slice(0, 12));
  });
});

describe("the table", () => {
  it("is read as it was written", () => {
    const runs = madeUp(2, 20).map((run) => ({ ...run, score: Number(run.score.toPrecision(6)) }));
    const file = join(folder, "table.csv");
    writeFileSync(file, runsCsv(runs, "one line\nand another"));
    expect(readRuns(file)).toEqual([...runs].sort((a, b) => a.seed - b.seed));
    expect(readFileSync(file, "utf8")).toMatch(/^# one line\n# and another\nlayers,seed/);
  });

  it("names the line of a row that is damaged", () => {
    const file = join(folder, "damaged.csv");
    writeFileSync(file, "layers,seed,score\nAAAAAA,1,500\nAAAAAF,1,fast\n");
    expect(() => readRuns(file)).toThrow(InputError);
    expect(() => readRuns(file)).toThrow(/damaged.csv:3/);
  });
});
