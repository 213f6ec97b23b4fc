/**
 * How each primitive operation is written in ONNX. `standard` uses operators of the ONNX standard only and was chosen
 * to be placed whole on ORT's WebGPU provider: no Split with many outputs, no LogSoftmax, no vendor operators. A provider
 * that has something faster for an operation says so in its own small table.
 */

import { type DataType, emptyElements, type Operation, type Shape, sizeOf, type Tensor } from "../graph.ts";
import type { GraphBuilder } from "./builder.ts";
import { ELEMENT_TYPES } from "./protobuf.ts";

/** Adds the nodes for `t`, whose computed inputs have the given names, and returns the name of its result. */
export type Lowering<K extends Operation> = (
  graph: GraphBuilder,
  inputs: readonly string[],
  t: Tensor<K>,
) => string;
export type Lowerings = { readonly [K in Operation]: Lowering<K> };

/** The ONNX operator of the same meaning and inputs. */
const as =
  (operator: string): Lowering<Operation> =>
  (graph, inputs) =>
    graph.node(operator, inputs);

type Reduction = "sum" | "sumOfSquares" | "maximumOver";
const reduce =
  (operator: string): Lowering<Reduction> =>
  (graph, inputs, { attributes }) =>
    graph.node(operator, [inputs[0]!, graph.integers(attributes.axes)], {
      keepdims: attributes.keepAxes ? 1 : 0,
    });

const passOn: Lowering<Operation> = (_, inputs) => inputs[0]!;

const scalar = (graph: GraphBuilder, value: number, dataType: DataType): string => {
  const elements = emptyElements(dataType, 1);
  elements[0] = value;
  return graph.constant(elements, []);
};

/** Where only axes of length 1 change places, the elements stay where they are. */
export function transposed(
  graph: GraphBuilder,
  x: string,
  shape: Shape,
  permutation: readonly number[],
): string {
  const moved = permutation.filter((axis) => shape[axis] !== 1);
  return moved.every((axis, i) => i === 0 || axis > moved[i - 1]!)
    ? graph.node("Reshape", [x, graph.integers(permutation.map((axis) => shape[axis]!))])
    : graph.node("Transpose", [x], { perm: permutation });
}

export const standard: Lowerings = {
  input: (_, __, t) => t.attributes.name,
  constant: (graph, _, t) => graph.constant(t.attributes.elements, t.shape, t.attributes.name),
  fill: (graph, _, t) => {
    const value = scalar(graph, t.attributes.value, t.dataType);
    return t.shape.length === 0 ? value : graph.node("Expand", [value, graph.integers(t.shape)]);
  },
  custom: passOn,
  fused: passOn,
  stopGradient: passOn,
  cast: (graph, inputs, t) => graph.node("Cast", inputs, { to: ELEMENT_TYPES[t.dataType] }),

  add: as("Add"),
  subtract: as("Sub"),
  multiply: as("Mul"),
  divide: as("Div"),
  maximum: as("Max"),
  minimum: as("Min"),
  negate: as("Neg"),
  absolute: as("Abs"),
  reciprocal: as("Reciprocal"),
  exp: as("Exp"),
  log: as("Log"),
  sqrt: as("Sqrt"),
  sigmoid: as("Sigmoid"),
  tanh: as("Tanh"),
  softplus: (graph, [x], t) => {
    if (t.dataType === "float32") return graph.node("Softplus", [x!]);
    // The runtime has no Softplus in double precision: max(x, 0) + log(1 + exp(-|x|)).
    const small = graph.node("Exp", [graph.node("Neg", [graph.node("Abs", [x!])])]);
    const tail = graph.node("Log", [graph.node("Add", [small, scalar(graph, 1, t.dataType)])]);
    return graph.node("Add", [graph.node("Max", [x!, scalar(graph, 0, t.dataType)]), tail]);
  },
  equal: as("Equal"),
  less: as("Less"),
  lessOrEqual: as("LessOrEqual"),
  greater: as("Greater"),
  greaterOrEqual: as("GreaterOrEqual"),
  and: as("And"),
  or: as("Or"),
  not: as("Not"),
  where: as("Where"),

  sum: reduce("ReduceSum"),
  sumOfSquares: reduce("ReduceSumSquare"),
  maximumOver: reduce("ReduceMax"),
  cumulativeSum: (graph, inputs, { attributes }) =>
    graph.node("CumSum", [inputs[0]!, scalar(graph, attributes.axis, "int32")], {
      exclusive: attributes.exclusive ? 1 : 0,
      reverse: attributes.reverse ? 1 : 0,
    }),
  softmax: (graph, inputs) => graph.node("Softmax", inputs, { axis: -1 }),
  layerNorm: (graph, inputs, t) =>
    graph.node("LayerNormalization", inputs, { axis: -1, epsilon: { float: t.attributes.epsilon } }),
  // RMSNormalization exists from opset 23 on only.
  rmsNorm: (graph, [x, weight], t) => {
    const squares = graph.node("ReduceMean", [graph.node("Mul", [x!, x!]), graph.integers([-1])], {
      keepdims: 1,
    });
    const shifted = graph.node("Add", [squares, scalar(graph, t.attributes.epsilon, t.dataType)]);
    const inverse = graph.node("Reciprocal", [graph.node("Sqrt", [shifted])]);
    return graph.node("Mul", [graph.node("Mul", [x!, inverse]), weight!]);
  },

  reshape: (graph, inputs, t) => graph.node("Reshape", [inputs[0]!, graph.integers(t.shape)]),
  transpose: (graph, [x], t) => transposed(graph, x!, t.inputs[0]!.shape, t.attributes.permutation),
  broadcast: (graph, inputs, t) => graph.node("Expand", [inputs[0]!, graph.integers(t.shape)]),
  slice: (graph, inputs, { attributes: { axis, start, end } }) =>
    graph.node("Slice", [inputs[0]!, graph.integers([start]), graph.integers([end]), graph.integers([axis])]),
  concatenate: (graph, inputs, t) => graph.node("Concat", inputs, { axis: t.attributes.axis }),
  pad: (graph, inputs, t) => {
    const { before, after, value } = t.attributes;
    return graph.node("Pad", [
      inputs[0]!,
      graph.integers([...before, ...after]),
      scalar(graph, value, t.dataType),
    ]);
  },

  matmul: (graph, [a, b], t) => {
    if (!t.attributes.transposeSecond) return graph.node("MatMul", [a!, b!]);
    const flip = (x: string, shape: Shape): string => {
      const rank = shape.length;
      return transposed(graph, x, shape, [...Array(rank - 2).keys(), rank - 1, rank - 2]);
    };
    const [left, right] = t.inputs as [Tensor, Tensor];
    // A B^T = (B A^T)^T: one query against a long cache must not turn the cache over.
    if (
      sizeOf(left.shape) + sizeOf(t.shape) < sizeOf(right.shape) &&
      left.shape.length === right.shape.length
    ) {
      const [rows, columns] = t.shape.slice(-2) as [number, number];
      const turned = graph.node("MatMul", [b!, flip(a!, left.shape)]);
      return flip(turned, [...t.shape.slice(0, -2), columns, rows]);
    }
    return graph.node("MatMul", [a!, flip(b!, right.shape)]);
  },
  gather: (graph, inputs) => graph.node("Gather", inputs, { axis: 0 }),
  scatterAdd: (graph, [values, index], t) => {
    const rows = t.shape[0]!;
    const [from, positions] = t.inputs as [Tensor, Tensor];
    const count = sizeOf(positions.shape);
    const numbers = graph.constant(
      Int32Array.from({ length: rows }, (_, i) => i),
      [rows, 1],
    );
    const chosen = graph.node("Equal", [
      numbers,
      graph.node("Reshape", [index!, graph.integers([1, count])]),
    ]);
    const matrix = graph.node("Cast", [chosen], { to: ELEMENT_TYPES[from.dataType] });
    const flat = graph.node("Reshape", [values!, graph.integers([count, sizeOf(from.shape) / count])]);
    return graph.node("Reshape", [graph.node("MatMul", [matrix, flat]), graph.integers(t.shape)]);
  },
  topIndices: (graph, inputs, t) => {
    if (t.attributes.count === 1) {
      const position = graph.node("ArgMax", [inputs[0]!], { axis: -1, keepdims: 1 });
      return graph.node("Cast", [position], { to: ELEMENT_TYPES.int32 });
    }
    const options = { axis: -1, largest: 1, sorted: 1 };
    const positions = graph.node("TopK", [inputs[0]!, graph.integers([t.attributes.count])], options, 1);
    return graph.node("Cast", [positions], { to: ELEMENT_TYPES.int32 });
  },
};

