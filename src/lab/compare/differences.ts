/** Paired differences between architectures: same seeds, same data in the same order, equal first values where layers are. */
import { bootstrap, RandomStream, studentQuantile } from "../../core/index.ts";
import { METRICS, type Metric } from "./metrics.ts";

/** Two-sided: of comparisons without a difference, one in twenty is called one. */
export const LEVEL = 0.95;

export const ONE_PAIR = "one pair: no statement about chance";
export const NO_DIFFERENCE = "no difference found";

/** From so many pairs on the bootstrap is used. */
const BOOTSTRAP_PAIRS = 10;

export interface Difference {
  /** The mean is that of `first` minus `second`. */
  readonly first: string;
  readonly second: string;
  readonly metric: Metric;
  readonly bySeed: readonly { readonly seed: number; readonly difference: number }[];
  readonly mean: number;
  /** At `LEVEL`; absent with one pair, which says nothing about chance. */
  readonly interval?: readonly [low: number, high: number];
  readonly verdict: string;
}

/** A metric of the two by seed; seeds that only one of them has are left out. */
export function pairedDifference(
  metric: Metric,
  first: { readonly name: string; readonly values: ReadonlyMap<number, number> },
  second: { readonly name: string; readonly values: ReadonlyMap<number, number> },
): Difference | undefined {
  const bySeed = [...first.values]
    .filter(([seed]) => second.values.has(seed))
    .map(([seed, value]) => ({ seed, difference: value - second.values.get(seed)! }))
    .sort((a, b) => a.seed - b.seed);
  if (bySeed.length === 0) return undefined;
  const differences = bySeed.map(({ difference }) => difference);
  const interval = meanInterval(differences);
  return {
    first: first.name,
    second: second.name,
    metric,
    bySeed,
    mean: average(differences),
    ...(interval && { interval }),
    verdict: verdict(metric, first.name, second.name, interval),
  };
}

/**
 * An interval of the mean at `LEVEL`: the percentile bootstrap from ten pairs on. Resampling fewer cannot leave the range
 * of what was seen, and would call every set of three differences of one sign a finding, one in four by chance alone; for
 * those it is Student's, mean +- t(n - 1) sd / sqrt(n). Undefined for one pair.
 */
export function meanInterval(values: readonly number[]): readonly [number, number] | undefined {
  const n = values.length;
  if (n < 2) return undefined;
  if (n >= BOOTSTRAP_PAIRS) {
    const { low, high } = bootstrap(values, average, new RandomStream(0), { level: LEVEL });
    return [low, high];
  }
  const mean = average(values);
  const variance = values.reduce((total, value) => total + (value - mean) ** 2, 0) / (n - 1);
  const half = studentQuantile(n - 1)((1 + LEVEL) / 2) * Math.sqrt(variance / n);
  return [mean - half, mean + half];
}

/** Which of the two the interval of first minus second says is better; undefined where it holds 0 or is missing. */
export function betterSide(metric: Metric, interval: Difference["interval"]): "first" | "second" | undefined {
  if (!interval || (interval[0] <= 0 && interval[1] >= 0)) return undefined;
  return interval[1] < 0 === (METRICS[metric].better === "lower") ? "first" : "second";
}

function verdict(metric: Metric, first: string, second: string, interval: Difference["interval"]): string {
  if (!interval) return ONE_PAIR;
  const side = betterSide(metric, interval);
  if (!side) return NO_DIFFERENCE;
  return side === "first" ? `${first} is better than ${second}` : `${second} is better than ${first}`;
}

function average(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0) / values.length;
}
