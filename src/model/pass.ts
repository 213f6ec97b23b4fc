/** What goes through a model at once: how many tokens, after how many, in what precision. */

import { InputError } from "../core/index.ts";

/** Bytes of one element. */
export interface Precision {
  readonly weights: number;
  readonly activations: number;
  readonly cache: number;
}

export const BF16: Precision = { weights: 2, activations: 2, cache: 2 };

export interface Pass {
  /** Sequences. */
  readonly batch: number;
  /** Tokens of each sequence that go through the model in this pass. */
  readonly newTokens: number;
  /** Tokens of each sequence that are already in the cache. */
  readonly position: number;
  readonly precision: Precision;
  /** Whether keys, values and states are kept for later passes. */
  readonly cached: boolean;
  /** Tokens of each sequence that go through the output head. */
  readonly logits: "last" | "all";
}

/** The pass over a prompt; `position` tokens may be cached already. */
export function prefillPass(batch: number, promptTokens: number, precision = BF16, position = 0): Pass {
  return { batch, newTokens: promptTokens, position, precision, cached: true, logits: "last" };
}

/** One decoding step after `position` tokens; more than one new token when drafts are verified. */
export function decodePass(batch: number, position: number, precision = BF16, newTokens = 1): Pass {
  return { batch, newTokens, position, precision, cached: true, logits: "all" };
}

/** The forward half of a training step: no cache, logits for every token. */
export function trainingPass(batch: number, context: number, precision = BF16): Pass {
  return { batch, newTokens: context, position: 0, precision, cached: false, logits: "all" };
}

/** @throws InputError when the pass has no tokens or an element no bytes. */
export function requirePass({ batch, newTokens, position, precision }: Pass): void {
  const wholes = { batch: [batch, 1], newTokens: [newTokens, 1], position: [position, 0] } as const;
  for (const [path, [value, least]] of Object.entries(wholes)) {
    if (!(Number.isSafeInteger(value) && value >= least)) {
      throw new InputError({
        place: { path },
        found: String(value),
        expected: `a whole number, at least ${least}`,
      });
    }
  }
  for (const [path, bytes] of Object.entries(precision)) {
    if (!(bytes > 0 && bytes <= 8)) {
      throw new InputError({
        place: { path: `precision.${path}` },
        found: String(bytes),
        expected: "bytes of one element, above 0 and at most 8",
        remedy: "2 for bf16, 1 for fp8 or int8, 0.5 for int4",
      });
    }
  }
}
