/**
 * Training FLOPs by the accounting of arXiv:2510.04800 Table 1: six a parameter and token, and per layer the products
 * that have no parameters. The embedding and the head stay out, which is the only convention that reproduces its tables;
 * the head's cost is given beside.
 */

import { InputError } from "../core/index.ts";
import { type Architecture, type AttentionSettings, mixers, type SsmSettings } from "./architecture.ts";
import { layerCounts, layerParameters } from "./parameters.ts";

/** Forward and backward pass together, over a forward pass. */
const TRAINING_TO_FORWARD = 3;

export interface TrainingFlops {
  /** 6 x parameters (those that a token visits) x tokens. */
  readonly parameters: number;
  /** Scores and weighted values, causal. */
  readonly attention: number;
  /** The state-space recurrence. */
  readonly scan: number;
  /** The sum of the three: what the papers report. */
  readonly total: number;
  /** The output head, not in `total`. */
  readonly head: number;
}

/** Key-query pairs when `newTokens` tokens follow `position` earlier ones and each sees at most `span`, itself included. */
export function attendedPairs(position: number, newTokens: number, span = Number.POSITIVE_INFINITY): number {
  const growing = Math.max(0, Math.min(newTokens, span - position));
  return (
    growing * position +
    (growing * (growing + 1)) / 2 +
    (growing < newTokens ? (newTokens - growing) * span : 0)
  );
}

/** Forward FLOPs of scores and weighted values: one multiply and one add a channel, head and pair. */
export function attentionFlops(s: AttentionSettings, pairs: number): number {
  return 2 * s.heads * (s.headDim + s.valueDim) * pairs;
}

/**
 * Forward FLOPs of the recurrence over `tokens` (arXiv:2510.04800 Table 1). The chunked algorithm does more than this
 * in exchange for matrix units; its surplus depends on the chunk length and is no property of the model.
 */
export function scanFlops(s: SsmSettings, tokens: number): number {
  return tokens * (9 * s.innerWidth * s.stateSize + 2 * s.innerWidth);
}

/** Training FLOPs of one sample of `context` tokens. */
export function trainingFlops(a: Architecture, context: number): TrainingFlops {
  requireContext(context);
  let parameters = 0;
  let attention = 0;
  let scan = 0;
  for (const [primitive, count] of layerCounts(a.layers)) {
    const mixer = mixers(a, primitive);
    parameters += count * layerParameters(a, primitive).activePrimitive;
    if (mixer.attention) {
      attention += count * attentionFlops(mixer.attention, attendedPairs(0, context, mixer.span));
    }
    if (mixer.ssm) scan += count * scanFlops(mixer.ssm, context);
  }
  const parts = {
    parameters: TRAINING_TO_FORWARD * 2 * parameters * context,
    attention: TRAINING_TO_FORWARD * attention,
    scan: TRAINING_TO_FORWARD * scan,
  };
  return {
    ...parts,
    total: parts.parameters + parts.attention + parts.scan,
    head: TRAINING_TO_FORWARD * 2 * a.vocabulary * a.width * context,
  };
}

/** Mean training FLOPs a token at `context`, embedding and head excluded. */
export function trainingFlopsPerToken(a: Architecture, context: number): number {
  return trainingFlops(a, context).total / context;
}

/** Tokens that a budget of `flops` trains on at `context`; not rounded. */
export function tokensForBudget(a: Architecture, flops: number, context: number): number {
  if (!(flops > 0 && Number.isFinite(flops))) {
    throw new InputError({
      place: { path: "flops" },
      found: String(flops),
      expected: "a positive number of FLOPs",
    });
  }
  return flops / trainingFlopsPerToken(a, context);
}

/** @throws InputError unless `context` is a whole number of tokens, at least 1. */
export function requireContext(context: number, path = "context"): void {
  if (!(Number.isSafeInteger(context) && context >= 1)) {
    throw new InputError({
      place: { path },
      found: String(context),
      expected: "a whole number of tokens, at least 1",
    });
  }
}
