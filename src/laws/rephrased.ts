/**
 * Mixtures of natural and rephrased data: what arXiv:2510.01631 has in print, and no more. The fitted constants of its laws
 * are not published, so there is no loss as a function of the share; outside what was trained the answer is "not known".
 */
import { type DimensionOf, type Estimate, exactly, type Sampler } from "../core/index.ts";
import { reach } from "./chinchilla.ts";
import { lawFigures } from "./published-laws.ts";

const SUBJECT = "rephrased";

export interface RephrasedEffect {
  /** The best share of high-quality rephrased text in natural text, the same at every measured scale. */
  readonly bestShare: number;
  /**
   * Tokens of natural data that one token of the mixture is worth: multiply the tokens of a natural-data law by it.
   * Undefined where nothing is published for the share.
   */
  readonly tokenMultiplier: Estimate<DimensionOf<"1">> | undefined;
  /** What a report must say beside it. */
  readonly limits: readonly string[];
}

/**
 * The effect of training on `share` (0 to 1) of high-quality rephrased text and the rest natural. Published are none
 * (worth itself), a third to two thirds (similar to each other; 5 to 10 times the tokens, "at larger budgets"), and the
 * finding that rephrased text alone is never better than natural text.
 */
export function rephrasedEffect(
  sampler: Sampler,
  { share, parameters, tokens }: { share: number; parameters: number; tokens: number },
): RephrasedEffect {
  const figures = lawFigures();
  const value = (figure: string) => figures.get(SUBJECT, figure).value;
  const bestShare = value("best share");
  const limits = [
    "measured against unfiltered Common Crawl; the gain over filtered natural text is not published",
    "counts tokens to the same validation loss, not the cost of rephrasing",
  ];
  const distance = reach(
    {
      parameters: [value("parameters low"), value("parameters high")],
      tokens: [value("tokens low"), value("tokens high")],
    },
    parameters,
    tokens,
  );
  if (distance.parameters > 1)
    limits.push(`${distance.parameters.toPrecision(2)} times outside the sizes trained`);
  if (distance.tokens > 1) limits.push(`${distance.tokens.toPrecision(2)} times outside the tokens trained`);
  if (share === 0) return { bestShare, tokenMultiplier: exactly(1), limits: [] };
  if (share < bestShare || share > value("highest similar share")) {
    limits.push(`nothing is published for a share of ${share}; a third is the best that is`);
    return { bestShare, tokenMultiplier: undefined, limits };
  }
  return { bestShare, tokenMultiplier: figures.estimate(sampler, SUBJECT, "speed-up", "1"), limits };
}
