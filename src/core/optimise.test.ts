import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { boundedLeastSquares, type Differentiable, lbfgs, nelderMead, nnls } from "./optimise.ts";

const rosenbrock: Differentiable = ([x, y]) => ({
  value: (1 - x!) ** 2 + 100 * (y! - x! * x!) ** 2,
  gradient: [-2 * (1 - x!) - 400 * x! * (y! - x! * x!), 200 * (y! - x! * x!)],
});

describe("lbfgs", () => {
  // The four starts from which a published package diverged (two of them) or converged.
  it.each([
    [-1, 1],
    [0, 0],
    [-1.2, 1],
    [2, 2],
  ])("finds Rosenbrock's minimum from (%d, %d)", (x, y) => {
    const minimum = lbfgs(rosenbrock, [x, y]);
    expect(minimum.converged).toBe(true);
    expect(minimum.x[0]).toBeCloseTo(1, 6);
    expect(minimum.x[1]).toBeCloseTo(1, 6);
  });

  it("solves convex quadratics of any conditioning up to 1e6", () => {
    fc.assert(
      fc.property(
        fc.array(fc.double({ min: 0, max: 6, noNaN: true }), { minLength: 1, maxLength: 8 }),
        fc.array(fc.double({ min: -10, max: 10, noNaN: true }), { minLength: 8, maxLength: 8 }),
        (exponents, centre) => {
          const weights = exponents.map((e) => 10 ** e);
          const minimum = lbfgs(
            (x) => ({
              value: weights.reduce((total, w, i) => total + w * (x[i]! - centre[i]!) ** 2, 0),
              gradient: weights.map((w, i) => 2 * w * (x[i]! - centre[i]!)),
            }),
            weights.map(() => 0),
          );
          for (const i of weights.keys()) expect(minimum.x[i]).toBeCloseTo(centre[i]!, 4);
        },
      ),
      { numRuns: 60 },
    );
  });

  it("backs away from values that are not finite", () => {
    const minimum = lbfgs(([x]) => ({ value: x! - Math.log(x!), gradient: [1 - 1 / x!] }), [0.01]);
    expect(minimum.x[0]).toBeCloseTo(1, 6);
  });
});

describe("nelderMead", () => {
  it("finds Rosenbrock's minimum without a gradient", () => {
    const minimum = nelderMead((x) => rosenbrock(x).value, [-1.2, 1], { maxIterations: 2000 });
    expect(minimum.converged).toBe(true);
    expect(minimum.x[0]).toBeCloseTo(1, 4);
  });

  it("says so when the iterations run out", () => {
    expect(nelderMead((x) => rosenbrock(x).value, [-1.2, 1], { maxIterations: 5 }).converged).toBe(false);
  });
});

describe("nnls", () => {
  it("is ordinary least squares where that is not negative, and clamps where it is", () => {
    const rows = [
      [1, 0],
      [0, 1],
      [1, 1],
    ];
    expect(nnls(rows, [1, 2, 3])).toEqual([expect.closeTo(1, 9), expect.closeTo(2, 9)]);
    // Unconstrained it is (5/3, -4/3); with the second held at 0, the first minimises (x - 2)^2 + x^2.
    expect(nnls(rows, [2, -1, 0])).toEqual([expect.closeTo(1, 9), expect.closeTo(0, 9)]);
  });
});

describe("boundedLeastSquares", () => {
  const xs = [1, 2, 4, 8, 16];
  const ys = xs.map((x) => 1.7 + 6 * x ** -0.34);
  const model = (p: readonly number[], i: number) => p[0]! + p[1]! * xs[i]! ** -p[2]!;

  it("recovers a power law from noiseless data", () => {
    const fit = boundedLeastSquares(model, ys, [1, 1, 0.5], { low: [0, 0, 0], high: [10, 100, 2] });
    expect(fit.x[0]).toBeCloseTo(1.7, 4);
    expect(fit.x[2]).toBeCloseTo(0.34, 4);
  });

  it("stays inside the bounds", () => {
    const fit = boundedLeastSquares(model, ys, [1, 1, 0.5], { low: [0, 0, 0.4], high: [10, 100, 2] });
    expect(fit.x[2]).toBeGreaterThanOrEqual(0.4);
  });

  it("refuses a start outside them", () => {
    expect(() => boundedLeastSquares(model, ys, [1, 1, 3], { low: [0, 0, 0], high: [1, 1, 1] })).toThrow(
      RangeError,
    );
  });
});
