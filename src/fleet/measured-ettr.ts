/** The measured ETTR of a log's runs by size, and the runs that cost most. */
import type { Attributions } from "./attribution.ts";
import { sizeOf } from "./rates.ts";
import { accountRun, type CheckpointHabits, type RunAccount, type Runs } from "./runs.ts";
import { sizeBucket } from "./sizes.ts";

export interface MeasuredEttr {
  readonly size: number;
  readonly runs: number;
  readonly interruptions: number;
  /** All productive over all wall-clock time of the runs. */
  readonly ettr: { readonly value: number; readonly low: number; readonly high: number };
}

export interface MeasuredRuns {
  readonly bySize: readonly MeasuredEttr[];
  /** The runs that took most accelerator-hours, most first. */
  readonly largest: readonly RunAccount[];
  /** Nodes of the largest job. */
  readonly mostNodes: number;
}

const SHOWN_RUNS = 20;

/** Accounts for every run of at least `shortestRunSeconds` of wall-clock time. */
export function measureRuns(
  runs: Runs,
  attributions: Attributions,
  shortestRunSeconds: number,
  habits: CheckpointHabits,
): MeasuredRuns {
  const { table } = runs;
  const sizes = new Map<
    number,
    { runs: number; interruptions: number; wallclock: number; value: number; low: number; high: number }
  >();
  const largest: { account: RunAccount; hours: number }[] = [];
  let mostNodes = 0;
  for (let run = 0; run < runs.count; run++) {
    const first = runs.first(run);
    mostNodes = Math.max(mostNodes, table.nodes[first]!);
    // Most runs are one short attempt: those are passed over before anything is made for them.
    const last = runs.last(run);
    if (!(table.end[last]! - table.submit[first]! >= shortestRunSeconds)) continue;
    const account = accountRun(runs, run, habits, attributions.isHardware);
    if (!(account.wallclockSeconds >= shortestRunSeconds)) continue;
    const key = sizeBucket(sizeOf(table, first));
    const size = sizes.get(key) ?? { runs: 0, interruptions: 0, wallclock: 0, value: 0, low: 0, high: 0 };
    sizes.set(key, size);
    size.runs++;
    size.interruptions += account.interruptions;
    size.wallclock += account.wallclockSeconds;
    for (const bound of ["value", "low", "high"] as const) {
      size[bound] += account.ettr[bound] * account.wallclockSeconds;
    }
    largest.push({ account, hours: (sizeOf(table, first) * account.runningSeconds) / 3600 });
    if (largest.length > 50 * SHOWN_RUNS) keepLargest(largest);
  }
  keepLargest(largest);
  return {
    bySize: [...sizes]
      .sort(([a], [b]) => a - b)
      .map(([size, { runs: count, interruptions, wallclock, value, low, high }]) => ({
        size,
        runs: count,
        interruptions,
        ettr: { value: value / wallclock, low: low / wallclock, high: high / wallclock },
      })),
    largest: largest.map(({ account }) => account),
    mostNodes,
  };
}

function keepLargest(list: { account: RunAccount; hours: number }[]): void {
  list.sort((a, b) => b.hours - a.hours || a.account.run - b.account.run);
  list.splice(SHOWN_RUNS);
}
