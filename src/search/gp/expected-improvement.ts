/** Expected improvement in closed form, and what else needs the normal distribution's far tail. Losses: smaller is better. */
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
