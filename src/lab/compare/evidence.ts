/** A finished comparison as evidence for a decision: measured differences between patterns of layers. */
import { z } from "zod";
import { readConfig } from "../../core/index.ts";

const comparisonSchema = z.looseObject({
  format: z.literal(1, "a comparison of format 1"),
  title: z.string(),
  data: z.string(),
  trainedLength: z.number(),
  level: z.number(),
  architectures: z.array(
    z.looseObject({
      name: z.string(),
      pattern: z.string(),
      parameters: z.number(),
      nonEmbedding: z.number(),
      tokens: z.number(),
      flops: z.number(),
      means: z.record(z.string(), z.number()),
    }),
  ),
  differences: z.array(
    z.looseObject({
      first: z.string(),
      second: z.string(),
      metric: z.string(),
      bySeed: z.array(z.object({ seed: z.number(), difference: z.number() })),
      mean: z.number(),
      interval: z.tuple([z.number(), z.number()]).optional(),
      verdict: z.string(),
    }),
  ),
});

export interface MeasuredDifference {
  /** Layer strings; the difference is the first's held-out loss minus the second's, in nats a token. */
  readonly pattern: string;
  readonly against: string;
  readonly meanNats: number;
  /** By seed: draws for an interval of one's own. */
  readonly differencesNats: readonly number[];
  /** At `level`; absent with one pair. */
  readonly intervalNats?: readonly [number, number];
  readonly level: number;
  readonly verdict: string;
  /** Sizes at which it was measured: evidence for models of this size, a hint for others. */
  readonly parameters: number;
  readonly tokens: number;
  readonly source: string;
}

/**
 * The differences in held-out loss of a `comparison.json`, by pattern.
 * @throws InputError naming the line of what is not as `terrarium lab compare` writes it.
 */
export function measuredComparison(file: string): MeasuredDifference[] {
  const { value } = readConfig(file, comparisonSchema, "a comparison.json of terrarium lab compare");
  const named = new Map(value.architectures.map((architecture) => [architecture.name, architecture]));
  return value.differences.flatMap(({ first, second, metric, bySeed, mean, interval, verdict }) => {
    const [a, b] = [named.get(first), named.get(second)];
    if (metric !== "heldOutLoss" || !a || !b) return [];
    return {
      pattern: a.pattern,
      against: b.pattern,
      meanNats: mean,
      differencesNats: bySeed.map(({ difference }) => difference),
      ...(interval && { intervalNats: interval }),
      level: value.level,
      verdict,
      parameters: a.parameters,
      tokens: a.tokens,
      source: `${value.title} (${file})`,
    };
  });
}
