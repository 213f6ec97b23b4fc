/** Kernels with which a provider computes a fused operation, where it has one for the shapes. */

import type { Tensor } from "../graph.ts";
import type { Lowering } from "./lowering.ts";

type Kernel = Lowering<"fused">;

/** Outputs: what was read, and the two caches written. */
const groupQueryAttention: Kernel = (graph, [projected, keys, values, at], t) => {
  const { part, options } = t.attributes;
  const [, { shape }, cache] = t.inputs as readonly [Tensor, Tensor, Tensor];
  const [batch, time] = shape as [number, number];
  const [, groups, capacity] = cache.shape as [number, number, number];
  // The kernel is told the last position instead of the first, for each sequence.
  const last = time === 1 ? at! : graph.node("Add", [at!, graph.constant(Int32Array.of(time - 1), [1])]);
  const lasts = batch === 1 ? last : graph.node("Expand", [last, graph.integers([batch])]);
  const room = graph.constant(Int32Array.of(capacity), []);
  const inputs = [projected!, "", "", keys!, values!, lasts, room];
  const attributes = { num_heads: options.heads!, kv_num_heads: groups };
  const output = (position: number): string =>
    graph.node("com.microsoft:GroupQueryAttention", inputs, attributes, position);
  // It reads the caches only where it writes them, so they are asked for even where nobody needs them.
  output(2);
  return output(part);
};

/** The kernel of a provider for `t`, or undefined where it has none that takes its shapes. */
export function kernelFor(provider: string, t: Tensor): Kernel | undefined {
  if (provider !== "cpu" || t.operation !== "fused") return undefined;
  const [, projected, keys, values] = t.inputs as readonly [Tensor, Tensor, Tensor, Tensor];
  const [width, valueWidth] = [keys.shape[3]!, values.shape[3]!];
  const [batch, time] = projected.shape as [number, number];
  const takes =
    projected.dataType === "float32" &&
    width === valueWidth &&
    width % 8 === 0 &&
    (batch === 1 || time === 1);
  return takes ? groupQueryAttention : undefined;
}
