import { describe, expect, it } from "vitest";
import { RandomStream } from "../../core/index.ts";
import { History } from "../history.ts";
import { isFeasible, lossesOf, referenceLosses } from "../objectives.ts";
import { hypervolume } from "../pareto/hypervolume.ts";
import { type Point, Space } from "../space/space.ts";
import {
  BRANIN_CURRIN_NOISE,
  bnh,
  branin,
  braninCurrin,
  c2dtlz2,
  hartmann6,
  hiddenString,
  type TestProblem,
} from "../testing/problems.ts";
import { simulate } from "../testing/simulate.ts";
import { bayesianPolicy } from "./bayesian.ts";
import { randomPolicy } from "./simple.ts";

describe("test problems", () => {
  it("have their published optima", () => {
    expect(branin.evaluate({ x1: Math.PI, x2: 2.275 }).loss).toBeCloseTo(branin.optimum, 5);
    const best = [0.20169, 0.150011, 0.476874, 0.275332, 0.311652, 0.6573];
    const point = Object.fromEntries(best.map((value, i) => [`x${i + 1}`, value]));
    expect(hartmann6.evaluate(point).loss).toBeCloseTo(hartmann6.optimum, 4);
    expect(hiddenString.evaluate({ text: "ASFWAFSSWFAASWFA" }).loss).toBe(hiddenString.optimum);
  });

  /** The hypervolume of a grid of n by n points of the first two variables, the others in the middle. */
  const gridVolume = (problem: TestProblem, n: number): number => {
    const losses: number[][] = [];
    for (let i = 0; i <= n; i++)
      for (let j = 0; j <= n; j++) {
        const unit = new Float64Array(problem.space.dimensions.length).fill(0.5);
        unit[0] = i / n;
        unit[1] = j / n;
        const metrics = problem.evaluate(problem.space.decode(unit));
        if (isFeasible(problem.goal, metrics)) losses.push(lossesOf(problem.goal, metrics));
      }
    return hypervolume(losses, referenceLosses(problem.goal)!);
  };

  it("have their published largest hypervolumes, within what a grid can reach", () => {
    // A grid of 3001 by 3001 gives 59.3226 (reference, 7.3): the published 59.3601 is of a sample off the grid.
    expect(gridVolume(braninCurrin, 500) / braninCurrin.optimum).toBeGreaterThan(0.98);
    expect(gridVolume(braninCurrin, 500)).toBeLessThan(braninCurrin.optimum);
    expect(gridVolume(bnh, 300) / bnh.optimum).toBeCloseTo(1, 2);
    expect(gridVolume(c2dtlz2, 500) / c2dtlz2.optimum).toBeGreaterThan(0.98);
  });
});

/** The share of ways to deal the two samples anew in which the first mean is at most as small as it was. */
function permutationTest(first: readonly number[], second: readonly number[]): number {
  const all = [...first, ...second];
  const sumOf = (mask: number) => all.reduce((sum, value, i) => sum + ((mask >> i) & 1 ? value : 0), 0);
  const bits = (mask: number): number => (mask === 0 ? 0 : (mask & 1) + bits(mask >> 1));
  const deals = Array.from({ length: 2 ** all.length }, (_, mask) => mask).filter(
    (mask) => bits(mask) === first.length,
  );
  const observed = sumOf(2 ** first.length - 1);
  return deals.filter((mask) => sumOf(mask) <= observed).length / deals.length;
}

// Generous: nothing here is about time, and the machine may be busy.
const PATIENCE = { timeout: 600_000 };

