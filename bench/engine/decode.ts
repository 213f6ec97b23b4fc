/** Greedy decoding with a cache of keys and values, some tokens a run, for the transformers of models.ts. */

import {
  add,
  argMax,
  cachedAttention,
  concatenate,
  fill,
  gather,
  layerNorm,
  matmul,
  reshape,
  type StateRows,
  silu,
  split,
  type Tensor,
  transpose,
} from "../../src/engine/index.ts";
import type { Sizes } from "./models.ts";

type Named = Readonly<Record<string, Tensor>>;

/** Tokens of one run: its part of the caches is written into them once, after it. */
export const TOKENS_A_RUN = 8;

/** The `TOKENS_A_RUN` tokens after `token` [1] at position `at` [1], and their keys and values. */
export function decode(p: Named, token: Tensor, at: Tensor, sizes: Sizes) {
  const { width, heads, layers } = sizes;
  const norm = (name: string, x: Tensor): Tensor => layerNorm(x, p[`${name}.weight`]!, p[`${name}.bias`]!);
  const caches = Array.from({ length: layers }, (_, layer) => ({
    keys: p[`${layer}.keys`]!,
    values: p[`${layer}.values`]!,
  }));
  const projected = caches.map((): Tensor[] => []);
  const tokens: Tensor[] = [];
  let latest = token;
  for (let i = 0; i < TOKENS_A_RUN; i++) {
    const position = add(at, fill(i, [], "int32"));
    let x = add(gather(p.embedding!, latest), gather(p.positions!, position));
    for (let layer = 0; layer < layers; layer++) {
      const qkv = reshape(matmul(norm(`${layer}.norm1`, x), p[`${layer}.qkv`]!), [1, 1, 3 * width]);
      const { read, written } = cachedAttention(qkv, heads, caches[layer]!, position);
      caches[layer] = written;
      projected[layer]!.push(qkv);
      x = add(x, matmul(reshape(read, [1, width]), p[`${layer}.out`]!));
      x = add(x, matmul(silu(matmul(norm(`${layer}.norm2`, x), p[`${layer}.up`]!)), p[`${layer}.down`]!));
    }
    latest = argMax(matmul(norm("norm", x), p.head!));
    tokens.push(latest);
  }
  const state: Record<string, StateRows> = {};
  for (const [layer, parts] of projected.entries()) {
    const [, keys, values] = split(concatenate(parts, 1), 2, [width, width, width]);
    for (const [name, part] of Object.entries({ keys, values })) {
      const apart = reshape(part!, [1, TOKENS_A_RUN, heads, width / heads]);
      state[`${layer}.${name}`] = { rows: transpose(apart, [0, 2, 1, 3]), axis: 2, at };
    }
  }
  return { outputs: { tokens: concatenate(tokens, 0) }, state };
}
