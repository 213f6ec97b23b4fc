/**
 * What a cluster's logs say to who plans a run on it: how often its nodes fail, how long a failed one is away, and how
 * long a requeued job waits.
 *
 * Source of the estimator: arXiv:2410.21680 (NODE_FAIL, or FAILED with a critical health check; jobs above 128 GPUs).
 */
import {
  Estimate,
  type Evidence,
  gammaQuantile,
  InputError,
  type Sampler,
  type Source,
} from "../core/index.ts";
import type { AttemptTable } from "./attempts.ts";
import { type Attributions, attributeFailures } from "./attribution.ts";
import { isOutage } from "./events.ts";
import { type LoggedFailures, logWeight } from "./failure-rate.ts";
import { DAY_SECONDS } from "./mttf.ts";
import { NodeSets } from "./nodelist.ts";
import type { ClusterLog } from "./readers/open.ts";
import { Runs } from "./runs.ts";
import { STATE_CODE } from "./states.ts";

export interface ClusterEvidence {
  readonly failures: LoggedFailures;
  /** From eligible to start, of attempts that were not the first of their run; undefined where there are none. */
  readonly requeueWait: { readonly count: number; readonly meanSeconds: number } | undefined;
  /** How long nodes were down or drained; undefined where no event of a node has an end. */
  readonly repair: { readonly medianSeconds: number; readonly source: Source } | undefined;
}

export interface EvidenceOptions {
  /** Where they are known already; by default made from the log, with attempts of one job id as one run. */
  readonly attributions?: Attributions | undefined;
  readonly runs?: Runs | undefined;
  /** Only attempts of more accelerators count for the rate. Default 0: all; the paper takes 128. */
  readonly moreAcceleratorsThan?: number | undefined;
}

/** What a log says of a cluster. Throws an `InputError` where it holds no attempt, which leaves nothing to measure. */
export function clusterEvidence(log: ClusterLog, options: EvidenceOptions = {}): ClusterEvidence {
  const { attempts: table } = log;
  refuseWithoutAttempts(log);
  const attributions = options.attributions ?? attributeFailures(table, new NodeSets(table), log);
  const { moreAcceleratorsThan } = options;
  return {
    failures: nodeFailures(table, { hardwareFailure: attributions.isHardware, moreAcceleratorsThan }),
    requeueWait: requeueWaits(options.runs ?? new Runs(table)),
    repair: repairs(log),
  };
}

/** Events of nodes without an attempt of any job are no exposure: they say nothing of a rate. */
export function refuseWithoutAttempts(log: ClusterLog): void {
  if (log.attempts.length > 0) return;
  const read = log.readings.flatMap((reading) => reading.sentences()).join("; ");
  throw new InputError({
    place: { file: log.readings.map(({ file }) => file).join(", ") },
    found: `no attempt of any job${read === "" ? "" : ` (${read})`}`,
    expected: "a log of attempts, such as that of sacct; other logs only add to it",
    remedy: log.readings.some(({ skippedRows }) => skippedRows > 0)
      ? "write the log again: not one of its rows could be read"
      : "check --starttime and --endtime of the sacct call",
  });
}

export interface ExposureOptions {
  /** Only attempts of more accelerators count. Default 0: all; the paper takes 128, where its log has enough. */
  readonly moreAcceleratorsThan?: number | undefined;
  /** Attempts that ended FAILED because of the hardware (from attribution) count beside NODE_FAIL. */
  readonly hardwareFailure?: ((row: number) => boolean) | undefined;
}

/** Node failures and node-days of all attempts that ran. */
export function nodeFailures(table: AttemptTable, options: ExposureOptions = {}): LoggedFailures {
  const { moreAcceleratorsThan = 0, hardwareFailure } = options;
  let failures = 0;
  let nodeSeconds = 0;
  for (let row = 0; row < table.length; row++) {
    const elapsed = table.elapsedSeconds[row]!;
    if (!(elapsed >= 0)) continue;
    if (moreAcceleratorsThan > 0 && !(table.accelerators[row]! > moreAcceleratorsThan)) continue;
    nodeSeconds += elapsed * table.nodes[row]!;
    const failed = table.state[row] === STATE_CODE.NODE_FAIL || (hardwareFailure?.(row) ?? false);
    if (failed) failures++;
  }
  const files = table.sources.join(", ") || "attempts";
  return {
    failures,
    nodeDays: nodeSeconds / DAY_SECONDS,
    source: { id: files, title: files, where: "attempts that ran" },
  };
}

function requeueWaits(runs: Runs): ClusterEvidence["requeueWait"] {
  const { table } = runs;
  let count = 0;
  let seconds = 0;
  for (let run = 0; run < runs.count; run++) {
    if (runs.length(run) === 1) continue;
    for (const row of runs.rowsOf(run).subarray(1)) {
      const wait = table.start[row]! - table.eligible[row]!;
      if (!(wait >= 0)) continue;
      count++;
      seconds += wait;
    }
  }
  return count === 0 ? undefined : { count, meanSeconds: seconds / count };
}

function repairs({ events }: ClusterLog): ClusterEvidence["repair"] {
  const outages = events
    // A failure that is told as a moment has no duration.
    .filter((event) => isOutage(event) && event.end > event.start)
    .sort((a, b) => a.end - a.start - (b.end - b.start));
  const median = outages[outages.length >> 1];
  if (!median) return undefined;
  const files = [...new Set(outages.map(({ file }) => file))].join(", ");
  return {
    medianSeconds: median.end - median.start,
    source: { id: files, title: files, where: "outages of nodes that ended" },
  };
}

/**
 * The mean wait for nodes before a restart, which is all that ETTR needs of it: the log's mean, with the interval that so
 * many waits leave if they are exponential, and what is believed without a log, weighed as the failure rate weighs the
 * same log: by its exposure. The waits of one busy hour depend on each other, so that their number says less (our choice).
 */
export function requeueWait(
  sampler: Sampler,
  { failures, requeueWait: waits }: ClusterEvidence,
  otherwise: Estimate<{ time: 1 }>,
): Estimate<{ time: 1 }> {
  if (!waits) return otherwise;
  const evidence: Evidence = { basis: "measured", sources: [failures.source] };
  const { count, meanSeconds } = waits;
  const own =
    meanSeconds === 0
      ? Estimate.exact(0, "s", evidence)
      : sampler.draw("fleet/requeue-wait", gammaQuantile(count, count / meanSeconds), "s", evidence);
  return weighed(failures, own, otherwise);
}

/** How long a failed node is away: the log's median, and what is believed without a log, weighed in the same way. */
export function repairTime(
  { failures, repair }: ClusterEvidence,
  otherwise: Estimate<{ time: 1 }>,
): Estimate<{ time: 1 }> {
  if (!repair) return otherwise;
  const own = Estimate.exact(repair.medianSeconds, "s", { basis: "measured", sources: [repair.source] });
  return weighed(failures, own, otherwise);
}

/** A time that a log measured and the one that is believed without it, as the failure rate weighs the same log. */
function weighed(
  log: LoggedFailures,
  own: Estimate<{ time: 1 }>,
  otherwise: Estimate<{ time: 1 }>,
): Estimate<{ time: 1 }> {
  const weight = logWeight(log);
  return Estimate.combine([own, otherwise], "s", (seen, held) => weight * seen + (1 - weight) * held);
}
