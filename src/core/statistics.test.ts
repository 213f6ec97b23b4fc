import { describe, expect, it } from "vitest";
import { RandomStream } from "./random.ts";
import {
  betaQuantile,
  bootstrap,
  gammaQuantile,
  intervalQuantile,
  normalCumulative,
  normalQuantile,
  poissonRate,
  quantile,
  rSquared,
  spearman,
  studentQuantile,
} from "./statistics.ts";

describe("quantile functions", () => {
  it("agree with tabulated values", () => {
    expect(normalQuantile()(0.975)).toBeCloseTo(1.959964, 6);
    expect(normalCumulative(1.959964)).toBeCloseTo(0.975, 6);
    expect(gammaQuantile(5, 1)(0.05)).toBeCloseTo(1.970149568, 6); // chi-square(10) at .05 is 3.940299
    expect(betaQuantile(2, 3)(0.5)).toBeCloseTo(0.3857275681, 8);
  });

  it("of Student's t are those of the tables", () => {
    // Two-sided 95 %: Fisher and Yates, table III.
    for (const [degrees, expected] of [
      [1, 12.706],
      [2, 4.303],
      [4, 2.776],
      [9, 2.262],
      [30, 2.042],
    ] as const) {
      expect(studentQuantile(degrees)(0.975)).toBeCloseTo(expected, 3);
      expect(studentQuantile(degrees)(0.025)).toBeCloseTo(-expected, 3);
    }
  });

  it("meets the three points it is given, on a line and in the logarithm", () => {
    for (const [low, median, high] of [
      [600, 700, 750],
      [-1, 0, 3],
      [0, 1, 2],
    ] as const) {
      const q = intervalQuantile(low, median, high);
      expect([q(0.05), q(0.5), q(0.95)]).toEqual([
        expect.closeTo(low, 6),
        expect.closeTo(median, 6),
        expect.closeTo(high, 6),
      ]);
    }
    expect(() => intervalQuantile(2, 1, 3)).toThrow(RangeError);
  });
});

describe("poissonRate", () => {
  // Events, node-days -> rate and exact 90 % interval per 1000 node-days; reference test vectors.
  it.each([
    [1, 100, 10, 0.513, 47.44],
    [5, 1000, 5, 1.97, 10.513],
    [13, 2000, 6.5, 3.845, 10.334],
    [65, 10_000, 6.5, 5.233, 7.991],
    [419, 54 * 2048, 3.789, 3.489, 4.108], // Llama-3; the reference prints 3.490 for 3.4895
    [0, 1000, 0, 0, 2.996],
  ])("%d events in %d", (count, exposure, rate, low, high) => {
    const result = poissonRate(count, exposure);
    expect(result.rate * 1000).toBeCloseTo(rate, 3);
    expect(result.low * 1000).toBeCloseTo(low, 3);
    expect(result.high * 1000).toBeCloseTo(high, 2);
  });
});

describe("bootstrap", () => {
  it("covers a mean at its nominal rate", () => {
    const stream = new RandomStream(11);
    let covered = 0;
    const mean = (xs: readonly number[]) => xs.reduce((a, b) => a + b, 0) / xs.length;
    for (let trial = 0; trial < 200; trial++) {
      const sample = Array.from({ length: 40 }, () => stream.normal());
      const { low, high } = bootstrap(sample, mean, stream.split(trial), { resamples: 400 });
      if (low <= 0 && 0 <= high) covered++;
    }
    // 90 % nominal; the percentile bootstrap at n = 40 covers a little less. Binomial sd is 2.1 %.
    expect(covered / 200).toBeGreaterThan(0.81);
    expect(covered / 200).toBeLessThan(0.97);
  });
});

describe("summaries", () => {
  it("rank with ties, and explain variance", () => {
    expect(spearman([1, 2, 3, 4], [10, 20, 30, 45])).toBeCloseTo(1, 12);
    expect(spearman([1, 2, 2, 3], [1, 2, 3, 4])).toBeCloseTo(0.9486833, 6);
    expect(rSquared([1, 2, 3], [1, 2, 3])).toBe(1);
    expect(rSquared([1, 2, 3], [2, 2, 2])).toBe(0);
    expect(quantile([3, 1, 2], 0.5)).toBe(2);
  });
});
