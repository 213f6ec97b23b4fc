/**
 * Lemon nodes: nodes that fail again and again and pass every test in between. Two views side by side: the paper's
 * seven signals by their place among all nodes, and a test that allows for exposure, since a node that runs large jobs
 * all day meets more failures without being bad.
 *
 * Source of the signals: arXiv:2410.21680, lemon node detection. Benjamini and Hochberg 1995 for the false-discovery
 * control.
 */
import gammainc from "@stdlib/math-base-special-gammainc";
import { InputError } from "../core/index.ts";
import type { NodeEvent, Signal } from "./events.ts";
import { isOutage } from "./events.ts";
import { expandNodeList, type NodeSets } from "./nodelist.ts";
import type { NodeExposure } from "./rates.ts";

/** The paper's signals of one node. */
export interface LemonSignals {
  /** Distinct jobs that excluded the node. The paper found no correlation with failures. */
  readonly excl_jobid_count: number;
  /** Distinct XIDs. */
  readonly xid_cnt: number;
  /** Repair tickets; 0 where none are given. */
  readonly tickets: number;
  /** Times out of the scheduler. */
  readonly out_count: number;
  readonly multi_node_node_fails: number;
  readonly single_node_node_fails: number;
  /** Node failures per single-node job. */
  readonly single_node_node_failure_rate: number;
}

export const LEMON_SIGNALS = [
  "excl_jobid_count",
  "xid_cnt",
  "tickets",
  "out_count",
  "multi_node_node_fails",
  "single_node_node_fails",
  "single_node_node_failure_rate",
] as const satisfies readonly (keyof LemonSignals)[];

export interface LemonNode {
  readonly node: string;
  readonly signals: LemonSignals;
  /** Share of nodes whose signal is lower, for each signal. */
  readonly percentiles: LemonSignals;
  readonly nodeDays: number;
  readonly failures: number;
  /** What a node of the fleet's rate would have had in the same exposure. */
  readonly expectedFailures: number;
  /** P(X >= failures) for a Poisson count with that expectation. */
  readonly p: number;
  /** The smallest false-discovery rate at which the node is flagged (Benjamini-Hochberg). */
  readonly q: number;
  /** Flagged by the exposure test. */
  readonly flagged: boolean;
  /** Signals above `percentile` of all nodes: the paper's rule. */
  readonly exceeded: readonly (keyof LemonSignals)[];
}

export interface LemonReport {
  /** Nodes that either rule flags, most telling first. */
  readonly nodes: readonly LemonNode[];
  /** Failures per node-day of the nodes that are not flagged. */
  readonly fleetRate: number;
  /** Failures of flagged nodes beyond that rate, of all failures; undefined where no node is flagged. */
  readonly shareOfFailures: number | undefined;
  /** How failures were counted on nodes. */
  readonly sentence: string;
}

export interface LemonSources {
  readonly events?: readonly NodeEvent[] | undefined;
  readonly signals?: readonly Signal[] | undefined;
  readonly exclusions?: readonly { job: string; nodeList: string }[] | undefined;
  /** Repair tickets by node. */
  readonly tickets?: ReadonlyMap<string, number> | undefined;
}

export interface LemonOptions {
  /** False-discovery rate to hold. Default 0.05. */
  readonly falseDiscoveryRate?: number | undefined;
  /** Of the paper's rule. Default 0.99: our choice, the paper tuned its thresholds by hand. */
  readonly percentile?: number | undefined;
  /** How many signals must exceed it. Default 2. */
  readonly exceeding?: number | undefined;
}

/** Finds lemons. The fleet's rate leaves out the nodes found so far, so that bad nodes do not hide each other. */
export function lemonNodes(
  exposure: NodeExposure,
  nodes: NodeSets,
  sources: LemonSources = {},
  { falseDiscoveryRate = 0.05, percentile = 0.99, exceeding = 2 }: LemonOptions = {},
): LemonReport {
  const failures = shareFailures(exposure);
  const test = poissonTest(failures, exposure.nodeDays, falseDiscoveryRate);

  const signals = collectSignals(exposure, nodes, sources);
  const ranks = percentileRanks(signals);
  const found = exposure.names.map((node, i): LemonNode => {
    const exceeded = LEMON_SIGNALS.filter((name) => signals[i]![name] > 0 && ranks[i]![name] >= percentile);
    return {
      node,
      signals: signals[i]!,
      percentiles: ranks[i]!,
      nodeDays: exposure.nodeDays[i]!,
      failures: failures[i]!,
      expectedFailures: test.rate * exposure.nodeDays[i]!,
      p: test.p[i]!,
      q: test.q[i]!,
      flagged: test.q[i]! <= falseDiscoveryRate,
      exceeded,
    };
  });
  const lemons = found.filter(({ flagged }) => flagged);
  const excess = lemons.reduce((sum, node) => sum + node.failures - node.expectedFailures, 0);
  const all = failures.reduce((sum, count) => sum + count, 0);
  const shown = found
    .filter(({ flagged, exceeded }) => flagged || exceeded.length >= exceeding)
    .sort((a, b) => a.p - b.p || b.exceeded.length - a.exceeded.length);
  return {
    nodes: shown,
    fleetRate: test.rate,
    shareOfFailures: lemons.length === 0 ? undefined : excess / all,
    sentence:
      exposure.unknownCulprits.length === 0
        ? "every failure is counted on the node that caused it"
        : `which node failed is unknown for ${exposure.unknownCulprits.length} of ${exposure.multiNodeFailures} failed multi-node attempts: each is shared out over its nodes by how often they fail otherwise; node events or slurmctld.log would name it`,
  };
}

