/** An evaluation on a terminal. */
import { formatNumber, terminalTable } from "../../core/index.ts";
import type { Evaluation } from "./evaluate.ts";
import { positionBuckets } from "./held-out.ts";

const BUCKETS = 8;

export function evaluationText(evaluation: Evaluation): string {
  const { heldOut, extrapolation, recall, decoding, note } = evaluation;
  const [low, high] = heldOut.interval;
  const perBit = (nats: number): string => (nats / Math.LN2).toFixed(3);
  return [
    `held-out loss ${heldOut.mean.toFixed(3)} nats a token [${low.toFixed(3)}, ${high.toFixed(3)}] (${perBit(heldOut.mean)} bits), ${heldOut.windows.length} windows of ${heldOut.length}`,
    note,
    ...(extrapolation
      ? [
          terminalTable(
            ["position", "loss, nats"],
            positionBuckets(extrapolation.byPosition, BUCKETS).map(({ from, to, loss }) => [
              `${from} to ${to}`,
              loss.toFixed(3),
            ]),
            { right: [1] },
          ),
        ]
      : []),
    ...(recall
      ? [
          terminalTable(
            ["length", "depth", "numbers", "digits"],
            recall.map(({ length, depth, accuracy, tokenAccuracy }) => [
              String(length),
              depth.toFixed(2),
              accuracy.toFixed(2),
              tokenAccuracy.toFixed(2),
            ]),
            { right: [0, 1, 2, 3] },
          ),
        ]
      : []),
    ...(decoding.length > 0
      ? [
          terminalTable(
            ["context", "tokens/s here", "cache bytes (float32)", "predicted"],
            decoding.map((speed) => [
              String(speed.context),
              formatNumber(speed.tokensPerSecond),
              formatNumber(speed.cacheBytes),
              formatNumber(speed.predictedCacheBytes),
            ]),
            { right: [0, 1, 2, 3] },
          ),
        ]
      : []),
  ].join("\n\n");
}
