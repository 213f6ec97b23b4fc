/**
 * Whether failures come at a constant rate. Times to failure of jobs, censored where a job ended otherwise, are fitted
 * with a Weibull hazard; a shape of 1 is the exponential that MTTF and ETTR assume, below 1 failures come early
 * (burn-in, jobs that land on a bad node), above 1 they come with age.
 *
 * The minimum over N nodes of Weibull times with shape k and scale s is Weibull with the same shape and scale
 * s N^(-1/k), so jobs of all sizes are fitted together. Maximum likelihood: Lawless, Statistical Models and Methods for
 * Lifetime Data, section 5.2.
 */
import erfc from "@stdlib/math-base-special-erfc";
import { poissonRate } from "../core/index.ts";
import type { AttemptTable } from "./attempts.ts";
import type { Attributions } from "./attribution.ts";

/** Times at risk in bins of equal logarithm: a log of millions of attempts is fitted from a few hundred numbers. */
export interface Lifetimes {
  /** Middle of each bin, seconds. */
  readonly seconds: Float64Array;
  /** Nodes of the attempts that ended in the bin, however they ended. */
  readonly nodes: Float64Array;
  /** Attempts that failed in the bin. */
  readonly failures: Float64Array;
}

const BIN = Math.log(1.02);

/** Collects lifetimes of attempts. Attempts of no duration carry no time at risk and are left out. */
export function lifetimes(table: AttemptTable, attributions: Attributions): Lifetimes {
  const bins = Math.ceil(Math.log(10 * 365 * 86_400) / BIN) + 1;
  const seconds = Float64Array.from({ length: bins }, (_, i) => Math.exp((i + 0.5) * BIN));
  const nodes = new Float64Array(bins);
  const failures = new Float64Array(bins);
  for (let row = 0; row < table.length; row++) {
    const elapsed = table.elapsedSeconds[row]!;
    if (!(elapsed >= 1)) continue;
    const bin = Math.min(bins - 1, Math.floor(Math.log(elapsed) / BIN));
    nodes[bin]! += table.nodes[row]!;
    if (attributions.isHardware(row)) failures[bin]!++;
  }
  return { seconds, nodes, failures };
}

export interface WeibullFit {
  /** Shape with its 90 % interval (observed information of the logarithm). */
  readonly shape: { readonly value: number; readonly low: number; readonly high: number };
  /** Scale of one node, seconds. */
  readonly scaleSeconds: number;
  readonly failures: number;
  /** Of the likelihood-ratio test against shape 1, chi-square with one degree of freedom. */
  readonly pExponential: number;
}

/** Fits by maximum likelihood. Undefined with fewer than three failures, which fix no shape. */
export function fitWeibull({ seconds, nodes, failures }: Lifetimes): WeibullFit | undefined {
  const d = failures.reduce((sum, count) => sum + count, 0);
  if (d < 3) return undefined;
  const logs = seconds.map(Math.log);
  const sumLogs = failures.reduce((sum, count, i) => sum + count * logs[i]!, 0);
  // Sums of N t^k, and with log t and its square: the derivatives of the profile likelihood in k.
  const moments = (k: number) => {
    let [s0, s1, s2] = [0, 0, 0];
    for (let i = 0; i < nodes.length; i++) {
      if (nodes[i] === 0) continue;
      const weight = nodes[i]! * Math.exp(k * logs[i]!);
      s0 += weight;
      s1 += weight * logs[i]!;
      s2 += weight * logs[i]! ** 2;
    }
    return { s0, s1, s2 };
  };
  const score = (k: number) => {
    const { s0, s1 } = moments(k);
    return d / k + sumLogs - (d * s1) / s0;
  };
  let [low, high] = [0.01, 20];
  if (score(low) <= 0 || score(high) >= 0) return undefined;
  // The profile score falls in k, so bisection finds its zero whatever the data.
  for (let i = 0; i < 60; i++) {
    const middle = Math.sqrt(low * high);
    if (score(middle) > 0) low = middle;
    else high = middle;
  }
  const shape = Math.sqrt(low * high);
  const { s0, s1, s2 } = moments(shape);
  const information = d / shape ** 2 + d * (s2 / s0 - (s1 / s0) ** 2);
  const relative = 1 / (shape * Math.sqrt(information));
  const likelihood = (k: number) => d * Math.log(k) - d * Math.log(moments(k).s0) + k * sumLogs;
  const ratio = Math.max(0, 2 * (likelihood(shape) - likelihood(1)));
  return {
    shape: {
      value: shape,
      low: shape * Math.exp(-1.6448536269514722 * relative),
      high: shape * Math.exp(1.6448536269514722 * relative),
    },
    scaleSeconds: (s0 / d) ** (1 / shape),
    failures: d,
    pExponential: erfc(Math.sqrt(ratio / 2)),
  };
}

export interface BurnIn {
  readonly firstSeconds: number;
  /** Failures per 1000 node-days within the first `firstSeconds` of an attempt, and after. */
  readonly early: { readonly rate: number; readonly low: number; readonly high: number };
  readonly late: { readonly rate: number; readonly low: number; readonly high: number };
}

/** Failure rates early and late in the life of attempts. Undefined where one of them has no exposure. */
export function burnIn({ seconds, nodes, failures }: Lifetimes, firstSeconds = 600): BurnIn | undefined {
  let [early, late, earlyFailures, lateFailures] = [0, 0, 0, 0];
  for (let i = 0; i < seconds.length; i++) {
    const lived = seconds[i]!;
    early += nodes[i]! * Math.min(lived, firstSeconds);
    late += nodes[i]! * Math.max(0, lived - firstSeconds);
    if (lived <= firstSeconds) earlyFailures += failures[i]!;
    else lateFailures += failures[i]!;
  }
  if (!(early > 0 && late > 0)) return undefined;
  const perThousand = (count: number, nodeSeconds: number) => poissonRate(count, nodeSeconds / 86_400_000);
  return { firstSeconds, early: perThousand(earlyFailures, early), late: perThousand(lateFailures, late) };
}
