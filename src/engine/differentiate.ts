/** Reverse-mode differentiation: the gradient of a scalar as more graph, by the operations' own gradients. */

import { fill, OperationError, type Tensor, topologicalOrder } from "./graph.ts";
import { add, zerosLike } from "./operations/elementwise.ts";
import { concatenate } from "./operations/shape.ts";

/** d `of` / d each tensor of `withRespectTo`, with that tensor's shape; zeros where `of` does not depend on it. */
export function gradients(of: Tensor, withRespectTo: readonly Tensor[]): Tensor[] {
  if (of.shape.length !== 0)
    throw new OperationError("gradients", [of], "only a scalar can be differentiated");
  const order = topologicalOrder([of], (t) => (t.gradient ? t.inputs : []));
  const wanted = new Set(withRespectTo);
  // Only what lies between the wanted tensors and the result is differentiated.
  const needed = new Set<Tensor>();
  for (const t of order) {
    if (wanted.has(t) || (t.gradient && t.inputs.some((from) => needed.has(from)))) needed.add(t);
  }
  const contributions = new Map<Tensor, Tensor[]>([[of, [fill(1, [], of.dataType)]]]);
  const result = new Map<Tensor, Tensor>();
  for (const t of order.reverse()) {
    const parts = contributions.get(t);
    contributions.delete(t);
    if (!parts || !needed.has(t)) continue;
    const gradient = total(parts);
    if (wanted.has(t)) result.set(t, gradient);
    const back = t.gradient?.(gradient) ?? [];
    t.inputs.forEach((from, i) => {
      const part = back[i];
      if (!part || !needed.has(from)) return;
      const known = contributions.get(from);
      if (known) known.push(part);
      else contributions.set(from, [part]);
    });
  }
  return withRespectTo.map((t) => result.get(t) ?? zerosLike(t));
}

function total(parts: readonly Tensor[]): Tensor {
  return joinedSlices(parts) ?? parts.reduce((a, b) => add(a, b));
}

/**
 * Slices of a tensor send back gradients padded with zeros. Where together they cover it without overlap (a split),
 * their sum is one concatenation instead of a padding and an addition a part.
 */
function joinedSlices(parts: readonly Tensor[]): Tensor | undefined {
  if (parts.length < 2) return undefined;
  const padded = parts as readonly Tensor<"pad">[];
  if (!parts.every((t) => t.operation === "pad" && (t as Tensor<"pad">).attributes.value === 0))
    return undefined;
  const axes = new Set<number>();
  for (const { attributes } of padded) {
    for (const amounts of [attributes.before, attributes.after]) {
      amounts.forEach((amount, axis) => {
        if (amount > 0) axes.add(axis);
      });
    }
  }
  if (axes.size !== 1) return undefined;
  const axis = [...axes][0]!;
  const inOrder = [...padded].sort((a, b) => a.attributes.before[axis]! - b.attributes.before[axis]!);
  let reached = 0;
  for (const part of inOrder) {
    if (part.attributes.before[axis] !== reached) return undefined;
    reached += part.inputs[0]!.shape[axis]!;
  }
  if (reached !== inOrder[0]!.shape[axis]) return undefined;
  return concatenate(
    inOrder.map((part) => part.inputs[0]!),
    axis,
  );
}
