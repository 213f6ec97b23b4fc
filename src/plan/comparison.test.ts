import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { Estimate, Sampler } from "../core/index.ts";
import { measuredLosses } from "../lab/index.ts";
import { DrawnFamilies } from "../laws/index.ts";
import { parseLayers } from "../model/index.ts";
import { parseBrief } from "./brief.ts";
import { familyDrift, MeasuredComparison } from "./comparison.ts";
import { makePlan } from "./plan.ts";

const scratch = mkdtempSync(join(tmpdir(), "terrarium-evidence-"));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

type Rows = Readonly<
  Record<string, { pattern: string; size?: number; tokens?: number; losses: readonly number[] }>
>;

/** A comparison.json as the laboratory writes it. */
function written(rows: Rows): string {
  const file = join(scratch, "comparison.json");
  const architectures = Object.entries(rows).map(
    ([name, { pattern, size = 1e9, tokens = 2e10, losses }]) => ({
      name,
      pattern,
      nonEmbedding: size,
      tokens,
      runs: losses.map((heldOutLoss, i) => ({ seed: i + 1, metrics: { heldOutLoss } })),
    }),
  );
  writeFileSync(file, JSON.stringify({ format: 1, title: "Ours", architectures }));
  return file;
}

const HERE = { parameters: 1e9, tokens: 2e10 };
const weigh = (rows: Rows, target = HERE) => {
  const sampler = new Sampler(1);
  const laws = new DrawnFamilies(sampler);
  const file = written(rows);
  const comparison = new MeasuredComparison(measuredLosses(file), file, {}, target, laws);
  return { comparison, laws, ratios: comparison.ratios(laws, sampler) };
};
const deviation = (draws: Float64Array): number => {
  const mean = draws.reduce((sum, draw) => sum + draw, 0) / draws.length;
  return Math.sqrt(draws.reduce((sum, draw) => sum + (draw - mean) ** 2, 0) / draws.length);
};
const logs = ({ draws }: { draws: Float64Array }) => draws.map(Math.log);

/** Mamba-2 5 % below attention, with a spread between seeds of 0.1 %. */
const MAMBA_AHEAD = {
  attention: { pattern: "(AF)16", losses: [2.8, 2.803, 2.797] },
  mamba: { pattern: "(SF)13", losses: [2.66, 2.6605, 2.6595] },
};

describe("how families drift with scale", () => {
  test("is a few tenths of a percent for each factor of e", () => {
    // By hand from Table 14: at 4e20 FLOPs Llama and Mamba are 0.019 nats of 2.86 apart at 350M and 0.082 of 2.73 at 3B, over
    // 2.1 e-folds of parameters and 2.0 of tokens: each leaves the middle of the two by 0.0029 of the loss an e-fold.
    expect(familyDrift()).toBeGreaterThan(0.002);
    expect(familyDrift()).toBeLessThan(0.006);
  });
});

