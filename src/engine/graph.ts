/**
 * Symbolic tensors. A tensor is a shape, an element type and the operation that makes it from other tensors; it holds
 * no numbers except in constants. A function of tensors is traced by calling it once. There is no tracing context:
 * a graph is whatever its outputs reach, so what nothing reaches is never emitted.
 *
 * Nothing here knows ONNX (see `onnx/`) or how gradients are taken (see `differentiate.ts`).
 */

export type DataType = "float32" | "float64" | "int32" | "bool";
export type Shape = readonly number[];
/** Row-major elements; `bool` is one byte an element. */
export type Elements = Float32Array | Float64Array | Int32Array | Uint8Array;

export interface TensorSpec {
  readonly shape: Shape;
  readonly dataType: DataType;
}

type None = Readonly<Record<never, never>>;
interface Reduction {
  readonly axes: readonly number[];
  readonly keepAxes: boolean;
}

/** The primitive operations and what each needs to know beside its inputs. Axes are never negative here. */
export interface Attributes {
  input: { readonly name: string };
  /** A named constant keeps its name in an exported file. */
  constant: { readonly elements: Elements; readonly name?: string };
  fill: { readonly value: number };
  /** Inputs: a result, then the tensors that its hand-written gradient is for. Computes the result. */
  custom: { readonly name: string };
  /**
   * Inputs: a composition of other operations, then what one kernel would need to compute the same. A provider that has such
   * a kernel uses it; the others compute the composition. `part` counts the outputs of the kernel.
   */
  fused: {
    readonly kernel: string;
    readonly part: number;
    readonly options: Readonly<Record<string, number>>;
  };
  stopGradient: None;
  cast: None;

  add: None;
  subtract: None;
  multiply: None;
  divide: None;
  maximum: None;
  minimum: None;
  negate: None;
  absolute: None;
  reciprocal: None;
  exp: None;
  log: None;
  sqrt: None;
  sigmoid: None;
  tanh: None;
  softplus: None;
  equal: None;
  less: None;
  lessOrEqual: None;
  greater: None;
  greaterOrEqual: None;
  and: None;
  or: None;
  not: None;
  where: None;

  sum: Reduction;
  sumOfSquares: Reduction;
  maximumOver: Reduction;
  cumulativeSum: { readonly axis: number; readonly exclusive: boolean; readonly reverse: boolean };
  softmax: None;
  layerNorm: { readonly epsilon: number };
  rmsNorm: { readonly epsilon: number };

  reshape: None;
  transpose: { readonly permutation: readonly number[] };
  broadcast: None;
  slice: { readonly axis: number; readonly start: number; readonly end: number };
  concatenate: { readonly axis: number };
  pad: { readonly before: readonly number[]; readonly after: readonly number[]; readonly value: number };

  matmul: { readonly transposeSecond: boolean };
  gather: None;
  scatterAdd: None;
  topIndices: { readonly count: number };
}

export type Operation = keyof Attributes;

/** Gradients for each input, given the gradient of the output; undefined where none flows. */
export type Gradient = (gradient: Tensor) => readonly (Tensor | undefined)[];

export interface Tensor<K extends Operation = Operation> extends TensorSpec {
  readonly operation: K;
  readonly attributes: Attributes[K];
  readonly inputs: readonly Tensor[];
  /** Absent where no gradient flows back (indices, comparisons, constants). */
  readonly gradient?: Gradient | undefined;
}

export function tensor<K extends Operation>(
  operation: K,
  inputs: readonly Tensor[],
  shape: Shape,
  dataType: DataType,
  attributes: Attributes[K],
  gradient?: Gradient,
): Tensor {
  return { operation, inputs, shape, dataType, attributes, gradient };
}

export const float32 = (shape: Shape): TensorSpec => ({ shape, dataType: "float32" });
export const float64 = (shape: Shape): TensorSpec => ({ shape, dataType: "float64" });
export const int32 = (shape: Shape): TensorSpec => ({ shape, dataType: "int32" });
export const bool = (shape: Shape): TensorSpec => ({ shape, dataType: "bool" });

/** A tensor that is fed when the program runs. */
export function input(name: string, spec: TensorSpec): Tensor {
  return tensor("input", [], spec.shape, spec.dataType, { name });
}

/** Fixed elements, part of the graph. */
export function constant(elements: Elements, shape: Shape): Tensor {
  const dataType = dataTypeOf(elements);
  if (elements.length !== sizeOf(shape)) {
    throw new OperationError("constant", [], `${elements.length} elements do not fill the shape [${shape}]`);
  }
  return tensor("constant", [], shape, dataType, { elements });
}

