/**
 * Exact hypervolume: the volume dominated by a set of points and bounded by a reference point. Losses throughout:
 * smaller is better, the reference is worse than what counts. Two objectives by a sweep, three by a sweep over a kept
 * two-dimensional front, four and more by the WFG recursion (While, Bradstreet & Barone 2012).
 */

/** Points that do not beat the reference in every coordinate count nothing. */
export function hypervolume(points: readonly (readonly number[])[], reference: readonly number[]): number {
  const inside = points.filter((point) => point.every((value, k) => value < reference[k]!));
  if (inside.length === 0) return 0;
  switch (reference.length) {
    case 1:
      return reference[0]! - Math.min(...inside.map((point) => point[0]!));
    case 2:
      return sweep2(inside, reference);
    case 3:
      return sweep3(inside, reference);
    default:
      return wfg(nonDominated(inside), reference);
  }
}

/** How much `point` adds to the hypervolume of `points`. */
export function hypervolumeImprovement(
  point: readonly number[],
  points: readonly (readonly number[])[],
  reference: readonly number[],
): number {
  let box = 1;
  for (let k = 0; k < point.length; k++) {
    if (!(point[k]! < reference[k]!)) return 0;
    box *= reference[k]! - point[k]!;
  }
  const clipped = points.map((other) => other.map((value, k) => Math.max(value, point[k]!)));
  return Math.max(0, box - hypervolume(clipped, reference));
}

function sweep2(points: readonly (readonly number[])[], reference: readonly number[]): number {
  const sorted = [...points].sort((a, b) => a[0]! - b[0]! || a[1]! - b[1]!);
  let volume = 0;
  let lowest = reference[1]!;
  for (const point of sorted) {
    if (point[1]! >= lowest) continue;
    volume += (reference[0]! - point[0]!) * (lowest - point[1]!);
    lowest = point[1]!;
  }
  return volume;
}

/** Slabs between successive third coordinates, each as deep as the area of the points seen so far. */
function sweep3(points: readonly (readonly number[])[], reference: readonly number[]): number {
  const sorted = [...points].sort((a, b) => a[2]! - b[2]!);
  // The front of the points seen so far: first coordinate rising, second falling.
  const front: (readonly number[])[] = [];
  let area = 0;
  let volume = 0;
  sorted.forEach((point, i) => {
    area += insert(front, point, reference);
    const next = sorted[i + 1]?.[2] ?? reference[2]!;
    volume += area * (next - point[2]!);
  });
  return volume;
}

/** Puts `point` into a two-dimensional front and returns the area that it adds. */
function insert(
  front: (readonly number[])[],
  point: readonly number[],
  reference: readonly number[],
): number {
  const [x, y] = [point[0]!, point[1]!];
  let low = 0;
  let high = front.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (front[middle]![0]! <= x) low = middle + 1;
    else high = middle;
  }
  // `low` is the first point to the right of x; the one before it is the lowest at or left of x.
  if (low > 0 && front[low - 1]![1]! <= y) return 0;
  let ceiling = low > 0 ? front[low - 1]![1]! : reference[1]!;
  const from = low > 0 && front[low - 1]![0] === x ? low - 1 : low;
  let added = 0;
  let left = x;
  let to = low;
  for (; to < front.length && front[to]![1]! >= y; to++) {
    added += (front[to]![0]! - left) * (ceiling - y);
    left = front[to]![0]!;
    ceiling = front[to]![1]!;
  }
  const right = to < front.length ? front[to]![0]! : reference[0]!;
  added += (right - left) * (ceiling - y);
  front.splice(from, to - from, point);
  return added;
}

/** Each point's own box, less what the points after it cover of it. */
function wfg(points: readonly (readonly number[])[], reference: readonly number[]): number {
  const sorted = [...points].sort((a, b) => b.at(-1)! - a.at(-1)!);
  let volume = 0;
  sorted.forEach((point, i) => {
    let box = 1;
    for (let k = 0; k < point.length; k++) box *= reference[k]! - point[k]!;
    const rest = sorted.slice(i + 1).map((other) => other.map((value, k) => Math.max(value, point[k]!)));
    volume += rest.length === 0 ? box : box - wfg(nonDominated(rest), reference);
  });
  return volume;
}

function nonDominated(points: readonly (readonly number[])[]): (readonly number[])[] {
  const kept: (readonly number[])[] = [];
  const sorted = [...points].sort((a, b) => {
    for (let k = 0; k < a.length; k++) if (a[k] !== b[k]) return a[k]! - b[k]!;
    return 0;
  });
  for (const point of sorted)
    if (!kept.some((other) => other.every((value, k) => value <= point[k]!))) kept.push(point);
  return kept;
}
