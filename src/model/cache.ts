/**
 * Bytes that one sequence keeps between decoding steps (arXiv:2510.04800 Table 1).
 *
 * The convolution keeps `convWidth` columns, as the paper counts and as common implementations allocate; a strict ring
 * buffer would need one fewer (0.06 MiB less over the 13 layers of the paper's 1B Mamba).
 */

import { type Architecture, type AttentionSettings, mixers, type SsmSettings } from "./architecture.ts";
import { requireContext } from "./flops.ts";
import type { Primitive } from "./notation.ts";
import { layerCounts } from "./parameters.ts";
import { attentionChannels, convolutionChannels } from "./weights.ts";

export interface CacheBytes {
  /** Keys and values that grow with the context. */
  readonly attention: number;
  /** Keys and values that a window bounds. */
  readonly window: number;
  /** Recurrent and convolution states; the same at any context. */
  readonly state: number;
  readonly total: number;
}

/** Keys and values of one token in one layer, in elements. */
export function keyValueElements(s: AttentionSettings): number {
  const { keys, values } = attentionChannels(s);
  return keys + values;
}

/** The recurrent state of one sequence in one layer, in elements. */
export function stateElements(s: SsmSettings): number {
  return s.innerWidth * s.stateSize;
}

/** The convolution state of one sequence in one layer, in elements. */
export function convolutionStateElements(s: SsmSettings): number {
  return s.convWidth * convolutionChannels(s);
}

/** Cache of one sequence in one layer of kind `primitive`, with elements of `elementBytes` (2 for bf16). */
export function layerCacheBytes(
  a: Architecture,
  primitive: Primitive,
  context: number,
  elementBytes = 2,
): CacheBytes {
  requireContext(context);
  const { attention, span, ssm } = mixers(a, primitive);
  const kept = attention
    ? keyValueElements(attention) * Math.min(context, span ?? context) * elementBytes
    : 0;
  const state = ssm ? (stateElements(ssm) + convolutionStateElements(ssm)) * elementBytes : 0;
  return {
    attention: span === undefined ? kept : 0,
    window: span === undefined ? 0 : kept,
    state,
    total: kept + state,
  };
}

/** Cache of one sequence of `context` tokens, with elements of `elementBytes` (2 for bf16). */
export function cacheBytes(a: Architecture, context: number, elementBytes = 2): CacheBytes {
  const sum = { attention: 0, window: 0, state: 0, total: 0 };
  for (const [primitive, count] of layerCounts(a.layers)) {
    const layer = layerCacheBytes(a, primitive, context, elementBytes);
    for (const part of Object.keys(sum) as (keyof CacheBytes)[]) sum[part] += count * layer[part];
  }
  return sum;
}
