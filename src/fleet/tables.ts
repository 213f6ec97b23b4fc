/** A report and a simulation as tables of text: the words and units that the terminal and the page share. */
import { type AnyEstimate, Estimate, formatEstimate, formatNumber } from "../core/index.ts";
import { LEMON_SIGNALS } from "./lemons.ts";
import type { MitigationStudy } from "./mitigations.ts";
import { mttf } from "./mttf.ts";
import type { ReliabilityReport } from "./report.ts";
import type { SimulationSummary, Spread } from "./simulator/summary.ts";

export interface ReportTable {
  readonly title: string;
  readonly columns: readonly string[];
  /** Indices of columns that are put to the right. */
  readonly numeric: readonly number[];
  readonly rows: readonly (readonly string[])[];
  /** What a reader must know to read it right. */
  readonly notes: readonly string[];
}

type Interval = { readonly low: number; readonly high: number };

const percent = (share: number): string => `${formatNumber(100 * share)} %`;
const hours = (count: number): string => formatNumber(count);
/** `9.8 to 11 days`; both units are said where they differ. */
function range({ low, high }: Interval, text: (value: number) => string): string {
  const [from, to] = [text(low), text(high)];
  const unit = / \D+$/.exec(to)?.[0];
  return `${unit !== undefined && from.endsWith(unit) ? from.slice(0, -unit.length) : from} to ${to}`;
}

/** A time in the unit that suits it; infinite where nothing bounds it. */
export function timeText(seconds: number): string {
  if (seconds === 0) return "0 s";
  return Number.isFinite(seconds) ? formatEstimate(Estimate.exact(seconds, "s")).value : "∞";
}

/** A time of day to the minute, UTC. */
export function instantText(seconds: number): string {
  return Number.isFinite(seconds)
    ? new Date(seconds * 1000).toISOString().slice(0, 16).replace("T", " ")
    : "unknown";
}

function figureRow(name: string, estimate: AnyEstimate): string[] {
  const { value, interval } = formatEstimate(estimate);
  return [name, value, interval || "exact", estimate.basis];
}

/** What was read, on one line. */
export function scopeSentence({ log }: ReliabilityReport): string {
  return `${log.attempts} attempts in ${log.runs} runs on ${log.nodes} nodes, ${hours(log.acceleratorHours)} accelerator-hours, ${instantText(log.from)} to ${instantText(log.to)} UTC`;
}

export function outlookTable({ failureRate, plan }: ReliabilityReport): ReportTable {
  const { own } = failureRate;
  return {
    title: "what to plan with",
    columns: ["figure", "median", "90 % interval", "basis"],
    numeric: [1, 2],
    rows: [
      figureRow("failure rate of a node", failureRate.rate.shownIn("1/node/day")),
      figureRow(`MTTF of a run on ${plan.nodes} nodes`, mttf(failureRate.rate, plan.run.nodes)),
      figureRow("its ETTR as it is", plan.mitigations.baseline.shownIn("%")),
      figureRow("its ETTR with all mitigations", plan.mitigations.together.ettr.shownIn("%")),
      figureRow("its best checkpoint interval", plan.bestCheckpointInterval),
      figureRow("spare nodes that suffice 99 times of 100", plan.spares),
    ],
    notes: [
      own
        ? `the log alone: ${formatNumber(own.rate)} failures per 1000 node-days [${formatNumber(own.low)}, ${formatNumber(own.high)}]; it weighs ${percent(failureRate.logWeight)} beside the rates of published clusters`
        : "the log has no exposure: the rates of published clusters stand in",
      ...(failureRate.disagreement === undefined ? [] : [failureRate.disagreement]),
      `${timeText(plan.repairSeconds)} to repair a node; ${timeText(plan.run.checkpointInterval.value("s"))} between checkpoints, each of which holds training up for ${timeText(plan.run.checkpointWrite.value("s"))}; ${timeText(plan.run.restart.value("s"))} to restart`,
    ],
  };
}

