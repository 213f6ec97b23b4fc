/** Sums, means and maxima over axes, and running sums. */

import { axisOf, isFloat, OperationError, type Tensor, tensor } from "../graph.ts";
import { type Axes, type ReduceOptions, reduction, reshape, sum } from "./broadcast.ts";
import { cast, divide, equal, multiply } from "./elementwise.ts";

export { type ReduceOptions, sum } from "./broadcast.ts";

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
