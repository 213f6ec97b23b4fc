/** Expected improvement and expected hypervolume improvement, in closed form. Losses: smaller is better. */
import erfcx from "@stdlib/math-base-special-erfcx";
import { normalCumulative } from "../../core/index.ts";

const LOG_SQRT_2PI = 0.5 * Math.log(2 * Math.PI);

/**
 * Logarithm of the expected improvement on `best` of a normal loss, also where that is far below the smallest double
 * (Ament et al. 2023, equation 9): log sigma + log h(z), h(z) = phi(z) + z Phi(z), z = (best - mean) / deviation.
 */
export function logExpectedImprovement(mean: number, deviation: number, best: number): number {
  return Math.log(deviation) + logH((best - mean) / deviation);
}

function logH(z: number): number {
  if (z > -1) return Math.log(Math.exp(-0.5 * z * z - LOG_SQRT_2PI) + z * normalCumulative(z));
  const tail = -0.5 * z * z - LOG_SQRT_2PI;
  if (z < -1000) return tail - 2 * Math.log(-z);
  return tail + Math.log1p(z * Math.sqrt(Math.PI / 2) * erfcx(-z / Math.SQRT2));
}

/** Logarithm of the probability that a normal variable is at most 0. */
export function logProbabilityNegative(mean: number, deviation: number): number {
  const z = -mean / deviation;
  if (z > -5) return Math.log(normalCumulative(z));
  return -0.5 * z * z + Math.log(0.5 * erfcx(-z / Math.SQRT2));
}

/** E[(t - Y)+] of a normal Y: how far below `t` it is expected to come. */
export function expectedBelow(mean: number, deviation: number, t: number): number {
  const z = (t - mean) / deviation;
  if (z < -38) return 0;
  if (z > 38) return t - mean;
  return deviation * Math.exp(-0.5 * z * z - LOG_SQRT_2PI) + (t - mean) * normalCumulative(z);
}

/**
 * Expected hypervolume improvement of two independent normal losses on a front, exactly: the region that is not
 * dominated is cut into strips between successive points of the front, and in each the expectation is a product
 * (Yang et al. 2019; Daulton et al. 2020, appendix). `front` is sorted: first loss rising, second falling, all better
 * than `reference`.
 */
export function expectedHypervolumeImprovement(
  mean: readonly [number, number],
  deviation: readonly [number, number],
  front: readonly (readonly number[])[],
  reference: readonly number[],
): number {
  let total = 0;
  // Strip i lies left of point i's successor and below point i; strip 0 is left of the first point, below the reference.
  let ceiling = reference[1]!;
  let leftOfPrevious = 0;
  for (let i = 0; i <= front.length; i++) {
    const right = i < front.length ? front[i]![0]! : reference[0]!;
    const leftOfThis = expectedBelow(mean[0], deviation[0], right);
    total += (leftOfThis - leftOfPrevious) * expectedBelow(mean[1], deviation[1], ceiling);
    leftOfPrevious = leftOfThis;
    if (i < front.length) ceiling = front[i]![1]!;
  }
  return Math.max(0, total);
}
