/**
 * Repeated data: the data-constrained law of Muennighoff et al. (arXiv:2305.16264), in which further passes over the same
 * tokens, and parameters beyond what the unique tokens can use, are worth exponentially less.
 */
import { Estimate, InputError, type Sampler } from "../core/index.ts";
import { type Coefficients, lossAt, type Tokens } from "./chinchilla.ts";
import { lawFigures } from "./published-laws.ts";

/** The two decay constants: the numbers of repetitions after which a further one is worth 1/e of a fresh one. */
export interface Decay {
  /** R_D*, of repeated tokens. */
  readonly tokens: number;
  /** R_N*, of excess parameters. */
  readonly parameters: number;
}

/** `unique` worth of something, used `total / unique` times: U + U R* (1 - exp(-R / R*)) with R = total / U - 1 (eq. 5, 6). */
export function effectiveAmount(total: number, unique: number, decay: number): number {
  const repetitions = total / unique - 1;
  return repetitions <= 0 ? total : unique * (1 - decay * Math.expm1(-repetitions / decay));
}

/** The parameters that are compute-optimal for `tokens`: where alpha A / N^alpha = beta B / D^beta. */
export function optimalParameters({ lnA, alpha, lnB, beta }: Coefficients, tokens: number): number {
  return Math.exp((Math.log(alpha / beta) + lnA - lnB + beta * Math.log(tokens)) / alpha);
}

/** Loss of `parameters` trained on `total` tokens of which `unique` are different, nats a token (eq. 7). */
export function dataConstrainedLoss(
  fit: Coefficients,
  decay: Decay,
  { parameters, total, unique }: { parameters: number; total: number; unique: number },
): number {
  const usable = Math.min(parameters, optimalParameters(fit, Math.min(total, unique)));
  return lossAt(
    fit,
    effectiveAmount(parameters, usable, decay.parameters),
    effectiveAmount(total, Math.min(total, unique), decay.tokens),
  );
}

const LAW = "muennighoff-c4";

/** The published fit to 182 models on C4. */
export function publishedDataConstrained(): { fit: Coefficients; decay: Decay } {
  const value = (figure: string) => lawFigures().get(LAW, figure).value;
  return {
    fit: {
      floor: value("E"),
      lnA: value("ln A"),
      alpha: value("alpha"),
      lnB: value("ln B"),
      beta: value("beta"),
    },
    decay: { tokens: value("repeated tokens R*"), parameters: value("excess parameters R*") },
  };
}

/**
 * What `total` tokens are worth in fresh ones when only `unique` of them are different: feed it to a law's `loss`. The
 * decay is uncertain (the 182 runs admit any from 7 repetitions to none at all) and is drawn as
 * `scaling-laws/muennighoff-c4/repeated tokens R*`. Both counts are positive; `total` up to `unique` is worth itself.
 */
export function effectiveTokens(sampler: Sampler, total: number | Tokens, unique: number): Tokens {
  const known = typeof total === "number" ? Estimate.exact(total, "token") : total;
  if (!(unique > 0 && Number.isFinite(unique) && known.draws.every((value) => value > 0))) {
    throw new InputError({
      place: { path: "tokens" },
      found: `${unique} unique tokens of ${known.value()}`,
      expected: "positive numbers of tokens",
    });
  }
  if (known.draws.every((value) => value <= unique)) return known;
  const decay = lawFigures().estimate(sampler, LAW, "repeated tokens R*", "1");
  return Estimate.combine([known, decay], "token", (tokens, r) => effectiveAmount(tokens, unique, r));
}
