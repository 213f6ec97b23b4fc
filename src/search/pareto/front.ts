/** Dominance, fronts and crowding. All points are losses: smaller is better in every coordinate. */

/** Whether `a` is no worse than `b` everywhere and better somewhere. */
export function dominates(a: readonly number[], b: readonly number[]): boolean {
  let better = false;
  for (let k = 0; k < a.length; k++) {
    if (a[k]! > b[k]!) return false;
    if (a[k]! < b[k]!) better = true;
  }
  return better;
}

/** Indices of the points that no other dominates, in their order; of equal points the first. */
export function paretoFront(points: readonly (readonly number[])[]): number[] {
  const width = points[0]?.length ?? 0;
  // One flat array: planners ask for fronts of thousands of points, many times.
  const values = Float64Array.from(points.flat());
  const order = Uint32Array.from(points.keys()).sort((i, j) => {
    for (let k = 0; k < width; k++) {
      const difference = values[i * width + k]! - values[j * width + k]!;
      if (difference !== 0) return difference;
    }
    return i - j;
  });
  // In lexicographic order a point can only be dominated by one before it.
  const front: number[] = [];
  const isBeaten = (i: number): boolean => {
    for (let f = 0; f < front.length; f++) {
      let k = 0;
      while (k < width && values[front[f]! * width + k]! <= values[i * width + k]!) k++;
      if (k === width) return true;
    }
    return false;
  };
  for (const i of order) if (!isBeaten(i)) front.push(i);
  return front.sort((i, j) => i - j);
}

/**
 * Non-dominated sorting (Deb et al. 2002): front 0 is the Pareto front with all equals of its points, front 1 that of
 * what is left without it, and so on, each in the order of the points. In lexicographic order a point is dominated only
 * by points before it, and then by one of every front before its own, so that its front is found by halving (Zhang et
 * al. 2015).
 */
export function fronts(points: readonly (readonly number[])[]): number[][] {
  const order = [...points.keys()].sort((i, j) => {
    const [a, b] = [points[i]!, points[j]!];
    for (let k = 0; k < a.length; k++) if (a[k] !== b[k]) return a[k]! - b[k]!;
    return i - j;
  });
  const sorted: number[][] = [];
  for (const i of order) {
    let low = 0;
    let high = sorted.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (sorted[middle]!.some((j) => dominates(points[j]!, points[i]!))) low = middle + 1;
      else high = middle;
    }
    if (low === sorted.length) sorted.push([]);
    sorted[low]!.push(i);
  }
  return sorted.map((front) => front.sort((i, j) => i - j));
}

/**
 * Crowding distance (Deb et al. 2002): for each point the sum over objectives of the gap between its neighbours, as a
 * share of the objective's range, divided by the number of objectives; infinite at the ends.
 */
export function crowdingDistances(points: readonly (readonly number[])[]): number[] {
  const distance = points.map(() => 0);
  const objectives = points[0]?.length ?? 0;
  for (let k = 0; k < objectives; k++) {
    const order = points.map((_, i) => i).sort((i, j) => points[i]![k]! - points[j]![k]!);
    const range = points[order.at(-1)!]![k]! - points[order[0]!]![k]!;
    distance[order[0]!] = Infinity;
    distance[order.at(-1)!] = Infinity;
    if (range === 0) continue;
    for (let place = 1; place < order.length - 1; place++)
      distance[order[place]!]! += (points[order[place + 1]!]![k]! - points[order[place - 1]!]![k]!) / range;
  }
  return distance.map((sum) => sum / objectives);
}
