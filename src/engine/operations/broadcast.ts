/**
 * Repeating, summing and another shape for the same elements. They are each other's gradients, and all that NumPy's
 * broadcasting needs, so that every operation with broadcasting rests on this file.
 */

import { axisOf, isFloat, OperationError, type Shape, sizeOf, type Tensor, tensor } from "../graph.ts";

const sameShape = (a: Shape, b: Shape): boolean => a.length === b.length && a.every((n, i) => n === b[i]);

/** The shape that `shapes` broadcast to, or undefined when two lengths differ and neither is 1. */
export function broadcastShapes(...shapes: readonly Shape[]): Shape | undefined {
  const rank = Math.max(0, ...shapes.map((s) => s.length));
  const result: number[] = [];
  for (let fromEnd = 1; fromEnd <= rank; fromEnd++) {
    let length = 1;
    for (const shape of shapes) {
      const own = shape[shape.length - fromEnd] ?? 1;
      if (own === 1) continue;
      if (length !== 1 && length !== own) return undefined;
      length = own;
    }
    result.unshift(length);
  }
  return result;
}

/** Sums `x` over the axes along which `shape` was repeated to make its shape. */
export function sumTo(x: Tensor, shape: Shape): Tensor {
  if (x.shape.length === shape.length && x.shape.every((length, i) => length === shape[i])) return x;
  const added = x.shape.length - shape.length;
  const axes = x.shape.flatMap((length, i) =>
    i < added || (shape[i - added] === 1 && length !== 1) ? [i] : [],
  );
  return reshape(axes.length === 0 ? x : sum(x, axes, { keepAxes: true }), shape);
}

/** The same elements in row-major order under another shape; one length may be -1 and is worked out. */
export function reshape(x: Tensor, shape: Shape): Tensor {
  const known = shape.reduce((product, length) => (length === -1 ? product : product * length), 1);
  const full = shape.map((length) => (length === -1 ? sizeOf(x.shape) / known : length));
  if (sizeOf(full) !== sizeOf(x.shape) || !full.every(Number.isInteger)) {
    throw new OperationError(
      "reshape",
      [x],
      `${sizeOf(x.shape)} elements do not fill the shape [${shape.join(", ")}]`,
    );
  }
  if (sameShape(full, x.shape)) return x;
  // Of shapes one after the other only the last counts.
  if (x.operation === "reshape") return reshape(x.inputs[0]!, full);
  return tensor("reshape", [x], full, x.dataType, {}, (g) => [reshape(g, x.shape)]);
}

/** Repeats `x` along its axes of length 1 (and new leading ones) up to `shape`. */
export function broadcastTo(x: Tensor, shape: Shape): Tensor {
  const result = broadcastShapes(x.shape, shape);
  if (!result || !sameShape(result, shape)) {
    throw new OperationError("broadcastTo", [x], `cannot be repeated up to [${shape.join(", ")}]`);
  }
  if (sameShape(x.shape, shape)) return x;
  return tensor("broadcast", [x], shape, x.dataType, {}, (g) => [sumTo(g, x.shape)]);
}

export interface ReduceOptions {
  /** Leave each reduced axis with length 1. Default false. */
  readonly keepAxes?: boolean;
}

export type Axes = number | readonly number[];

/** The attributes and shapes of reducing `x` over `axes`; `kept` leaves each of them with length 1. */
export function reduction(
  name: "sum" | "sumOfSquares" | "maximumOver",
  x: Tensor,
  axes: Axes | undefined,
  options: ReduceOptions,
) {
  if (!isFloat(x)) throw new OperationError(name, [x], "needs a floating-point tensor");
  const listed = axes === undefined ? x.shape.map((_, i) => i) : typeof axes === "number" ? [axes] : axes;
  const reduced = [...new Set(listed.map((axis) => axisOf(name, x, axis)))].sort((a, b) => a - b);
  const kept = x.shape.map((length, i) => (reduced.includes(i) ? 1 : length));
  const keepAxes = options.keepAxes ?? false;
  const shape = keepAxes ? kept : x.shape.filter((_, i) => !reduced.includes(i));
  return { attributes: { axes: reduced, keepAxes }, shape, kept };
}

/** Sum over `axes` (default: all, to a scalar). */
export function sum(x: Tensor, axes?: Axes, options: ReduceOptions = {}): Tensor {
  const { attributes, shape, kept } = reduction("sum", x, axes, options);
  return tensor("sum", [x], shape, x.dataType, attributes, (g) => [broadcastTo(reshape(g, kept), x.shape)]);
}
