/**
 * A heap of pairs with their counts: the highest count first, then the lowest pair. Our own because ties decide which
 * merges are learnt, and flatqueue knows no second key.
 */
export class PairHeap {
  readonly #counts: number[] = [];
  readonly #pairs: number[] = [];

  push(count: number, pair: number): void {
    let at = this.#counts.length;
    this.#counts.push(count);
    this.#pairs.push(pair);
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (!this.#before(at, parent)) return;
      this.#swap(at, parent);
      at = parent;
    }
  }

  pop(): { count: number; pair: number } | undefined {
    if (this.#counts.length === 0) return undefined;
    this.#swap(0, this.#counts.length - 1);
    const top = { count: this.#counts.pop()!, pair: this.#pairs.pop()! };
    for (let at = 0; ; ) {
      let first = at;
      for (const child of [2 * at + 1, 2 * at + 2]) {
        if (child < this.#counts.length && this.#before(child, first)) first = child;
      }
      if (first === at) return top;
      this.#swap(at, first);
      at = first;
    }
  }

  #before(a: number, b: number): boolean {
    const difference = this.#counts[a]! - this.#counts[b]!;
    return difference !== 0 ? difference > 0 : this.#pairs[a]! < this.#pairs[b]!;
  }

  #swap(a: number, b: number): void {
    [this.#counts[a], this.#counts[b]] = [this.#counts[b]!, this.#counts[a]!];
    [this.#pairs[a], this.#pairs[b]] = [this.#pairs[b]!, this.#pairs[a]!];
  }
}
