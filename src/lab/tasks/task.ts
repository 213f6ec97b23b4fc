/** What all synthetic tasks share: the interface, the layout of a batch, and checks of their settings. */
import { InputError, type RandomStream } from "../../core/index.ts";
import { type Batch, type BatchSequence, epochOrder, IGNORED } from "../batch.ts";

export type Split = "train" | "test";

export interface Task {
  readonly name: string;
  /** Token ids are 0 to `vocabularySize` - 1. */
  readonly vocabularySize: number;
  /** Positions in a row of `inputs`. */
  readonly sequenceLength: number;
  /** The score, on the test split, of the best guesser that sees the current token only and nothing before it. */
  readonly chance: number;
  /** What is counted: each scored token by itself, or a row as a whole when all of its scored tokens are right. */
  readonly scoring: "tokens" | "rows";
  /**
   * `language-model`: the network answers at every position, from that position and those before it.
   * `autoencoder`: only its state at the last position is kept, and a decoder rebuilds all positions from it.
   */
  readonly backbone: "language-model" | "autoencoder";
  /**
   * `rows` new sequences. Draws once from `stream`, so that a second call gives others; train and test sequences of
   * equal streams are unrelated.
   */
  generate(stream: RandomStream, split: Split, rows: number): Batch;
}

/** Writes one sequence: both arrays are `sequenceLength` long, and `targets` is filled with `IGNORED`. */
export type WriteRow = (inputs: Int32Array, targets: Int32Array, stream: RandomStream, split: Split) => void;

/** A task from the function that writes one of its sequences. */
export function defineTask(properties: Omit<Task, "generate">, write: WriteRow): Task {
  const length = properties.sequenceLength;
  return {
    ...properties,
    generate(stream, split, rows) {
      const own = stream.split(`${split}/${stream.integer(0, 0x7fffffff)}`);
      const inputs = new Int32Array(rows * length);
      const targets = new Int32Array(rows * length).fill(IGNORED);
      for (let start = 0; start < inputs.length; start += length) {
        write(inputs.subarray(start, start + length), targets.subarray(start, start + length), own, split);
      }
      return { inputs, targets, shape: [rows, length] };
    },
  };
}

/**
 * Batches out of a fixed set of sequences, each used once an epoch in a new order every epoch; a batch may hold the
 * end of one epoch and the start of the next, so that all batches have the same shape.
 */
export function epochBatches(set: Batch, rows: number, stream: RandomStream): BatchSequence {
  const [count, length] = set.shape;
  const order = epochOrder(count, stream);
  return {
    batchesPerEpoch: count / rows,
    at(step) {
      const inputs = new Int32Array(rows * length);
      const targets = new Int32Array(rows * length);
      for (let row = 0; row < rows; row++) {
        const from = order.at(step * rows + row) * length;
        inputs.set(set.inputs.subarray(from, from + length), row * length);
        targets.set(set.targets.subarray(from, from + length), row * length);
      }
      return { inputs, targets, shape: [rows, length] };
    },
  };
}

/** Throws an `InputError` when a setting breaks its task's rule. */
export function requireSetting(holds: boolean, path: string, found: unknown, expected: string): void {
  if (!holds) throw new InputError({ place: { path }, found: String(found), expected });
}

/** `size` different whole numbers from `low` to `high`, in random order, every such list equally likely. */
export function distinct(stream: RandomStream, low: number, high: number, size: number): number[] {
  // Floyd's method: as many draws as numbers wanted, however wide the range is.
  const chosen = new Set<number>();
  for (let top = high - size + 1; top <= high; top++) {
    const drawn = stream.integer(low, top);
    chosen.add(chosen.has(drawn) ? top : drawn);
  }
  return stream.shuffle([...chosen]);
}
