/** What every primitive is to a network: weights by name, a map over positions, and what it keeps between passes. */
import {
  type Initialiser,
  initialConstant,
  initialNormal,
  type Shape,
  type Specs,
  type StateRows,
  type Tensor,
} from "../../engine/index.ts";
import type { Segment } from "./segment.ts";

/** A parameter of a layer, under its name in the layer. */
export interface Weight {
  readonly name: string;
  readonly shape: Shape;
  readonly initial: Initialiser;
  readonly decay: boolean;
  /** False for what the loss does not train (the balancing biases of experts). Default true. */
  readonly trained?: boolean;
}

export type Tensors = Readonly<Record<string, Tensor>>;

/** A cache that a pass adds positions to: what it becomes, and the rows that are all that changed in it. */
export interface Grown extends StateRows {
  readonly whole: Tensor;
}

/** What a layer keeps, by name: replaced by each pass, or grown by it. */
export type Kept = Readonly<Record<string, Tensor | Grown>>;

export interface LayerResult {
  /** What is added to the residual stream, [batch, time, width]. */
  readonly output: Tensor;
  /** New values of the layer's cache; present where a cache was given. */
  readonly cache?: Kept;
  /** How many tokens went to each expert, [experts]; of layers with experts only. */
  readonly load?: Tensor;
}

/** One primitive with its sizes, without its pre-norm. Matrices are stored [inputs, outputs]. */
export interface Layer {
  readonly weights: readonly Weight[];
  /** What `batch` sequences of up to `capacity` tokens keep between passes. */
  cache(batch: number, capacity: number): Specs;
  /**
   * The layer over the positions of `segment`: x [batch, time, width], normalised. Without a cache the sequence starts
   * here; with one it goes on from what earlier passes have seen.
   */
  apply(weights: Tensors, x: Tensor, segment: Segment, cache?: Tensors): LayerResult;
}

/**
 * How first values are drawn. Matrices are normal with variance 1 / inputs; those that write to the residual stream are
 * also divided by the root of the number of layers, so that the stream does not grow with depth. These are our choices,
 * but for the two ranges.
 */
export interface Initialisation {
  /** Range of -A in S and H: [0.01, 2] in arXiv:2510.04800, [1, 16] in Mamba-2's own code. */
  readonly decayRange: readonly [number, number];
  /** Range of the first step size dt, log-uniform; Mamba-2's own. */
  readonly stepRange: readonly [number, number];
  /** Standard deviation of the embedding. Default: 0.3, or width^-0.5 where it is the output head too. */
  readonly embedding?: number | undefined;
}

export const INITIALISATION: Initialisation = { decayRange: [0.01, 2], stepRange: [1e-3, 0.1] };

export function matrix(name: string, inputs: number, outputs: number, scale = 1): Weight {
  return { name, shape: [inputs, outputs], initial: initialNormal(scale * inputs ** -0.5), decay: true };
}

export function vector(name: string, length: number, initial: Initialiser): Weight {
  return { name, shape: [length], initial, decay: false };
}

export const ones = (name: string, length: number): Weight => vector(name, length, initialConstant(1));
export const zeros = (name: string, length: number): Weight => vector(name, length, initialConstant(0));

/** The entries of `tensors` whose names start with `prefix` and a dot, without it. */
export function within<T>(tensors: Readonly<Record<string, T>>, prefix: string): Record<string, T> {
  const start = `${prefix}.`;
  const own = Object.entries(tensors).filter(([name]) => name.startsWith(start));
  return Object.fromEntries(own.map(([name, value]) => [name.slice(start.length), value]));
}

/** The same entries with `prefix` and a dot before their names. */
export function prefixed<T>(prefix: string, tensors: Readonly<Record<string, T>>): Record<string, T> {
  return Object.fromEntries(Object.entries(tensors).map(([name, value]) => [`${prefix}.${name}`, value]));
}
