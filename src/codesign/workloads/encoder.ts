/** The pre-norm transformer encoder that CLIP's towers, ViT and BERT share, as the operations of its layers. */
import { InputError, type Place } from "../../core/index.ts";
import { elementwise, linear, norm, type Operation } from "./operation.ts";

/** A tower after pruning: the inner width of attention is heads x 64 whatever the width. */
export interface EncoderShape {
  readonly layers: number;
  readonly feedForward: number;
  readonly width: number;
  readonly heads: number;
}

export const HEAD_WIDTH = 64;

export interface EncoderRun {
  readonly batch: number;
  readonly tokens: number;
  /** Adds a mask to the scores, as causal text does. */
  readonly masked: boolean;
  /** Operations of the activation between the two feed-forward products, in the vector core's names. */
  readonly activation: readonly string[];
}

export function requireShape(shape: EncoderShape, place: Place = {}): void {
  const problems = (["layers", "feedForward", "width", "heads"] as const)
    .filter((name) => !(Number.isInteger(shape[name]) && shape[name] >= 1))
    .map((name) => ({
      place: { ...place, path: [place.path, name].filter(Boolean).join(".") },
      found: String(shape[name]),
      expected: "a whole number of at least 1",
    }));
  if (problems.length > 0) throw new InputError(problems);
}

/** All layers. */
export function encoderOperations(
  { layers, feedForward, width, heads }: EncoderShape,
  { batch, tokens, masked, activation }: EncoderRun,
): Operation[] {
  const rows = batch * tokens;
  const inner = heads * HEAD_WIDTH;
  const copies = batch * heads;
  const scores = copies * tokens * tokens;
  return [
    norm("attention norm", layers, rows, width),
    linear("query, key and value", 3 * layers, rows, width, inner),
    elementwise("query scaling", layers, ["Mul"], rows * inner),
    {
      name: "attention scores",
      count: layers,
      work: { kind: "product", rows: tokens, depth: HEAD_WIDTH, columns: tokens, copies },
    },
    ...(masked ? [elementwise("mask", layers, ["Add"], scores, 2)] : []),
    {
      name: "softmax",
      count: layers,
      work: { kind: "softmax", rows: copies * tokens, columns: tokens },
    },
    {
      name: "attention values",
      count: layers,
      work: { kind: "product", rows: tokens, depth: tokens, columns: HEAD_WIDTH, copies },
    },
    linear("attention output", layers, rows, inner, width),
    elementwise("residual", 2 * layers, ["Add"], rows * width, 2),
    norm("feed-forward norm", layers, rows, width),
    linear("feed-forward up", layers, rows, width, feedForward),
    elementwise("activation", layers, activation, rows * feedForward),
    linear("feed-forward down", layers, rows, feedForward, width),
  ];
}

/** Weights of all layers: four attention projections, two feed-forward ones, their biases, two norms. */
export function encoderParameters({ layers, feedForward, width, heads }: EncoderShape): number {
  const inner = heads * HEAD_WIDTH;
  const attention = 4 * inner * width + 3 * inner + width;
  const mlp = 2 * feedForward * width + feedForward + width;
  return layers * (attention + mlp + 4 * width);
}
