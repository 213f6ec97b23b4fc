/**
 * The whole account of a cluster's reliability as one plain data object: what its logs say, with intervals, what that
 * means for a training run, and what these logs cannot know. Views are made elsewhere.
 */
import { type Dimensionless, Estimate, FigureTable, type Sampler, type Supervision } from "../core/index.ts";
import {
  type Attributions,
  attributeFailures,
  type CauseShare,
  type CoOccurrence,
  coOccurrence,
  failuresBySymptom,
} from "./attribution.ts";
import { type RateHistory, rateHistory } from "./change-points.ts";
import { type EttrContours, ettrContours } from "./contours.ts";
import { optimalCheckpointInterval, type RunEstimates } from "./ettr.ts";
import { clusterEvidence, refuseWithoutAttempts, requeueWait } from "./evidence.ts";
import { type FailureRateEstimate, failureRate } from "./failure-rate.ts";
import { type GoodputLoss, goodputLoss } from "./goodput.ts";
import { type LemonOptions, type LemonReport, lemonNodes } from "./lemons.ts";
import { type MeasuredEttr, measureRuns } from "./measured-ettr.ts";
import {
  type MitigationOptions,
  type MitigationStudy,
  mitigationStudy,
  sparesNeeded,
} from "./mitigations.ts";
import { DAY_SECONDS, mttf } from "./mttf.ts";
import { NodeSets } from "./nodelist.ts";
import {
  type CrashLoop,
  crashLoops,
  linkPreemptions,
  type Preemptions,
  type StartReason,
} from "./preemption.ts";
import { failureTimeline, type MttfAtScale, mttfByScale, nodeExposure, type Timeline } from "./rates.ts";
import type { ClusterLog } from "./readers/open.ts";
import { assumedHabits, type CheckpointHabits, type RunAccount, type RunIdentity, Runs } from "./runs.ts";
import type { State } from "./states.ts";
import { unknowable } from "./unknowable.ts";
import { type BurnIn, burnIn, fitWeibull, lifetimes, type WeibullFit } from "./weibull.ts";

export interface ReportOptions extends CheckpointHabits, Supervision {
  /** How attempts belong together. Default: same job id. */
  readonly identity?: RunIdentity | undefined;
  /** The run to plan for. Default: as many nodes as the log's largest job. */
  readonly nodes?: number | undefined;
  /** Accelerators of a node, for sizes given in accelerators. Default 8. */
  readonly acceleratorsPerNode?: number | undefined;
  /** Productive time of the run to plan for. Default 30 days. */
  readonly productiveSeconds?: number | undefined;
  /** How long a failed node is away, for spares. Default: the median outage of the log, or a day. */
  readonly repairSeconds?: number | undefined;
  /** Only runs of at least this long a wall-clock time are measured. Default 24 hours, as in the paper. */
  readonly shortestRunSeconds?: number | undefined;
  /** Attempts of more accelerators than this give the log's own failure rate. Default 0; the paper takes 128. */
  readonly moreAcceleratorsThan?: number | undefined;
  /** How long before and after an attempt's end signals count. Default 600 and 300, as in the paper. */
  readonly beforeEndSeconds?: number | undefined;
  readonly afterEndSeconds?: number | undefined;
  /** Repair tickets by node. */
  readonly tickets?: ReadonlyMap<string, number> | undefined;
  readonly lemons?: LemonOptions | undefined;
  readonly mitigations?: MitigationOptions | undefined;
}

