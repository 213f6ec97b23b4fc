/** On how many tokens to train, of which mixture, seen how often; and the loss that follows. */
import { type AnyEstimate, type DimensionOf, Estimate, exactly, formatNumber } from "../../core/index.ts";
import { drawLaw, effectiveTokens, publishedLaw, rephrasedEffect } from "../../laws/index.ts";
import type { Decision } from "../decision.ts";
import { figures } from "../tables.ts";
import { model } from "./model.ts";

export interface DataOption {
  /** Tokens seen in all. */
  readonly tokens: number;
  /** Different tokens among them. */
  readonly unique: number;
  /** Share of rephrased text among the different tokens. */
  readonly rephrasedShare: number;
}

export interface DataChoice {
  readonly option: DataOption;
  readonly tokens: Estimate<DimensionOf<"token">>;
  /** What the tokens are worth in fresh ones. */
  readonly effective: Estimate<DimensionOf<"token">>;
  readonly loss: Estimate<DimensionOf<"nat">>;
}

/** Token counts to compare for each model. */
const MOST_COUNTS = 6;

export const data: Decision<DataOption, DataChoice> = {
  id: "data",
  title: "Data",
  question: "On how many tokens, of which mixture, seen how often?",

  options(problem, upstream) {
    const { naturalTokens, rephrasedTokens, repeats } = problem.open;
    const { nonEmbedding } = upstream.get(model);
    const perParameter = (end: "low" | "high") =>
      figures("brief-defaults").get("data", `tokens per parameter ${end}`).value * nonEmbedding;
    return sharesOf(problem).flatMap((share) => {
      const rephrased = Math.min(rephrasedTokens, (naturalTokens * share) / (1 - share));
      const unique = naturalTokens + rephrased;
      const supply = unique * repeats;
      const high = Math.min(supply, perParameter("high"));
      const low = Math.min(perParameter("low"), high);
      return steps(low, high, MOST_COUNTS).map((tokens) => ({
        tokens,
        unique,
        rephrasedShare: rephrased / unique,
      }));
    });
  },

  evaluate(option, problem, upstream) {
    const { law, nonEmbedding } = upstream.get(model);
    const effective = effectiveTokens(problem.sampler, option.tokens, option.unique);
    return {
      option,
      tokens: Estimate.exact(option.tokens, "token"),
      effective,
      loss: law.loss(nonEmbedding, effective),
    };
  },

  label: ({ tokens, unique, rephrasedShare }) =>
    [
      `${formatNumber(tokens)} tokens`,
      tokens > unique ? `${formatNumber(tokens / unique, 2)} epochs` : undefined,
      rephrasedShare > 0 ? `${formatNumber(100 * rephrasedShare, 2)} % rephrased` : undefined,
    ]
      .filter((part) => part !== undefined)
      .join(", "),

  explain({ option, tokens, effective, loss }, problem, upstream) {
    const { law, nonEmbedding, flopsPerToken } = upstream.get(model);
    const budget = flopsPerToken * option.tokens;
    const optimum = drawLaw(publishedLaw("epoch"), problem.sampler).computeOptimum(budget);
    const figures: Record<string, AnyEstimate> = {
      "held-out loss": loss,
      "training compute": Estimate.exact(budget, "FLOP"),
      "tokens for a parameter": exactly(option.tokens / nonEmbedding),
      "worth in fresh tokens": effective,
      "compute-optimal parameters for this compute": optimum.parameters,
      "compute-optimal tokens for this compute": optimum.tokens,
    };
    const { reasons } = law.extrapolation(nonEmbedding, tokens.value());
    const { limits } = rephrasedEffect(problem.sampler, {
      share: option.rephrasedShare,
      parameters: nonEmbedding,
      tokens: option.tokens,
    });
    return {
      why: `Loss follows the law fitted to the published runs of this family of architectures (${law.composition.family}), in nats a token on DCLM; tokens seen again are worth less by the data-constrained law. The compute optimum of the Chinchilla law is given beside it: more tokens than that make a smaller model that is cheaper to serve.`,
      figures,
      notes: [
        ...reasons.map((reason) => `extrapolated: ${reason}`),
        ...(option.rephrasedShare > 0
          ? [
              "a rephrased token counts as one more unique token: the published gain is not added, since the law was fitted to filtered text",
              ...limits,
            ]
          : []),
      ],
    };
  },
};

/** Without rephrased text, and with as much as is published to be best, where the brief has any. */
function sharesOf(problem: Parameters<typeof data.options>[0]): number[] {
  if (problem.open.rephrasedTokens === 0) return [0];
  const { bestShare } = rephrasedEffect(problem.sampler, { share: 0, parameters: 1e9, tokens: 1e11 });
  return [0, bestShare];
}

/** At most `most` numbers from `low` to `high`, evenly spaced in the logarithm, inner ones to two digits. */
function steps(low: number, high: number, most: number): number[] {
  if (high <= low * 1.05) return [high];
  const ratio = Math.log(high / low);
  const inner = Array.from({ length: most - 2 }, (_, i) =>
    Number((low * Math.exp((ratio * (i + 1)) / (most - 1))).toPrecision(2)),
  );
  return [Number(low.toPrecision(2)), ...inner, high];
}
