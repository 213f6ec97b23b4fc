/** A traced graph as an ONNX model. */

import {
  computedFrom,
  describe,
  type Operation,
  OperationError,
  type Shape,
  type Tensor,
  topologicalOrder,
} from "../graph.ts";
import { GraphBuilder } from "./builder.ts";
import { kernelFor } from "./kernels.ts";
import { type Lowering, loweringsFor } from "./lowering.ts";
import { encodeModel, type NodeDescription, OPERATOR_SET } from "./protobuf.ts";

export interface EmitOptions {
  readonly name: string;
  /** Execution provider whose own lowerings may be used; "portable" for standard operators only. */
  readonly provider: string;
  readonly inputs: readonly Tensor<"input">[];
  readonly outputs: Readonly<Record<string, Tensor>>;
}

export interface EmittedModel {
  readonly bytes: Uint8Array;
  /** The inputs that the outputs depend on; the others are left out of the model. */
  readonly inputs: readonly string[];
  readonly nodeCount: number;
}

export function emit({ name, provider, inputs, outputs }: EmitOptions): EmittedModel {
  const graph = new GraphBuilder();
  const lowerings = loweringsFor(provider);
  const needs = (t: Tensor): readonly Tensor[] =>
    kernelFor(provider, t) ? t.inputs.slice(1) : computedFrom(t);
  const order = topologicalOrder(Object.values(outputs), needs);
  const used = new Set(order.filter((t) => t.operation === "input"));
  const declared = new Set<Tensor>(inputs);
  for (const t of used) {
    if (!declared.has(t)) {
      const { name: stranger } = (t as Tensor<"input">).attributes;
      throw new OperationError(
        "compile",
        [t],
        `the outputs depend on an input "${stranger}" of another function`,
      );
    }
  }
  const names = new Map<Tensor, string>();
  for (const t of order) {
    const lower = (kernelFor(provider, t) ?? lowerings[t.operation]) as Lowering<Operation>;
    names.set(
      t,
      lower(
        graph,
        needs(t).map((from) => names.get(from)!),
        t,
      ),
    );
  }
  const made = new Set(graph.nodes.flatMap((node) => node.outputs));
  const renamed = new Map<string, string>();
  const copies: NodeDescription[] = [];
  for (const [output, t] of Object.entries(outputs)) {
    const result = names.get(t)!;
    // An output that is an input, a constant or a second name of the same result has no node to take its name.
    if (made.has(result) && !renamed.has(result)) renamed.set(result, output);
    else copies.push({ operator: "Identity", inputs: [result], outputs: [output], attributes: {} });
  }
  const rename = (list: readonly string[]): string[] => list.map((item) => renamed.get(item) ?? item);
  const nodes = [...graph.nodes, ...copies].map((node) => ({
    ...node,
    inputs: rename(node.inputs),
    outputs: rename(node.outputs),
  }));
  const fed = inputs.filter((t) => used.has(t));
  const bytes = encodeModel({
    name,
    nodes,
    initialisers: graph.initialisers,
    inputs: fed.map((t) => ({ name: t.attributes.name, elementType: t.dataType, shape: t.shape })),
    outputs: Object.entries(outputs).map(([output, t]) => ({
      name: output,
      elementType: t.dataType,
      shape: t.shape,
    })),
    operatorSet: OPERATOR_SET,
  });
  return { bytes, inputs: fed.map((t) => t.attributes.name), nodeCount: nodes.length };
}

/** Says that a tensor has another shape or type than was declared, in the words of the operation errors. */
export function requireSpec(what: string, t: Tensor, shape: Shape, dataType: string): void {
  if (`${t.shape}` !== `${shape}` || t.dataType !== dataType) {
    throw new OperationError(
      "compile",
      [t],
      `${what} was declared ${dataType}[${shape.join(", ")}], not ${describe(t)}`,
    );
  }
}
