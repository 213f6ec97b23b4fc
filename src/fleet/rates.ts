/**
 * Failure rates by size of job, by node and over time, with exact gamma intervals, and the MTTF of each size beside
 * what 1 / (N r_f) says it should be.
 */
import { poissonRate } from "../core/index.ts";
import type { AttemptTable } from "./attempts.ts";
import type { Attributions } from "./attribution.ts";
import { DAY_SECONDS, mttfSeconds } from "./mttf.ts";
import type { NodeSets } from "./nodelist.ts";
import { classSize, SIZE_CLASSES, sizeClass } from "./sizes.ts";

export interface MttfAtScale {
  /** Upper bound of the bucket: accelerators, or nodes where no job of the log has accelerators. */
  readonly size: number;
  /** Mean nodes of the bucket's attempts, by the time that they ran. */
  readonly meanNodes: number;
  readonly attempts: number;
  readonly failures: number;
  readonly runHours: number;
  /** Hours that the bucket's jobs ran for each failure, with 90 % interval; infinite without failures. */
  readonly measuredHours: { readonly value: number; readonly low: number; readonly high: number };
  /** 1 / (N r_f) at the mean nodes and the rate of the whole log. */
  readonly projectedHours: number;
  /** Measured over projected; undefined without failures. */
  readonly ratio: number | undefined;
  /** The projection lies outside the measured interval: failures are not in proportion to nodes. */
  readonly diverges: boolean;
}

/** The size that a job is reported under. */
export function sizeOf(table: AttemptTable, row: number): number {
  return table.accelerators[row]! || table.nodes[row]!;
}

/** MTTF by size of job, smallest first. `failuresPerNodeDay` is the rate to project with. */
export function mttfByScale(
  table: AttemptTable,
  attributions: Attributions,
  failuresPerNodeDay: number,
): MttfAtScale[] {
  const sums = () => new Float64Array(SIZE_CLASSES);
  const [attempts, failures, seconds, nodeSeconds] = [sums(), sums(), sums(), sums()];
  for (let row = 0; row < table.length; row++) {
    const elapsed = table.elapsedSeconds[row]!;
    if (!(elapsed >= 0)) continue;
    const size = sizeClass(sizeOf(table, row));
    attempts[size]!++;
    seconds[size]! += elapsed;
    nodeSeconds[size]! += elapsed * table.nodes[row]!;
    if (attributions.isHardware(row)) failures[size]!++;
  }
  return Array.from(attempts.keys())
    .filter((size) => seconds[size]! > 0)
    .map((size) => {
      const meanNodes = nodeSeconds[size]! / seconds[size]!;
      const perHour = poissonRate(failures[size]!, seconds[size]! / 3600);
      const measured = { value: 1 / perHour.rate, low: 1 / perHour.high, high: 1 / perHour.low };
      const projected = mttfSeconds(meanNodes, failuresPerNodeDay / DAY_SECONDS) / 3600;
      return {
        size: classSize(size),
        meanNodes,
        attempts: attempts[size]!,
        failures: failures[size]!,
        runHours: seconds[size]! / 3600,
        measuredHours: measured,
        projectedHours: projected,
        ratio: failures[size] === 0 ? undefined : measured.value / projected,
        diverges: projected < measured.low || projected > measured.high,
      };
    });
}

/** Exposure and failures in equal slices of time; each attempt's node-time is spread over the slices that it ran in. */
export interface Timeline {
  /** Seconds since 1970 at which slice 0 begins. */
  readonly start: number;
  readonly sliceSeconds: number;
  readonly failures: Float64Array;
  readonly nodeDays: Float64Array;
}

/** At most this many slices: enough to place a change to a day in a year, few enough for an exact search. */
const MOST_SLICES = 400;

