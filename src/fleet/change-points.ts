/**
 * Change points of a failure rate: the times at which a Poisson rate steps to another level, as it does when a driver
 * is patched or a bad batch of cables is replaced. Exact optimal segmentation by dynamic programming over slices; a
 * step is kept where it gains more log-likelihood than its penalty.
 *
 * Source of the penalty: Zhang and Siegmund 2007 (modified BIC): 3/2 log n for each step beyond the rates' own cost.
 */
import { poissonRate } from "../core/index.ts";
import type { RateWithInterval } from "./mttf.ts";
import type { Timeline } from "./rates.ts";

export interface RateSegment {
  /** Seconds since 1970. */
  readonly start: number;
  readonly end: number;
  readonly failures: number;
  readonly nodeDays: number;
  /** Per 1000 node-days, 90 % interval. */
  readonly rate: RateWithInterval;
}

export interface ChangePoint {
  readonly time: number;
  /** Between these the step lies with 90 % probability, all slices being equally likely before. */
  readonly low: number;
  readonly high: number;
  /** Rate after over rate before. */
  readonly ratio: number;
}

export interface RateHistory {
  readonly segments: readonly RateSegment[];
  readonly changes: readonly ChangePoint[];
}

/** Splits a timeline where the rate steps. A timeline without failures is one segment. */
export function rateHistory({ start, sliceSeconds, failures, nodeDays }: Timeline): RateHistory {
  const n = failures.length;
  const sumFailures = prefix(failures);
  const sumDays = prefix(nodeDays);
  // Maximal Poisson log-likelihood of slices [i, j), up to what does not depend on the segmentation.
  const logLikelihood = (i: number, j: number): number => {
    const k = sumFailures[j]! - sumFailures[i]!;
    const days = sumDays[j]! - sumDays[i]!;
    return k === 0 ? 0 : k * Math.log(k / days);
  };
  const penalty = 1.5 * Math.log(Math.max(2, n)) + 0.5 * Math.log(Math.max(2, sumFailures[n]!));
  const best = new Float64Array(n + 1).fill(Number.NEGATIVE_INFINITY);
  const from = new Int32Array(n + 1);
  best[0] = penalty;
  for (let j = 1; j <= n; j++) {
    for (let i = 0; i < j; i++) {
      const value = best[i]! + logLikelihood(i, j) - penalty;
      if (value > best[j]!) {
        best[j] = value;
        from[j] = i;
      }
    }
  }
  const bounds = [n];
  for (let j = n; j > 0; j = from[j]!) bounds.push(from[j]!);
  bounds.reverse();

  const time = (slice: number) => start + slice * sliceSeconds;
  const segments = bounds.slice(1).flatMap((end, index): RateSegment[] => {
    const begin = bounds[index]!;
    const count = sumFailures[end]! - sumFailures[begin]!;
    const days = sumDays[end]! - sumDays[begin]!;
    if (!(days > 0)) return [];
    return [
      {
        start: time(begin),
        end: time(end),
        failures: count,
        nodeDays: days,
        rate: poissonRate(count, days / 1000),
      },
    ];
  });
  const changes = bounds.slice(1, -1).map((bound, index): ChangePoint => {
    const before = bounds[index]!;
    const after = bounds[index + 2]!;
    const likelihood = Array.from({ length: after - before - 1 }, (_, offset) => {
      const at = before + 1 + offset;
      return logLikelihood(before, at) + logLikelihood(at, after);
    });
    const { low, high } = centralRange(likelihood);
    const rate = (i: number, j: number) => (sumFailures[j]! - sumFailures[i]!) / (sumDays[j]! - sumDays[i]!);
    return {
      time: time(bound),
      low: time(before + 1 + low - 0.5),
      high: time(before + 1 + high + 0.5),
      ratio: rate(bound, after) / rate(before, bound),
    };
  });
  return { segments, changes };
}

function prefix(values: Float64Array): Float64Array {
  const sums = new Float64Array(values.length + 1);
  for (let i = 0; i < values.length; i++) sums[i + 1] = sums[i]! + values[i]!;
  return sums;
}

/** Positions between which 90 % of exp(logarithms) lies. */
function centralRange(logarithms: readonly number[]): { low: number; high: number } {
  const top = Math.max(...logarithms);
  const weights = logarithms.map((value) => Math.exp(value - top));
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  let cumulative = 0;
  let low = 0;
  for (const [index, weight] of weights.entries()) {
    if (cumulative / total < 0.05) low = index;
    cumulative += weight;
    if (cumulative / total >= 0.95) return { low, high: index };
  }
  return { low, high: logarithms.length - 1 };
}
