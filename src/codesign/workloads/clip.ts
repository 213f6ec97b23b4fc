/**
 * CLIP (Radford et al. 2021) with each tower pruned as CATransformers does: layers, feed-forward blocks, width and
 * heads. One inference is one image and one text; both towers are run, one after the other.
 */
import { type EncoderShape, encoderOperations, encoderParameters, requireShape } from "./encoder.ts";
import { elementwise, linear, norm, type Workload } from "./operation.ts";
import { imageEmbeddingParameters, imageTokens, patchEmbedding } from "./vision.ts";

export interface ClipShape {
  readonly text: EncoderShape;
  readonly vision: EncoderShape;
  readonly patch: number;
}

const CONTEXT = 77;
const VOCABULARY = 49_408;
/** Width of the space that both towers project into. */
const SHARED_WIDTH = 512;
const QUICK_GELU = ["Mul", "Sigmoid", "Mul"];

/** Throws an `InputError` for a shape that is not of whole numbers. */
export function clipWorkload(shape: ClipShape, { batch = 1, name = "CLIP" } = {}): Workload {
  const { text, vision, patch } = shape;
  requireShape(text, { path: "text" });
  requireShape(vision, { path: "vision" });
  const run = { batch, activation: QUICK_GELU };
  return {
    name,
    parameters: clipParameters(shape),
    operations: [
      elementwise("text position embedding", 1, ["Add"], batch * CONTEXT * text.width, 2),
      ...encoderOperations(text, { ...run, tokens: CONTEXT, masked: true }),
      norm("text norm", 1, batch * CONTEXT, text.width),
      linear("text projection", 1, batch, text.width, SHARED_WIDTH),
      ...patchEmbedding(patch, vision.width, batch),
      ...encoderOperations(vision, { ...run, tokens: imageTokens(patch), masked: false }),
      norm("image norm", 1, batch, vision.width),
      linear("image projection", 1, batch, vision.width, SHARED_WIDTH),
    ],
  };
}

/** All weights of both towers, and the temperature. */
export function clipParameters({ text, vision, patch }: ClipShape): number {
  const textTower =
    (VOCABULARY + CONTEXT) * text.width +
    encoderParameters(text) +
    2 * text.width +
    SHARED_WIDTH * text.width;
  // The patch embedding has no bias, but the class token is as wide as one.
  const visionTower =
    imageEmbeddingParameters(patch, vision.width) +
    2 * vision.width +
    encoderParameters(vision) +
    2 * vision.width +
    SHARED_WIDTH * vision.width;
  return textTower + visionTower + 1;
}