/** The timeline of failures. Slices are a day long, or longer where the log spans more than 400 days. */
export function failureTimeline(table: AttemptTable, attributions: Attributions): Timeline | undefined {
  let first = Number.POSITIVE_INFINITY;
  let last = Number.NEGATIVE_INFINITY;
  for (let row = 0; row < table.length; row++) {
    if (table.start[row]! < first) first = table.start[row]!;
    if (table.end[row]! > last) last = table.end[row]!;
  }
  if (!(last > first)) return undefined;
  const span = last - first;
  // A log of hours is sliced finer than by the day.
  const sliceSeconds =
    span < 50 * DAY_SECONDS ? span / 50 : DAY_SECONDS * Math.ceil(span / DAY_SECONDS / MOST_SLICES);
  const count = Math.max(1, Math.ceil(span / sliceSeconds));
  const failures = new Float64Array(count);
  const nodeDays = new Float64Array(count);
  const slice = (time: number) => Math.min(count - 1, Math.floor((time - first) / sliceSeconds));
  for (let row = 0; row < table.length; row++) {
    const start = table.start[row]!;
    const end = table.end[row]!;
    if (!(end >= start)) continue;
    const last = slice(end);
    for (let i = slice(start); i <= last; i++) {
      const overlap =
        Math.min(end, first + (i + 1) * sliceSeconds) - Math.max(start, first + i * sliceSeconds);
      if (overlap > 0) nodeDays[i]! += (overlap * table.nodes[row]!) / DAY_SECONDS;
    }
    if (attributions.isHardware(row)) failures[last]!++;
  }
  return { start: first, sliceSeconds, failures, nodeDays };
}

/** Failures and exposure of every node. */
export interface NodeExposure {
  readonly names: readonly string[];
  /** Time that each node ran jobs. */
  readonly nodeDays: Float64Array;
  /** Failures of which the node is known to be the cause. */
  readonly culprit: Float64Array;
  /** Node failures of multi-node jobs that ran on it, whichever node failed. */
  readonly multiNodeInvolved: Float64Array;
  readonly singleNodeFailures: Float64Array;
  readonly singleNodeJobs: Float64Array;
  /** Nodes of each failed multi-node attempt of which no culprit is known. */
  readonly unknownCulprits: readonly Int32Array[];
  readonly multiNodeFailures: number;
}

/** Sums failures and exposure by node. */
export function nodeExposure(table: AttemptTable, nodes: NodeSets, attributions: Attributions): NodeExposure {
  // Lists of nodes repeat: exposure is summed for each different one, and handed to its nodes once.
  const seconds = new Float64Array(table.texts.size);
  const jobs = new Float64Array(table.texts.size);
  const failed: number[] = [];
  for (let row = 0; row < table.length; row++) {
    const elapsed = table.elapsedSeconds[row]!;
    if (!(elapsed >= 0)) continue;
    const list = table.nodeList[row]!;
    // The first row of a list names its nodes, so that the columns can be made.
    if (jobs[list] === 0) nodes.of(row);
    seconds[list]! += elapsed;
    jobs[list]!++;
    if (attributions.isHardware(row)) failed.push(row);
  }
  const column = () => new Float64Array(nodes.names.length);
  const exposure = {
    names: nodes.names,
    nodeDays: column(),
    culprit: column(),
    multiNodeInvolved: column(),
    singleNodeFailures: column(),
    singleNodeJobs: column(),
  };
  for (const [list, count] of jobs.entries()) {
    if (count === 0) continue;
    const own = nodes.ofList(list);
    for (const node of own) exposure.nodeDays[node]! += seconds[list]! / DAY_SECONDS;
    if (own.length === 1) exposure.singleNodeJobs[own[0]!]! += count;
  }
  const unknownCulprits: Int32Array[] = [];
  let multiNodeFailures = 0;
  for (const row of failed) {
    const own = nodes.of(row);
    if (own.length === 1) {
      exposure.singleNodeFailures[own[0]!]!++;
      exposure.culprit[own[0]!]!++;
      continue;
    }
    multiNodeFailures++;
    for (const node of own) exposure.multiNodeInvolved[node]!++;
    const named = attributions.of(row)?.culprits ?? [];
    const culprits = named.map((name) => nodes.find(name)).filter((n) => n !== undefined);
    if (culprits.length === 0) unknownCulprits.push(own);
    for (const node of culprits) exposure.culprit[node]! += 1 / culprits.length;
  }
  return { ...exposure, unknownCulprits, multiNodeFailures };
}
