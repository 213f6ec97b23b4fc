/**
 * Mean time to failure of a job that needs all of its nodes: MTTF = 1 / (N r_f), with N nodes and r_f failures per
 * node and second, for independent failures at a constant rate (a series system).
 *
 * Source: arXiv:2410.21680, section on MTTF at scale (1.8 h at 16,384 and 0.23 h at 131,072 GPUs of RSC-1).
 */
import { Estimate, poissonRate } from "../core/index.ts";

export const DAY_SECONDS = 86_400;

/** Failures per node and time. Published and printed per 1000 node-days. */
export type FailureRate = Estimate<{ nodes: -1; time: -1 }>;
type Duration = Estimate<{ time: 1 }>;
type NodeCount = Estimate<{ nodes: 1 }>;

/** Failures seen over an exposure. */
export interface FailureCount {
  readonly failures: number;
  readonly nodeDays: number;
}

export interface RateWithInterval {
  readonly rate: number;
  readonly low: number;
  readonly high: number;
}

/**
 * Failures per 1000 node-days with the exact (gamma, Garwood) interval. Throws a `RangeError` where there is no
 * exposure: zero node-days say nothing.
 */
export function ratePerThousandNodeDays({ failures, nodeDays }: FailureCount, level = 0.9): RateWithInterval {
  return poissonRate(failures, nodeDays / 1000, level);
}

/** MTTF in seconds of a job on `nodes` nodes at `failuresPerNodeSecond`; infinite where nothing fails. */
export function mttfSeconds(nodes: number, failuresPerNodeSecond: number): number {
  return 1 / (nodes * failuresPerNodeSecond);
}

/** MTTF of a job on `nodes` nodes. */
export function mttf(rate: FailureRate, nodes: NodeCount): Duration {
  return Estimate.combine([rate, nodes], "s", (r, n) => mttfSeconds(n, r));
}