/** How many failures at the fleet's rate a node is believed to have had before its own are counted. Our choice. */
const PRIOR_FAILURES = 2;
const SHARING_ROUNDS = 50;

/**
 * Failures of each node. One whose node is unknown is shared out over the job's nodes in proportion to their rates,
 * which the shares change in turn (expectation maximisation for superposed Poisson processes, with a gamma prior).
 * A lemon takes the failures that it explains, and its neighbours are not suspected for its sake.
 */
export function shareFailures(exposure: NodeExposure): Float64Array {
  const { culprit, nodeDays, unknownCulprits } = exposure;
  if (unknownCulprits.length === 0) return culprit;
  const all = culprit.reduce((sum, count) => sum + count, unknownCulprits.length);
  const fleet = all / nodeDays.reduce((sum, days) => sum + days, 0);
  const rates = new Float64Array(culprit.length).fill(fleet);
  let shares = culprit;
  for (let round = 0; round < SHARING_ROUNDS; round++) {
    shares = culprit.slice();
    for (const nodes of unknownCulprits) {
      let total = 0;
      for (const node of nodes) total += rates[node]!;
      for (const node of nodes) shares[node]! += rates[node]! / total;
    }
    for (let node = 0; node < rates.length; node++) {
      rates[node] = (PRIOR_FAILURES + shares[node]!) / (PRIOR_FAILURES / fleet + nodeDays[node]!);
    }
  }
  return shares;
}

function poissonTest(
  counts: Float64Array,
  exposed: Float64Array,
  falseDiscoveryRate: number,
): { rate: number; p: Float64Array; q: Float64Array } {
  const { length } = counts;
  const p = new Float64Array(length);
  let q: Float64Array = new Float64Array(length).fill(1);
  let rate = 0;
  // The set of lemons settles in a few rounds.
  for (let round = 0; round < 10; round++) {
    let failures = 0;
    let days = 0;
    for (let node = 0; node < length; node++) {
      if (q[node]! <= falseDiscoveryRate) continue;
      failures += counts[node]!;
      days += exposed[node]!;
    }
    const next = days > 0 ? failures / days : 0;
    if (round > 0 && next === rate) break;
    rate = next;
    for (let node = 0; node < length; node++)
      p[node] = poissonUpperTail(counts[node]!, rate * exposed[node]!);
    q = benjaminiHochberg(p);
  }
  return { rate, p, q };
}

/**
 * P(X >= count) of a Poisson count with this mean: the regularised lower incomplete gamma P(count, mean), which also
 * stands for the tail at a count that was shared out.
 */
export function poissonUpperTail(count: number, mean: number): number {
  if (count <= 0) return 1;
  return mean <= 0 ? 0 : gammainc(mean, count);
}

/** Adjusted p-values: the smallest false-discovery rate at which each hypothesis is rejected. */
export function benjaminiHochberg(p: ArrayLike<number>): Float64Array {
  const order = Array.from({ length: p.length }, (_, i) => i).sort((a, b) => p[b]! - p[a]!);
  const q = new Float64Array(p.length);
  let least = 1;
  for (const [index, i] of order.entries()) {
    const rank = p.length - index;
    least = Math.min(least, (p[i]! * p.length) / rank);
    q[i] = least;
  }
  return q;
}

function collectSignals(exposure: NodeExposure, nodes: NodeSets, sources: LemonSources): LemonSignals[] {
  const xids = new Map<string, Set<number>>();
  for (const { node, xid } of sources.signals ?? []) {
    if (xid === undefined) continue;
    const known = xids.get(node) ?? new Set();
    xids.set(node, known.add(xid));
  }
  const outs = new Map<string, number>();
  for (const event of sources.events ?? []) {
    if (isOutage(event)) outs.set(event.node, (outs.get(event.node) ?? 0) + 1);
  }
  const excluders = new Map<string, Set<string>>();
  for (const { job, nodeList } of sources.exclusions ?? []) {
    for (const node of readableNodes(nodeList)) {
      const known = excluders.get(node) ?? new Set();
      excluders.set(node, known.add(job));
    }
  }
  return nodes.names.map((name, i) => {
    const jobs = exposure.singleNodeJobs[i]!;
    return {
      excl_jobid_count: excluders.get(name)?.size ?? 0,
      xid_cnt: xids.get(name)?.size ?? 0,
      tickets: sources.tickets?.get(name) ?? 0,
      out_count: outs.get(name) ?? 0,
      multi_node_node_fails: exposure.multiNodeInvolved[i]!,
      single_node_node_fails: exposure.singleNodeFailures[i]!,
      single_node_node_failure_rate: jobs > 0 ? exposure.singleNodeFailures[i]! / jobs : 0,
    };
  });
}

/** Users may exclude nodes that do not exist, in lists that cannot be read; they say nothing of any node. */
function readableNodes(nodeList: string): string[] {
  try {
    return expandNodeList(nodeList);
  } catch (error) {
    if (error instanceof InputError) return [];
    throw error;
  }
}

function percentileRanks(signals: readonly LemonSignals[]): LemonSignals[] {
  const sorted = Object.fromEntries(
    LEMON_SIGNALS.map((name) => [name, Float64Array.from(signals, (node) => node[name]).sort()]),
  ) as Record<keyof LemonSignals, Float64Array>;
  const below = (values: Float64Array, value: number): number => {
    let low = 0;
    let high = values.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (values[middle]! < value) low = middle + 1;
      else high = middle;
    }
    return low / values.length;
  };
  return signals.map(
    (node) =>
      Object.fromEntries(
        LEMON_SIGNALS.map((name) => [name, below(sorted[name], node[name])]),
      ) as unknown as LemonSignals,
  );
}
