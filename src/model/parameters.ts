/** Exact parameter counts, to the unit, by component and by layer. */

import type { Architecture } from "./architecture.ts";
import type { Primitive } from "./notation.ts";
import { layerWeights } from "./weights.ts";

/** Counts of one layer. For a mixture of experts, `active…` counts what one token goes through. */
export interface LayerParameters {
  /** Entries of the matrices, the part that costs a multiply and an add a token. */
  readonly matrices: number;
  readonly activeMatrices: number;
  /** The whole primitive without its pre-norm: what arXiv:2510.04800 and arXiv:2510.00379 count as a layer's size. */
  readonly primitive: number;
  readonly activePrimitive: number;
  readonly preNorm: number;
}

export interface ParameterCount {
  readonly embedding: number;
  /** The output head; 0 when it is the embedding. */
  readonly head: number;
  /** All primitives without pre-norms: the papers' "non-embedding" count, and the N of 6 N D. */
  readonly primitives: number;
  /** `primitives` with only the experts that one token visits. */
  readonly activePrimitives: number;
  /** Pre-norms and the final norm. */
  readonly norms: number;
  /** `primitives` and `norms`. */
  readonly nonEmbedding: number;
  readonly total: number;
  /** `total` without the experts that one token does not visit. */
  readonly active: number;
}

/** The counts of one layer of kind `primitive`. */
export function layerParameters(a: Architecture, primitive: Primitive): LayerParameters {
  const { linears, convolution, vectors } = layerWeights(a, primitive);
  let matrices = 0;
  let activeMatrices = 0;
  let biases = 0;
  let activeBiases = 0;
  for (const { inputs, outputs, bias, copies, active } of linears) {
    matrices += copies * inputs * outputs;
    activeMatrices += active * inputs * outputs;
    biases += copies * bias;
    activeBiases += active * bias;
  }
  return {
    matrices,
    activeMatrices,
    primitive: matrices + biases + convolution + vectors,
    activePrimitive: activeMatrices + activeBiases + convolution + vectors,
    preNorm: normParameters(a),
  };
}

/** How often each primitive occurs, in order of first appearance. */
export function layerCounts(layers: readonly Primitive[]): ReadonlyMap<Primitive, number> {
  const counts = new Map<Primitive, number>();
  for (const layer of layers) counts.set(layer, (counts.get(layer) ?? 0) + 1);
  return counts;
}

/** The counts of the whole model. */
export function parameters(a: Architecture): ParameterCount {
  const embedding = a.vocabulary * a.width;
  const head = a.tiedEmbeddings ? 0 : embedding;
  let primitives = 0;
  let activePrimitives = 0;
  for (const [primitive, count] of layerCounts(a.layers)) {
    const layer = layerParameters(a, primitive);
    primitives += count * layer.primitive;
    activePrimitives += count * layer.activePrimitive;
  }
  const norms = (a.layers.length + 1) * normParameters(a);
  const nonEmbedding = primitives + norms;
  const total = embedding + head + nonEmbedding;
  return {
    embedding,
    head,
    primitives,
    activePrimitives,
    norms,
    nonEmbedding,
    total,
    active: total - primitives + activePrimitives,
  };
}

/** Entries of one norm over the residual stream. */
export function normParameters(a: Architecture): number {
  return a.norm === "layer" ? 2 * a.width : a.width;
}
