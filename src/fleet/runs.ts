/**
 * Job runs: the attempts of one training task, joined. A run's wall-clock time is the time in which one of its attempts
 * ran or was eligible and waited; its productive time is what remains of the running time without restarts, checkpoint
 * writes and the work since the last checkpoint that interruptions threw away. Their ratio is the measured ETTR.
 *
 * Source: arXiv:2410.21680, section on ETTR. Accounting does not see checkpoints, so their interval and the restart
 * time are given, and the work lost to one interruption is uniform over the interval (less if the attempt was shorter).
 */
import type { AttemptTable } from "./attempts.ts";
import { failureFigures } from "./failure-rate.ts";
import { STATE_CODE } from "./states.ts";

/** How attempts are known to belong to one run. */
export type RunIdentity =
  /** Same job id: requeues only. */
  | { readonly by: "job" }
  /** Same user and name, each starting after the last ended unfinished, at most `maxGapSeconds` later. */
  | { readonly by: "name"; readonly maxGapSeconds: number }
  /** Tasks of one array that ran one after another (`--array=1-10%1`). */
  | { readonly by: "array" }
  /** Same non-empty comment, as in `--comment=run:llm1`. */
  | { readonly by: "comment" }
  /** Same key; an undefined key stands for the job id. */
  | { readonly by: "key"; readonly key: (table: AttemptTable, row: number) => string | undefined };

/** Attempts grouped into runs: the rows of each run in the order in which they started. */
export class Runs {
  readonly table: AttemptTable;
  /** Run of each row. */
  readonly runOf: Int32Array;
  readonly count: number;
  readonly #offsets: Int32Array;
  readonly #rows: Int32Array;
  /** Position of each row among its run's. */
  readonly #positions: Int32Array;

  constructor(table: AttemptTable, identity: RunIdentity = { by: "job" }) {
    this.table = table;
    const { runOf, count } = group(table, identity);
    this.runOf = runOf;
    this.count = count;
    this.#offsets = new Int32Array(count + 1);
    for (const run of runOf) this.#offsets[run + 1]!++;
    for (let run = 0; run < count; run++) this.#offsets[run + 1]! += this.#offsets[run]!;
    const next = this.#offsets.slice();
    this.#rows = new Int32Array(table.length);
    for (let row = 0; row < table.length; row++) this.#rows[next[runOf[row]!]!++] = row;
    this.#positions = new Int32Array(table.length);
    for (let run = 0; run < count; run++) {
      if (this.length(run) === 1) continue;
      const rows = this.rowsOf(run);
      rows.sort((a, b) => beginning(table, a) - beginning(table, b) || a - b);
      for (let i = 0; i < rows.length; i++) this.#positions[rows[i]!] = i;
    }
  }

  /** The attempts of a run, first to last. */
  rowsOf(run: number): Int32Array {
    return this.#rows.subarray(this.#offsets[run]!, this.#offsets[run + 1]!);
  }

  /** How many attempts a run has. */
  length(run: number): number {
    return this.#offsets[run + 1]! - this.#offsets[run]!;
  }

  /** The first attempt of a run. */
  first(run: number): number {
    return this.#rows[this.#offsets[run]!]!;
  }

  /** The last attempt of a run. */
  last(run: number): number {
    return this.#rows[this.#offsets[run + 1]! - 1]!;
  }

  /** The attempt of the same run before this one, or -1. */
  previous(row: number): number {
    const position = this.#positions[row]!;
    return position === 0 ? -1 : this.#rows[this.#offsets[this.runOf[row]!]! + position - 1]!;
  }
}

/** When an attempt begins: its start, or where it never started the time at which it was submitted. */
function beginning(table: AttemptTable, row: number): number {
  const start = table.start[row]!;
  if (!Number.isNaN(start)) return start;
  const submit = table.submit[row]!;
  return Number.isNaN(submit) ? Number.POSITIVE_INFINITY : submit;
}

function group(table: AttemptTable, identity: RunIdentity): { runOf: Int32Array; count: number } {
  const runOf = new Int32Array(table.length);
  const { index } = table;
  let count = 0;
  // One job id is one run, whatever else joins runs.
  for (let row = 0; row < table.length; row++) {
    const previous = index.previous[row]!;
    runOf[row] = previous < 0 ? count++ : runOf[previous]!;
  }
  if (identity.by === "job") return { runOf, count };
  return join(table, runOf, count, identity);
}

