/**
 * The roofline: an operator takes t = max(FLOPs / (e_c F), bytes / (e_m B)) + c, with F the dense peak, B the memory
 * bandwidth, e_c and e_m the shares of them that kernels reach, and c what a kernel costs however small it is
 * (Williams, Waterman and Patterson 2009, with the overhead term of the fits in `data/efficiencies.csv`).
 */
import { type Dimensionless, Estimate, type Sampler } from "../core/index.ts";
import { type Architecture, mixers, type Operator } from "../model/index.ts";
import { type Accelerator, type Format, peakFlopsPerSecond } from "./accelerators.ts";
import { machineEfficiency } from "./efficiencies.ts";

/** One machine's roofline in one number format. */
export interface Roofline {
  readonly flopsPerSecond: number;
  readonly bytesPerSecond: number;
  readonly computeEfficiency: Estimate<Dimensionless>;
  readonly memoryEfficiency: Estimate<Dimensionless>;
  /** Of one kernel. */
  readonly overhead: Estimate<{ time: 1 }>;
}

/** The roofline of `a` for kernels that compute in `format`. */
export function roofline(sampler: Sampler, a: Accelerator, format: Format = "bf16"): Roofline {
  return {
    flopsPerSecond: peakFlopsPerSecond(a, format),
    bytesPerSecond: a.memoryBytesPerSecond,
    computeEfficiency: machineEfficiency(sampler, a, "compute efficiency", "1").withEvidence(a.evidence),
    memoryEfficiency: machineEfficiency(sampler, a, "memory efficiency", "1").withEvidence(a.evidence),
    overhead: machineEfficiency(sampler, a, "kernel overhead", "s"),
  };
}

/** What the roofline needs to know of an operator. */
export type Work = Pick<
  Operator,
  "count" | "flops" | "weightBytes" | "activationBytes" | "cacheBytes" | "writtenBytes"
>;

export function bytesMoved(work: Work): number {
  return work.weightBytes + work.activationBytes + work.cacheBytes + work.writtenBytes;
}

/** Times of a list of operators at the full rates: what is left of the list once the efficiencies are to be varied. */
export interface RooflineTerms {
  readonly computeSeconds: Float64Array;
  readonly memorySeconds: Float64Array;
  readonly calls: number;
}

export function rooflineTerms(rows: readonly Work[], on: Roofline): RooflineTerms {
  return {
    computeSeconds: Float64Array.from(rows, (row) => (row.count * row.flops) / on.flopsPerSecond),
    memorySeconds: Float64Array.from(rows, (row) => (row.count * bytesMoved(row)) / on.bytesPerSecond),
    calls: rows.reduce((total, row) => total + row.count, 0),
  };
}

/** Seconds of all calls, one after another, at given efficiencies. */
export function rooflineSeconds(
  { computeSeconds, memorySeconds, calls }: RooflineTerms,
  computeEfficiency: number,
  memoryEfficiency: number,
  overhead: number,
): number {
  let seconds = calls * overhead;
  for (let i = 0; i < computeSeconds.length; i++) {
    seconds += Math.max(computeSeconds[i]! / computeEfficiency, memorySeconds[i]! / memoryEfficiency);
  }
  return seconds;
}

/** Time of all calls of `rows`, one after another. */
export function operatorTime(rows: readonly Work[], on: Roofline): Estimate<{ time: 1 }> {
  const terms = rooflineTerms(rows, on);
  return Estimate.combine([on.computeEfficiency, on.memoryEfficiency, on.overhead], "s", (...efficiencies) =>
    rooflineSeconds(terms, ...efficiencies),
  );
}

/**
 * One accelerator's part of `rows` under tensor parallelism over `ways` (Megatron-LM, arXiv:1909.08053): matrices,
 * heads and channels are split evenly; norms run whole on each unless the sequence is split too (arXiv:2205.05198).
 * Keys and values are split by head and repeated where there are fewer key-value heads than ways.
 */
export function tensorParallelPart(
  a: Architecture,
  rows: readonly Operator[],
  ways: number,
  splitSequence: boolean,
): readonly Operator[] {
  if (ways === 1) return rows;
  return rows.map((row) => {
    if (row.kind === "norm" && !splitSequence) return row;
    const heads =
      row.kind === "attention" && row.layer !== "model"
        ? (mixers(a, row.layer).attention?.kvHeads ?? ways)
        : ways;
    return {
      ...row,
      flops: row.flops / ways,
      weightBytes: row.weightBytes / ways,
      activationBytes: row.activationBytes / ways,
      cacheBytes: row.cacheBytes / Math.min(ways, heads),
      writtenBytes: row.writtenBytes / ways,
    };
  });
}
