/** Loss on text that was not trained on, over windows and by position. */
import { bootstrap, RandomStream, type Supervision } from "../../core/index.ts";
import type { CorpusPart } from "../corpora/index.ts";
import type { Scorer } from "../training/index.ts";

export interface HeldOutLoss {
  /** Tokens of a window. */
  readonly length: number;
  /** Mean loss of each window, in nats a token. Two models' are paired: the windows are the same. */
  readonly windows: readonly number[];
  readonly mean: number;
  /** 90 % bootstrap interval of the mean over windows: of this model on text like this, not over seeds. */
  readonly interval: readonly [number, number];
  /** Mean loss over windows at each position of a window. Compare models within a position, not positions. */
  readonly byPosition: readonly number[];
}

export interface HeldOutOptions extends Supervision {
  readonly length: number;
  /** The first so many windows of the part; fewer where it holds fewer. */
  readonly windows: number;
}

/** Tokens of one evaluation batch, so that long windows do not need much memory. */
const BATCH_TOKENS = 2048;

/** The loss on the first windows of `part`, the same for every model. Throws an InputError for a part that is too short. */
export async function heldOutLoss(
  scorer: Scorer,
  part: CorpusPart,
  { length, windows: wanted, progress, signal }: HeldOutOptions,
): Promise<HeldOutLoss> {
  const count = Math.max(1, Math.min(wanted, part.windows(length)));
  const rows = Math.min(count, Math.max(1, Math.floor(BATCH_TOKENS / length)));
  const batches = part.inOrder(rows, length);
  const windows: number[] = [];
  const sums = new Float64Array(length);
  for (let index = 0; windows.length < count; index++) {
    signal?.throwIfAborted();
    const { losses } = await scorer.score(batches.at(index));
    for (let row = 0; row < rows && windows.length < count; row++) {
      let total = 0;
      for (let at = 0; at < length; at++) {
        const loss = losses[row * length + at]!;
        sums[at]! += loss;
        total += loss;
      }
      windows.push(total / length);
    }
    progress?.({ activity: "evaluating", done: windows.length, total: count, unit: "windows" });
  }
  const { value, low, high } = bootstrap(windows, mean, new RandomStream(0), { resamples: 1000 });
  return {
    length,
    windows,
    mean: value,
    interval: [low, high],
    byPosition: [...sums].map((sum) => sum / count),
  };
}

export interface PositionBucket {
  /** Positions `from` up to, not including, `to`. */
  readonly from: number;
  readonly to: number;
  readonly loss: number;
}

/** Means of a loss by position over `count` stretches of equal length. */
export function positionBuckets(byPosition: readonly number[], count: number): PositionBucket[] {
  return Array.from({ length: Math.min(count, byPosition.length) }, (_, i) => {
    const size = byPosition.length / Math.min(count, byPosition.length);
    const [from, to] = [Math.round(i * size), Math.round((i + 1) * size)];
    return { from, to, loss: mean(byPosition.slice(from, to)) };
  });
}

export function mean(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0) / values.length;
}
