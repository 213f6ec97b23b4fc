/**
 * Expected hypervolume improvement of independent normal losses on a front, exactly, for any number of objectives. The
 * region that the front leaves undominated is cut into boxes once; in each box the expectation is a product over the
 * objectives (Yang et al. 2019; Daulton et al. 2020):
 *
 *   EHVI = sum over boxes of prod_k (G_k(u_k) - G_k(l_k)),   G_k(t) = E[(t - Y_k)+]
 */
import { expectedBelow } from "./expected-improvement.ts";

/** An open box below `high`, down to `low` (minus infinity where it has no floor), for the first objectives. */
interface Box {
  readonly low: readonly number[];
  readonly high: readonly number[];
}

export class UndominatedRegion {
  /** Per objective, the distinct edges of boxes other than minus infinity. */
  readonly #edges: readonly Float64Array[];
  /** Per box and objective, the places of its low edge (-1 for minus infinity) and its high edge. */
  readonly #boxes: Int32Array;
  readonly #below: readonly Float64Array[];

  /** Losses; only points that beat `reference` in every objective count. */
  constructor(points: readonly (readonly number[])[], reference: readonly number[]) {
    const inside = points.filter((point) => point.every((value, k) => value < reference[k]!));
    const boxes = decompose(inside, reference, reference.length);
    const places = reference.map((_, k) => {
      const values = new Set(boxes.flatMap(({ low, high }) => [low[k]!, high[k]!]));
      values.delete(-Infinity);
      return new Map([...values].sort((a, b) => a - b).map((value, place) => [value, place]));
    });
    this.#edges = places.map((map) => Float64Array.from(map.keys()));
    this.#below = this.#edges.map(({ length }) => new Float64Array(length));
    this.#boxes = Int32Array.from(
      boxes.flatMap(({ low, high }) =>
        places.flatMap((map, k) => [map.get(low[k]!) ?? -1, map.get(high[k]!)!]),
      ),
    );
  }

  /** By a point whose losses have these means and standard deviations. */
  expectedImprovement(mean: readonly number[], deviation: readonly number[]): number {
    const m = this.#edges.length;
    this.#edges.forEach((edges, k) => {
      const below = this.#below[k]!;
      for (let i = 0; i < edges.length; i++) below[i] = expectedBelow(mean[k]!, deviation[k]!, edges[i]!);
    });
    let total = 0;
    for (let at = 0; at < this.#boxes.length; at += 2 * m) {
      let product = 1;
      for (let k = 0; k < m; k++) {
        const low = this.#boxes[at + 2 * k]!;
        const below = this.#below[k]!;
        product *= below[this.#boxes[at + 2 * k + 1]!]! - (low < 0 ? 0 : below[low]!);
      }
      total += product;
    }
    return total;
  }
}

/**
 * Boxes over the first `m` objectives that no point dominates: slabs between successive values of the last of them,
 * each the undominated region, in one objective fewer, of the points whose value is already passed.
 */
function decompose(points: readonly (readonly number[])[], reference: readonly number[], m: number): Box[] {
  const last = m - 1;
  if (m === 1)
    return [{ low: [-Infinity], high: [Math.min(reference[0]!, ...points.map(([value]) => value!))] }];
  const boxes: Box[] = [];
  const sorted = [...points].sort((a, b) => a[last]! - b[last]!);
  let passed: (readonly number[])[] = [];
  let floor = -Infinity;
  const close = (ceiling: number) => {
    if (ceiling === floor) return;
    for (const { low, high } of decompose(passed, reference, last))
      boxes.push({ low: [...low, floor], high: [...high, ceiling] });
    floor = ceiling;
  };
  for (const point of sorted) {
    // A point that is dominated in the objectives before the last changes nothing above it.
    if (passed.some((other) => weaklyDominates(other, point, last))) continue;
    close(point[last]!);
    passed = [...passed.filter((other) => !weaklyDominates(point, other, last)), point];
  }
  close(reference[last]!);
  return boxes;
}

/** In the first `m` objectives. */
function weaklyDominates(a: readonly number[], b: readonly number[], m: number): boolean {
  for (let k = 0; k < m; k++) if (a[k]! > b[k]!) return false;
  return true;
}
