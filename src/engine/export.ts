/** A trained network as a plain ONNX file, weights inside, that any runtime loads. */

import { writeFile } from "node:fs/promises";
import { input, type Tensor, tensor } from "./graph.ts";
import { emit } from "./onnx/emit.ts";
import type { Specs, TensorsOf } from "./runtime.ts";
import type { StoredTensors } from "./safetensors.ts";
import { writeWhole } from "./whole.ts";

/** A Protocol Buffers message cannot be larger. */
const LARGEST_BYTES = 2 ** 31;

export interface ExportOptions<I extends Specs, O extends string> {
  readonly name: string;
  readonly parameters: StoredTensors;
  readonly inputs: I;
  readonly network: (
    parameters: Readonly<Record<string, Tensor>>,
    inputs: TensorsOf<I>,
  ) => Readonly<Record<O, Tensor>>;
}

/**
 * The ONNX model of `network` in standard operators only, its parameters as initialisers under their names. Inputs and
 * outputs have the names given. Throws a RangeError when it would be 2 GB or more.
 */
export function onnxModel<I extends Specs, O extends string>(options: ExportOptions<I, O>): Uint8Array {
  const { name, parameters, inputs, network } = options;
  const total = Object.values(parameters).reduce((sum, { elements }) => sum + elements.byteLength, 0);
  if (total >= LARGEST_BYTES)
    throw new RangeError(`export: ${total} bytes of parameters; an ONNX file holds 2 GB`);
  const constants = Object.entries(parameters).map(([key, { shape, dataType, elements }]) => [
    key,
    tensor("constant", [], shape, dataType, { elements, name: key }),
  ]);
  const fed = Object.entries(inputs).map(([key, spec]) => [key, input(key, spec)] as const);
  const outputs = network(Object.fromEntries(constants), Object.fromEntries(fed) as TensorsOf<I>);
  const declared = fed.map(([, t]) => t) as Tensor<"input">[];
  return emit({ name, provider: "portable", inputs: declared, outputs }).bytes;
}

/** Writes `onnxModel` to a file, whole or not at all. */
export async function exportOnnx<I extends Specs, O extends string>(
  file: string,
  options: ExportOptions<I, O>,
): Promise<void> {
  const bytes = onnxModel(options);
  await writeWhole(file, (partial) => writeFile(partial, bytes, { flush: true }));
}
