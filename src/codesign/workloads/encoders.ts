/** ViT and BERT of any size: one encoder with its embedding and head (Dosovitskiy et al. 2021; Devlin et al. 2019). */
import { InputError } from "../../core/index.ts";
import { type EncoderShape, encoderOperations, encoderParameters, requireShape } from "./encoder.ts";
import { elementwise, linear, norm, type Workload } from "./operation.ts";
import { imageEmbeddingParameters, imageTokens, patchEmbedding } from "./vision.ts";

/** The estimator takes GELU for one cycle an element. */
const GELU = ["ReLU"];
const BERT_VOCABULARY = 30_522;
const BERT_POSITIONS = 512;
const BERT_SEGMENTS = 2;

export interface VitOptions {
  readonly batch?: number;
  readonly patch?: number;
  readonly classes?: number;
}

/** Throws an `InputError` for a shape that is not of whole numbers. */
export function vitWorkload(
  shape: EncoderShape,
  { batch = 1, patch = 16, classes = 1000 }: VitOptions = {},
): Workload {
  requireShape(shape);
  const tokens = imageTokens(patch);
  const { width } = shape;
  return {
    name: "ViT",
    parameters:
      imageEmbeddingParameters(patch, width) +
      width +
      encoderParameters(shape) +
      2 * width +
      (width + 1) * classes,
    operations: [
      ...patchEmbedding(patch, width, batch).filter(({ name }) => name !== "embedding norm"),
      ...encoderOperations(shape, { batch, tokens, masked: false, activation: GELU }),
      norm("final norm", 1, batch, width),
      linear("classifier", 1, batch, width, classes),
    ],
  };
}

/** Throws an `InputError` for a shape that is not of whole numbers, and for more tokens than there are positions. */
export function bertWorkload(
  shape: EncoderShape,
  { batch = 1, tokens = 128 }: { readonly batch?: number; readonly tokens?: number } = {},
): Workload {
  requireShape(shape);
  if (!Number.isInteger(tokens) || tokens < 1 || tokens > BERT_POSITIONS) {
    throw new InputError({
      place: { path: "tokens" },
      found: String(tokens),
      expected: `a whole number from 1 to ${BERT_POSITIONS}`,
    });
  }
  const { width } = shape;
  return {
    name: "BERT",
    parameters:
      (BERT_VOCABULARY + BERT_POSITIONS + BERT_SEGMENTS) * width +
      2 * width +
      encoderParameters(shape) +
      (width + 1) * width,
    operations: [
      elementwise("embedding sum", 1, ["Add", "Add"], batch * tokens * width, 3),
      norm("embedding norm", 1, batch * tokens, width),
      ...encoderOperations(shape, { batch, tokens, masked: true, activation: GELU }),
      linear("pooler", 1, batch, width, width),
      elementwise("pooler activation", 1, ["Tanh"], batch * width),
    ],
  };
}
