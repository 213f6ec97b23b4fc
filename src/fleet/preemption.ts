/**
 * Who preempted whom, and why that job was starting: a preemption by a job that starts again after a failure is a
 * second-order loss of that failure. The instigator is known from slurmctld's log, and inferred without it.
 *
 * Source: arXiv:2410.21680, goodput loss and crash loops.
 */

import type { AttemptTable } from "./attempts.ts";
import type { Attributions } from "./attribution.ts";
import { groupBy } from "./group.ts";
import type { NodeSets } from "./nodelist.ts";
import type { Preemption } from "./readers/slurmctld.ts";
import { isInterrupted, type Runs } from "./runs.ts";
import { STATE_CODE } from "./states.ts";

/** Why the instigator was starting. */
export type StartReason =
  | "first start"
  | "after a node failure"
  | "after a hardware failure"
  | "after a requeue"
  | "after a preemption"
  | "after another end";

export interface LinkedPreemption {
  /** Row of the attempt that was preempted. */
  readonly victim: number;
  /** Row of the attempt that started in its place. */
  readonly instigator: number;
  readonly basis: "controller log" | "inferred";
  readonly reason: StartReason;
}

export interface Preemptions {
  readonly linked: readonly LinkedPreemption[];
  /** Rows of preempted attempts for which no instigator was found. */
  readonly unexplained: readonly number[];
}

/** The log's and accounting's times of one preemption differ by up to this much. */
const CLOCK_SLACK_SECONDS = 5;
/** Without the controller's log: how long after a victim's end its instigator starts at the latest. Our choice. */
export const INSTIGATOR_START_SECONDS = 30;

/** Links every PREEMPTED attempt to the attempt that took its place. */
export function linkPreemptions(
  runs: Runs,
  nodes: NodeSets,
  logged: readonly Preemption[],
  attributions: Attributions,
): Preemptions {
  const { table } = runs;
  const victims: number[] = [];
  for (let row = 0; row < table.length; row++) {
    if (table.state[row] === STATE_CODE.PREEMPTED) victims.push(row);
  }
  if (victims.length === 0) return { linked: [], unexplained: [] };
  const loggedByVictim = groupBy(logged, ({ victim }) => victim);
  const instigators = new Set(logged.map(({ instigator }) => instigator));
  const rowsByJob = new Map<string, number[]>();
  for (let row = 0; row < table.length && instigators.size > 0; row++) {
    const job = table.jobText(table.job[row]!);
    if (Number.isNaN(table.start[row]!) || !instigators.has(job)) continue;
    const rows = rowsByJob.get(job);
    if (rows) rows.push(row);
    else rowsByJob.set(job, [row]);
  }
  const starts = new StartIndex(table);

  const fromLog = (victim: number): number => {
    const end = table.end[victim]!;
    const entry = nearest(
      loggedByVictim.get(table.jobText(table.job[victim]!)) ?? [],
      ({ time }) => Math.abs(time - end),
      CLOCK_SLACK_SECONDS,
    );
    if (!entry) return -1;
    const rows = rowsByJob.get(entry.instigator) ?? [];
    // The log's time is the decision: the instigator starts then, or once its victims are gone.
    const after = rows.filter((row) => table.start[row]! >= Math.floor(entry.time) - 1);
    return nearest(after, (row) => table.start[row]! - entry.time, Number.POSITIVE_INFINITY) ?? -1;
  };
  const inferred = (victim: number): number => {
    const end = table.end[victim]!;
    const own = new Set(nodes.of(victim));
    if (own.size === 0) return -1;
    return starts.first(end - 1, end + INSTIGATOR_START_SECONDS, (row) => {
      if (table.job[row] === table.job[victim] || !outranks(runs, row, victim)) return false;
      return nodes.of(row).some((node) => own.has(node));
    });
  };

  const linked: LinkedPreemption[] = [];
  const unexplained: number[] = [];
  for (const victim of victims) {
    const told = logged.length > 0 ? fromLog(victim) : -1;
    const instigator = told >= 0 ? told : inferred(victim);
    if (instigator < 0) unexplained.push(victim);
    else {
      linked.push({
        victim,
        instigator,
        basis: told >= 0 ? "controller log" : "inferred",
        reason: startReason(runs, instigator, attributions),
      });
    }
  }
  return { linked, unexplained };
}

/** A job of the victim's own rank does not preempt it: another partition or QOS does, or a higher priority. */
function outranks({ table }: Runs, row: number, victim: number): boolean {
  return (
    table.partition[row] !== table.partition[victim] ||
    table.qos[row] !== table.qos[victim] ||
    table.priority[row]! > table.priority[victim]!
  );
}

