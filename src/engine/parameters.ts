/** Parameters: declared by name and shape, with first values that depend on the seed and the name alone. */

import type { RandomStream } from "../core/index.ts";
import { float32, type Shape, sizeOf, type TensorSpec } from "./graph.ts";

/** First values for a shape, drawn from the parameter's own stream. */
export type Initialiser = (stream: RandomStream, shape: Shape) => Float32Array;

export interface ParameterSpec {
  /** Unique; dots part a path ("layers.0.attention.query"), as in safetensors files. */
  readonly name: string;
  readonly shape: Shape;
  readonly initial: Initialiser;
  /** Whether weight decay applies. Custom is: to matrices, not to norms, biases and per-channel scalars. */
  readonly decay: boolean;
  /** A parameter that is not trained has no gradient and no optimiser state. Default true. */
  readonly trained?: boolean;
}

const drawn =
  (draw: (stream: RandomStream) => number): Initialiser =>
  (stream, shape) =>
    Float32Array.from({ length: sizeOf(shape) }, () => draw(stream));

export const initialNormal = (standardDeviation: number): Initialiser =>
  drawn((stream) => stream.normal() * standardDeviation);
/** Uniform on [low, high). */
export const initialUniform = (low: number, high: number): Initialiser =>
  drawn((stream) => low + (high - low) * stream.uniform());
export const initialConstant = (value: number): Initialiser => drawn(() => value);

/** The first values of all parameters. The same name in the same stream gives the same values in any network. */
export function initialise(
  parameters: readonly ParameterSpec[],
  stream: RandomStream,
): Map<string, Float32Array> {
  const values = new Map<string, Float32Array>();
  for (const { name, shape, initial } of parameters) {
    if (values.has(name)) throw new RangeError(`two parameters are called "${name}"`);
    const first = initial(stream.split(name), shape);
    if (first.length !== sizeOf(shape)) {
      throw new RangeError(
        `parameter "${name}": ${first.length} first values for the shape [${shape.join(", ")}]`,
      );
    }
    values.set(name, first);
  }
  return values;
}

/** What a program declares to read parameters that a trainer or a loader has put into a runtime. */
export function parameterState(parameters: readonly ParameterSpec[]): Record<string, TensorSpec> {
  return Object.fromEntries(parameters.map(({ name, shape }) => [name, float32(shape)]));
}
