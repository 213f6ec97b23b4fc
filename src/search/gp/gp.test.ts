import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { RandomStream } from "../../core/index.ts";
import { hypervolumeImprovement } from "../pareto/hypervolume.ts";
import { cholesky, inverse, logDeterminant, solve } from "./cholesky.ts";
import { UndominatedRegion } from "./expected-hypervolume.ts";
import { logExpectedImprovement, logProbabilityNegative } from "./expected-improvement.ts";
import { Fantasies, normalRows } from "./fantasies.ts";
import type { Kernel } from "./kernel.ts";
import { condition, fitGaussianProcess, negativeLogPosterior, predict } from "./regression.ts";

const points = [
  [0.1, 0.2],
  [0.4, 0.9],
  [0.7, 0.3],
  [0.9, 0.8],
  [0.5, 0.5],
].map((row) => Float64Array.from(row));
const values = [1.2, -0.4, 0.3, 2, 0.1];
const kernel: Kernel = {
  shape: "matern52",
  categorical: [false, false],
  weights: Float64Array.of(2, 5),
  scale: 1.3,
};

describe("Cholesky kernels", () => {
  it("solve, invert and take the determinant of a random positive definite matrix", () => {
    const n = 7;
    const random = new RandomStream(3);
    const b = Float64Array.from({ length: n * n }, () => random.normal());
    const a = new Float64Array(n * n);
    for (let i = 0; i < n; i++)
      for (let j = 0; j < n; j++) for (let k = 0; k < n; k++) a[i * n + j]! += b[i * n + k]! * b[j * n + k]!;
    const l = cholesky(a, n)!;
    const x = Float64Array.from({ length: n }, () => random.normal());
    const ax = Float64Array.from({ length: n }, (_, i) =>
      x.reduce((sum, xj, j) => sum + a[i * n + j]! * xj, 0),
    );
    solve(l, n, ax).forEach((value, i) => {
      expect(value).toBeCloseTo(x[i]!, 8);
    });
    const inverted = inverse(l, n);
    for (let i = 0; i < n; i++)
      for (let j = 0; j < n; j++) {
        let sum = 0;
        for (let k = 0; k < n; k++) sum += a[i * n + k]! * inverted[k * n + j]!;
        expect(sum).toBeCloseTo(i === j ? 1 : 0, 8);
      }
    // The product of the diagonal of the factor of a 2 by 2 matrix, by hand: det = 4 * 3 - 1.
    expect(logDeterminant(cholesky(Float64Array.of(4, 1, 1, 3), 2)!, 2)).toBeCloseTo(Math.log(11), 12);
  });

  it("say when a matrix is not positive definite", () => {
    expect(cholesky(Float64Array.of(1, 2, 2, 1), 2)).toBeUndefined();
  });
});

describe("Gaussian-process regression", () => {
  // Computed with numpy's dense solve for the same kernel, noise 0.01.
  it("predicts as the textbook formula does", () => {
    const { mean, deviation } = predict(
      condition(points, values, { kernel, noise: 0.01 }),
      Float64Array.of(0.3, 0.6),
    );
    expect(mean).toBeCloseTo(-0.22793725411501975, 9);
    expect(deviation).toBeCloseTo(0.2923765080021356, 9);
  });

  it("has numpy's log posterior, and the gradient that finite differences give", () => {
    const options = { shape: "matern52", categorical: [false, false], noisy: true } as const;
    const f = negativeLogPosterior(points, values, options);
    const theta = [Math.log(2), Math.log(5), Math.log(1.3), Math.log(0.01 - 1e-6)];
    expect(-f(theta).value).toBeCloseTo(-13.03650409956915, 9);
    for (const shape of ["matern52", "rbf"] as const)
      for (const categorical of [
        [false, false],
        [false, true],
      ]) {
        const g = negativeLogPosterior(points, values, { shape, categorical, noisy: true });
        g(theta).gradient.forEach((slope, i) => {
          const at = (step: number) => g(theta.map((value, j) => (i === j ? value + step : value))).value;
          expect(slope).toBeCloseTo((at(1e-5) - at(-1e-5)) / 2e-5, 5);
        });
      }
  });

  it("finds which dimension matters, and the noise", () => {
    const random = new RandomStream(1);
    const many = Array.from({ length: 80 }, () => Float64Array.of(random.uniform(), random.uniform()));
    const noisy = many.map((x) => Math.sin(6 * x[0]!) + 0.2 * random.normal());
    const options = { shapes: ["matern52"], categorical: [false, false], noisy: true } as const;
    const process = fitGaussianProcess(many, noisy, options);
    expect(process.kernel.weights[0]!).toBeGreaterThan(5 * process.kernel.weights[1]!);
    const noise = Math.sqrt(process.noise) * process.spread;
    expect(noise).toBeGreaterThan(0.15);
    expect(noise).toBeLessThan(0.25);
    expect(predict(process, Float64Array.of(0.25, 0.5)).mean).toBeCloseTo(Math.sin(1.5), 0);
  });
});

