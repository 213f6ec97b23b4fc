/** What simulations say, over repeats with different seeds: ETTR, goodput and waits, by size of job. */
import { quantile } from "../../core/index.ts";
import { sizeBucket } from "../sizes.ts";
import type { SimulatedJobs } from "./jobs.ts";
import type { SimulatedHours, SimulationResult } from "./scenario.ts";

/** Productive over wall-clock time of a finished job: the measured ETTR of the paper. */
export function simulatedEttr(jobs: SimulatedJobs, result: SimulationResult, job: number): number {
  return jobs.workSeconds[job]! / (result.queueSeconds[job]! + result.runningSeconds[job]!);
}

/** Median and central 90 % over the repeats. */
export interface Spread {
  readonly median: number;
  readonly low: number;
  readonly high: number;
}

export interface SimulationSummary {
  readonly repeats: number;
  readonly jobs: number;
  readonly finished: Spread;
  readonly wallclockSeconds: Spread;
  readonly nodeFailures: Spread;
  readonly interruptions: Spread;
  readonly preemptions: Spread;
  readonly secondOrderPreemptions: Spread;
  /** Productive over wall-clock time of the jobs that finished, weighed by accelerators. */
  readonly ettr: Spread;
  /** Productive over all accelerator-hours of the cluster, idle and down included. */
  readonly goodput: Spread;
  /** What became of all accelerator-hours; the shares of one simulation add up to one. */
  readonly shares: readonly { readonly name: string; readonly share: Spread }[];
  readonly bySize: readonly {
    /** Upper bound of the bucket. */
    readonly accelerators: number;
    readonly jobs: number;
    readonly ettr: Spread;
    readonly restarts: Spread;
    readonly medianWaitSeconds: Spread;
    /** 90th percentile. */
    readonly longWaitSeconds: Spread;
  }[];
}

const SHARES: readonly (readonly [keyof SimulatedHours, string])[] = [
  ["productive", "productive work"],
  ["restart", "restarting"],
  ["checkpointWrite", "writing checkpoints"],
  ["lostToFailures", "work lost to failures"],
  ["lostToRestarts", "work lost to preemptions after failures"],
  ["lostToPreemptions", "work lost to other preemptions"],
  ["down", "nodes down"],
  ["idle", "idle"],
];

interface Simulated {
  readonly jobs: SimulatedJobs;
  readonly result: SimulationResult;
}

/** Sums up simulations of equally many jobs each. What no simulation has is NaN. */
export function summariseSimulations(runs: readonly [Simulated, ...Simulated[]]): SimulationSummary {
  const over = (of: (result: SimulationResult) => number) => spread(runs.map(({ result }) => of(result)));
  return {
    repeats: runs.length,
    jobs: runs[0].jobs.submitSeconds.length,
    finished: over(({ finished }) => finished),
    wallclockSeconds: spread(runs.map(({ jobs, result }) => result.endSeconds - jobs.submitSeconds[0]!)),
    nodeFailures: over(({ nodeFailures, domainFailures }) => nodeFailures + domainFailures),
    interruptions: over(({ interruptions }) => interruptions),
    preemptions: over(({ preemptions }) => preemptions),
    secondOrderPreemptions: over(({ secondOrderPreemptions }) => secondOrderPreemptions),
    ettr: spread(runs.map((run) => weighedEttr(run, allJobs(run)))),
    goodput: over(({ hours }) => hours.productive / totalHours(hours)),
    shares: SHARES.map(([key, name]) => ({
      name,
      share: over(({ hours }) => hours[key] / totalHours(hours)),
    })),
    bySize: sizesOf(runs).map((bucket) => summariseSize(runs, bucket)),
  };
}

function summariseSize(runs: readonly Simulated[], bucket: number): SimulationSummary["bySize"][number] {
  const members = runs.map((run) =>
    allJobs(run).filter((job) => sizeBucket(run.jobs.accelerators[job]!) === bucket),
  );
  const over = (of: (run: Simulated, own: readonly number[]) => number) =>
    spread(runs.map((run, i) => (members[i]!.length === 0 ? Number.NaN : of(run, members[i]!))));
  const wait = (probability: number) =>
    over(({ result }, own) =>
      quantile(
        own.map((job) => result.queueSeconds[job]!),
        probability,
      ),
    );
  return {
    accelerators: bucket,
    jobs: members[0]!.length,
    ettr: over(weighedEttr),
    restarts: over(
      ({ result }, own) => own.reduce((sum, job) => sum + result.restarts[job]!, 0) / own.length,
    ),
    medianWaitSeconds: wait(0.5),
    longWaitSeconds: wait(0.9),
  };
}

function spread(values: readonly number[]): Spread {
  const known = values.filter((value) => !Number.isNaN(value));
  if (known.length === 0) return { median: Number.NaN, low: Number.NaN, high: Number.NaN };
  return { median: quantile(known, 0.5), low: quantile(known, 0.05), high: quantile(known, 0.95) };
}

function sizesOf(runs: readonly Simulated[]): number[] {
  const sizes = new Set<number>();
  for (const { jobs } of runs) for (const size of jobs.accelerators) sizes.add(sizeBucket(size));
  return [...sizes].sort((a, b) => a - b);
}

function allJobs({ jobs }: Simulated): number[] {
  return Array.from(jobs.accelerators.keys());
}

function totalHours(hours: SimulatedHours): number {
  return Object.values(hours).reduce((sum: number, part: number) => sum + part, 0);
}

/** Productive over wall-clock time of the jobs that finished, weighed by accelerators; NaN where none did. */
function weighedEttr({ jobs, result }: Simulated, members: readonly number[]): number {
  let [productive, wallclock] = [0, 0];
  for (const job of members) {
    if (Number.isNaN(result.endedAt[job]!)) continue;
    const work = jobs.workSeconds[job]! * jobs.accelerators[job]!;
    productive += work;
    wallclock += work / simulatedEttr(jobs, result, job);
  }
  return productive / wallclock;
}
