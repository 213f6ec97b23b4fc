/** Distributions of times to failure and to repair, as data. */
import type { RandomStream } from "../../core/index.ts";

export type Lifetime =
  | { readonly kind: "exponential"; readonly meanSeconds: number }
  /** As `fitWeibull` gives it. */
  | { readonly kind: "weibull"; readonly shape: number; readonly scaleSeconds: number }
  | { readonly kind: "lognormal"; readonly medianSeconds: number; readonly sigma: number }
  | { readonly kind: "fixed"; readonly seconds: number }
  /** One of the times that were seen, each equally likely. */
  | { readonly kind: "empirical"; readonly seconds: readonly number[] }
  | { readonly kind: "never" };

/** Draws a lifetime in seconds. */
export function drawLifetime(lifetime: Lifetime, stream: RandomStream): number {
  switch (lifetime.kind) {
    case "exponential":
      return stream.exponential(1 / lifetime.meanSeconds);
    case "weibull":
      return lifetime.scaleSeconds * stream.exponential(1) ** (1 / lifetime.shape);
    case "lognormal":
      return lifetime.medianSeconds * Math.exp(lifetime.sigma * stream.normal());
    case "fixed":
      return lifetime.seconds;
    case "empirical":
      return stream.pick(lifetime.seconds);
    case "never":
      return Number.POSITIVE_INFINITY;
  }
}