describe("Bayesian optimisation of one objective", PATIENCE, () => {
  it.each([
    [branin, 25],
    [hartmann6, 35],
    [hiddenString, 40],
  ] as const)("beats random on $name", async (problem, trials) => {
    const seeds = [1, 2, 3, 4];
    const final = (policy: (seed: number) => Parameters<typeof simulate>[1]) =>
      Promise.all(
        seeds.map(async (seed) => (await simulate(problem, policy(seed), trials, seed)).progress.at(-1)!),
      );
    const bayesian = await final((seed) =>
      bayesianPolicy(problem.space, problem.goal, seed, { noise: false }),
    );
    const random = await final(() => randomPolicy());
    expect(permutationTest(bayesian, random)).toBeLessThan(0.05);
  });

  it("copes with a batch of pending trials, and never proposes one of them again without noise", async () => {
    const policy = bayesianPolicy(branin.space, branin.goal, 1, { noise: false });
    const { progress } = await simulate(branin, policy, 40, 1, {}, 4);
    expect(progress.at(-1)).toBeLessThan(branin.optimum + 0.3);
  });

  it("leaves where every trial fails", () => {
    const space = new Space({ x: { kind: "real", low: 0, high: 1 } });
    const goal = { objectives: [{ metric: "loss", direction: "minimise" as const }], outcomeConstraints: [] };
    const policy = bayesianPolicy(space, goal, 1, { noise: false });
    const history = new History<Point>();
    let failures = 0;
    for (let trial = 0; trial < 30; trial++) {
      const decision = policy.propose(history, new RandomStream(trial));
      if (typeof decision === "string") throw new Error(decision);
      const x = (decision.candidate as Point).x as number;
      history.apply({ event: "ask", at: 0, trial, ...decision });
      // The loss falls towards 0.6, beyond which nothing works.
      if (x > 0.6) failures += Number(trial >= 10);
      history.apply({
        event: "tell",
        at: 0,
        trial,
        ...(x > 0.6 ? { failure: "over the edge" } : { metrics: { loss: -x } }),
      });
    }
    expect(failures).toBeLessThan(10);
    expect(Math.max(...history.trials.flatMap(({ metrics }) => -(metrics?.loss ?? 0)))).toBeGreaterThan(0.58);
  });

  it("says done when a small space is used up", () => {
    const space = new Space({ s: { kind: "string", alphabet: "AF", length: 3 } });
    const goal = { objectives: [{ metric: "loss", direction: "minimise" as const }], outcomeConstraints: [] };
    const policy = bayesianPolicy(space, goal, 1, { noise: false, kernel: "rbf", initial: 3 });
    const history = new History<Point>();
    const seen = new Set<string>();
    for (let trial = 0; ; trial++) {
      const decision = policy.propose(history, new RandomStream(trial));
      if (decision === "done") break;
      const { candidate } = decision as { candidate: Point };
      seen.add(String(candidate.s));
      history.apply({
        event: "ask",
        at: 0,
        trial,
        operator: "x",
        parents: [],
        candidate,
        note: { index: trial },
      });
      const loss = [...String(candidate.s)].filter((letter) => letter === "A").length;
      history.apply({ event: "tell", at: 0, trial, metrics: { loss } });
    }
    expect(seen.size).toBe(8);
  });

  it("says when its models are fitted to a part of the trials, and their kernels to a part of the first", () => {
    const policy = bayesianPolicy(branin.space, branin.goal, 1, { maxObservations: 30 });
    const history = new History<Point>();
    const random = new RandomStream(1);
    for (let trial = 0; trial < 500; trial++) {
      const candidate = branin.space.sample(random);
      history.apply({ event: "ask", at: 0, trial, operator: "draft", parents: [], candidate });
      history.apply({ event: "tell", at: 0, trial, metrics: branin.evaluate(candidate) });
    }
    const { note } = policy.propose(history, new RandomStream(2)) as { note: Record<string, number> };
    expect(note).toMatchObject({ fittedTo: 15, of: 500 });
    expect(note.kernelsOfFirst).toBeLessThanOrEqual(500);
    expect(note.kernelsOfFirst).toBeGreaterThan(500 / 1.11);
  });

  it("goes on the same after a restart of a study of which it sees a part", () => {
    const options = { maxObservations: 12, samples: 16 };
    const start = () => bayesianPolicy(bnh.space, bnh.goal, 1, options);
    const policy = start();
    const history = new History<Point>();
    for (let trial = 0; trial < 40; trial++) {
      const replayed = new History<Point>();
      for (const { id, candidate, metrics, operator, parents, note } of history.trials) {
        replayed.apply({ event: "ask", at: 0, trial: id, operator, parents, candidate, note });
        replayed.apply({
          event: "tell",
          at: 0,
          trial: id,
          ...(metrics ? { metrics } : { failure: "lost" }),
        });
      }
      const decision = policy.propose(history, new RandomStream(trial)) as { candidate: Point };
      expect(start().propose(replayed, new RandomStream(trial))).toEqual(decision);
      history.apply({
        event: "ask",
        at: 0,
        trial,
        operator: "x",
        parents: [],
        note: { index: trial },
        ...decision,
      });
      history.apply({
        event: "tell",
        at: 0,
        trial,
        ...(trial % 7 === 3 ? { failure: "lost" } : { metrics: bnh.evaluate(decision.candidate) }),
      });
    }
  });
});

