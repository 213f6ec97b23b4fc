/** A workload is a list of operations that an accelerator does one after another, equal ones counted once. */
import type { MatrixProduct, VectorWork } from "../../hardware/index.ts";

export interface ProductWork extends MatrixProduct {
  readonly kind: "product";
  /** Independent products of this size, each with a right operand of its own. Fractional for experts. */
  readonly copies: number;
}

export interface Operation {
  readonly name: string;
  /** How often it is done. */
  readonly count: number;
  readonly work: ProductWork | VectorWork;
}

/** One inference: what a latency is the time of. */
export interface Workload {
  readonly name: string;
  readonly operations: readonly Operation[];
  readonly parameters: number;
}

/** `rows x inputs` activations times `inputs x outputs` weights. */
export function linear(
  name: string,
  count: number,
  rows: number,
  inputs: number,
  outputs: number,
): Operation {
  return { name, count, work: { kind: "product", rows, depth: inputs, columns: outputs, copies: 1 } };
}

export function elementwise(
  name: string,
  count: number,
  operations: readonly string[],
  elements: number,
  inputs = 1,
): Operation {
  return { name, count, work: { kind: "elementwise", operations, elements, inputs } };
}

export function norm(name: string, count: number, rows: number, channels: number): Operation {
  return { name, count, work: { kind: "norm", rows, channels } };
}
