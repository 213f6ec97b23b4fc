import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { examplePlan } from "../../test/examples.ts";
import { type DimensionOf, Estimate, Sampler } from "../core/index.ts";
import type { Part } from "../hardware/index.ts";
import { parseBrief } from "./brief.ts";
import { type Decision, Impossible, Upstream } from "./decision.ts";
import { checkpoint } from "./decisions/checkpoint.ts";
import { cluster } from "./decisions/cluster.ts";
import { data } from "./decisions/data.ts";
import { decisionsFor } from "./decisions/index.ts";
import { region } from "./decisions/region.ts";
import { sketchDesigns, weigher } from "./designs.ts";
import { gatherProblem } from "./gather.ts";
import { makePlan } from "./plan.ts";
import type { Problem } from "./problem.ts";
import { terminalReport } from "./terminal.ts";

/** A brief that leaves only the tokens and the checkpoint interval open. */
interface Small {
  readonly count: number;
  readonly grid: string;
  readonly price: number;
  /** Tokens of data, of which the design takes all. */
  readonly tokens: number;
}

const briefOf = ({ count, grid, price, tokens }: Small) =>
  parseBrief(`model: {candidates: ["(AF)4"], size: 20M, context: 2k}
data: {natural: ${tokens}, repeats: 1}
cluster: {accelerator: a100-sxm-80, count: [${count}], price: ${price}}
grid: {region: "${grid}"}
`);

const problemOf = (small: Small, pin?: (name: string) => number | undefined): Promise<Problem> =>
  gatherProblem(briefOf(small), new Sampler(3, pin));

/** The design of a small brief with the checkpoint interval at one of the usual settings, whatever the optimum is. */
async function designOf(small: Small, intervalSeconds: number, pin?: (name: string) => number | undefined) {
  const problem = await problemOf(small, pin);
  const { sketches } = sketchDesigns(decisionsFor(problem.brief), problem);
  // The last of the token counts is all there are.
  const sketch = sketches.findLast(
    ({ steps }) => (steps[3]!.option as { intervalSeconds: number }).intervalSeconds === intervalSeconds,
  )!;
  return { problem, ...weigher(problem)(sketch.steps)! };
}

const HOUR = 3600;
/** Every input drawn, so that what is claimed holds draw by draw and not only at the medians. */
const ratios = (a: { draws: Float64Array }, b: { draws: Float64Array }): number[] =>
  Array.from(
    { length: Math.max(a.draws.length, b.draws.length) },
    (_, i) => (a.draws[a.draws.length === 1 ? 0 : i] ?? 0) / (b.draws[b.draws.length === 1 ? 0 : i] ?? 0),
  );
const allClose = (values: readonly number[], expected: number) => {
  for (const value of values) expect(value / expected).toBeCloseTo(1, 9);
};

const small = fc.record({
  count: fc.constantFrom(8, 16, 64, 256),
  grid: fc.constantFrom("FR", "DE", "400 gCO2e/kWh"),
  price: fc.double({ min: 0.5, max: 10, noNaN: true }),
  tokens: fc.integer({ min: 1e8, max: 3e8 }),
});
const RUNS = { numRuns: 8 };

