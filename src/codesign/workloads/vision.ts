/** Images as tokens: a square of 224 pixels cut into patches, each a product with the patch embedding. */
import { InputError } from "../../core/index.ts";
import { elementwise, norm, type Operation } from "./operation.ts";

export const IMAGE_SIDE = 224;
const CHANNELS = 3;

/** Patches along a side. Throws an `InputError` where the image is no whole number of patches. */
export function patchGrid(patch: number, path = "patch"): number {
  const grid = IMAGE_SIDE / patch;
  if (Number.isInteger(grid) && patch >= 1) return grid;
  throw new InputError({
    place: { path },
    found: String(patch),
    expected: `a divisor of the image's ${IMAGE_SIDE} pixels`,
    remedy: "the published models take 16 or 32",
  });
}

/** Patches and one class token. */
export function imageTokens(patch: number): number {
  return patchGrid(patch) ** 2 + 1;
}

export function patchEmbedding(patch: number, width: number, batch: number): Operation[] {
  const grid = patchGrid(patch);
  const tokens = batch * imageTokens(patch);
  return [
    {
      name: "patch embedding",
      count: 1,
      work: {
        kind: "product",
        rows: grid ** 2,
        depth: CHANNELS * patch ** 2,
        columns: width,
        copies: batch,
        sliding: { grid, window: patch },
      },
    },
    elementwise("position embedding", 1, ["Add"], tokens * width, 2),
    norm("embedding norm", 1, tokens, width),
  ];
}

/** Patch and position embeddings and the class token. */
export function imageEmbeddingParameters(patch: number, width: number): number {
  return CHANNELS * patch ** 2 * width + width + imageTokens(patch) * width;
}
