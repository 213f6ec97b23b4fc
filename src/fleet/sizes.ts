/** Sizes of jobs in powers of two, as reliability is reported: 1, 2, 4, 8, ... accelerators. */

/** How many classes of sizes there are. */
export const SIZE_CLASSES = 33;

/** The class of a size: 0 for 0, 1 for 1, 2 for 2, 3 for 3 and 4, 4 for 5 to 8, ... */
export function sizeClass(size: number): number {
  return size <= 0 ? 0 : 33 - Math.clz32(size - 1);
}

/** The largest size of a class. */
export function classSize(index: number): number {
  return index === 0 ? 0 : 2 ** (index - 1);
}

/** The power of two at or above `size`; 0 for 0. */
export function sizeBucket(size: number): number {
  return classSize(sizeClass(size));
}
