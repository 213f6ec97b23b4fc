/** Softmax attention over keys and values, with a closed-form gradient, and its causal form. */

import { constant, OperationError, type Tensor, withGradient } from "../graph.ts";
import { broadcastShapes } from "./broadcast.ts";
import { add, cast, multiply, subtract } from "./elementwise.ts";
import { matmul } from "./matmul.ts";
import { softmax } from "./neural.ts";
import { sum } from "./reduce.ts";
import { concatenate, reshape, slice, transpose } from "./shape.ts";

export interface AttentionOptions {
  /** What the scores q k^T are multiplied with. Default 1 / sqrt(head width). */
  readonly scale?: number;
  /** Added to the scores: 0 where a query may look, `MASKED` where not; broadcasts to [batch, heads, queries, keys]. No gradient. */
  readonly mask?: Tensor;
}

/** Low enough that its exponential is 0 in float32 beside any score, without an infinity that could become NaN. */
export const MASKED = -1e30;

/**
 * softmax(scale * Q K^T + mask) V. Queries [batch, heads, queries, width]; keys [batch, groups, keys, width] and values
 * [batch, groups, keys, value width] with heads a multiple of groups (grouped-query attention): head h reads group
 * floor(h / (heads / groups)). Result [batch, heads, queries, value width].
 *
 * Gradient in closed form: with P the probabilities, dP = dO V^T and r = rowsum(dO * O), dS = P * (dP - r)
 * (Dao et al., arXiv:2205.14135, appendix B.2), which needs two passes over the scores instead of four.
 */
export function attention(query: Tensor, key: Tensor, value: Tensor, options: AttentionOptions = {}): Tensor {
  const [batch, heads, queries, width] = query.shape as [number, number, number, number];
  const [, groups, keys] = key.shape as [number, number, number, number];
  const fits =
    [query, key, value].every((t) => t.shape.length === 4 && t.shape[0] === batch) &&
    heads % groups === 0 &&
    key.shape[3] === width &&
    value.shape[1] === groups &&
    value.shape[2] === keys;
  if (!fits) {
    throw new OperationError(
      "attention",
      [query, key, value],
      "needs queries [batch, heads, queries, width], keys [batch, groups, keys, width], values [batch, groups, keys, any], heads a multiple of groups",
    );
  }
  const { mask } = options;
  const scores = [batch, heads, queries, keys];
  if (mask && `${broadcastShapes(mask.shape, scores)}` !== `${scores}`) {
    throw new OperationError(
      "attention",
      [query, key, value, mask],
      `the mask does not broadcast to [${scores.join(", ")}]`,
    );
  }
  const scale = options.scale ?? 1 / Math.sqrt(width);
  // The heads of a group are rows of one matrix, so that keys and values are never repeated in memory.
  const grouped = (t: Tensor): Tensor => reshape(t, [batch, groups, (heads / groups) * queries, t.shape[3]!]);
  const q = multiply(grouped(query), scale);
  const raw = reshape(matmul(q, key, { transposeSecond: true }), scores);
  const probabilities = grouped(softmax(mask ? add(raw, cast(mask, raw.dataType)) : raw));
  const out = matmul(probabilities, value);
  const result = reshape(out, [batch, heads, queries, value.shape[3]!]);
  return withGradient("attention", result, [query, key, value], (gradient) => {
    const g = grouped(gradient);
    const along = sum(multiply(g, out), -1, { keepAxes: true });
    const dScores = multiply(probabilities, subtract(matmul(g, value, { transposeSecond: true }), along));
    return [
      reshape(multiply(matmul(dScores, key), scale), query.shape),
      productOverColumns(dScores, q),
      productOverColumns(probabilities, g),
    ];
  });
}

/** X^T Y where Y is much the narrower: (Y^T X)^T, so that no score-sized matrix is transposed. */
function productOverColumns(x: Tensor, y: Tensor): Tensor {
  return transpose(matmul(transpose(y), x));
}

export interface CausalOptions {
  /** A query sees itself and the `window` - 1 positions before it. Default: all before it. */
  readonly window?: number;
  /** The first `sinks` positions are seen by every later query even outside the window. Default 0. */
  readonly sinks?: number;
}

/** The additive mask [queries, keys] of causal attention; the last query stands at the last key. */
export function causalMask(queries: number, keys: number, options: CausalOptions = {}): Tensor {
  return maskBetween(interval(keys - queries, keys), interval(0, keys), options);
}

/** Below this many queries a block's products are too small for the kernel. */
const SMALLEST_BLOCK = 64;
const MOST_BLOCKS = 8;

/**
 * Attention in which a query sees no later position; the last query stands at the last key. Queries are taken in blocks,
 * each against only those keys that one of its queries sees, which spares up to half of the work, and with a window nearly
 * all of it. Shapes as in `attention`.
 */
export function causalAttention(
  query: Tensor,
  key: Tensor,
  value: Tensor,
  options: CausalOptions & Pick<AttentionOptions, "scale"> = {},
): Tensor {
  const { window = Number.POSITIVE_INFINITY, sinks = 0, ...rest } = options;
  const [queries, keys] = [query.shape[2] ?? 0, key.shape[2] ?? 0];
  if (queries > keys)
    throw new OperationError("causalAttention", [query, key], "there are more queries than keys");
  const block = Math.max(SMALLEST_BLOCK, Math.ceil(queries / MOST_BLOCKS));
  const parts: Tensor[] = [];
  for (let first = 0; first < queries; first += block) {
    const end = Math.min(first + block, queries);
    const at = interval(first + keys - queries, end + keys - queries);
    const nearest = Math.max(0, at[0]! - window + 1);
    const far = Math.min(sinks, nearest);
    const seen = (t: Tensor): Tensor => {
      const near = slice(t, 2, nearest, at.at(-1)! + 1);
      return far > 0 ? concatenate([slice(t, 2, 0, far), near], 2) : near;
    };
    const positions = [...interval(0, far), ...interval(nearest, at.at(-1)! + 1)];
    const mask = maskBetween(at, positions, { window, sinks });
    parts.push(attention(slice(query, 2, first, end), seen(key), seen(value), { ...rest, mask }));
  }
  return concatenate(parts, 2);
}

const interval = (from: number, to: number): number[] =>
  Array.from({ length: to - from }, (_, i) => from + i);

/** 0 where the query at a position may see the key at another, `MASKED` elsewhere: [queries, keys]. */
function maskBetween(queries: readonly number[], keys: readonly number[], options: CausalOptions): Tensor {
  const { window = Number.POSITIVE_INFINITY, sinks = 0 } = options;
  const sees = (at: number, key: number): boolean => key <= at && (key > at - window || key < sinks);
  const elements = queries.flatMap((at) => keys.map((key) => (sees(at, key) ? 0 : MASKED)));
  return constant(Float32Array.from(elements), [queries.length, keys.length]);
}