describe("a measured comparison", () => {
  test("at the brief's own size counts for almost all", () => {
    const { comparison, ratios } = weigh(MAMBA_AHEAD);
    expect(comparison.distance).toBeCloseTo(0, 12);
    expect(comparison.weight).toBeGreaterThan(0.9);
    const { weighed, measured } = ratios.get("ssm")!;
    expect(measured.value()).toBeCloseTo(Math.sqrt(2.66 / 2.8), 3);
    expect(weighed.value()).toBeCloseTo(measured.value(), 2);
  });

  test("far from it counts for little, and the less the further", () => {
    const weights = [1, 10, 100, 1000].map(
      (factor) => weigh(MAMBA_AHEAD, { parameters: 1e9 * factor, tokens: 2e10 }).comparison.weight,
    );
    expect(weights).toEqual([...weights].sort((a, b) => b - a));
    const toy = {
      attention: { ...MAMBA_AHEAD.attention, size: 5e5, tokens: 4e5 },
      mamba: { ...MAMBA_AHEAD.mamba, size: 5e5, tokens: 4e5 },
    };
    const { comparison, ratios } = weigh(toy);
    expect(comparison.weight).toBeLessThan(0.01);
    const { weighed, published } = ratios.get("ssm")!;
    expect(Math.abs(Math.log(weighed.value() / published.value()))).toBeLessThan(5e-4);
  });

  test("combines with the laws as two normal statements do", () => {
    const { ratios } = weigh(MAMBA_AHEAD, { parameters: 3e9, tokens: 2e10 });
    const { published, weighed } = ratios.get("ssm")!;
    // Precisions add. Of two families the distance from their mean has half the variance of one family's own error.
    const prior = deviation(logs(published)) ** 2;
    const { weight } = weigh(MAMBA_AHEAD, { parameters: 3e9, tokens: 2e10 }).comparison;
    const reach = (prior * (1 - weight)) / weight;
    expect(deviation(logs(weighed)) / Math.sqrt((prior * reach) / (prior + reach))).toBeCloseTo(1, 1);
    expect(deviation(logs(weighed))).toBeLessThan(deviation(logs(published)));
  });

  test("says when it contradicts the laws by more than chance and drift", () => {
    const { comparison, laws } = weigh(MAMBA_AHEAD);
    expect(comparison.surprising(laws)).toBe(true);
    const told = (pattern: string) => {
      const loss = laws
        .of(parseLayers(pattern))
        .loss(HERE.parameters, Estimate.exact(HERE.tokens, "token"))
        .value();
      return { pattern, losses: [loss, 1.0001 * loss, 0.9999 * loss] };
    };
    const agreeing = weigh({ attention: told("(AF)16"), mamba: told("(SF)13") });
    expect(agreeing.comparison.surprising(agreeing.laws)).toBe(false);
  });

  test("takes what seeds do to all families alike for no error", () => {
    const shifted = (losses: readonly number[]) => losses.map((loss, seed) => loss * (1 + 0.1 * seed));
    const together = weigh({
      attention: { pattern: "(AF)16", losses: shifted([2.8, 2.8, 2.8]) },
      mamba: { pattern: "(SF)13", losses: shifted([2.66, 2.66, 2.66]) },
    });
    expect(deviation(together.ratios.get("ssm")!.measured.draws)).toBeLessThan(1e-9);
  });
});

describe("a brief that names a comparison", () => {
  const plan = (rows: Rows | undefined) => {
    if (rows) written(rows);
    const text = [
      "model:",
      '  candidates: ["(AF)12", "(SF)4 AF (SF)7", "(SF)12"]',
      "  size: 900M..1.1B",
      ...(rows ? ["  comparison: comparison.json"] : []),
      "data: { natural: 20B tokens }",
      "cluster: { count: 8 }",
      "objectives: [loss, cost]",
    ];
    return makePlan(parseBrief(text.join("\n"), join(scratch, "brief.yaml")), { seed: 1, version: "0" });
  };

  test("plans with it, and says what it weighs and where it comes from", async () => {
    const before = await plan(undefined);
    expect(before.defaults.map(({ path }) => path)).toContain("model.comparison");
    const after = await plan(MAMBA_AHEAD);
    expect(after.defaults.map(({ path }) => path)).not.toContain("model.comparison");
    expect(after.decisions[0]!.choice).toMatch(/^\(SF\)12,/);
    const names = after.decisions[0]!.figures.map(({ name }) => name);
    expect(names).toContain("loss of ssm over the mean, weighed");
    expect(names).toContain("weight of the measurement");
    expect(after.decisions[0]!.notes[0]).toMatch(
      /"Ours" compared transformer, ssm at 1 B parameters.*3 seeds/,
    );
    expect(after.decisions[0]!.notes[1]).toMatch(/further apart/);
    expect(after.sources.map(({ title }) => title)).toContain("Ours (comparison.json)");
    // The hybrid was not compared: its loss is what it was.
    const ofHybrid = ({ decisions, front }: typeof after) =>
      [
        ...decisions[0]!.alternatives,
        ...front.map(({ choices, outcomes }) => ({ label: choices.model!, outcomes })),
      ].find(({ label }) => label.startsWith("(SF)4 AF"));
    expect(ofHybrid(after)!.outcomes[0]!.basis).toBe("published");
  });

  test("of toy size changes no choice, and says why", async () => {
    const toy = Object.fromEntries(
      Object.entries(MAMBA_AHEAD).map(([name, row]) => [name, { ...row, size: 5e5, tokens: 4e5 }]),
    );
    const [before, after] = [await plan(undefined), await plan(toy)];
    expect(after.decisions.map(({ choice }) => choice)).toEqual(before.decisions.map(({ choice }) => choice));
    expect(Math.abs(after.outcomes[0]!.value - before.outcomes[0]!.value)).toBeLessThan(0.002);
    expect(after.decisions[0]!.notes[0]).toMatch(/such factors lie between/);
  });
});
