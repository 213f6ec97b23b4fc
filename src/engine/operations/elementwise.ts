/** Operations on each element, with NumPy's broadcasting: trailing axes align, an axis of length 1 repeats. */

import {
  type DataType,
  fill,
  isFloat,
  OperationError,
  operand,
  type Shape,
  type Tensor,
  tensor,
  withGradient,
} from "../graph.ts";
import { broadcastShapes, reshape, sumTo } from "./broadcast.ts";

type Operand = Tensor | number;

function pair(name: string, a: Operand, b: Operand): { a: Tensor; b: Tensor; shape: Shape } {
  if (typeof a === "number" && typeof b === "number") {
    throw new OperationError(name, [], "at least one operand must be a tensor");
  }
  const left = typeof a === "number" ? operand(a, b as Tensor) : a;
  const right = operand(b, left);
  if (left.dataType !== right.dataType) {
    throw new OperationError(name, [left, right], "the element types differ; use cast");
  }
  const shape = broadcastShapes(left.shape, right.shape);
  if (!shape) throw new OperationError(name, [left, right], "the shapes do not broadcast");
  return { a: left, b: right, shape };
}

function requireFloat(name: string, x: Tensor): void {
  if (!isFloat(x)) throw new OperationError(name, [x], "needs a floating-point tensor");
}

export function add(x: Operand, y: Operand): Tensor {
  const { a, b, shape } = pair("add", x, y);
  return tensor("add", [a, b], shape, a.dataType, {}, (g) => [sumTo(g, a.shape), sumTo(g, b.shape)]);
}

export function subtract(x: Operand, y: Operand): Tensor {
  const { a, b, shape } = pair("subtract", x, y);
  return tensor("subtract", [a, b], shape, a.dataType, {}, (g) => [
    sumTo(g, a.shape),
    negate(sumTo(g, b.shape)),
  ]);
}

export function multiply(x: Operand, y: Operand): Tensor {
  const { a, b, shape } = pair("multiply", x, y);
  return tensor("multiply", [a, b], shape, a.dataType, {}, (g) => [
    sumTo(multiply(g, b), a.shape),
    sumTo(multiply(g, a), b.shape),
  ]);
}

export function divide(x: Operand, y: Operand): Tensor {
  const { a, b, shape } = pair("divide", x, y);
  const quotient: Tensor = tensor("divide", [a, b], shape, a.dataType, {}, (g) => {
    const ga = divide(g, b);
    return [sumTo(ga, a.shape), sumTo(negate(multiply(ga, quotient)), b.shape)];
  });
  return quotient;
}

/** The larger of two; where they are equal the gradient goes to the first. */
export function maximum(x: Operand, y: Operand): Tensor {
  const { a, b, shape } = pair("maximum", x, y);
  return tensor("maximum", [a, b], shape, a.dataType, {}, (g) => chosen(g, greaterOrEqual(a, b), a, b));
}

/** The smaller of two; where they are equal the gradient goes to the first. */
export function minimum(x: Operand, y: Operand): Tensor {
  const { a, b, shape } = pair("minimum", x, y);
  return tensor("minimum", [a, b], shape, a.dataType, {}, (g) => chosen(g, lessOrEqual(a, b), a, b));
}

/** `a` where `condition` holds, else `b`. */
export function where(condition: Tensor, x: Operand, y: Operand): Tensor {
  const { a, b, shape: values } = pair("where", x, y);
  if (condition.dataType !== "bool")
    throw new OperationError("where", [condition, a, b], "the condition must be bool");
  const shape = broadcastShapes(condition.shape, values);
  if (!shape) throw new OperationError("where", [condition, a, b], "the shapes do not broadcast");
  return tensor("where", [condition, a, b], shape, a.dataType, {}, (g) => [
    undefined,
    ...chosen(g, condition, a, b),
  ]);
}

function chosen(g: Tensor, first: Tensor, a: Tensor, b: Tensor): [Tensor, Tensor] {
  return [sumTo(where(first, g, 0), a.shape), sumTo(where(first, 0, g), b.shape)];
}

function unary(
  name: "negate" | "absolute" | "reciprocal" | "exp" | "log" | "sqrt" | "sigmoid" | "tanh" | "softplus",
  x: Tensor,
  gradient: (g: Tensor, y: Tensor) => Tensor,
): Tensor {
  requireFloat(name, x);
  const y: Tensor = tensor(name, [x], x.shape, x.dataType, {}, (g) => [gradient(g, y)]);
  return y;
}

