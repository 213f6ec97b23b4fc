/** Collects ONNX nodes and constants under generated names; equal constants and equal nodes are made once. */

import type { Elements } from "../graph.ts";
import { dataTypeOf } from "../graph.ts";
import type { AttributeValue, InitialiserDescription, NodeDescription } from "./protobuf.ts";

/** Below this many bytes constants are compared by content, above by identity. */
const SMALL_CONSTANT_BYTES = 256;

type Attributes = Readonly<Record<string, AttributeValue>>;

export class GraphBuilder {
  readonly nodes: NodeDescription[] = [];
  readonly initialisers: InitialiserDescription[] = [];
  readonly #known = new Map<string, string>();
  readonly #knownNodes = new Map<string, string[]>();
  readonly #large = new Map<Elements, string>();
  #count = 0;

  /** Adds a node and returns the name of its output: its `position`-th, of those that ONNX gives the operator. */
  node(operator: string, inputs: readonly string[], attributes: Attributes = {}, position = 0): string {
    const same = JSON.stringify([operator, inputs, attributes]);
    let outputs = this.#knownNodes.get(same);
    if (!outputs) {
      outputs = [];
      this.nodes.push({ operator, inputs, outputs, attributes });
      this.#knownNodes.set(same, outputs);
    }
    while (outputs.length <= position) outputs.push(this.#fresh());
    return outputs[position]!;
  }

  constant(elements: Elements, shape: readonly number[], name?: string): string {
    const bytes = new Uint8Array(elements.buffer, elements.byteOffset, elements.byteLength);
    const elementType = dataTypeOf(elements);
    if (name !== undefined) {
      this.initialisers.push({ name, elementType, shape, bytes });
      return name;
    }
    if (bytes.length > SMALL_CONSTANT_BYTES) {
      const known = this.#large.get(elements);
      if (known !== undefined) return known;
      const name = this.#initialiser({ elementType, shape, bytes });
      this.#large.set(elements, name);
      return name;
    }
    return this.#small({ elementType, shape, bytes });
  }

  /** A vector of 64-bit integers, the type of ONNX's shapes and axes. */
  integers(values: readonly number[]): string {
    const bytes = new Uint8Array(BigInt64Array.from(values, BigInt).buffer);
    return this.#small({ elementType: "int64", shape: [values.length], bytes });
  }

  #small(content: Omit<InitialiserDescription, "name">): string {
    const same = `${content.elementType}[${content.shape}]${Buffer.from(content.bytes).toString("base64")}`;
    const known = this.#known.get(same);
    if (known !== undefined) return known;
    const name = this.#initialiser(content);
    this.#known.set(same, name);
    return name;
  }

  #initialiser(content: Omit<InitialiserDescription, "name">): string {
    const name = this.#fresh();
    this.initialisers.push({ name, ...content });
    return name;
  }

  /** No input or output of a person's program begins with "#". */
  #fresh(): string {
    return `#${this.#count++}`;
  }
}
