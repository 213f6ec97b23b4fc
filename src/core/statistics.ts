/** Statistics that the sciences share. Special functions come from @stdlib, summaries from simple-statistics. */
import betaincinv from "@stdlib/math-base-special-betaincinv";
import erfc from "@stdlib/math-base-special-erfc";
import erfcinv from "@stdlib/math-base-special-erfcinv";
import gammaincinv from "@stdlib/math-base-special-gammaincinv";
import { mean, quantileSorted, sampleRankCorrelation } from "simple-statistics";
import type { RandomStream } from "./random.ts";

/** A distribution by its quantile function: probability in (0, 1) to value. */
export type Quantile = (probability: number) => number;

export function normalQuantile(mu = 0, sigma = 1): Quantile {
  return (p) => mu - sigma * Math.SQRT2 * erfcinv(2 * p);
}

export function normalCumulative(z: number): number {
  return erfc(-z / Math.SQRT2) / 2;
}

export function uniformQuantile(low: number, high: number): Quantile {
  return (p) => low + p * (high - low);
}

/** Gamma with `shape` and `rate` (mean shape/rate). */
export function gammaQuantile(shape: number, rate: number): Quantile {
  return (p) => gammaincinv(p, shape) / rate;
}

export function betaQuantile(alpha: number, beta: number): Quantile {
  return (p) => betaincinv(p, alpha, beta);
}

/** Student's t: t^2 = nu (1 - x) / x with x ~ Beta(nu / 2, 1 / 2). */
export function studentQuantile(degrees: number): Quantile {
  const squared = betaQuantile(degrees / 2, 0.5);
  return (p) => {
    const x = squared(2 * Math.min(p, 1 - p));
    return Math.sign(p - 0.5) * Math.sqrt((degrees * (1 - x)) / x);
  };
}

const Z95 = -Math.SQRT2 * erfcinv(1.9);

/**
 * The distribution whose median and 5 % and 95 % quantiles are the three numbers given: two half-normals that meet at
 * the median, in the logarithm where all three are positive. Our choice for a published value with a 90 % range.
 * Throws a `RangeError` unless low <= median <= high.
 */
export function intervalQuantile(low: number, median: number, high: number): Quantile {
  if (!(low <= median && median <= high)) {
    throw new RangeError(`an interval must hold its value: ${low} <= ${median} <= ${high}`);
  }
  const logarithmic = low > 0;
  const [a, m, b] = logarithmic ? [Math.log(low), Math.log(median), Math.log(high)] : [low, median, high];
  return (p) => {
    const z = -Math.SQRT2 * erfcinv(2 * p);
    const value = m + (z < 0 ? m - a : b - m) * (z / Z95);
    return logarithmic ? Math.exp(value) : value;
  };
}

/**
 * Rate of a Poisson process with `count` events over `exposure`, with the exact (Garwood) interval at `level`.
 * [G(a; count), G(1-a; count+1)] / exposure with a = (1-level)/2 and G the gamma quantile; the lower bound is 0 where
 * no event was seen.
 */
export function poissonRate(
  count: number,
  exposure: number,
  level = 0.9,
): { rate: number; low: number; high: number } {
  if (!(exposure > 0)) throw new RangeError(`the exposure must be above 0, not ${exposure}`);
  const tail = (1 - level) / 2;
  return {
    rate: count / exposure,
    low: count === 0 ? 0 : gammaQuantile(count, exposure)(tail),
    high: gammaQuantile(count + 1, exposure)(1 - tail),
  };
}

/** The `probability` quantile of unsorted `values`. */
export function quantile(values: ArrayLike<number>, probability: number): number {
  return quantileSorted(
    Array.from(values).sort((a, b) => a - b),
    probability,
  );
}

/** Percentile bootstrap of `statistic` over `items`: the point value and the central `level` interval. */
export function bootstrap<T>(
  items: readonly T[],
  statistic: (sample: readonly T[]) => number,
  stream: RandomStream,
  { resamples = 2000, level = 0.9 } = {},
): { value: number; low: number; high: number; draws: Float64Array } {
  const draws = new Float64Array(resamples);
  const sample = new Array<T>(items.length);
  for (let r = 0; r < resamples; r++) {
    for (let i = 0; i < items.length; i++) sample[i] = stream.pick(items);
    draws[r] = statistic(sample);
  }
  const sorted = Array.from(draws).sort((a, b) => a - b);
  return {
    value: statistic(items),
    low: quantileSorted(sorted, (1 - level) / 2),
    high: quantileSorted(sorted, (1 + level) / 2),
    draws,
  };
}

/** Spearman's rank correlation; ties take their mean rank. */
export function spearman(x: readonly number[], y: readonly number[]): number {
  return sampleRankCorrelation([...x], [...y]);
}

/** Coefficient of determination of predictions: 1 - residual over total sum of squares. */
export function rSquared(observed: readonly number[], predicted: readonly number[]): number {
  const centre = mean([...observed]);
  let residual = 0;
  let total = 0;
  for (let i = 0; i < observed.length; i++) {
    residual += (observed[i]! - predicted[i]!) ** 2;
    total += (observed[i]! - centre) ** 2;
  }
  return 1 - residual / total;
}
