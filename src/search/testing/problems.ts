/** Published test problems with known optima, for the tests and the benches of policies. */
import type { RandomStream } from "../../core/index.ts";
import type { Metrics } from "../events.ts";
import type { Goal } from "../objectives.ts";
import type { Parameter } from "../space/parameter.ts";
import { type Point, Space } from "../space/space.ts";

export interface TestProblem {
  readonly name: string;
  readonly space: Space;
  readonly goal: Goal;
  evaluate(point: Point): Metrics;
  /** The best loss, or the largest hypervolume for the goal's reference point. */
  readonly optimum: number;
}

const reals = (...ranges: [low: number, high: number][]): Record<string, Parameter> =>
  Object.fromEntries(ranges.map(([low, high], i) => [`x${i + 1}`, { kind: "real", low, high }]));
const unitCube = (d: number): Record<string, Parameter> =>
  reals(...Array.from({ length: d }, (): [number, number] => [0, 1]));
const coordinates = (point: Point): number[] => Object.values(point) as number[];
const minimise = (metric: string, reference?: number) => ({
  metric,
  direction: "minimise" as const,
  ...(reference === undefined ? {} : { reference }),
});
const oneLoss: Goal = { objectives: [minimise("loss")], outcomeConstraints: [] };

function braninOf(x: number, y: number): number {
  const a = y - (5.1 * x * x) / (4 * Math.PI ** 2) + (5 * x) / Math.PI - 6;
  return a * a + 10 * (1 - 1 / (8 * Math.PI)) * Math.cos(x) + 10;
}

function currinOf(u: number, v: number): number {
  const fade = v === 0 ? 1 : 1 - Math.exp(-1 / (2 * v));
  return (
    (fade * (2300 * u ** 3 + 1900 * u ** 2 + 2092 * u + 60)) / (100 * u ** 3 + 500 * u ** 2 + 4 * u + 20)
  );
}

export const branin: TestProblem = {
  name: "Branin",
  space: new Space(reals([-5, 10], [0, 15])),
  goal: oneLoss,
  evaluate: (point) => {
    const [x, y] = coordinates(point);
    return { loss: braninOf(x!, y!) };
  },
  optimum: 0.397887,
};

const HARTMANN_A = [
  [10, 3, 17, 3.5, 1.7, 8],
  [0.05, 10, 17, 0.1, 8, 14],
  [3, 3.5, 1.7, 10, 17, 8],
  [17, 8, 0.05, 10, 0.1, 14],
];
const HARTMANN_P = [
  [0.1312, 0.1696, 0.5569, 0.0124, 0.8283, 0.5886],
  [0.2329, 0.4135, 0.8307, 0.3736, 0.1004, 0.9991],
  [0.2348, 0.1451, 0.3522, 0.2883, 0.3047, 0.665],
  [0.4047, 0.8828, 0.8732, 0.5743, 0.1091, 0.0381],
];

export const hartmann6: TestProblem = {
  name: "Hartmann-6",
  space: new Space(unitCube(6)),
  goal: oneLoss,
  evaluate: (point) => {
    const x = coordinates(point);
    let sum = 0;
    [1, 1.2, 3, 3.2].forEach((weight, i) => {
      const inner = x.reduce(
        (total, xj, j) => total + HARTMANN_A[i]![j]! * (xj - HARTMANN_P[i]![j]!) ** 2,
        0,
      );
      sum -= weight * Math.exp(-inner);
    });
    return { loss: sum };
  },
  optimum: -3.32237,
};

const TARGET = "ASFWAFSSWFAASWFA";

/** 16 letters of 4: one point a place that agrees with a hidden string, and half a point a pair that agrees. */
export const hiddenString: TestProblem = {
  name: "hidden string",
  space: new Space({ text: { kind: "string", alphabet: "AFSW", length: TARGET.length } }),
  goal: oneLoss,
  evaluate: (point) => {
    const agrees = [...(point.text as string)].map((letter, i) => letter === TARGET[i]);
    const pairs = agrees.filter((here, i) => i > 0 && here && agrees[i - 1]).length;
    return { loss: -agrees.filter(Boolean).length - 0.5 * pairs };
  },
  optimum: -TARGET.length - 0.5 * (TARGET.length - 1),
};

/** Maximum by NSGA-II, as botorch gives it. */
export const braninCurrin: TestProblem = {
  name: "BraninCurrin",
  space: new Space(unitCube(2)),
  goal: { objectives: [minimise("branin", 18), minimise("currin", 6)], outcomeConstraints: [] },
  evaluate: (point) => {
    const [u, v] = coordinates(point);
    return { branin: braninOf(15 * u! - 5, 15 * v!), currin: currinOf(u!, v!) };
  },
  optimum: 59.36011874867746,
};

/** Standard deviations of the noise in botorch's tutorial, by metric. */
export const BRANIN_CURRIN_NOISE: Metrics = { branin: 15.19, currin: 0.63 };

/** Binh and Korn; the maximum is from the analytic front. */
export const bnh: TestProblem = {
  name: "BNH",
  space: new Space(reals([0, 5], [0, 3])),
  goal: {
    objectives: [minimise("f1", 140), minimise("f2", 50)],
    outcomeConstraints: [
      { metric: "c1", atMost: 25 },
      { metric: "c2", atLeast: 7.7 },
    ],
  },
  evaluate: (point) => {
    const [x, y] = coordinates(point) as [number, number];
    return {
      f1: 4 * x * x + 4 * y * y,
      f2: (x - 5) ** 2 + (y - 5) ** 2,
      c1: (x - 5) ** 2 + y * y,
      c2: (x - 8) ** 2 + (y + 3) ** 2,
    };
  },
  optimum: 5285.326,
};

function dtlz2Of(x: readonly number[]): [number, number] {
  const g = x.slice(1).reduce((total, xi) => total + (xi - 0.5) ** 2, 0);
  const angle = (x[0]! * Math.PI) / 2;
  return [(1 + g) * Math.cos(angle), (1 + g) * Math.sin(angle)];
}

/** Two objectives, four variables; r = 0.2, and r^2 stands inside the sums as in botorch. */
export const c2dtlz2: TestProblem = {
  name: "C2DTLZ2",
  space: new Space(unitCube(4)),
  goal: {
    objectives: [minimise("f1", 1.1), minimise("f2", 1.1)],
    outcomeConstraints: [{ metric: "c", atMost: 0 }],
  },
  evaluate: (point) => {
    const f = dtlz2Of(coordinates(point));
    const squared = 0.2 ** 2;
    const ends = f.map((fi, i) => (fi - 1) ** 2 + f[1 - i]! ** 2 - squared);
    const middle = f.reduce((total, fi) => total + (fi - Math.SQRT1_2) ** 2 - squared, 0);
    return { f1: f[0], f2: f[1], c: Math.min(...ends, middle) };
  },
  optimum: 0.3996406303723544,
};

/** `evaluate` with normal noise added to each metric. */
export function withNoise(
  problem: TestProblem,
  deviations: Metrics,
  point: Point,
  random: RandomStream,
): Metrics {
  const exact = problem.evaluate(point);
  return Object.fromEntries(
    Object.entries(exact).map(([name, value]) => [name, value + (deviations[name] ?? 0) * random.normal()]),
  );
}