/** Joins the runs of single jobs further; those that share a key become one. */
function join(
  table: AttemptTable,
  jobRun: Int32Array,
  jobRuns: number,
  identity: Exclude<RunIdentity, { by: "job" }>,
): { runOf: Int32Array; count: number } {
  // First beginning, last end, and last row of each job.
  const begins = new Float64Array(jobRuns).fill(Number.POSITIVE_INFINITY);
  const ends = new Float64Array(jobRuns).fill(Number.NEGATIVE_INFINITY);
  const lastRow = new Int32Array(jobRuns);
  for (let row = 0; row < table.length; row++) {
    const run = jobRun[row]!;
    begins[run] = Math.min(begins[run]!, beginning(table, row));
    const end = table.end[row]!;
    if (!(end < ends[run]!)) {
      ends[run] = Number.isNaN(end) ? Number.POSITIVE_INFINITY : end;
      lastRow[run] = row;
    }
  }
  const members = new Map<string, number[]>();
  for (let run = 0; run < jobRuns; run++) {
    const key = keyOf(table, lastRow[run]!, identity);
    if (key === undefined) continue;
    const known = members.get(key);
    if (known) known.push(run);
    else members.set(key, [run]);
  }
  const joined = Int32Array.from({ length: jobRuns }, (_, run) => run);
  const maxGap = identity.by === "name" ? identity.maxGapSeconds : Number.POSITIVE_INFINITY;
  const anyTime = identity.by === "comment" || identity.by === "key";
  for (const runs of members.values()) {
    runs.sort((a, b) => begins[a]! - begins[b]!);
    for (let i = 1; i < runs.length; i++) {
      const [before, after] = [runs[i - 1]!, runs[i]!];
      const gap = begins[after]! - ends[before]!;
      const unfinished = identity.by === "array" || table.state[lastRow[before]!] !== STATE_CODE.COMPLETED;
      if (anyTime || (gap >= 0 && gap <= maxGap && unfinished)) joined[after] = joined[before]!;
    }
  }
  const numbers = new Int32Array(jobRuns).fill(-1);
  let count = 0;
  const runOf = jobRun.map((run) => {
    const first = joined[run]!;
    if (numbers[first] === -1) numbers[first] = count++;
    return numbers[first]!;
  });
  return { runOf, count };
}

function keyOf(
  table: AttemptTable,
  row: number,
  identity: Exclude<RunIdentity, { by: "job" }>,
): string | undefined {
  switch (identity.by) {
    case "name":
      return table.name[row] === 0 ? undefined : `${table.user[row]}/${table.name[row]}`;
    case "array":
      return Number.isNaN(table.arrayJob[row]!) ? undefined : String(table.arrayJob[row]);
    case "comment":
      return table.comment[row] === 0 ? undefined : String(table.comment[row]);
    case "key":
      return identity.key(table, row);
  }
}

/** What accounting cannot see, and a person must say; by default what the paper assumes. */
export interface CheckpointHabits {
  /** Default one hour. */
  readonly checkpointIntervalSeconds?: number | undefined;
  /** From the start of an attempt to its first step. Default 5 minutes. */
  readonly restartSeconds?: number | undefined;
  /** Time that writing a checkpoint holds training up. Default 0. */
  readonly checkpointWriteSeconds?: number | undefined;
}

let assumed: { readonly checkpointIntervalSeconds: number; readonly restartSeconds: number } | undefined;

/** The paper's assumptions, from `data/failures.csv`. */
export function assumedHabits(): {
  readonly checkpointIntervalSeconds: number;
  readonly restartSeconds: number;
} {
  const seconds = (figure: string) => {
    const { value, unit } = failureFigures().get("ETTR assumptions", figure);
    return value * unit.scale;
  };
  assumed ??= {
    checkpointIntervalSeconds: seconds("checkpoint interval"),
    restartSeconds: seconds("restart time"),
  };
  return assumed;
}

export interface RunAccount {
  readonly run: number;
  readonly job: string;
  readonly name: string;
  readonly attempts: number;
  /** Attempts that ended before they were done: node failure, hardware, preemption, requeue. */
  readonly interruptions: number;
  readonly nodes: number;
  readonly accelerators: number;
  /** Eligible and waiting, over all attempts. */
  readonly queueSeconds: number;
  /** Requeued but not yet eligible: Slurm holds a requeued job for two minutes by default. Not in the wall-clock time. */
  readonly holdOffSeconds: number;
  readonly runningSeconds: number;
  readonly restartSeconds: number;
  readonly checkpointWriteSeconds: number;
  /** Expected work thrown away. */
  readonly lostSeconds: number;
  readonly productiveSeconds: number;
  readonly wallclockSeconds: number;
  /** Productive over wall-clock time, with the 90 % interval that not seeing checkpoints leaves. */
  readonly ettr: { readonly value: number; readonly low: number; readonly high: number };
}

