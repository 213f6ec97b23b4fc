/** Sums, means and maxima over axes, and running sums. */

import { axisOf, isFloat, OperationError, type Tensor, tensor } from "../graph.ts";
import { cast, divide, equal, multiply } from "./elementwise.ts";
import { broadcastTo, reshape } from "./shape.ts";

export interface ReduceOptions {
  /** Leave each reduced axis with length 1. Default false. */
  readonly keepAxes?: boolean;
}

type Axes = number | readonly number[];

function reduction(
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

/** Sum of squares over `axes` (default: all), in one pass. */
export function sumOfSquares(x: Tensor, axes?: Axes, options: ReduceOptions = {}): Tensor {
  const { attributes, shape, kept } = reduction("sumOfSquares", x, axes, options);
  return tensor("sumOfSquares", [x], shape, x.dataType, attributes, (g) => [
    multiply(x, multiply(reshape(g, kept), 2)),
  ]);
}

/** Mean over `axes` (default: all). */
export function mean(x: Tensor, axes?: Axes, options: ReduceOptions = {}): Tensor {
  const total = sum(x, axes, options);
  const count = x.shape.reduce((a, b) => a * b, 1) / total.shape.reduce((a, b) => a * b, 1);
  return multiply(total, 1 / count);
}

/** Largest value over `axes` (default: all); equal largest values share the gradient evenly. */
export function max(x: Tensor, axes?: Axes, options: ReduceOptions = {}): Tensor {
  const { attributes, shape, kept } = reduction("maximumOver", x, axes, options);
  const y: Tensor = tensor("maximumOver", [x], shape, x.dataType, attributes, (g) => {
    const largest = cast(equal(x, reshape(y, kept)), x.dataType);
    const shares = sum(largest, attributes.axes, { keepAxes: true });
    return [multiply(largest, divide(reshape(g, kept), shares))];
  });
  return y;
}

export interface CumulativeSumOptions {
  /** Leave the element itself out of its sum. Default false. */
  readonly exclusive?: boolean;
  /** Run from the end. Default false. */
  readonly reverse?: boolean;
}

/** Running sum along `axis`. */
export function cumulativeSum(x: Tensor, axis: number, options: CumulativeSumOptions = {}): Tensor {
  if (!isFloat(x)) throw new OperationError("cumulativeSum", [x], "needs a floating-point tensor");
  const { exclusive = false, reverse = false } = options;
  const attributes = { axis: axisOf("cumulativeSum", x, axis), exclusive, reverse };
  return tensor("cumulativeSum", [x], x.shape, x.dataType, attributes, (g) => [
    cumulativeSum(g, axis, { exclusive, reverse: !reverse }),
  ]);
}