export interface ReliabilityReport {
  readonly log: {
    readonly files: readonly string[];
    /** What was read, skipped and mended, a sentence each. */
    readonly sentences: readonly string[];
    readonly attempts: number;
    readonly runs: number;
    readonly nodes: number;
    readonly acceleratorHours: number;
    /** Seconds since 1970. */
    readonly from: number;
    readonly to: number;
    readonly byState: Partial<Record<State, number>>;
  };
  readonly failureRate: FailureRateEstimate;
  /** MTTF by size of job, measured and projected. */
  readonly mttf: readonly MttfAtScale[];
  /** MTTF at sizes beyond the log, from the failure rate. */
  readonly projections: readonly { accelerators: number; mttf: Estimate<{ time: 1 }> }[];
  readonly measuredEttr: readonly MeasuredEttr[];
  /** The runs that took most accelerator-hours, most first. */
  readonly largestRuns: readonly RunAccount[];
  readonly contours: EttrContours;
  readonly causes: {
    readonly bySymptom: readonly CauseShare[];
    /** Failures by the domains that remain possible: `system software or hardware`. */
    readonly byDomains: readonly { domains: string; failures: number }[];
    readonly withoutSignal: number;
    readonly coOccurrences: readonly ({ of: string; also: string } & CoOccurrence)[];
  };
  readonly goodput: GoodputLoss;
  readonly preemptions: {
    readonly byReason: Partial<Record<StartReason, number>>;
    readonly inferred: number;
    readonly unexplained: number;
  };
  readonly crashLoops: readonly CrashLoop[];
  readonly lemons: LemonReport;
  readonly timeline: (Timeline & RateHistory) | undefined;
  readonly hazard: { readonly weibull: WeibullFit | undefined; readonly burnIn: BurnIn | undefined };
  readonly plan: {
    readonly nodes: number;
    readonly run: RunEstimates;
    readonly bestCheckpointInterval: Estimate<{ time: 1 }>;
    readonly mitigations: MitigationStudy;
    readonly spares: Estimate<Dimensionless>;
    readonly repairSeconds: number;
  };
  /** What these logs cannot tell, and which log would. */
  readonly unknowable: readonly string[];
}

const SHOWN_LOOPS = 20;
const PROJECTED_ACCELERATORS = [1024, 4096, 16_384, 131_072];

/** Builds the report. Pure: the same log, options and seed give the same report. Throws an `InputError` without attempts. */
export function reliabilityReport(
  log: ClusterLog,
  sampler: Sampler,
  options: ReportOptions = {},
): ReliabilityReport {
  const { attempts: table } = log;
  const { acceleratorsPerNode = 8 } = options;
  refuseWithoutAttempts(log);
  const steps = progressOf(options);
  steps("joining runs");
  const runs = new Runs(table, options.identity);
  const nodes = new NodeSets(table);
  steps("attributing failures");
  const attributions = attributeFailures(table, nodes, log, options);
  steps("linking preemptions");
  const preemptions = linkPreemptions(runs, nodes, log.preemptions, attributions);
  steps("measuring rates");
  const exposure = nodeExposure(table, nodes, attributions);
  const evidence = clusterEvidence(log, {
    attributions,
    runs,
    moreAcceleratorsThan: options.moreAcceleratorsThan,
  });
  const counted = evidence.failures;
  const rate = failureRate(sampler, counted);
  const goodput = goodputLoss(runs, attributions, preemptions, options);
  const ownPerNodeDay =
    counted.nodeDays > 0 && counted.failures > 0
      ? counted.failures / counted.nodeDays
      : rate.rate.value("1/node/day");
  const timeline = failureTimeline(table, attributions);
  const lived = lifetimes(table, attributions);
  steps("measuring runs");
  const { shortestRunSeconds = DAY_SECONDS } = options;
  const measured = measureRuns(runs, attributions, shortestRunSeconds, options);
  const plannedNodes = options.nodes ?? Math.max(1, measured.mostNodes);
  const repairSeconds = options.repairSeconds ?? evidence.repair?.medianSeconds ?? DAY_SECONDS;
  const lemons = lemonNodes(exposure, nodes, { ...log, tickets: options.tickets }, options.lemons);
  const run = plannedRun(rate, plannedNodes, requeueWait(sampler, evidence, assumedQueue(sampler)), options);
  steps("planning");
  const [from, to] = span(log);
  return {
    log: {
      files: table.sources,
      sentences: log.readings.flatMap((reading) => reading.sentences()),
      attempts: table.length,
      runs: runs.count,
      nodes: nodes.names.length,
      acceleratorHours: goodput.acceleratorHours,
      from,
      to,
      byState: table.byState(),
    },
    failureRate: rate,
    mttf: mttfByScale(table, attributions, ownPerNodeDay),
    projections: PROJECTED_ACCELERATORS.map((accelerators) => ({
      accelerators,
      mttf: mttf(rate.rate, Estimate.exact(accelerators / acceleratorsPerNode, "node")),
    })),
    measuredEttr: measured.bySize,
    largestRuns: measured.largest,
    contours: ettrContours(plannedNodes, options.restartSeconds),
    causes: causes(attributions, goodput.acceleratorHours),
    goodput,
    preemptions: preemptionCounts(preemptions),
    crashLoops: crashLoops(runs, preemptions, attributions).slice(0, SHOWN_LOOPS),
    lemons,
    timeline: timeline && { ...timeline, ...rateHistory(timeline) },
    hazard: { weibull: fitWeibull(lived), burnIn: burnIn(lived) },
    plan: {
      nodes: plannedNodes,
      run,
      bestCheckpointInterval: optimalCheckpointInterval(run.failureRate, run.nodes, run.checkpointWrite),
      mitigations: mitigationStudy(run, { lemonShare: lemons.shareOfFailures, ...options.mitigations }),
      spares: Estimate.combine([run.failureRate, run.nodes], "1", (r, n) =>
        sparesNeeded(n, r, repairSeconds),
      ),
      repairSeconds,
    },
    unknowable: unknowable(log, exposure.unknownCulprits.length, nodes, runs.count < table.length),
  };
}