export const negate = (x: Tensor): Tensor => unary("negate", x, negate);
export const exp = (x: Tensor): Tensor => unary("exp", x, multiply);
export const log = (x: Tensor): Tensor => unary("log", x, (g) => divide(g, x));
export const sqrt = (x: Tensor): Tensor => unary("sqrt", x, (g, y) => multiply(divide(g, y), 0.5));
export const reciprocal = (x: Tensor): Tensor =>
  unary("reciprocal", x, (g, y) => negate(multiply(g, multiply(y, y))));
export const sigmoid = (x: Tensor): Tensor =>
  unary("sigmoid", x, (g, y) => multiply(g, multiply(y, subtract(1, y))));
export const tanh = (x: Tensor): Tensor =>
  unary("tanh", x, (g, y) => multiply(g, subtract(1, multiply(y, y))));
/** log(1 + exp x), without overflow. */
export const softplus = (x: Tensor): Tensor => unary("softplus", x, (g) => multiply(g, sigmoid(x)));
/** |x|; the gradient at 0 is that of the positive side. */
export const absolute = (x: Tensor): Tensor =>
  unary("absolute", x, (g) => where(greaterOrEqual(x, 0), g, negate(g)));

export const square = (x: Tensor): Tensor =>
  withGradient("square", multiply(x, x), [x], (g) => [multiply(g, multiply(x, 2))]);
/** max(x, 0). */
export const relu = (x: Tensor): Tensor => maximum(x, 0);

/** x * sigmoid(x), also called swish. */
export function silu(x: Tensor): Tensor {
  const s = sigmoid(x);
  const y = multiply(x, s);
  return withGradient("silu", y, [x], (g) => [multiply(g, add(s, multiply(y, subtract(1, s))))]);
}

/** GELU by its tanh approximation (Hendrycks and Gimpel, arXiv:1606.08415, section 2). */
export function gelu(x: Tensor): Tensor {
  const inner = multiply(add(x, multiply(multiply(x, multiply(x, x)), 0.044715)), Math.sqrt(2 / Math.PI));
  return multiply(multiply(x, 0.5), add(tanh(inner), 1));
}

type Comparison = "equal" | "less" | "lessOrEqual" | "greater" | "greaterOrEqual";
function compare(name: Comparison, x: Operand, y: Operand): Tensor {
  const { a, b, shape } = pair(name, x, y);
  return tensor(name, [a, b], shape, "bool", {});
}
export const equal = (a: Operand, b: Operand): Tensor => compare("equal", a, b);
export const less = (a: Operand, b: Operand): Tensor => compare("less", a, b);
export const lessOrEqual = (a: Operand, b: Operand): Tensor => compare("lessOrEqual", a, b);
export const greater = (a: Operand, b: Operand): Tensor => compare("greater", a, b);
export const greaterOrEqual = (a: Operand, b: Operand): Tensor => compare("greaterOrEqual", a, b);

function logical(name: "and" | "or", a: Tensor, b: Tensor): Tensor {
  const { shape } = pair(name, a, b);
  if (a.dataType !== "bool") throw new OperationError(name, [a, b], "needs bool tensors");
  return tensor(name, [a, b], shape, "bool", {});
}
export const and = (a: Tensor, b: Tensor): Tensor => logical("and", a, b);
export const or = (a: Tensor, b: Tensor): Tensor => logical("or", a, b);
export function not(x: Tensor): Tensor {
  if (x.dataType !== "bool") throw new OperationError("not", [x], "needs a bool tensor");
  return tensor("not", [x], x.shape, "bool", {});
}

/** The same values as another element type. The gradient flows between floating-point types only. */
export function cast(x: Tensor, dataType: DataType): Tensor {
  if (x.dataType === dataType) return x;
  const differentiable = isFloat(x) && isFloat({ shape: [], dataType });
  return tensor(
    "cast",
    [x],
    x.shape,
    dataType,
    {},
    differentiable ? (g) => [cast(g, x.dataType)] : undefined,
  );
}

/** float 1 where `index` equals the position on a new last axis of length `classes`, else 0. `index` is int32. */
export function oneHot(index: Tensor, classes: number, dataType: DataType = "float32"): Tensor {
  if (index.dataType !== "int32") throw new OperationError("oneHot", [index], "the indices must be int32");
  const positions = tensor("constant", [], [classes], "int32", {
    elements: Int32Array.from({ length: classes }, (_, i) => i),
  });
  return cast(equal(reshape(index, [...index.shape, 1]), positions), dataType);
}

/** Zeros of the shape and element type of `x`. */
export const zerosLike = (x: Tensor): Tensor => fill(0, x.shape, x.dataType);