describe("what moves a plan's figures", () => {
  it("operational carbon goes with the grid's intensity, and nothing else does", async () => {
    await fc.assert(
      fc.asyncProperty(small, fc.double({ min: 1.1, max: 20, noNaN: true }), async (brief, times) => {
        const at = (intensity: number) => designOf({ ...brief, grid: `${intensity} gCO2e/kWh` }, HOUR);
        const [clean, dirty] = [await at(50), await at(50 * times)];
        const [a, b] = [clean.choices.get(region), dirty.choices.get(region)];
        allClose(ratios(b.operational, a.operational), times);
        allClose(ratios(b.embodied, a.embodied), 1);
        for (const outcome of ["loss", "days", "cost", "energy"] as const) {
          allClose(ratios(dirty.outcomes[outcome], clean.outcomes[outcome]), 1);
        }
      }),
      RUNS,
    );
  });

  it("moving between places of the table moves carbon by the ratio of their means", async () => {
    const pin = () => 0.5;
    const base = { count: 8, price: 2, tokens: 2e8 };
    const [fr, pl] = [
      await designOf({ ...base, grid: "FR" }, HOUR, pin),
      await designOf({ ...base, grid: "PL" }, HOUR, pin),
    ];
    const [a, b] = [fr.choices.get(region), pl.choices.get(region)];
    const means = b.grid.intensity.value() / a.grid.intensity.value();
    expect(means).toBeGreaterThan(5);
    allClose(ratios(b.operational, a.operational), means);
  });

  it("cost goes with the price and carbon does not", async () => {
    await fc.assert(
      fc.asyncProperty(small, fc.double({ min: 1.1, max: 20, noNaN: true }), async (brief, times) => {
        const [cheap, dear] = [
          await designOf(brief, HOUR),
          await designOf({ ...brief, price: brief.price * times }, HOUR),
        ];
        allClose(ratios(dear.outcomes.cost, cheap.outcomes.cost), times);
        allClose(ratios(dear.outcomes.carbon, cheap.outcomes.carbon), 1);
      }),
      RUNS,
    );
  });

  it("twice the tokens take twice the productive time and train to a lower loss", async () => {
    await fc.assert(
      fc.asyncProperty(small, async (brief) => {
        const [once, twice] = [
          await designOf(brief, HOUR),
          await designOf({ ...brief, tokens: 2 * brief.tokens }, HOUR),
        ];
        expect(twice.choices.get(data).option.tokens).toBe(2 * once.choices.get(data).option.tokens);
        allClose(
          ratios(twice.choices.get(checkpoint).productive, once.choices.get(checkpoint).productive),
          2,
        );
        for (const ratio of ratios(twice.outcomes.loss, once.outcomes.loss)) expect(ratio).toBeLessThan(1);
      }),
      RUNS,
    );
  });

  it("twice the accelerators fail twice as often, save in half the time, and at most double the throughput", async () => {
    await fc.assert(
      fc.asyncProperty(small, async (brief) => {
        const [half, whole] = [
          await designOf(brief, HOUR),
          await designOf({ ...brief, count: 2 * brief.count }, HOUR),
        ];
        const [a, b] = [half.choices.get(checkpoint), whole.choices.get(checkpoint)];
        allClose(ratios(a.mttf, b.mttf), 2);
        allClose(ratios(a.write, b.write), 2);
        const gain = ratios(
          whole.choices.get(cluster).step.throughput,
          half.choices.get(cluster).step.throughput,
        );
        for (const ratio of gain) {
          expect(ratio).toBeGreaterThan(1);
          expect(ratio).toBeLessThanOrEqual(2 * (1 + 1e-9));
        }
        // What the doubling loses to communication and to failures is paid for.
        for (const ratio of ratios(whole.outcomes.cost, half.outcomes.cost)) {
          expect(ratio).toBeGreaterThanOrEqual(1 - 1e-9);
        }
      }),
      RUNS,
    );
  });

  it("half the failure rate doubles the time to failure and raises ETTR as the renewal process says", async () => {
    const { problem, choices } = await designOf({ count: 256, grid: "FR", price: 2, tokens: 2e8 }, HOUR);
    const halved = Object.assign(problem.withSampler(problem.sampler), {
      failureRate: { ...problem.failureRate, rate: problem.failureRate.rate.times(0.5) },
    });
    const half = checkpoint.evaluate({ intervalSeconds: HOUR }, halved, choices);
    if (half instanceof Impossible) throw new Error(half.reason);
    const whole = choices.get(checkpoint);
    allClose(ratios(half.mttf, whole.mttf), 2);
    const queue = problem.sampler.inputs.find(({ name }) => name.includes("queue"))!.estimate;
    // ETTR = R / E[wall-clock] of the renewal process that arXiv:2410.21680 approximates, here written out again.
    const renewal = (choice: typeof whole) =>
      Estimate.combine(
        [choice.mttf, choice.restart, queue, choice.write, choice.productive],
        "1",
        (mttf, u0, q, w, R) => {
          const started = (mttf + q) * Math.exp(u0 / mttf);
          const interval = (seconds: number) => started * Math.expm1(seconds / mttf);
          const whole = Math.floor(R / HOUR);
          const last = ((R - whole * HOUR) * (HOUR + w)) / HOUR;
          return R / (started - mttf + whole * interval(HOUR + w) + interval(last));
        },
      );
    for (const choice of [whole, half]) {
      allClose(ratios(choice.ettr, renewal(choice)), 1);
      allClose(ratios(choice.wallClock, choice.productive.over(choice.ettr)), 1);
    }
    for (const ratio of ratios(half.ettr, whole.ettr)) expect(ratio).toBeGreaterThan(1);
  });
});