function progressOf({ progress, signal }: Supervision): (activity: string) => void {
  let done = 0;
  return (activity) => {
    signal?.throwIfAborted();
    progress?.({ activity, done: done++, total: 6, unit: "steps" });
  };
}

/** The wait for nodes before a restart where no log tells: `data/checkpoints.csv`. */
function assumedQueue(sampler: Sampler): Estimate<{ time: 1 }> {
  return new FigureTable("checkpoints").estimate(sampler, "restart", "queue", "s");
}

/** How long a checkpoint holds training up where nobody says: our choice. */
const ASSUMED_CHECKPOINT_WRITE_SECONDS = 60;

function plannedRun(
  { rate }: FailureRateEstimate,
  nodes: number,
  queue: Estimate<{ time: 1 }>,
  options: ReportOptions,
): RunEstimates {
  const assumed = { basis: "assumed" as const, sources: [] };
  const habit = (given: number | undefined, otherwise: number) =>
    given === undefined ? Estimate.exact(otherwise, "s", assumed) : Estimate.exact(given, "s");
  return {
    failureRate: rate,
    nodes: Estimate.exact(nodes, "node"),
    checkpointInterval: habit(options.checkpointIntervalSeconds, assumedHabits().checkpointIntervalSeconds),
    restart: habit(options.restartSeconds, assumedHabits().restartSeconds),
    queue,
    checkpointWrite: habit(options.checkpointWriteSeconds, ASSUMED_CHECKPOINT_WRITE_SECONDS),
    productive: Estimate.exact(options.productiveSeconds ?? 30 * DAY_SECONDS, "s"),
  };
}

function causes(attributions: Attributions, acceleratorHours: number): ReliabilityReport["causes"] {
  const byDomains = new Map<string, number>();
  for (const { domains } of attributions.known) {
    const key = domains.length === 0 ? "contradictory: more than one thing happened" : domains.join(" or ");
    byDomains.set(key, (byDomains.get(key) ?? 0) + 1);
  }
  const pairs = [
    ["PCIe error", ["XID 79"]],
    ["PCIe error", ["XID 79", "critical interrupt"]],
    ["InfiniBand link", ["GPU unavailable"]],
  ] as const;
  return {
    bySymptom: failuresBySymptom(attributions, acceleratorHours),
    byDomains: [...byDomains]
      .map(([domains, failures]) => ({ domains, failures }))
      .sort((a, b) => b.failures - a.failures),
    withoutSignal: attributions.withoutSignal,
    coOccurrences: pairs
      .map(([of, also]) => ({ of, also: also.join(" and "), ...coOccurrence(attributions, of, also) }))
      .filter(({ failures }) => failures > 0),
  };
}

function preemptionCounts({ linked, unexplained }: Preemptions): ReliabilityReport["preemptions"] {
  const byReason: Partial<Record<StartReason, number>> = {};
  for (const { reason } of linked) byReason[reason] = (byReason[reason] ?? 0) + 1;
  return {
    byReason,
    inferred: linked.filter(({ basis }) => basis === "inferred").length,
    unexplained: unexplained.length,
  };
}

function span({ attempts }: ClusterLog): [number, number] {
  let from = Number.POSITIVE_INFINITY;
  let to = Number.NEGATIVE_INFINITY;
  for (let row = 0; row < attempts.length; row++) {
    if (attempts.submit[row]! < from) from = attempts.submit[row]!;
    if (attempts.end[row]! > to) to = attempts.end[row]!;
  }
  return [from, to];
}
