/**
 * Goodput lost to failures, by size of job: what failing jobs lose themselves (first order) and what the jobs lose that
 * their restarts preempt (second order). An attempt that is cut short loses min(its runtime, half a checkpoint
 * interval) on all of its accelerators.
 *
 * Source: arXiv:2410.21680, goodput loss, with hourly checkpoints.
 */
import type { Attributions } from "./attribution.ts";
import type { Preemptions } from "./preemption.ts";
import { assumedHabits, type CheckpointHabits, type Runs } from "./runs.ts";
import { sizeBucket } from "./sizes.ts";

export interface GoodputLoss {
  /** Accelerator-hours that all attempts ran. */
  readonly acceleratorHours: number;
  /** Lost by attempts that failed with their node or hardware. */
  readonly firstOrderHours: number;
  /** Lost by attempts preempted for a job that was starting again after such a failure. */
  readonly secondOrderHours: number;
  /** Lost by attempts preempted for a job that had been requeued for another reason: crash loops of users. */
  readonly requeuePreemptionHours: number;
  /** Lost by all other preemptions: the price of priorities, not of failures. */
  readonly otherPreemptionHours: number;
  /** Second order over first and second; NaN where nothing was lost. */
  readonly secondOrderShare: number;
  readonly bySize: readonly { accelerators: number; firstOrderHours: number; secondOrderHours: number }[];
}

/** Accelerator-hours lost. Jobs without accelerators count their nodes instead. */
export function goodputLoss(
  runs: Runs,
  attributions: Attributions,
  preemptions: Preemptions,
  { checkpointIntervalSeconds = assumedHabits().checkpointIntervalSeconds }: CheckpointHabits = {},
): GoodputLoss {
  const { table } = runs;
  const bySize = new Map<number, { first: number; second: number }>();
  const size = (row: number) => table.accelerators[row]! || table.nodes[row]!;
  const hours = (row: number, seconds: number) => (seconds * size(row)) / 3600;
  const lost = (row: number) =>
    hours(row, Math.min(table.elapsedSeconds[row]! || 0, checkpointIntervalSeconds / 2));
  const bucket = (row: number) => {
    const key = sizeBucket(size(row));
    const known = bySize.get(key) ?? { first: 0, second: 0 };
    bySize.set(key, known);
    return known;
  };

  let total = 0;
  let first = 0;
  for (let row = 0; row < table.length; row++) {
    total += hours(row, table.elapsedSeconds[row]! || 0);
    if (!attributions.isHardware(row)) continue;
    first += lost(row);
    bucket(row).first += lost(row);
  }
  let second = 0;
  let requeue = 0;
  let other = 0;
  for (const { victim, reason } of preemptions.linked) {
    const loss = lost(victim);
    if (reason === "after a node failure" || reason === "after a hardware failure") {
      second += loss;
      bucket(victim).second += loss;
    } else if (reason === "after a requeue") requeue += loss;
    else other += loss;
  }
  for (const victim of preemptions.unexplained) other += lost(victim);
  return {
    acceleratorHours: total,
    firstOrderHours: first,
    secondOrderHours: second,
    requeuePreemptionHours: requeue,
    otherPreemptionHours: other,
    secondOrderShare: first + second > 0 ? second / (first + second) : Number.NaN,
    bySize: [...bySize]
      .sort(([a], [b]) => a - b)
      .map(([accelerators, { first, second }]) => ({
        accelerators,
        firstOrderHours: first,
        secondOrderHours: second,
      })),
  };
}