describe("the measured cluster", () => {
  const planOn = (log: string) =>
    makePlan(
      parseBrief(`model: {candidates: ["(AF)4"], size: 20M, context: 2k}
data: {natural: 1B, repeats: 1}
cluster: {accelerator: a100-sxm-80, count: [256]${log}}
grid: {region: FR}
`),
      { seed: 1, version: "test" },
    );
  const figure = (plan: Awaited<ReturnType<typeof planOn>>, decision: string, name: string) =>
    plan.decisions.find(({ id }) => id === decision)!.figures.find((entry) => entry.name === name)!;

  it("is evidence for the failure rate, the wait before a restart, and the time to repair", async () => {
    const lab = "examples/fleet/lab";
    const published = await planOn("");
    const measured = await planOn(`, log: [${lab}/sacct-duplicates.psv, ${lab}/sacctmgr-events.psv]`);
    const rate = (plan: typeof published) => figure(plan, "checkpoint", "failure rate of a node");
    expect(rate(measured).value).toBeGreaterThan(1.3 * rate(published).value);
    // Seven minutes of four nodes: their waits of seconds and outages of 5, 30 and 55 s are heard, and change nothing.
    for (const [decision, name] of [
      ["checkpoint", "wait for nodes before a restart"],
      ["spares", "time that a failed node is away"],
    ] as const) {
      const ratio = figure(measured, decision, name).value / figure(published, decision, name).value;
      expect(ratio).toBeLessThan(1);
      expect(ratio).toBeGreaterThan(0.9999);
    }
    expect(figure(published, "spares", "nodes to keep ready").value).toBeGreaterThanOrEqual(1);
    expect(measured.sources.map(({ title }) => title).join(" ")).toContain("sacctmgr-events.psv");
  });
});

describe("a plan", () => {
  const SMALL = "examples/small/brief.yaml";

  it("decides the small example within its limits", async () => {
    const plan = await examplePlan(SMALL);
    expect(plan.decisions.map(({ id }) => id)).toEqual([
      "model",
      "data",
      "cluster",
      "checkpoint",
      "region",
      "spares",
    ]);
    expect(plan.front.filter(({ chosen }) => chosen)).toHaveLength(1);
    expect(plan.constraints).toMatchObject([{ objective: "days", limit: 3, confidence: 0.9 }]);
    expect(plan.constraints[0]!.probability).toBeGreaterThanOrEqual(0.9);
  });

  it("serves on a part that codesign found, and says that nobody has measured it", async () => {
    const folder = mkdtempSync(join(tmpdir(), "plan-"));
    const part: Part = {
      format: 1,
      name: "co-designed 4,256,16,64,128,4",
      int8OperationsPerSecond: 20.48e12,
      memoryBytes: 1e9,
      memoryBytesPerSecond: 80e9,
      powerWatts: 12,
      usdPerHour: 0.001,
      year: 2025,
      source: "a co-design",
    };
    writeFileSync(join(folder, "part.json"), JSON.stringify(part));
    const serving =
      "serving: {requests_per_day: 20k, prompt: 256, output: 100, first_token: 3 s, accelerator: part.json}";
    const text = `model: {candidates: ["(AF)8"], size: 100M}\ncluster: {count: [8]}\n${serving}\n`;
    const plan = await makePlan(parseBrief(text, join(folder, "brief.yaml")), { seed: 1, version: "test" });
    rmSync(folder, { recursive: true });
    const decision = plan.decisions.find(({ id }) => id === "serving")!;
    expect(decision.why).toContain("replicas of 1 x co-designed 4,256,16,64,128,4 in w8a8");
    expect(plan.sources.map(({ title }) => title)).toContain("a co-design");
    // 12 W at most, for a year.
    const energy = decision.figures.find(({ name }) => name === "energy of a year")!;
    expect(energy.basis).toBe("assumed");
    expect(energy.value).toBeLessThan(1.5 * 0.012 * 8766);
    // A batch of one reads all weights of a byte each at 80 GB/s for every token.
    const token = decision.figures.find(({ name }) => name === "time per output token")!;
    const parameters = plan.decisions[0]!.figures.find(({ name }) => name === "parameters")!;
    expect(token.unit).toBe("ms");
    expect(token.value).toBeGreaterThan(parameters.value / 80e6);
    expect(token.value).toBeLessThan(3 * (parameters.value / 80e6));
  });

  it("says in its sources all that its figures name, and nothing else", async () => {
    const plan = await examplePlan(SMALL);
    const named = new Set(JSON.stringify({ ...plan, sources: [] }).match(/"S\d+"/g));
    expect(plan.sources.map(({ key }) => `"${key}"`).sort()).toEqual([...named].sort());
    const figures = plan.decisions.flatMap((decision) => decision.figures);
    for (const { basis, sources, name } of figures) {
      if (basis !== "given") expect(sources, name).not.toEqual([]);
    }
  });

  it("is the same, byte for byte, for the same brief, seed and version", async () => {
    const again = await makePlan(parseBrief(SMALL_TEXT), { seed: 5, version: "test" });
    const once = await makePlan(parseBrief(SMALL_TEXT), { seed: 5, version: "test" });
    expect(JSON.stringify(again)).toBe(JSON.stringify(once));
    expect(terminalReport(again)).toBe(terminalReport(once));
  });

  it("decides the same with another seed, which only draws anew", async () => {
    const [one, other] = [
      await makePlan(parseBrief(SMALL_TEXT), { seed: 5, version: "test" }),
      await makePlan(parseBrief(SMALL_TEXT), { seed: 6, version: "test" }),
    ];
    expect(JSON.stringify(one.outcomes)).not.toBe(JSON.stringify(other.outcomes));
    expect(other.decisions.map(({ choice }) => choice)).toEqual(one.decisions.map(({ choice }) => choice));
    expect(other.defaults).toEqual(one.defaults);
    expect(other.sources).toEqual(one.sources);
    for (const [i, { value, name }] of one.outcomes.entries()) {
      expect(other.outcomes[i]!.value / value, name).toBeCloseTo(1, 1);
    }
  });

  it("needs no brief at all, and says what stood in for each part that was left out", async () => {
    const plan = await makePlan(parseBrief(""), { seed: 1, version: "test" });
    expect(plan.defaults.map(({ path }) => path).sort()).toEqual([
      "cluster.accelerator",
      "cluster.count",
      "cluster.log",
      "cluster.price",
      "data.natural",
      "data.repeats",
      "data.rephrased",
      "grid.region",
      "model.candidates",
      "model.comparison",
      "model.context",
      "model.size",
      "objectives",
    ]);
    for (const { value, why } of plan.defaults) {
      expect(value).not.toBe("");
      expect(why).not.toBe("");
    }
    const report = terminalReport(plan);
    for (const { path } of plan.defaults) expect(report).toContain(`Default: ${path} = `);
  });

  it("names the defaults of what is asked for, and only those", async () => {
    const problem = await gatherProblem(
      parseBrief("serving: {requests_per_day: 1M, prompt: 2k}\nconstraints: {cost: under 1M USD}\n"),
      new Sampler(1),
    );
    expect(
      problem.open.defaults
        .map(({ path }) => path)
        .filter((path) => /^(serving|constraints)/.test(path))
        .sort(),
    ).toEqual(["constraints.confidence", "serving.accelerator", "serving.first_token", "serving.output"]);
  });
});