/** Why an attempt was starting, by how the attempt of its run before it ended. */
export function startReason(runs: Runs, row: number, attributions: Attributions): StartReason {
  const before = runs.previous(row);
  if (before < 0) return "first start";
  const state = runs.table.state[before];
  if (state === STATE_CODE.NODE_FAIL) return "after a node failure";
  if (state === STATE_CODE.FAILED && attributions.isHardware(before)) return "after a hardware failure";
  if (state === STATE_CODE.REQUEUED) return "after a requeue";
  if (state === STATE_CODE.PREEMPTED) return "after a preemption";
  return "after another end";
}

export interface CrashLoop {
  readonly run: number;
  readonly job: string;
  readonly name: string;
  readonly accelerators: number;
  /** Starts after the first. */
  readonly restarts: number;
  /** Preemptions by its restarts, by row of the victim. */
  readonly victims: readonly number[];
  readonly victimAccelerators: number;
}

/** A run is looping after so many ends in a row that were not preemptions, each before the next attempt got anywhere. */
const LOOP_RESTARTS = 3;

/**
 * Runs that came back again and again after failing or being requeued within `shortSeconds` (default 10 minutes), with
 * the jobs that their restarts pushed out.
 */
export function crashLoops(
  runs: Runs,
  preemptions: Preemptions,
  attributions: Attributions,
  shortSeconds = 600,
): CrashLoop[] {
  const { table } = runs;
  const victimsOf = groupBy(preemptions.linked, ({ instigator }) => runs.runOf[instigator]!);
  const loops: CrashLoop[] = [];
  for (let run = 0; run < runs.count; run++) {
    if (runs.length(run) <= LOOP_RESTARTS) continue;
    const rows = runs.rowsOf(run);
    let streak = 0;
    let longest = 0;
    for (const row of rows) {
      const failed =
        isInterrupted(table, row, attributions.isHardware) && table.state[row] !== STATE_CODE.PREEMPTED;
      streak = failed && table.elapsedSeconds[row]! < shortSeconds ? streak + 1 : 0;
      longest = Math.max(longest, streak);
    }
    if (longest < LOOP_RESTARTS) continue;
    const victims = (victimsOf.get(run) ?? [])
      .filter(({ reason }) => reason !== "first start")
      .map(({ victim }) => victim);
    const first = rows[0]!;
    loops.push({
      run,
      job: table.jobText(table.job[first]!),
      name: table.texts.text(table.name[first]!),
      accelerators: table.accelerators[first]!,
      restarts: rows.length - 1,
      victims,
      victimAccelerators: victims.reduce((sum, row) => sum + table.accelerators[row]!, 0),
    });
  }
  return loops.sort((a, b) => b.victimAccelerators - a.victimAccelerators || b.restarts - a.restarts);
}

function nearest<T>(items: readonly T[], distance: (item: T) => number, limit: number): T | undefined {
  let best: T | undefined;
  let least = limit;
  for (const item of items) {
    if (distance(item) > least) continue;
    best = item;
    least = distance(item);
  }
  return best;
}

/** Attempts by when they started, in slices of time: made in one pass where sorting millions would take seconds. */
class StartIndex {
  readonly #table: AttemptTable;
  readonly #origin: number;
  readonly #offsets: Int32Array;
  readonly #rows: Int32Array;

  constructor(table: AttemptTable) {
    this.#table = table;
    let [low, high] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
    for (let row = 0; row < table.length; row++) {
      const start = table.start[row]!;
      if (start < low) low = start;
      if (start > high) high = start;
    }
    this.#origin = low;
    const slices = high >= low ? Math.floor((high - low) / SLICE_SECONDS) + 1 : 0;
    this.#offsets = new Int32Array(slices + 1);
    for (let row = 0; row < table.length; row++) {
      if (!Number.isNaN(table.start[row]!)) this.#offsets[this.#slice(table.start[row]!) + 1]!++;
    }
    for (let slice = 0; slice < slices; slice++) this.#offsets[slice + 1]! += this.#offsets[slice]!;
    const next = this.#offsets.slice();
    this.#rows = new Int32Array(this.#offsets[slices]!);
    for (let row = 0; row < table.length; row++) {
      if (!Number.isNaN(table.start[row]!)) this.#rows[next[this.#slice(table.start[row]!)]!++] = row;
    }
  }

  /** The earliest start in [from, to] for which `holds`, or -1. */
  first(from: number, to: number, holds: (row: number) => boolean): number {
    const begin = this.#offsets[Math.max(0, Math.min(this.#offsets.length - 1, this.#slice(from)))]!;
    let best = -1;
    for (let i = begin; i < this.#rows.length; i++) {
      const row = this.#rows[i]!;
      const start = this.#table.start[row]!;
      if (start > to + SLICE_SECONDS) break;
      const sooner = best < 0 || start < this.#table.start[best]!;
      if (start >= from && start <= to && sooner && holds(row)) best = row;
    }
    return best;
  }

  #slice(time: number): number {
    return Math.floor((time - this.#origin) / SLICE_SECONDS);
  }
}

const SLICE_SECONDS = 60;