const Z90 = 1.6448536269514722;

/** The account of one run. `hardwareFailure` tells FAILED attempts that the hardware ended from those a user's bug did. */
export function accountRun(
  runs: Runs,
  run: number,
  habits: CheckpointHabits = {},
  hardwareFailure: (row: number) => boolean = () => false,
): RunAccount {
  const {
    checkpointIntervalSeconds: dt = assumedHabits().checkpointIntervalSeconds,
    restartSeconds: u0 = assumedHabits().restartSeconds,
    checkpointWriteSeconds: w = 0,
  } = habits;
  const { table } = runs;
  const rows = runs.rowsOf(run);
  let [queue, holdOff, running, restart, write, lost, lostVariance, lostMost, interruptions] =
    new Float64Array(9);
  let nodes = 0;
  let accelerators = 0;
  for (let i = 0; i < rows.length; i++) {
    const row = rows[i]!;
    const submit = table.submit[row]!;
    const eligible = Number.isNaN(table.eligible[row]!) ? submit : table.eligible[row]!;
    const start = table.start[row]!;
    // An attempt that ended before it started waited all its life.
    const waited = (Number.isNaN(start) ? table.end[row]! : start) - eligible;
    if (waited > 0) queue! += waited;
    const repeated = i > 0 && table.job[rows[i - 1]!] === table.job[row];
    if (repeated && eligible > submit) holdOff! += eligible - submit;
    nodes = Math.max(nodes, table.nodes[row]!);
    accelerators = Math.max(accelerators, table.accelerators[row]!);
    const ran = table.elapsedSeconds[row]!;
    if (!(ran > 0)) continue;
    running! += ran;
    const starting = Math.min(ran, u0);
    restart! += starting;
    const training = ran - starting;
    const writing = (training * w) / (dt + w);
    write! += writing;
    if (!isInterrupted(table, row, hardwareFailure)) continue;
    interruptions!++;
    const loss = lossMoments(training - writing, dt);
    lost! += loss.mean;
    lostVariance! += loss.variance;
    lostMost! += Math.min(training - writing, dt);
  }
  const wallclock = queue! + running!;
  const useful = running! - restart! - write!;
  const spread = Z90 * Math.sqrt(lostVariance!);
  const share = (loss: number) => (wallclock > 0 ? (useful - loss) / wallclock : Number.NaN);
  const first = rows[0]!;
  return {
    run,
    job: table.jobText(table.job[first]!),
    name: table.texts.text(table.name[first]!),
    attempts: rows.length,
    interruptions: interruptions!,
    nodes,
    accelerators,
    queueSeconds: queue!,
    holdOffSeconds: holdOff!,
    runningSeconds: running!,
    restartSeconds: restart!,
    checkpointWriteSeconds: write!,
    lostSeconds: lost!,
    productiveSeconds: useful - lost!,
    wallclockSeconds: wallclock,
    ettr: {
      value: share(lost!),
      low: share(Math.min(lost! + spread, lostMost!)),
      high: share(Math.max(lost! - spread, 0)),
    },
  };
}

/** Ended by something other than its own program or its user. */
export function isInterrupted(
  table: AttemptTable,
  row: number,
  hardwareFailure: (row: number) => boolean = () => false,
): boolean {
  const state = table.state[row];
  return (
    state === STATE_CODE.NODE_FAIL ||
    state === STATE_CODE.PREEMPTED ||
    state === STATE_CODE.REQUEUED ||
    (state === STATE_CODE.FAILED && hardwareFailure(row))
  );
}

/** Mean and variance of min(T, U) with U uniform on (0, dt): the work that an interruption after T of it throws away. */
export function lossMoments(
  workSeconds: number,
  intervalSeconds: number,
): { mean: number; variance: number } {
  const T = workSeconds;
  const dt = intervalSeconds;
  const mean = T < dt ? T - (T * T) / (2 * dt) : dt / 2;
  const square = T < dt ? T * T - (2 * T ** 3) / (3 * dt) : (dt * dt) / 3;
  return { mean, variance: Math.max(0, square - mean * mean) };
}
