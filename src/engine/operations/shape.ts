/** Operations that move elements without changing them. */

import { axisOf, OperationError, type Tensor, tensor } from "../graph.ts";
import { reshape } from "./broadcast.ts";

export { broadcastTo, reshape } from "./broadcast.ts";

/** Axes in the order `permutation`; without one, the last two change places. */
export function transpose(x: Tensor, permutation?: readonly number[]): Tensor {
  const rank = x.shape.length;
  if (rank < 2 && permutation === undefined)
    throw new OperationError("transpose", [x], "needs at least two axes");
  const order = permutation ?? [...x.shape.map((_, i) => i).slice(0, -2), rank - 1, rank - 2];
  if (
    order.length !== rank ||
    new Set(order).size !== rank ||
    order.some((axis) => !(axis >= 0 && axis < rank))
  ) {
    throw new OperationError("transpose", [x], `[${order.join(", ")}] is not an order of its ${rank} axes`);
  }
  if (order.every((axis, i) => axis === i)) return x;
  const inverse = order.map((_, i) => order.indexOf(i));
  return tensor(
    "transpose",
    [x],
    order.map((axis) => x.shape[axis]!),
    x.dataType,
    { permutation: order },
    (g) => [transpose(g, inverse)],
  );
}

/** Elements `start` up to, not including, `end` of one axis. Negative positions count from the end. */
export function slice(x: Tensor, axis: number, start: number, end?: number): Tensor {
  const on = axisOf("slice", x, axis);
  const length = x.shape[on]!;
  const from = start < 0 ? start + length : start;
  const to = end === undefined ? length : end < 0 ? end + length : end;
  if (!(from >= 0 && from < to && to <= length)) {
    throw new OperationError(
      "slice",
      [x],
      `${start}..${end ?? ""} is not within axis ${axis} of length ${length}`,
    );
  }
  if (from === 0 && to === length) return x;
  const shape = x.shape.map((n, i) => (i === on ? to - from : n));
  return tensor("slice", [x], shape, x.dataType, { axis: on, start: from, end: to }, (g) => [
    pad(
      g,
      x.shape.map((_, i) => (i === on ? from : 0)),
      x.shape.map((_, i) => (i === on ? length - to : 0)),
    ),
  ]);
}

/** Consecutive parts of the given `lengths` along `axis`. */
export function split(x: Tensor, axis: number, lengths: readonly number[]): Tensor[] {
  const on = axisOf("split", x, axis);
  if (lengths.reduce((a, b) => a + b, 0) !== x.shape[on]) {
    throw new OperationError("split", [x], `parts of ${lengths.join(" + ")} do not make up axis ${axis}`);
  }
  let start = 0;
  return lengths.map((length) => {
    const part = slice(x, on, start, start + length);
    start += length;
    return part;
  });
}

/** The parts one after the other along `axis`. */
export function concatenate(parts: readonly Tensor[], axis: number): Tensor {
  const first = parts[0];
  if (!first) throw new OperationError("concatenate", [], "needs at least one part");
  const on = axisOf("concatenate", first, axis);
  const fits = (part: Tensor): boolean =>
    part.dataType === first.dataType &&
    part.shape.length === first.shape.length &&
    part.shape.every((length, i) => i === on || length === first.shape[i]);
  if (!parts.every(fits)) {
    throw new OperationError("concatenate", parts, `the parts may differ on axis ${axis} only`);
  }
  if (parts.length === 1) return first;
  const lengths = parts.map((part) => part.shape[on]!);
  const shape = first.shape.map((length, i) => (i === on ? lengths.reduce((a, b) => a + b, 0) : length));
  return tensor("concatenate", parts, shape, first.dataType, { axis: on }, (g) => split(g, on, lengths));
}

/** The tensors, all of one shape, along a new axis. */
export function stack(parts: readonly Tensor[], axis: number): Tensor {
  return concatenate(
    parts.map((part) => expandAxis(part, axis)),
    axis,
  );
}

/** Adds `before[i]` and `after[i]` elements of `value` at the ends of each axis i. */
export function pad(x: Tensor, before: readonly number[], after: readonly number[], value = 0): Tensor {
  const rank = x.shape.length;
  if (before.length !== rank || after.length !== rank || [...before, ...after].some((n) => n < 0)) {
    throw new OperationError("pad", [x], `needs ${rank} amounts, none negative, before and after`);
  }
  if ([...before, ...after].every((n) => n === 0)) return x;
  const shape = x.shape.map((length, i) => before[i]! + length + after[i]!);
  return tensor("pad", [x], shape, x.dataType, { before, after, value }, (g) => [
    x.shape.reduce((inner, length, i) => slice(inner, i, before[i]!, before[i]! + length), g),
  ]);
}

/** A new axis of length 1 at `axis`. */
export function expandAxis(x: Tensor, axis: number): Tensor {
  return reshape(x, [...x.shape.slice(0, axis), 1, ...x.shape.slice(axis)]);
}
