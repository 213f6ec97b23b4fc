/**
 * Memory of one accelerator in training with mixed precision and AdamW: 2 bytes of weight, 4 of gradient and 12 of
 * optimiser state a parameter (ZeRO, arXiv:1910.02054 §3.1, with the fp32 gradients of arXiv:2407.21783 §3.3.2), and
 * what the forward pass leaves for the backward pass.
 */
import {
  type Architecture,
  layerCounts,
  layerParameters,
  type Operator,
  parameters,
} from "../model/index.ts";

export const WEIGHT_BYTES = 2;
export const GRADIENT_BYTES = 4;
/** fp32 copy of the weight and both moments. */
export const STATE_BYTES = 12;

/** `states`: optimiser state is split over the data-parallel ranks (ZeRO-1). `all`: weights and gradients too (ZeRO-3). */
export type Sharding = "states" | "all";
/**
 * What the backward pass computes again. `none`: every operator's result is kept. `elementwise`: norms, rotary embedding
 * and activations run again, which costs little. `full`: each layer's input is kept and the layer runs again.
 */
export const RECOMPUTATIONS = ["none", "elementwise", "full"] as const;
export type Recomputation = (typeof RECOMPUTATIONS)[number];

/** The operators that run again in the backward pass. */
export function recomputed(rows: readonly Operator[], recomputation: Recomputation): readonly Operator[] {
  if (recomputation === "none") return [];
  const layers = rows.filter((row) => row.layer !== "model");
  return recomputation === "full" ? layers : layers.filter((row) => isCheap(row));
}

function isCheap({ kind }: Operator): boolean {
  return kind === "norm" || kind === "rotary" || kind === "elementwise";
}

/** What the memory of a model depends on, reckoned once. */
export interface TrainingFootprint {
  readonly parameters: number;
  /** Parameters of the largest layer, embedding and head included. */
  readonly largestLayer: number;
}

export function trainingFootprint(a: Architecture): TrainingFootprint {
  const layers = [...layerCounts(a.layers).keys()].map((kind) => layerParameters(a, kind).primitive);
  const counted = parameters(a);
  return { parameters: counted.total, largestLayer: Math.max(counted.embedding, ...layers) };
}

/**
 * Bytes of weights, gradients and optimiser state on one accelerator, when the model is split in `parts` by tensor and
 * pipeline parallelism and each part is held by `data` ranks; `tensor` of the parts split every layer.
 */
export function stateBytes(
  f: TrainingFootprint,
  sharding: Sharding,
  parts: number,
  tensor: number,
  data: number,
): number {
  const part = f.parameters / parts;
  if (sharding === "states") return part * (WEIGHT_BYTES + GRADIENT_BYTES + STATE_BYTES / data);
  // Two layers' weights are gathered at once, one in use and one on its way, and one layer's gradients are whole.
  const gathered = (f.largestLayer / tensor) * (2 * WEIGHT_BYTES + GRADIENT_BYTES);
  return (part * (WEIGHT_BYTES + GRADIENT_BYTES + STATE_BYTES)) / data + gathered;
}

/**
 * Bytes that a forward pass of `tokens` keeps, given its operators (of the part that runs here). Every written result is
 * kept, or under full recomputation each layer's input and the results of the layer at work. The loss keeps the logits
 * in fp32 besides.
 */
export function activationBytes(
  a: Architecture,
  rows: readonly Operator[],
  recomputation: Recomputation,
  tokens: number,
  tensor: number,
): number {
  const written = (of: readonly Operator[], calls: (row: Operator) => number) =>
    of.reduce((total, row) => total + calls(row) * row.writtenBytes, 0);
  const logits = (4 * tokens * a.vocabulary) / tensor;
  if (recomputation === "none") return written(rows, (row) => row.count) + logits;
  if (recomputation === "elementwise") {
    const kept = rows.filter((row) => row.layer === "model" || !isCheap(row));
    return written(kept, (row) => row.count) + logits;
  }

  const model = rows.filter((row) => row.layer === "model");
  const inputs = (a.layers.length * tokens * a.width * 2) / tensor;
  const largest = Math.max(
    ...[...layerCounts(a.layers).keys()].map((kind) =>
      written(
        rows.filter((row) => row.layer === kind),
        () => 1,
      ),
    ),
  );
  return inputs + largest + written(model, (row) => row.count) + logits;
}
