/** What a large model is predicted to be and to cost beside the baseline of its size, by the formulas of `model/`. */
import {
  type Architecture,
  cacheBytes,
  layerCounts,
  type Primitive,
  parameters,
  parseLayers,
  preset,
  printLayers,
  trainingFlopsPerToken,
} from "../model/index.ts";
import { defaultExtrapolation, type Extrapolation, extrapolate } from "./extrapolate.ts";

/** Tokens of a sequence for which FLOPs and cache are predicted. */
export const PREDICTED_CONTEXT = 8192;

/** A transformer's block: what a found architecture has to beat, unless a recipe says otherwise. */
export const BASELINE = "AF";

/** Where an architecture is extrapolated to. */
export interface Target {
  /** Its widths are taken. */
  readonly like: Architecture;
  /** Non-embedding parameters. */
  readonly to: number;
  readonly by: Extrapolation;
}

export interface Predicted {
  readonly by: Extrapolation;
  readonly predicted: Prediction;
  /** The baseline, stacked to the same size. */
  readonly baseline: Prediction;
  /** The baseline's cache over that of what was found; absent where that keeps none. */
  readonly cacheReduction?: number;
}

/** What a large model is predicted to be and to cost, by the formulas of `model/`. */
export interface Prediction {
  readonly layers: string;
  readonly depth: number;
  readonly counts: Readonly<Partial<Record<Primitive, number>>>;
  readonly width: number;
  /** Without embedding, head and norms. */
  readonly nonEmbedding: number;
  readonly parameters: number;
  /** Training, at `PREDICTED_CONTEXT` tokens; embedding and head excluded. */
  readonly flopsPerToken: number;
  /** Of one sequence of `PREDICTED_CONTEXT` tokens, in bf16. */
  readonly cacheBytes: number;
}

/** `found` and the stacked `baseline` at the target, in numbers. Throws an InputError where the target is out of reach. */
export function predict(
  found: readonly Primitive[],
  { to, by, like }: Target,
  baseline: readonly Primitive[],
): Predicted {
  const predicted = prediction(extrapolate(found, to, by, like));
  const other = prediction(extrapolate(baseline, to, "stack", like));
  return {
    by,
    predicted,
    baseline: other,
    ...(predicted.cacheBytes > 0 && { cacheReduction: other.cacheBytes / predicted.cacheBytes }),
  };
}

/**
 * `predict` for what a person writes: a layer string, and a published model, `like`, whose widths and size are taken
 * where `to` gives no other size. The rule is the paper's for strings of this length unless `by` gives one.
 * @throws InputError for what is no layer string or no published model.
 */
export function predictWritten(
  layers: string,
  {
    to,
    like,
    by,
  }: { readonly to?: number | undefined; readonly like: string; readonly by?: Extrapolation | undefined },
): Predicted {
  const found = parseLayers(layers);
  const { architecture } = preset(like);
  const target = {
    like: architecture,
    to: to ?? parameters(architecture).primitives,
    by: by ?? defaultExtrapolation(found.length),
  };
  return predict(found, target, parseLayers(BASELINE));
}

function prediction(a: Architecture): Prediction {
  const counts = parameters(a);
  return {
    layers: printLayers(a.layers),
    depth: a.layers.length,
    counts: Object.fromEntries(layerCounts(a.layers)),
    width: a.width,
    nonEmbedding: counts.primitives,
    parameters: counts.total,
    flopsPerToken: trainingFlopsPerToken(a, PREDICTED_CONTEXT),
    cacheBytes: cacheBytes(a, PREDICTED_CONTEXT).total,
  };
}