/** One value everywhere. */
export function fill(value: number, shape: Shape, dataType: DataType = "float32"): Tensor {
  return tensor("fill", [], shape, dataType, { value });
}

/** 0, 1, ... `length` - 1. */
export function range(length: number, dataType: Exclude<DataType, "bool"> = "int32"): Tensor {
  return constant(
    emptyElements(dataType, length).map((_: number, i: number) => i),
    [length],
  );
}

/** The operand as a tensor; a number takes the element type of `like`. */
export function operand(value: Tensor | number, like: Tensor): Tensor {
  return typeof value === "number" ? fill(value, [], like.dataType) : value;
}

/** Passes its value on and stops the gradient. */
export function stopGradient(x: Tensor): Tensor {
  return tensor("stopGradient", [x], x.shape, x.dataType, {});
}

/**
 * `result` with a gradient written by hand: the gradient flows to `inputs` as `gradient` says, and nowhere else.
 * Use it where a closed form needs fewer passes over memory than the chain rule.
 */
export function withGradient(
  name: string,
  result: Tensor,
  inputs: readonly Tensor[],
  gradient: Gradient,
): Tensor {
  return tensor("custom", [result, ...inputs], result.shape, result.dataType, { name }, (g) => [
    undefined,
    ...gradient(g),
  ]);
}

/** `composed`, which a kernel of a provider may compute from `inputs` instead. The gradient is that of the composition. */
export function fused(
  kernel: string,
  part: number,
  composed: Tensor,
  inputs: readonly Tensor[],
  options: Readonly<Record<string, number>> = {},
): Tensor {
  const attributes = { kernel, part, options };
  return tensor("fused", [composed, ...inputs], composed.shape, composed.dataType, attributes, (g) => [g]);
}

/** The inputs whose values are needed to compute `t`, where no kernel computes a fused operation. */
export function computedFrom(t: Tensor): readonly Tensor[] {
  return t.operation === "custom" || t.operation === "fused" ? t.inputs.slice(0, 1) : t.inputs;
}

/** All tensors that `outputs` reach through `edges`, inputs before what is made of them. */
export function topologicalOrder(
  outputs: readonly Tensor[],
  edges: (t: Tensor) => readonly Tensor[] = computedFrom,
): Tensor[] {
  const order: Tensor[] = [];
  const state = new Map<Tensor, "open" | "done">();
  const stack = [...outputs].reverse();
  while (stack.length > 0) {
    const top = stack[stack.length - 1]!;
    if (state.get(top) === "done") {
      stack.pop();
    } else if (state.get(top) === "open") {
      state.set(top, "done");
      order.push(top);
      stack.pop();
    } else {
      state.set(top, "open");
      for (const from of edges(top).toReversed()) if (!state.has(from)) stack.push(from);
    }
  }
  return order;
}

export function sizeOf(shape: Shape): number {
  return shape.reduce((product, length) => product * length, 1);
}

export function emptyElements(dataType: DataType, length: number): Elements {
  switch (dataType) {
    case "float32":
      return new Float32Array(length);
    case "float64":
      return new Float64Array(length);
    case "int32":
      return new Int32Array(length);
    case "bool":
      return new Uint8Array(length);
  }
}

export function dataTypeOf(elements: Elements): DataType {
  if (elements instanceof Float32Array) return "float32";
  if (elements instanceof Float64Array) return "float64";
  if (elements instanceof Int32Array) return "int32";
  return "bool";
}

export function isFloat(t: TensorSpec): boolean {
  return t.dataType === "float32" || t.dataType === "float64";
}

/** `float32[8, 256]`. */
export function describe(spec: TensorSpec): string {
  return `${spec.dataType}[${spec.shape.join(", ")}]`;
}

/** An operation was given operands it cannot take. Thrown while tracing, before anything runs. */
export class OperationError extends Error {
  override readonly name = "OperationError";
  readonly operation: string;
  readonly shapes: readonly Shape[];

  constructor(operation: string, operands: readonly TensorSpec[], rule: string) {
    super(`${operation}(${operands.map(describe).join(", ")}): ${rule}`);
    this.operation = operation;
    this.shapes = operands.map(({ shape }) => shape);
  }
}

/** A whole axis number from a possibly negative one. */
export function axisOf(operation: string, x: Tensor, axis: number): number {
  const rank = x.shape.length;
  const positive = axis < 0 ? axis + rank : axis;
  if (!Number.isInteger(positive) || positive < 0 || positive >= rank) {
    throw new OperationError(operation, [x], `axis ${axis} is not one of the ${rank} axes`);
  }
  return positive;
}