/** Up to here a product with one-hot rows beats the runtime's element-by-element scatter, by measurement. */
const MOST_PRODUCT_ROWS = 512;

const cpu: Partial<Lowerings> = {
  // The runtime's own name for it, in the standard's domain.
  rmsNorm: (graph, inputs, t) =>
    graph.node("SimplifiedLayerNormalization", inputs, {
      axis: -1,
      epsilon: { float: t.attributes.epsilon },
    }),
  scatterAdd: (graph, [values, index], t) => {
    if (t.shape[0]! <= MOST_PRODUCT_ROWS) return standard.scatterAdd(graph, [values!, index!], t);
    const [from, positions] = t.inputs as [Tensor, Tensor];
    const count = sizeOf(positions.shape);
    const width = sizeOf(from.shape) / count;
    const empty = graph.node("Expand", [
      scalar(graph, 0, from.dataType),
      graph.integers([t.shape[0]!, width]),
    ]);
    const column = graph.node("Reshape", [index!, graph.integers([count, 1])]);
    const everywhere = graph.node("Expand", [column, graph.integers([count, width])]);
    const flat = graph.node("Reshape", [values!, graph.integers([count, width])]);
    const options = { axis: 0, reduction: "add" };
    return graph.node("Reshape", [
      graph.node("ScatterElements", [empty, everywhere, flat], options),
      graph.integers(t.shape),
    ]);
  },
};

/** Buffers that one WebGPU kernel may bind, less its output. */
const MOST_CONCAT_INPUTS = 6;

const webgpu: Partial<Lowerings> = {
  concatenate: (graph, inputs, t) => {
    let parts = inputs;
    while (parts.length > 1) {
      const groups = Array.from({ length: Math.ceil(parts.length / MOST_CONCAT_INPUTS) }, (_, i) =>
        parts.slice(i * MOST_CONCAT_INPUTS, (i + 1) * MOST_CONCAT_INPUTS),
      );
      parts = groups.map((group) =>
        group.length === 1 ? group[0]! : graph.node("Concat", group, { axis: t.attributes.axis }),
      );
    }
    return parts[0]!;
  },
};

/** Own lowerings by execution provider; every other provider uses the standard ones. */
const own: Readonly<Record<string, Partial<Lowerings>>> = { cpu, webgpu };

/** The lowerings of an execution provider; "portable" stands for the standard ones alone. */
export function loweringsFor(provider: string): Lowerings {
  return { ...standard, ...own[provider] };
}