describe("fantasies", () => {
  it("have the posterior's mean and deviation on average, at observed and at new points", () => {
    const process = condition(points, values, { kernel, noise: 0.2 });
    const fantasies = new Fantasies(process, points, normalRows(512, points.length, new RandomStream(5)));
    const x = Float64Array.of(0.3, 0.6);
    const means = new Float64Array(512);
    const deviation = fantasies.at(x, means);
    const mean = means.reduce((sum, value) => sum + value, 0) / 512;
    const between = means.reduce((sum, value) => sum + (value - mean) ** 2, 0) / 512;
    const expected = predict(process, x);
    expect(mean).toBeCloseTo(expected.mean, 2);
    // Law of total variance: within a sample, and between samples.
    expect(Math.sqrt(between + deviation ** 2)).toBeCloseTo(expected.deviation, 2);
  });
});

describe("expected improvement", () => {
  it("keeps its logarithm where the improvement itself is 0 in floating point", () => {
    // log h(z) by mpmath with 60 digits (1200 for the last two).
    for (const [z, log] of [
      [1, 0.08002621884930694],
      [-0.5, -1.6205162643873199],
      [-1.5, -3.52993592080571],
      [-10, -55.55312203612235],
      [-30, -457.724653760598],
      [-200, -20011.515648259738],
      [-1500, -1125015.5453806408],
    ] as const) {
      const got = logExpectedImprovement(-z, 1, 0);
      expect(Math.abs(got / log - 1)).toBeLessThan(1e-9);
    }
    expect(logExpectedImprovement(2, 4, 4)).toBeCloseTo(Math.log(4) + logExpectedImprovement(0, 1, 0.5), 12);
  });

  it("keeps the logarithm of small probabilities", () => {
    for (const [z, log] of [
      [1, -0.17275377902344988],
      [-1.5, -2.7059444008238898],
      [-10, -53.23128515051247],
      [-200, -20006.21728089819],
    ] as const)
      expect(logProbabilityNegative(-3 * z, 3) / log).toBeCloseTo(1, 9);
  });
});

describe("expected hypervolume improvement", () => {
  // Front and values of botorch's exact EHVI, checked there against Monte Carlo (reference, 7.2); maximised there.
  const above = [
    [8.5, 3],
    [8.5, 3.5],
    [5, 5],
    [9, 1],
    [4, 5],
  ];
  const region = new UndominatedRegion(
    above.map((point) => point.map((value) => -value)),
    [0, 0],
  );

  it.each([
    { mean: [6.5, 4.5], deviation: [1, 1], expected: 2.6624315806 },
    { mean: [7, 4], deviation: [0.5, 2], expected: 4.1237296746 },
    { mean: [9, 5.5], deviation: [1.5, 0.7], expected: 13.7937455803 },
    { mean: [2, 2], deviation: [1, 1], expected: 0.0007786071 },
  ])("is $expected at mean $mean", ({ mean, deviation, expected }) => {
    expect(
      region.expectedImprovement(
        mean.map((value) => -value),
        deviation,
      ),
    ).toBeCloseTo(expected, 9);
  });

  it.each([2, 3, 4])("agrees with Monte Carlo over the exact improvement in %i objectives", (m) => {
    const random = new RandomStream(m);
    const reference = new Array<number>(m).fill(1);
    const points = Array.from({ length: 8 }, () => Array.from({ length: m }, () => random.uniform()));
    const mean = new Array<number>(m).fill(0.45);
    const deviation = Array.from({ length: m }, (_, k) => 0.2 + 0.1 * k);
    const rows = normalRows(4096, m, random);
    const total = rows.reduce((sum, z) => {
      const point = mean.map((value, k) => value + deviation[k]! * z[k]!);
      return sum + hypervolumeImprovement(point, points, reference);
    }, 0);
    const exact = new UndominatedRegion(points, reference).expectedImprovement(mean, deviation);
    expect(exact / (total / rows.length)).toBeCloseTo(1, 1);
  });

  it("of a certain point is the exact improvement", () => {
    fc.assert(
      fc.property(
        fc.array(fc.array(fc.integer({ min: 0, max: 6 }), { minLength: 3, maxLength: 3 }), { maxLength: 8 }),
        fc.array(fc.integer({ min: 0, max: 6 }), { minLength: 3, maxLength: 3 }),
        (points, point) => {
          const certain = new UndominatedRegion(points, [5, 5, 5]).expectedImprovement(
            point,
            [1e-9, 1e-9, 1e-9],
          );
          expect(certain).toBeCloseTo(hypervolumeImprovement(point, points, [5, 5, 5]), 5);
        },
      ),
    );
  });
});
