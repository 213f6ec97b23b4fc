/** Several tokens in one pass: each is drawn in the graph, and the next follows from it. */
import { add, concatenate, fill, reshape, type StateRows, slice, type Tensor } from "../../engine/index.ts";
import type { Grown, Kept, Tensors } from "../networks/layer.ts";
import type { Network } from "../networks/network.ts";
import { draw, type Sampling } from "./sampling.ts";

export interface Continuation {
  /** The latest token, which `cache` has not seen yet, int32 [1]. */
  readonly token: Tensor;
  /** Tokens that `cache` has seen, int32 [1]. */
  readonly start: Tensor;
  /** A number in [0, 1) for each token to draw, [count]. */
  readonly chances: Tensor;
}

/**
 * The `count` tokens after a given one, int32 [count], and what the caches of up to `capacity` tokens become. They have
 * then seen all of these tokens but the last.
 */
export function continued(
  network: Network,
  parameters: Tensors,
  cache: Tensors,
  { token, start, chances }: Continuation,
  capacity: number,
  sampling: Sampling,
): { tokens: Tensor; cache: Record<string, Tensor | StateRows> } {
  const tokens: Tensor[] = [];
  const passes: Kept[] = [];
  let latest = token;
  let seen = cache;
  for (let i = 0; i < chances.shape[0]!; i++) {
    const at = add(start, fill(i, [1], "int32"));
    const pass = network.advance(parameters, reshape(latest, [1, 1]), at, seen, capacity);
    const logits = reshape(network.logits(parameters, pass.hidden), [-1]);
    latest = draw(logits, slice(chances, 0, i, i + 1), sampling);
    tokens.push(latest);
    passes.push(pass.cache!);
    seen = mapped(pass.cache!, (value) => (isGrown(value) ? value.whole : value));
  }
  return {
    tokens: concatenate(tokens, 0),
    cache: mapped(passes.at(-1)!, (value, name) => {
      if (!isGrown(value)) return value;
      const rows = passes.map((pass) => (pass[name] as Grown).rows);
      return { rows: concatenate(rows, value.axis), axis: value.axis, at: start };
    }),
  };
}

const isGrown = (value: Tensor | Grown): value is Grown => "whole" in value;

function mapped<T>(kept: Kept, of: (value: Tensor | Grown, name: string) => T): Record<string, T> {
  return Object.fromEntries(Object.entries(kept).map(([name, value]) => [name, of(value, name)]));
}