const SMALL_TEXT = `model: {candidates: ["(AF)4", "(SF)2 AF"], size: 20M..40M, context: 2k}
data: {natural: 2B}
cluster: {accelerator: a100-sxm-80, count: [8, 16]}
grid: {region: [FR, DE]}
objectives: [loss, carbon]
`;

describe("a new decision", () => {
  interface Copies {
    readonly copies: number;
    readonly stored: Estimate<DimensionOf<"B">>;
  }
  /** How many copies of the last checkpoint to keep: what a newcomer might add, in one file. */
  const copies: Decision<number, Copies> = {
    id: "copies",
    title: "Copies",
    question: "How many copies of the last checkpoint to keep?",
    options: () => [1, 2, 3],
    evaluate: (count, _problem, upstream) =>
      count === 3
        ? new Impossible("there are two sites", ["cluster"], "ask for fewer copies")
        : { copies: count, stored: Estimate.exact(16 * count * upstream.get(data).option.tokens, "B") },
    label: (count) => `${count} copies`,
    explain: ({ stored }) => ({ why: "One may be lost.", figures: { stored } }),
  };

  it("is a file of its own: its options join all others, and its choice is weighed with them", async () => {
    const problem = await problemOf({ count: 8, grid: "FR", price: 2, tokens: 2e8 });
    const decisions = decisionsFor(problem.brief);
    const before = sketchDesigns(decisions, problem);
    const after = sketchDesigns([...decisions, copies], problem);
    expect(after.sketches).toHaveLength(2 * before.sketches.length);
    expect(after.deadEnds.map(({ label, why }) => [label, why.reason])).toEqual(
      before.sketches.map(() => ["3 copies", "there are two sites"]),
    );
    const weigh = weigher(problem);
    const taken = after.sketches.map(({ steps }) => weigh(steps)!.choices.get(copies).copies);
    expect(taken).toEqual(before.sketches.flatMap(() => [1, 2]));
    // It follows on from decisions before it, and changes none of what they came to.
    for (const [i, { values }] of after.sketches.entries()) {
      expect(values).toEqual(before.sketches[Math.floor(i / 2)]!.values);
    }
  });

  it("may not look at what is decided after it", async () => {
    const problem = await problemOf({ count: 8, grid: "FR", price: 2, tokens: 2e8 });
    expect(() => sketchDesigns([copies, ...decisionsFor(problem.brief)], problem)).toThrow(
      '"data" has not been decided yet',
    );
    expect(Upstream.none.find(data)).toBeUndefined();
  });
});
