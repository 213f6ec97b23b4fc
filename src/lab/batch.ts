/** What a training loop feeds to a network: token ids in, token ids wanted. Knows no task, corpus or network. */
import type { RandomStream } from "../core/index.ts";

/** The target of a position that is neither trained on nor scored (PyTorch's ignore index, used by MAD and Zoology). */
export const IGNORED = -100;

/** `targets[r, t]` is the token wanted from the network at position `t` of row `r`, or `IGNORED`. */
export interface Batch {
  /** Row-major, `shape`. */
  readonly inputs: Int32Array;
  /** Row-major, `shape`. */
  readonly targets: Int32Array;
  /** Rows, positions. */
  readonly shape: readonly [number, number];
}

/** Batches by index: any step can be asked for, in any order, so that a stopped run goes on exactly where it was. */
export interface BatchSequence {
  readonly batchesPerEpoch: number;
  at(step: number): Batch;
}

/**
 * An endless order of `count` items that visits each once an epoch, in a new shuffle every epoch. Item `index` is
 * `at(index)`; neighbours come fast, a jump to another epoch costs one shuffle.
 */
export function epochOrder(count: number, stream: RandomStream): { at(index: number): number } {
  let epoch = -1;
  let order = new Uint32Array(0);
  return {
    at(index) {
      const wanted = Math.floor(index / count);
      if (wanted !== epoch) {
        order = stream.split(wanted).shuffle(Uint32Array.from({ length: count }, (_, i) => i));
        epoch = wanted;
      }
      return order[index - wanted * count]!;
    },
  };
}