export function mttfTable({ mttf: sizes, projections }: ReliabilityReport): ReportTable {
  return {
    title: "mean time to failure by size of job",
    columns: [
      "size up to",
      "nodes",
      "attempts",
      "failures",
      "measured",
      "90 % interval",
      "1/(N r_f)",
      "fits",
    ],
    numeric: [0, 1, 2, 3, 4, 5, 6],
    rows: [
      ...sizes.map(({ size, meanNodes, attempts, failures, measuredHours, projectedHours, diverges }) => [
        String(size),
        formatNumber(meanNodes),
        String(attempts),
        String(failures),
        timeText(3600 * measuredHours.value),
        range(measuredHours, (value) => timeText(3600 * value)),
        timeText(3600 * projectedHours),
        diverges ? "no" : "yes",
      ]),
      ...projections.map(({ accelerators, mttf: projected }) => {
        const { value, interval } = formatEstimate(projected);
        return [String(accelerators), "", "", "", "", interval, value, ""];
      }),
    ],
    notes: [
      "sizes are accelerators, or nodes where the log has none; rows without attempts are projections from the rate to plan with",
      ...(sizes.some(({ diverges }) => diverges)
        ? ["where it does not fit, failures are not in proportion to nodes: look at what such jobs share"]
        : []),
    ],
  };
}

export function stateTable({ log }: ReliabilityReport): ReportTable {
  return {
    title: "how attempts ended",
    columns: ["state", "attempts", "share"],
    numeric: [1, 2],
    rows: Object.entries(log.byState)
      .sort(([, a], [, b]) => b - a)
      .map(([state, count]) => [state, String(count), percent(count / log.attempts)]),
    notes: [],
  };
}

export function ettrTable({ measuredEttr }: ReliabilityReport): ReportTable {
  return {
    title: "measured ETTR by size of run",
    columns: ["size up to", "runs", "interruptions", "ETTR", "90 % interval"],
    numeric: [0, 1, 2, 3, 4],
    rows: measuredEttr.map(({ size, runs, interruptions, ettr }) => [
      String(size),
      String(runs),
      String(interruptions),
      percent(ettr.value),
      range(ettr, percent),
    ]),
    notes: [
      measuredEttr.length === 0
        ? "no run lasted as long as --shortest-run"
        : "all productive over all wall-clock time; the interval is the work that interruptions may have thrown away",
    ],
  };
}

export function largestRunsTable({ largestRuns }: ReliabilityReport): ReportTable {
  return {
    title: "runs that took the most accelerator-hours",
    columns: ["job", "name", "size", "attempts", "interruptions", "ran", "waited", "lost", "ETTR"],
    numeric: [2, 3, 4, 5, 6, 7, 8],
    rows: largestRuns.map((run) => [
      run.job,
      run.name,
      String(run.accelerators || run.nodes),
      String(run.attempts),
      String(run.interruptions),
      timeText(run.runningSeconds),
      timeText(run.queueSeconds),
      timeText(run.lostSeconds),
      percent(run.ettr.value),
    ]),
    notes: [],
  };
}

export function causeTable({ causes }: ReliabilityReport): ReportTable {
  return {
    title: "causes of hardware failures",
    columns: ["symptom", "failures", "per million accelerator-hours"],
    numeric: [1, 2],
    rows: causes.bySymptom.map(({ symptom, failures, perMillionAcceleratorHours }) => [
      symptom,
      String(failures),
      formatNumber(perMillionAcceleratorHours),
    ]),
    notes: [
      ...causes.byDomains.map(
        ({ domains, failures }) => `${failures} failed attempts leave ${domains} to blame`,
      ),
      `${causes.withoutSignal} failed attempts show no signal at all, so nothing can be excluded`,
      ...causes.coOccurrences.map(
        ({ of, also, failures, together, share }) =>
          `${together} of ${failures} failures with ${of} also show ${also} (${percent(share)})`,
      ),
    ],
  };
}

