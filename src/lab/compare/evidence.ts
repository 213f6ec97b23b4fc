/** A finished comparison as evidence for a decision: the held-out losses that it measured, seed by seed. */
import { z } from "zod";
import { InputError, readConfig } from "../../core/index.ts";

const comparisonSchema = z.looseObject({
  format: z.literal(1, "a comparison of format 1"),
  title: z.string(),
  architectures: z.array(
    z.looseObject({
      name: z.string(),
      pattern: z.string(),
      nonEmbedding: z.number(),
      tokens: z.number(),
      runs: z.array(
        z.looseObject({ seed: z.number(), metrics: z.looseObject({ heldOutLoss: z.number().optional() }) }),
      ),
    }),
  ),
});

/** Held-out losses of architectures that were trained on the same data in the same order, seed by seed. */
export interface MeasuredLosses {
  readonly title: string;
  /** Seeds that every architecture finished. */
  readonly seeds: readonly number[];
  readonly architectures: readonly {
    readonly name: string;
    /** Its layer string. */
    readonly pattern: string;
    /** Without embedding, head and norms. */
    readonly nonEmbedding: number;
    readonly tokens: number;
    /** Nats a token of the comparison's tokenizer, in the order of `seeds`. */
    readonly losses: readonly number[];
  }[];
}

/**
 * The held-out losses of a `comparison.json`.
 * @throws InputError naming the line of what is not as `terrarium lab compare` writes it, or saying that it holds no losses.
 */
export function measuredLosses(file: string): MeasuredLosses {
  const { value, placeOf } = readComparison(file);
  const found = value.architectures.map(({ runs, ...architecture }) => ({
    ...architecture,
    bySeed: new Map(
      runs.flatMap(({ seed, metrics: { heldOutLoss } }) =>
        heldOutLoss === undefined ? [] : [[seed, heldOutLoss] as const],
      ),
    ),
  }));
  const trained = found.filter(({ bySeed }) => bySeed.size > 0);
  if (trained.length < 2) {
    throw new InputError({
      place: placeOf(["architectures"]),
      found: `${trained.length} architectures with a held-out loss`,
      expected: "a comparison of two or more, trained on a corpus",
      remedy: "compare with a recipe that has data: { corpus: … }",
    });
  }
  const seeds = [...trained[0]!.bySeed.keys()].filter((seed) =>
    trained.every(({ bySeed }) => bySeed.has(seed)),
  );
  return {
    title: value.title,
    seeds,
    architectures: trained.map(({ name, pattern, nonEmbedding, tokens, bySeed }) => ({
      name,
      pattern,
      nonEmbedding,
      tokens,
      losses: seeds.map((seed) => bySeed.get(seed)!),
    })),
  };
}

/** Nobody writes these files: whatever is wrong with one, it is the wrong file. */
function readComparison(file: string) {
  try {
    return readConfig(file, comparisonSchema, "a comparison.json of terrarium lab compare");
  } catch (error) {
    if (!(error instanceof InputError)) throw error;
    const remedy = "name the comparison.json that terrarium lab compare leaves in its --out folder";
    throw new InputError(error.problems.map((problem) => ({ ...problem, remedy })));
  }
}
