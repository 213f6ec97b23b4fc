/**
 * Covariance of encoded candidates, with one weight (inverse squared length scale) a dimension:
 *
 *   d^2(x, x') = sum over numeric j of w_j (x_j - x'_j)^2 + sum over categorical j of w_j [x_j differs from x'_j]
 *   matern52:  s (1 + sqrt(5) d + 5 d^2 / 3) exp(-sqrt(5) d)          rbf:  s exp(-d^2 / 2)
 *
 * On strings `rbf` is the Hamming kernel of Composer (arXiv:2510.00379), with a weight for each place.
 */
import type { Dimension } from "../space/parameter.ts";

export const KERNEL_SHAPES = ["matern52", "rbf"] as const;
export type KernelShape = (typeof KERNEL_SHAPES)[number];

export interface Kernel {
  readonly shape: KernelShape;
  /** Which dimensions count by difference, and which by being different. */
  readonly categorical: readonly boolean[];
  readonly weights: Float64Array;
  /** s: the variance of the function. */
  readonly scale: number;
}

export function categoricalDimensions(dimensions: readonly Dimension[]): boolean[] {
  return dimensions.map(({ kind }) => kind === "categorical");
}

export function covariance(kernel: Kernel, a: Float64Array, b: Float64Array): number {
  const { weights, categorical, shape, scale } = kernel;
  let squared = 0;
  for (let j = 0; j < a.length; j++) {
    const difference = a[j]! - b[j]!;
    squared += weights[j]! * (categorical[j] && difference !== 0 ? 1 : difference * difference);
  }
  return scale * profile(shape, squared);
}

/** The kernel of squared distance, for s = 1. */
export function profile(shape: KernelShape, squared: number): number {
  if (shape === "rbf") return Math.exp(-squared / 2);
  const d = Math.sqrt(5 * squared);
  return (1 + d + (d * d) / 3) * Math.exp(-d);
}

/** Its derivative by squared distance. */
export function profileSlope(shape: KernelShape, squared: number): number {
  if (shape === "rbf") return -Math.exp(-squared / 2) / 2;
  const d = Math.sqrt(5 * squared);
  return (-5 / 6) * (1 + d) * Math.exp(-d);
}

/** The covariances of each of `points` with each other, n by n. */
export function covarianceMatrix(kernel: Kernel, points: readonly Float64Array[]): Float64Array {
  const n = points.length;
  const k = new Float64Array(n * n);
  for (let i = 0; i < n; i++)
    for (let j = 0; j <= i; j++) {
      const value = covariance(kernel, points[i]!, points[j]!);
      k[i * n + j] = value;
      k[j * n + i] = value;
    }
  return k;
}

/** The covariances of `x` with each of `points`. */
export function covariances(
  kernel: Kernel,
  x: Float64Array,
  points: readonly Float64Array[],
  into: Float64Array = new Float64Array(points.length),
): Float64Array {
  for (let i = 0; i < points.length; i++) into[i] = covariance(kernel, x, points[i]!);
  return into;
}
