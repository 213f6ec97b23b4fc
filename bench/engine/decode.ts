/** One step of greedy decoding with a cache of keys and values, for the transformers of models.ts. */

import {
  add,
  argMax,
  attention,
  equal,
  fill,
  gather,
  layerNorm,
  lessOrEqual,
  MASKED,
  matmul,
  range,
  reshape,
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
  const positions = range(length);
  const unseen = where(lessOrEqual(positions, at), fill(0, []), MASKED);
  const here = reshape(equal(positions, at), [1, 1, length, 1]);
  const state: Record<string, Tensor> = {};
  const norm = (name: string, x: Tensor): Tensor => layerNorm(x, p[`${name}.weight`]!, p[`${name}.bias`]!);
  let x = add(gather(p.embedding!, token), gather(p.positions!, at));
  for (let i = 0; i < layers; i++) {
    const qkv = matmul(norm(`${i}.norm1`, x), p[`${i}.qkv`]!);
    const [q, k, v] = split(qkv, 1, [width, width, width]).map((part) =>
      reshape(part, [1, heads, 1, width / heads]),
    ) as [Tensor, Tensor, Tensor];
    const keys = where(here, k, p[`${i}.keys`]!);
    const values = where(here, v, p[`${i}.values`]!);
    state[`${i}.keys`] = keys;
    state[`${i}.values`] = values;
    const mixed = reshape(attention(q, keys, values, { mask: unseen }), [1, width]);
    x = add(x, matmul(mixed, p[`${i}.out`]!));
    x = add(x, matmul(silu(matmul(norm(`${i}.norm2`, x), p[`${i}.up`]!)), p[`${i}.down`]!));
  }
  return { outputs: { next: argMax(matmul(norm("norm", x), p.head!)) }, state };
}
