/**
 * The positions that go through a network in one pass, and the tables that depend on positions alone: which keys a query
 * sees, and by what angles rotary embeddings turn. All layers of a pass share them.
 */
import {
  add,
  and,
  cast,
  causalMask,
  concatenate,
  constant,
  type DataType,
  fill,
  gather,
  greater,
  greaterOrEqual,
  less,
  lessOrEqual,
  MASKED,
  or,
  range,
  reshape,
  subtract,
  type Tensor,
  where,
} from "../../engine/index.ts";

export interface SegmentOptions {
  readonly batch: number;
  readonly time: number;
  readonly dataType: DataType;
  /** int32 [1]: tokens that earlier passes have seen. Absent where the sequence starts here. */
  readonly start?: Tensor;
  /** The most positions that caches hold. */
  readonly capacity?: number;
}

export class Segment {
  readonly batch: number;
  readonly time: number;
  readonly dataType: DataType;
  readonly start: Tensor | undefined;
  readonly capacity: number;
  readonly #shared = new Map<string, Tensor>();

  constructor({ batch, time, dataType, start, capacity }: SegmentOptions) {
    this.batch = batch;
    this.time = time;
    this.dataType = dataType;
    this.start = start;
    this.capacity = capacity ?? time;
  }

  /** Cosines and sines [time, width / 2] of the rotary embedding with this base (arXiv:2104.09864). */
  rotation(theta: number, width: number): { cosine: Tensor; sine: Tensor } {
    const half = width / 2;
    const table = (name: string, of: (angle: number) => number): Tensor =>
      this.#once(`${name}/${theta}/${width}`, () => {
        const elements = new Float64Array(this.capacity * half);
        for (let at = 0; at < this.capacity; at++) {
          for (let i = 0; i < half; i++) elements[at * half + i] = of(at * theta ** (-i / half));
        }
        const all = constant(this.dataType === "float64" ? elements : Float32Array.from(elements), [
          this.capacity,
          half,
        ]);
        return this.start ? gather(all, add(range(this.time), this.start)) : all;
      });
    return { cosine: table("cosine", Math.cos), sine: table("sine", Math.sin) };
  }

  /** The additive mask [time, keys] over the keys of a sequence that starts with this segment. */
  causal(): Tensor {
    return this.#once("causal", () => cast(causalMask(this.time, this.time), this.dataType));
  }

  /**
   * The mask of a window: over the keys of this segment, behind `sink` cached first tokens and the `window` latest before
   * this segment where there is a cache. A token that is both is seen once, as a first token.
   */
  windowed(window: number, sink: number): Tensor {
    return this.#once(`window/${window}/${sink}`, () => {
      if (!this.start) return cast(causalMask(this.time, this.time, { window, sinks: sink }), this.dataType);
      const column = reshape(range(this.time), [this.time, 1]);
      const query = add(column, this.start);
      const offset = reshape(range(window), [1, window]);
      const position = add(subtract(offset, window), this.start);
      const recent = and(greaterOrEqual(position, sink), greater(add(position, window), query));
      const row = reshape(range(this.time), [1, this.time]);
      const near = or(greater(add(row, window), column), less(add(row, this.start), sink));
      const parts = [this.#additive(recent), this.#additive(and(lessOrEqual(row, column), near))];
      if (sink > 0) {
        const first = reshape(less(range(sink), this.start), [1, sink]);
        parts.unshift(this.#additive(this.#everyRow(first)));
      }
      return concatenate(parts, 1);
    });
  }

  #everyRow(seen: Tensor): Tensor {
    const all = greaterOrEqual(reshape(range(this.time), [this.time, 1]), 0);
    return and(all, seen);
  }

  #additive(seen: Tensor): Tensor {
    return where(seen, fill(0, [], this.dataType), MASKED);
  }

  /** One tensor however many layers ask, so that the graph holds it once. */
  #once(name: string, make: () => Tensor): Tensor {
    const known = this.#shared.get(name) ?? make();
    this.#shared.set(name, known);
    return known;
  }
}
