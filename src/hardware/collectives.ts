/**
 * Collective communication by the alpha-beta model of rings: an all-gather or a reduce-scatter of `bytes` over n
 * accelerators takes alpha + (n - 1) / n x bytes / bandwidth, an all-reduce twice the second term
 * (Patarasuk and Yuan 2009; "bus bandwidth" as NCCL's tests define it). Across nodes, the members of a node fetch each
 * byte from outside once between them, through all their network ports, while the ring inside passes it on; the slower of
 * the two sets the pace, and trees add a latency for each doubling of nodes.
 */
import { Estimate, type Sampler } from "../core/index.ts";
import type { Accelerator } from "./accelerators.ts";
import { machineEfficiency } from "./efficiencies.ts";

/** The rates that collectives reach on one machine. */
export interface Interconnect {
  readonly linkRate: Estimate<{ information: 1; time: -1 }>;
  readonly linkLatency: Estimate<{ time: 1 }>;
  /** Out of the node, one accelerator's share. */
  readonly networkRate: Estimate<{ information: 1; time: -1 }>;
  /** Of one hop between nodes. */
  readonly networkLatency: Estimate<{ time: 1 }>;
}

export function interconnect(sampler: Sampler, a: Accelerator): Interconnect {
  const rated = (bytesPerSecond: number) => Estimate.exact(bytesPerSecond, "B/s", a.evidence);
  return {
    linkRate: rated(a.linkBytesPerSecond).times(machineEfficiency(sampler, a, "link efficiency", "1")),
    linkLatency: machineEfficiency(sampler, a, "collective latency", "s"),
    networkRate: rated(a.networkBytesPerSecond).times(
      machineEfficiency(sampler, a, "network efficiency", "1"),
    ),
    networkLatency: machineEfficiency(sampler, a, "network latency", "s"),
  };
}

/**
 * A group of `size` members of which `perNode` sit in each node; where tensor parallelism takes part of the node, others
 * sit between them.
 */
export interface Group {
  readonly size: number;
  readonly perNode: number;
}

/** A collective's cost before the rates are known, so that many draws of the rates share the arithmetic. */
export interface CollectiveCost {
  /** Bytes that pass the link of one member. */
  readonly linkBytes: number;
  /** Bytes that pass the network port of one member. */
  readonly networkBytes: number;
  readonly linkLatencies: number;
  readonly networkLatencies: number;
}

/** `calls` all-gathers (or reduce-scatters) that in all leave (or start with) `bytes` on every member. */
export function gatherCost(bytes: number, calls: number, { size, perNode }: Group): CollectiveCost {
  const local = Math.min(size, perNode);
  const nodes = Math.ceil(size / perNode);
  return {
    linkBytes: (bytes * (local - 1)) / local,
    networkBytes: (bytes * (nodes - 1)) / nodes / local,
    linkLatencies: local > 1 ? calls : 0,
    networkLatencies: calls * Math.ceil(Math.log2(nodes)),
  };
}

/** `calls` all-reduces of `bytes` each: a reduce-scatter and an all-gather with one latency. */
export function allReduceCost(bytes: number, calls: number, group: Group): CollectiveCost {
  return gatherCost(2 * calls * bytes, calls, group);
}

/** Seconds that `cost` takes; rates in bytes a second (what a collective reaches, not the data sheet's), latencies in s. */
export function collectiveSeconds(
  cost: CollectiveCost,
  linkRate: number,
  linkLatency: number,
  networkRate: number,
  networkLatency: number,
): number {
  return (
    Math.max(cost.linkBytes / linkRate, cost.networkBytes / networkRate) +
    cost.linkLatencies * linkLatency +
    cost.networkLatencies * networkLatency
  );
}