export function goodputTable({ goodput, preemptions }: ReliabilityReport): ReportTable {
  const row = (name: string, lost: number) => [name, hours(lost), percent(lost / goodput.acceleratorHours)];
  const reasons = Object.entries(preemptions.byReason).map(([reason, count]) => `${count} ${reason}`);
  return {
    title: "accelerator-hours lost",
    columns: ["to", "accelerator-hours", "of all"],
    numeric: [1, 2],
    rows: [
      row("failures themselves", goodput.firstOrderHours),
      row("preemptions by jobs restarting after a failure", goodput.secondOrderHours),
      row("preemptions by other requeued jobs", goodput.requeuePreemptionHours),
      row("all other preemptions", goodput.otherPreemptionHours),
    ],
    notes: [
      ...(reasons.length === 0
        ? []
        : [`preemptions, by why the other job was starting: ${reasons.join(", ")}`]),
      ...(preemptions.inferred === 0
        ? []
        : [`for ${preemptions.inferred} of them the other job is inferred from times and nodes`]),
      ...(preemptions.unexplained === 0
        ? []
        : [`for ${preemptions.unexplained} no job is found that took the place`]),
    ],
  };
}

export function crashLoopTable({ crashLoops }: ReliabilityReport): ReportTable {
  return {
    title: "crash loops",
    columns: ["job", "name", "size", "restarts", "jobs pushed out", "their accelerators"],
    numeric: [2, 3, 4, 5],
    rows: crashLoops.map((loop) => [
      loop.job,
      loop.name,
      String(loop.accelerators),
      String(loop.restarts),
      String(loop.victims.length),
      String(loop.victimAccelerators),
    ]),
    notes: [],
  };
}

export function lemonTable({ lemons }: ReliabilityReport): ReportTable {
  return {
    title: "suspected lemon nodes",
    columns: ["node", "failures", "expected", "node-days", "p", "q", "verdict", "high signals"],
    numeric: [1, 2, 3, 4, 5],
    rows: lemons.nodes.map((lemon) => [
      lemon.node,
      formatNumber(lemon.failures),
      formatNumber(lemon.expectedFailures),
      formatNumber(lemon.nodeDays),
      formatNumber(lemon.p, 2),
      formatNumber(lemon.q, 2),
      lemon.flagged ? "lemon" : "watch",
      lemon.exceeded.map((name) => `${name} ${formatNumber(lemon.signals[name])}`).join(", "),
    ]),
    notes: [
      ...(lemons.nodes.length === 0 ? ["no node fails more often than chance allows"] : []),
      lemons.sentence,
      `"lemon": more failures than a node of the rest of the fleet (${formatNumber(1000 * lemons.fleetRate)} per 1000 node-days) would have in the same exposure, at the false-discovery rate asked; "watch": at least two of ${LEMON_SIGNALS.length} signals among the highest of all nodes`,
    ],
  };
}

export function historyTable({ timeline, hazard }: ReliabilityReport): ReportTable {
  const notes: string[] = [];
  if (hazard.weibull) {
    const { shape, pExponential } = hazard.weibull;
    notes.push(
      `Weibull shape ${formatNumber(shape.value)} [${formatNumber(shape.low)}, ${formatNumber(shape.high)}], p = ${formatNumber(pExponential, 2)} against a constant hazard`,
    );
  }
  if (hazard.burnIn) {
    const { firstSeconds, early, late } = hazard.burnIn;
    notes.push(
      `in the first ${timeText(firstSeconds)} of an attempt ${formatNumber(early.rate)} failures per 1000 node-days, afterwards ${formatNumber(late.rate)}`,
    );
  }
  return {
    title: "the failure rate over time",
    columns: ["from", "to", "failures", "node-days", "per 1000 node-days", "90 % interval", "step within"],
    numeric: [2, 3, 4, 5],
    rows: (timeline?.segments ?? []).map((segment) => {
      const change = timeline?.changes.find(({ time }) => time === segment.start);
      return [
        instantText(segment.start),
        instantText(segment.end),
        formatNumber(segment.failures),
        formatNumber(segment.nodeDays),
        formatNumber(segment.rate.rate),
        range(segment.rate, (rate) => formatNumber(rate)),
        change ? `${instantText(change.low)} to ${instantText(change.high)}` : "",
      ];
    }),
    notes,
  };
}

