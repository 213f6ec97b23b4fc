/** Matrix products, and reading and adding rows by index. */

import { isFloat, OperationError, type Tensor, tensor } from "../graph.ts";
import { broadcastShapes, sumTo } from "./broadcast.ts";
import { reshape, transpose } from "./shape.ts";

export interface MatmulOptions {
  /** Multiply by the transpose of the second matrix. Default false. */
  readonly transposeSecond?: boolean;
}

/**
 * Matrix product over the last two axes: [..., M, K] x [..., K, N] -> [..., M, N]. Leading axes broadcast; a second
 * operand of rank 2 is one weight for all.
 *
 * The gradient for the second operand is A^T G. The runtime's kernel is slow with a transposed first operand, so a
 * transpose is made of whichever of A and G is narrower, and the small result is transposed back where needed
 * (measured: bench/engine).
 */
export function matmul(a: Tensor, b: Tensor, options: MatmulOptions = {}): Tensor {
  const transposeSecond = options.transposeSecond ?? false;
  const [rows, inner] = a.shape.slice(-2);
  const [first, second] = b.shape.slice(-2);
  const [shared, columns] = transposeSecond ? [second, first] : [first, second];
  if (a.shape.length < 2 || b.shape.length < 2)
    throw new OperationError("matmul", [a, b], "needs at least two axes each");
  if (!isFloat(a) || a.dataType !== b.dataType) {
    throw new OperationError("matmul", [a, b], "needs floating-point tensors of one element type");
  }
  if (inner !== shared) {
    throw new OperationError(
      "matmul",
      [a, b],
      `the last axis of the first (${inner}) must equal the ${transposeSecond ? "last" : "last but one"} axis of the second (${shared})`,
    );
  }
  const batch = broadcastShapes(a.shape.slice(0, -2), b.shape.slice(0, -2));
  if (!batch) throw new OperationError("matmul", [a, b], "the leading axes do not broadcast");
  return tensor("matmul", [a, b], [...batch, rows!, columns!], a.dataType, { transposeSecond }, (g) => [
    sumTo(matmul(g, b, { transposeSecond: !transposeSecond }), a.shape),
    gradientOfSecond(a, b, g, transposeSecond),
  ]);
}

function gradientOfSecond(a: Tensor, b: Tensor, g: Tensor, transposed: boolean): Tensor {
  // One weight for all rows: the sum over the leading axes is part of the product.
  const flat = b.shape.length === 2;
  const left = flat ? reshape(a, [-1, a.shape.at(-1)!]) : a;
  const right = flat ? reshape(g, [-1, g.shape.at(-1)!]) : g;
  return sumTo(transposed ? productOverRows(right, left) : productOverRows(left, right), b.shape);
}

/** X^T Y for X [..., M, P] and Y [..., M, Q], transposing the narrower of them. */
export function productOverRows(x: Tensor, y: Tensor): Tensor {
  return x.shape.at(-1)! <= y.shape.at(-1)! ? matmul(transpose(x), y) : transpose(matmul(transpose(y), x));
}

/** Rows of `table` [rows, ...] at `index` (int32, any shape, not negative): [...index, ...]. An embedding look-up. */
export function gather(table: Tensor, index: Tensor): Tensor {
  if (index.dataType !== "int32" || table.shape.length === 0) {
    throw new OperationError(
      "gather",
      [table, index],
      "needs a table of at least one axis and int32 indices",
    );
  }
  const shape = [...index.shape, ...table.shape.slice(1)];
  const gradient = (g: Tensor): Tensor[] => [scatterAdd(g, index, table.shape[0]!)];
  return tensor("gather", [table, index], shape, table.dataType, {}, isFloat(table) ? gradient : undefined);
}

/**
 * A table of `rows` rows, each the sum of the `values` [...index, ...] whose `index` (int32) names it. The transpose of
 * `gather`; the sums run in a fixed order.
 */
export function scatterAdd(values: Tensor, index: Tensor, rows: number): Tensor {
  const rank = index.shape.length;
  if (index.dataType !== "int32" || !index.shape.every((length, i) => length === values.shape[i])) {
    throw new OperationError(
      "scatterAdd",
      [values, index],
      "the int32 indices must have the values' leading axes",
    );
  }
  if (!isFloat(values))
    throw new OperationError("scatterAdd", [values, index], "needs floating-point values");
  return tensor(
    "scatterAdd",
    [values, index],
    [rows, ...values.shape.slice(rank)],
    values.dataType,
    {},
    (g) => [gather(g, index)],
  );
}

/** int32 positions of the `count` largest values along the last axis, largest first: [..., count]. No gradient. */
export function topIndices(x: Tensor, count: number): Tensor {
  const length = x.shape.at(-1) ?? 0;
  if (!isFloat(x) || !(count >= 1 && count <= length)) {
    throw new OperationError("topIndices", [x], `cannot choose ${count} of ${length} along the last axis`);
  }
  return tensor("topIndices", [x], [...x.shape.slice(0, -1), count], "int32", { count });
}

/** int32 position of the largest value along the last axis; the first of equals. No gradient. */
export function argMax(x: Tensor): Tensor {
  return reshape(topIndices(x, 1), x.shape.slice(0, -1));
}
