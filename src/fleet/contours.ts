/** ETTR over the two quantities that an operator moves: how often to save, and how often nodes fail. */
import { ettrExact } from "./ettr.ts";
import { DAY_SECONDS } from "./mttf.ts";
import { assumedHabits } from "./runs.ts";

export interface EttrContours {
  readonly nodes: number;
  readonly restartSeconds: number;
  readonly checkpointIntervalSeconds: readonly number[];
  readonly failuresPerThousandNodeDays: readonly number[];
  /** Exact ETTR of a run without end; a row for each failure rate, a column for each interval. */
  readonly ettr: readonly (readonly number[])[];
}

/** Exact ETTR over checkpoint interval and failure rate at a fixed restart time (Figure 10 of the paper). */
export function ettrContours(
  nodes: number,
  restartSeconds = assumedHabits().restartSeconds,
  points = 25,
): EttrContours {
  const grid = (low: number, high: number) =>
    Array.from({ length: points }, (_, i) => low * (high / low) ** (i / (points - 1)));
  const intervals = grid(60, 4 * 3600);
  const rates = grid(0.5, 50);
  return {
    nodes,
    restartSeconds,
    checkpointIntervalSeconds: intervals,
    failuresPerThousandNodeDays: rates,
    ettr: rates.map((rate) =>
      intervals.map((interval) =>
        ettrExact({
          failuresPerSecond: (nodes * rate) / 1000 / DAY_SECONDS,
          checkpointIntervalSeconds: interval,
          restartSeconds,
        }),
      ),
    ),
  };
}
