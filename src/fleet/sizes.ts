/** Sizes of jobs in powers of two, as reliability is reported: 1, 2, 4, 8, ... accelerators. */

/** The power of two at or above `size`; 0 for 0. */
export function sizeBucket(size: number): number {
  return size <= 0 ? 0 : 2 ** Math.ceil(Math.log2(size));
}