export function mitigationTable({ baseline, singly, together }: MitigationStudy): ReportTable {
  const base = formatEstimate(baseline.shownIn("%"));
  return {
    title: "what would help",
    columns: ["mitigation", "ETTR", "90 % interval", "run ends sooner by", "what changes"],
    numeric: [1, 2, 3],
    rows: [
      ["as it is", base.value, base.interval || "exact", "", ""],
      ...[...singly, together].map(({ name, change, ettr, gain }) => {
        const { value, interval } = formatEstimate(ettr.shownIn("%"));
        const sooner = percent(1 - 1 / gain.value());
        return [name, value, interval || "exact", sooner, name === together.name ? "all of these" : change];
      }),
    ],
    notes: ["each alone, best first; gains are within the same draws, so they are surer than the intervals"],
  };
}

/** Every table of the account, in the order in which they are read. Tables that say nothing are left out. */
export function reportTables(report: ReliabilityReport): ReportTable[] {
  return [
    outlookTable(report),
    mttfTable(report),
    stateTable(report),
    ettrTable(report),
    causeTable(report),
    goodputTable(report),
    crashLoopTable(report),
    lemonTable(report),
    historyTable(report),
    mitigationTable(report.plan.mitigations),
  ].filter(({ rows, notes }) => rows.length > 0 || notes.length > 0);
}

export function simulationTables(summary: SimulationSummary): ReportTable[] {
  const spread = ({ median, low, high }: Spread, text: (value: number) => string) =>
    summary.repeats === 1 ? text(median) : `${text(median)} [${text(low)}, ${text(high)}]`;
  const every = summary.repeats === 1 ? [] : [`median and 90 % of ${summary.repeats} simulations`];
  return [
    {
      title: "the cluster",
      columns: ["figure", "value"],
      numeric: [],
      rows: [
        ["simulated time", spread(summary.wallclockSeconds, timeText)],
        ["jobs finished", spread(summary.finished, formatNumber)],
        ["failures of nodes", spread(summary.nodeFailures, formatNumber)],
        ["interruptions of jobs by failures", spread(summary.interruptions, formatNumber)],
        ["preemptions", spread(summary.preemptions, formatNumber)],
        ["of these by jobs restarting after a failure", spread(summary.secondOrderPreemptions, formatNumber)],
        ["ETTR of finished jobs, by accelerator-hours", spread(summary.ettr, percent)],
        ["goodput: productive of all accelerator-hours", spread(summary.goodput, percent)],
      ],
      notes: every,
    },
    {
      title: "where accelerator-hours go",
      columns: ["to", "share"],
      numeric: [],
      rows: summary.shares.map(({ name, share }) => [name, spread(share, percent)]),
      notes: [],
    },
    {
      title: "by size of job",
      columns: ["accelerators up to", "jobs", "ETTR", "restarts a job", "median wait", "90th percentile"],
      numeric: [0, 1],
      rows: summary.bySize.map((size) => [
        String(size.accelerators),
        String(size.jobs),
        spread(size.ettr, percent),
        spread(size.restarts, formatNumber),
        spread(size.medianWaitSeconds, timeText),
        spread(size.longWaitSeconds, timeText),
      ]),
      notes: ["ETTR is of finished jobs; waits are all the time that a job was eligible and not running"],
    },
  ];
}
