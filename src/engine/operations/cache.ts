/** Caches of keys and values: tensors with room for all positions, into which each pass writes its own. */

import { fill, fused, OperationError, range, type Tensor } from "../graph.ts";
import { attention, MASKED } from "./attention.ts";
import { add, and, greaterOrEqual, less, lessOrEqual, subtract, where } from "./elementwise.ts";
import { gather } from "./matmul.ts";
import { reshape, split, transpose } from "./shape.ts";

/** `old` with `rows` along `axis` in the place of those from position `at` (int32 [1]) on, as one new tensor. */
export function withRows(old: Tensor, rows: Tensor, axis: number, at: Tensor): Tensor {
  const [length, count] = [old.shape[axis]!, rows.shape[axis]!];
  const offset = subtract(range(length), at);
  const within = and(greaterOrEqual(offset, 0), less(offset, count));
  const inFront = [axis, ...old.shape.map((_, i) => i).filter((i) => i !== axis)];
  const back = inFront.map((_, i) => inFront.indexOf(i));
  const spread = gather(transpose(rows, inFront), where(within, offset, 0));
  const along = old.shape.map((_, i) => (i === axis ? length : 1));
  return where(reshape(within, along), transpose(spread, back), old);
}

export interface KeysAndValues {
  /** [batch, groups, capacity, width]. */
  readonly keys: Tensor;
  /** [batch, groups, capacity, value width]. */
  readonly values: Tensor;
}

/**
 * Causal attention of the newest positions over a cache and themselves. `projected` [batch, time, channels] holds the queries
 * of `heads` heads, then the keys and the values of as many groups as the cache has, heads side by side as a projection
 * gives them. The first position stands at `at` (int32 [1]) and only earlier ones of the cache count. Groups as in `attention`.
 *
 * Gives what was `read`, [batch, time, heads * value width], and the cache with the new keys and values `written` at their
 * positions. Where the provider has a kernel for it, all three come out of one, and within a program the cache is copied
 * once at most.
 */
export function cachedAttention(
  projected: Tensor,
  heads: number,
  cache: KeysAndValues,
  at: Tensor,
): { read: Tensor; written: KeysAndValues } {
  const operands = [projected, cache.keys, cache.values, at];
  const [batch, groups, capacity, width] = cache.keys.shape as [number, number, number, number];
  const valueWidth = cache.values.shape[3]!;
  const time = projected.shape[1]!;
  const channels = [heads * width, groups * width, groups * valueWidth] as const;
  const fits =
    `${projected.shape}` === `${[batch, time, channels[0] + channels[1] + channels[2]]}` &&
    `${cache.values.shape}` === `${[batch, groups, capacity, valueWidth]}` &&
    `${at.shape}` === "1" &&
    at.dataType === "int32" &&
    Number.isInteger(heads / groups);
  if (!fits) {
    throw new OperationError(
      "cachedAttention",
      operands,
      `needs [batch, time, channels] of ${heads} queries, keys and values, caches [batch, groups, capacity, width], an int32 [1] position, heads a multiple of groups`,
    );
  }
  const apart = (x: Tensor, count: number): Tensor =>
    transpose(reshape(x, [batch, time, count, x.shape[2]! / count]), [0, 2, 1, 3]);
  const [query, key, value] = split(projected, 2, channels) as [Tensor, Tensor, Tensor];
  const keys = withRows(cache.keys, apart(key, groups), 2, at);
  const values = withRows(cache.values, apart(value, groups), 2, at);
  const position = add(reshape(range(time), [time, 1]), at);
  const seen = lessOrEqual(reshape(range(capacity), [1, capacity]), position);
  const mask = where(seen, fill(0, []), MASKED);
  const mixed = transpose(attention(apart(query, heads), keys, values, { mask }), [0, 2, 1, 3]);
  const [read, writtenKeys, writtenValues] = [
    reshape(mixed, [batch, time, heads * valueWidth]),
    keys,
    values,
  ].map((composed, part) => fused("cachedAttention", part, composed, operands, { heads })) as [
    Tensor,
    Tensor,
    Tensor,
  ];
  return { read, written: { keys: writtenKeys, values: writtenValues } };
}
