/** The jobs that a simulation runs, in columns: made by hand, drawn, or taken from a real log. */
import type { RandomStream } from "../../core/index.ts";
import { accountRun, type CheckpointHabits, type Runs } from "../runs.ts";

export interface SimulatedJobs {
  /** Seconds; ascending. */
  readonly submitSeconds: Float64Array;
  readonly accelerators: Int32Array;
  /** Productive time that the job needs. */
  readonly workSeconds: Float64Array;
  /** Higher goes first, and may preempt lower. */
  readonly priority: Int32Array;
  /** What users ask for, which backfill believes. Left out: twice the work. */
  readonly limitSeconds?: Float64Array | undefined;
}

/** What a job asks for, in seconds. */
export function limitOf(jobs: SimulatedJobs, job: number): number {
  return jobs.limitSeconds?.[job] ?? 2 * jobs.workSeconds[job]!;
}

export interface JobMix {
  readonly accelerators: number;
  /** Relative frequency. */
  readonly weight: number;
  readonly meanWorkSeconds: number;
  readonly priority?: number | undefined;
}

/** Draws `count` jobs that arrive as a Poisson process over `spanSeconds`, with exponential work, from a mix of kinds. */
export function drawJobs(
  count: number,
  spanSeconds: number,
  mix: readonly JobMix[],
  stream: RandomStream,
): SimulatedJobs {
  const total = mix.reduce((sum, { weight }) => sum + weight, 0);
  const kindOf = (u: number): JobMix => {
    let left = u * total;
    for (const kind of mix) {
      left -= kind.weight;
      if (left < 0) return kind;
    }
    return mix.at(-1)!;
  };
  const kinds = Array.from({ length: count }, () => kindOf(stream.uniform()));
  return {
    // Arrivals of a Poisson process, given their number, are uniform.
    submitSeconds: Float64Array.from({ length: count }, () => stream.uniform() * spanSeconds).sort(),
    accelerators: Int32Array.from(kinds, ({ accelerators }) => accelerators),
    workSeconds: Float64Array.from(kinds, ({ meanWorkSeconds }) => stream.exponential(1 / meanWorkSeconds)),
    priority: Int32Array.from(kinds, ({ priority = 0 }) => priority),
  };
}

export interface ReplayOptions extends CheckpointHabits {
  /** Priority of a job, from the row of its first attempt. Default 0 for all. */
  readonly priority?: ((row: number) => number) | undefined;
  /** Tells FAILED attempts that the hardware ended. */
  readonly hardwareFailure?: ((row: number) => boolean) | undefined;
}

/**
 * The jobs of a real log, to be run again under another policy: each run arrives when it was first submitted and needs
 * the productive time that its account gives it. Jobs without accelerators take a node each.
 */
export function jobsOfLog(
  runs: Runs,
  options: ReplayOptions = {},
): SimulatedJobs & { readonly run: Int32Array } {
  const { table } = runs;
  const replayed: { run: number; submit: number; row: number; work: number; size: number; limit: number }[] =
    [];
  for (let run = 0; run < runs.count; run++) {
    const row = runs.rowsOf(run)[0]!;
    const submit = table.submit[row]!;
    const account = accountRun(runs, run, options, options.hardwareFailure);
    // A job that never did anything takes no room in the replay either.
    if (Number.isNaN(submit) || !(account.productiveSeconds > 0)) continue;
    const limit = table.timeLimitSeconds[row]!;
    replayed.push({
      run,
      submit,
      row,
      work: account.productiveSeconds,
      size: account.accelerators || account.nodes,
      limit: limit > 0 ? limit : 2 * account.productiveSeconds,
    });
  }
  replayed.sort((a, b) => a.submit - b.submit || a.run - b.run);
  return {
    run: Int32Array.from(replayed, ({ run }) => run),
    submitSeconds: Float64Array.from(replayed, ({ submit }) => submit),
    accelerators: Int32Array.from(replayed, ({ size }) => size),
    workSeconds: Float64Array.from(replayed, ({ work }) => work),
    priority: Int32Array.from(replayed, ({ row }) => options.priority?.(row) ?? 0),
    limitSeconds: Float64Array.from(replayed, ({ limit }) => limit),
  };
}