describe("Bayesian optimisation of several objectives", PATIENCE, () => {
  it("passes hypervolume 50 of 59.36 on noisy BraninCurrin within 50 evaluations", async () => {
    for (const seed of [1]) {
      const policy = bayesianPolicy(braninCurrin.space, braninCurrin.goal, seed);
      const { progress } = await simulate(braninCurrin, policy, 50, seed, BRANIN_CURRIN_NOISE);
      expect(progress.at(-1)).toBeGreaterThanOrEqual(50);
    }
  });

  it("passes 5,200 of 5,285 on BNH and 0.30 of 0.40 on C2DTLZ2, both constrained, within 50", async () => {
    const options = { noise: false };
    const first = await simulate(bnh, bayesianPolicy(bnh.space, bnh.goal, 1, options), 50, 1);
    expect(first.progress.at(-1)).toBeGreaterThanOrEqual(5200);
    const second = await simulate(c2dtlz2, bayesianPolicy(c2dtlz2.space, c2dtlz2.goal, 1, options), 50, 1);
    expect(second.progress.at(-1)).toBeGreaterThanOrEqual(0.3);
  });

  it("by ParEGO beats random on BraninCurrin", async () => {
    const seeds = [1, 2, 3, 4];
    const final = (policy: (seed: number) => Parameters<typeof simulate>[1]) =>
      Promise.all(
        seeds.map(async (seed) => -(await simulate(braninCurrin, policy(seed), 40, seed)).progress.at(-1)!),
      );
    const parego = await final((seed) =>
      bayesianPolicy(braninCurrin.space, braninCurrin.goal, seed, { noise: false, acquisition: "parego" }),
    );
    expect(permutationTest(parego, await final(() => randomPolicy()))).toBeLessThan(0.05);
  });

  it("handles three objectives, on ordered integers with a constraint", async () => {
    const codesign: TestProblem = {
      name: "a small accelerator",
      space: new Space(
        {
          cores: { kind: "ordered", values: [1, 2, 4] },
          width: { kind: "ordered", values: [32, 64, 128, 256] },
          depth: { kind: "ordered", values: [2, 4, 8, 16, 32, 64] },
          layers: { kind: "integer", low: 6, high: 12 },
        },
        [
          {
            name: "at most 16,384 units",
            holds: (p) => Number(p.cores) * Number(p.width) * Number(p.depth) <= 16_384,
          },
        ],
      ),
      goal: {
        objectives: [
          { metric: "error", direction: "minimise", reference: 1 },
          { metric: "latency", direction: "minimise", reference: 1 },
          { metric: "area", direction: "minimise", reference: 1 },
        ],
        outcomeConstraints: [{ metric: "power", atMost: 0.8 }],
      },
      evaluate: ({ cores, width, depth, layers }) => {
        const units = Number(cores) * Number(width) * Number(depth);
        return {
          error: 3 / Number(layers) - 0.1,
          latency: Number(layers) / 12 / (units / 1024) ** 0.5,
          area: units / 16_384,
          power: units / 16_384 + Number(cores) / 20,
        };
      },
      optimum: Number.NaN,
    };
    const seeds = [1, 2, 3, 4];
    const final = (policy: (seed: number) => Parameters<typeof simulate>[1]) =>
      Promise.all(
        seeds.map(async (seed) => -(await simulate(codesign, policy(seed), 35, seed)).progress.at(-1)!),
      );
    const bayesian = await final((seed) =>
      bayesianPolicy(codesign.space, codesign.goal, seed, { noise: false }),
    );
    expect(permutationTest(bayesian, await final(() => randomPolicy()))).toBeLessThan(0.05);
  });
});
