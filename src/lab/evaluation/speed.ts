/** How fast a network decodes here, and what it keeps, beside what the description predicts. */
import { RandomStream, type Supervision } from "../../core/index.ts";
import { sizeOf } from "../../engine/index.ts";
import { cacheBytes } from "../../model/index.ts";
import { Decoder, type TrainedModel } from "../trained/index.ts";

export interface DecodeSpeed {
  /** Tokens of the sequence before those that are timed. */
  readonly context: number;
  readonly tokensPerSecond: number;
  /** Caches of the context as kept here, in float32. */
  readonly cacheBytes: number;
  /** The same by the formulas of `model/`. */
  readonly predictedCacheBytes: number;
}

export interface DecodeSpeedOptions extends Supervision {
  readonly contexts: readonly number[];
}

/** Tokens that are timed after each context. */
const TIMED = 64;

/**
 * Greedy decoding of one sequence after each context, by the program that `generate` runs: tokens of a run over its time, the
 * median run counts. Timings depend on the machine and what else it does.
 */
export async function decodeSpeed(
  trained: TrainedModel,
  { contexts, progress, signal }: DecodeSpeedOptions,
): Promise<DecodeSpeed[]> {
  const { architecture } = trained.config;
  const { runtime, model } = trained;
  const stream = new RandomStream(0);
  const speeds: DecodeSpeed[] = [];
  for (const context of contexts) {
    signal?.throwIfAborted();
    const decoder = await Decoder.create(runtime, model, context + TIMED, { temperature: 0 });
    try {
      await decoder.restart();
      const token = (): number => stream.integer(0, architecture.vocabulary - 1);
      await decoder.read(Array.from({ length: context }, token));
      const seconds: number[] = [];
      let started = performance.now();
      for await (const some of decoder.write(token(), new Float32Array(TIMED))) {
        seconds.push((performance.now() - started) / 1000 / some.length);
        started = performance.now();
      }
      seconds.sort((a, b) => a - b);
      const kept = Object.values(model.network.cache(1, context));
      speeds.push({
        context,
        tokensPerSecond: 1 / seconds[Math.floor(seconds.length / 2)]!,
        cacheBytes: kept.reduce((total, { shape }) => total + 4 * sizeOf(shape), 0),
        predictedCacheBytes: cacheBytes(architecture, context, 4).total,
      });
    } finally {
      await decoder.close();
    }
    progress?.({ activity: "decoding", done: speeds.length, total: contexts.length, unit: "contexts" });
  }
  return speeds;
}
