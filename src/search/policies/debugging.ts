/** Chains of repairs, which every policy for fallible candidates shares. */
import type { History, Trial } from "../history.ts";

export interface Debugging {
  /**
   * Most `debug` trials in a row on one failed candidate. Default 0: failed trials are left alone, which suits
   * candidates from a space.
   */
  readonly maxDebugDepth?: number | undefined;
}

/** How many debug steps lead to `trial` without a success between. */
export function debugDepth(history: History, trial: Trial): number {
  let depth = 0;
  for (let at = trial; at.operator === "debug"; at = history.trial(at.parents[0]!)) depth++;
  return depth;
}

/** A set of ids with members by number, so that one can be drawn at random in constant time. */
export class FailedLeaves {
  readonly #ids: number[] = [];
  readonly #places = new Map<number, number>();

  get size(): number {
    return this.#ids.length;
  }

  at(place: number): number {
    return this.#ids[place]!;
  }

  add(id: number): void {
    this.#places.set(id, this.#ids.length);
    this.#ids.push(id);
  }

  delete(id: number): void {
    const place = this.#places.get(id);
    if (place === undefined) return;
    const last = this.#ids.pop()!;
    this.#places.delete(id);
    if (last === id) return;
    this.#ids[place] = last;
    this.#places.set(last, place);
  }
}
