/**
 * Failure rates by size of job, by node and over time, with exact gamma intervals, and the MTTF of each size beside
 * what 1 / (N r_f) says it should be.
 */
import { poissonRate } from "../core/index.ts";
import type { AttemptTable } from "./attempts.ts";
import type { Attributions } from "./attribution.ts";
import { DAY_SECONDS, mttfSeconds } from "./mttf.ts";
import type { NodeSets } from "./nodelist.ts";
import { sizeBucket } from "./sizes.ts";
import { STATE_CODE } from "./states.ts";

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

const isFailure = (table: AttemptTable, row: number, attributions: Attributions): boolean =>
  table.state[row] === STATE_CODE.NODE_FAIL || attributions.isHardware(row);

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
  const buckets = new Map<
    number,
    { attempts: number; failures: number; seconds: number; nodeSeconds: number }
  >();
  for (let row = 0; row < table.length; row++) {
    const elapsed = table.elapsedSeconds[row]!;
    if (!(elapsed >= 0)) continue;
    const size = sizeBucket(sizeOf(table, row));
    const bucket = buckets.get(size) ?? { attempts: 0, failures: 0, seconds: 0, nodeSeconds: 0 };
    buckets.set(size, bucket);
    bucket.attempts++;
    bucket.seconds += elapsed;
    bucket.nodeSeconds += elapsed * table.nodes[row]!;
    if (isFailure(table, row, attributions)) bucket.failures++;
  }
  return [...buckets]
    .filter(([, { seconds }]) => seconds > 0)
    .sort(([a], [b]) => a - b)
    .map(([size, { attempts, failures, seconds, nodeSeconds }]) => {
      const meanNodes = nodeSeconds / seconds;
      const perHour = poissonRate(failures, seconds / 3600);
      const measured = { value: 1 / perHour.rate, low: 1 / perHour.high, high: 1 / perHour.low };
      const projected = mttfSeconds(meanNodes, failuresPerNodeDay / DAY_SECONDS) / 3600;
      return {
        size,
        meanNodes,
        attempts,
        failures,
        runHours: seconds / 3600,
        measuredHours: measured,
        projectedHours: projected,
        ratio: failures === 0 ? undefined : measured.value / projected,
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
    for (let i = slice(start); i <= slice(end); i++) {
      const overlap =
        Math.min(end, first + (i + 1) * sliceSeconds) - Math.max(start, first + i * sliceSeconds);
      if (overlap > 0) nodeDays[i]! += (overlap * table.nodes[row]!) / DAY_SECONDS;
    }
    if (isFailure(table, row, attributions)) failures[slice(end)]!++;
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

/** Sums failures and exposure by node in one pass. */
export function nodeExposure(table: AttemptTable, nodes: NodeSets, attributions: Attributions): NodeExposure {
  // The first pass names the nodes, so that the columns can be made.
  for (let row = 0; row < table.length; row++) nodes.of(row);
  const column = () => new Float64Array(nodes.names.length);
  const exposure = {
    names: nodes.names,
    nodeDays: column(),
    culprit: column(),
    multiNodeInvolved: column(),
    singleNodeFailures: column(),
    singleNodeJobs: column(),
  };
  const unknownCulprits: Int32Array[] = [];
  let multiNodeFailures = 0;
  for (let row = 0; row < table.length; row++) {
    const elapsed = table.elapsedSeconds[row]!;
    if (!(elapsed >= 0)) continue;
    const own = nodes.of(row);
    const days = elapsed / DAY_SECONDS;
    for (const node of own) exposure.nodeDays[node]! += days;
    if (own.length === 1) exposure.singleNodeJobs[own[0]!]!++;
    const attribution = attributions.of(row);
    if (!attribution?.hardware) continue;
    if (own.length === 1) {
      exposure.singleNodeFailures[own[0]!]!++;
      exposure.culprit[own[0]!]!++;
      continue;
    }
    multiNodeFailures++;
    for (const node of own) exposure.multiNodeInvolved[node]!++;
    const culprits = attribution.culprits.map((name) => nodes.find(name)).filter((n) => n !== undefined);
    if (culprits.length === 0) unknownCulprits.push(own);
    for (const node of culprits) exposure.culprit[node]! += 1 / culprits.length;
  }
  return { ...exposure, unknownCulprits, multiNodeFailures };
}
