/** How fast a network decodes here, and what it keeps, beside what the description predicts. */
import { RandomStream, type Supervision } from "../../core/index.ts";
import { cacheBytes } from "../../model/index.ts";
import { Decoder, type TrainedModel } from "../trained/index.ts";

export interface DecodeSpeed {
  /** Tokens of the sequence when it is timed. */
  readonly context: number;
  readonly tokensPerSecond: number;
  /** Caches as kept here, in float32. */
  readonly cacheBytes: number;
  /** The same by the formulas of `model/`. */
  readonly predictedCacheBytes: number;
}

export interface DecodeSpeedOptions extends Supervision {
  readonly contexts: readonly number[];
  /** Tokens that are timed at the end of each context; the median counts. Default 16. */
  readonly tokens?: number;
  /** Milliseconds. */
  readonly clock?: () => number;
}

/** Greedy decoding of one sequence, timed at the end of each context. Timings depend on the machine and what else it does. */
export async function decodeSpeed(
  trained: TrainedModel,
  { contexts, tokens = 16, clock = () => performance.now(), progress, signal }: DecodeSpeedOptions,
): Promise<DecodeSpeed[]> {
  const { architecture } = trained.config;
  const stream = new RandomStream(0);
  const speeds: DecodeSpeed[] = [];
  for (const context of contexts) {
    signal?.throwIfAborted();
    const decoder = await Decoder.create(trained.runtime, trained.model, context);
    try {
      await decoder.restart();
      const some = (count: number): number[] =>
        Array.from({ length: count }, () => stream.integer(0, architecture.vocabulary - 1));
      const timed = Math.min(tokens, context - 1);
      await decoder.advance(some(context - timed));
      const milliseconds: number[] = [];
      for (let i = 0; i < timed; i++) {
        const started = clock();
        await decoder.advance(some(1));
        milliseconds.push(clock() - started);
      }
      milliseconds.sort((a, b) => a - b);
      speeds.push({
        context,
        tokensPerSecond: 1000 / milliseconds[Math.floor(milliseconds.length / 2)]!,
        cacheBytes: decoder.cacheBytes,
        predictedCacheBytes: cacheBytes(architecture, context, 4).total,
      });
    } finally {
      await decoder.close();
    }
    progress?.({ activity: "decoding", done: speeds.length, total: contexts.length, unit: "contexts" });
  }
  return speeds;
}
