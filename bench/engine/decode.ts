/** One step of greedy decoding with a cache of keys and values, for the transformers of models.ts. */

import {
  add,
  argMax,
  attention,
  concatenate,
  fill,
  gather,
  layerNorm,
  less,
  MASKED,
  matmul,
  range,
  reshape,
  type StateRows,
  silu,
  split,
  type Tensor,
  where,
} from "../../src/engine/index.ts";
import type { Sizes } from "./models.ts";

type Named = Readonly<Record<string, Tensor>>;

/** The next token after `token` [1] at position `at` [1], and the caches with this position written. */
export function decodeStep(p: Named, token: Tensor, at: Tensor, sizes: Sizes) {
  const { width, heads, layers, length } = sizes;
  // Earlier positions, and then this one, which is not in the cache yet.
  const earlier = where(less(range(length), at), fill(0, []), MASKED);
  const seen = concatenate([earlier, fill(0, [1])], 0);
  const state: Record<string, StateRows> = {};
  const norm = (name: string, x: Tensor): Tensor => layerNorm(x, p[`${name}.weight`]!, p[`${name}.bias`]!);
  let x = add(gather(p.embedding!, token), gather(p.positions!, at));
  for (let i = 0; i < layers; i++) {
    const qkv = matmul(norm(`${i}.norm1`, x), p[`${i}.qkv`]!);
    const [q, k, v] = split(qkv, 1, [width, width, width]).map((part) =>
      reshape(part, [1, heads, 1, width / heads]),
    ) as [Tensor, Tensor, Tensor];
    state[`${i}.keys`] = { rows: k, axis: 2, at };
    state[`${i}.values`] = { rows: v, axis: 2, at };
    const keys = concatenate([p[`${i}.keys`]!, k], 2);
    const values = concatenate([p[`${i}.values`]!, v], 2);
    const mixed = reshape(attention(q, keys, values, { mask: seen }), [1, width]);
    x = add(x, matmul(mixed, p[`${i}.out`]!));
    x = add(x, matmul(silu(matmul(norm(`${i}.norm2`, x), p[`${i}.up`]!)), p[`${i}.down`]!));
  }
  return { outputs: { next: argMax(matmul(norm("norm", x), p.head!)) }, state };
}
