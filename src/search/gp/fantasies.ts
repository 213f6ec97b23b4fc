/**
 * Where a function may lie, drawn from its posterior: samples of its noise-free values at baseline points (those
 * observed and those under evaluation), and for each sample the process that passes through it. Averaging an
 * acquisition over them takes noise at the observed points and pending trials into account in one way (the noisy
 * expected improvement of Letham et al. 2019; Daulton et al. 2021 for hypervolume).
 */
import { normalQuantile, type RandomStream } from "../../core/index.ts";
import { SobolSequence, sobolDimensions } from "../quasirandom.ts";
import { choleskyWithJitter, multiply, solve, solveLower } from "./cholesky.ts";
import { covarianceMatrix, covariances } from "./kernel.ts";
import { type GaussianProcess, jointPosterior, NOISE_FLOOR } from "./regression.ts";

export class Fantasies {
  readonly #process: GaussianProcess;
  readonly #baseline: readonly Float64Array[];
  readonly #factor: Float64Array;
  /** A row a sample: K^-1 (its standardised values at the baseline). */
  readonly #weights: Float64Array;
  /** Per sample, the values at the baseline points, in the units of the observations. */
  readonly values: readonly Float64Array[];

  /** `normals` holds a row a sample, of one standard normal number a baseline point. */
  constructor(
    process: GaussianProcess,
    baseline: readonly Float64Array[],
    normals: readonly (Float64Array | undefined)[],
  ) {
    const m = baseline.length;
    const { kernel, offset, spread } = process;
    this.#process = process;
    this.#baseline = baseline;
    this.#factor = choleskyWithJitter(covarianceMatrix(kernel, baseline), m, NOISE_FLOOR * kernel.scale);
    const { mean, covariance } = jointPosterior(process, baseline);
    const root = choleskyWithJitter(covariance, m, 1e-9 * kernel.scale);
    const standardised = normals.map((row) => {
      const sample = mean.slice();
      if (!row) return sample;
      for (let i = 0; i < m; i++) for (let k = 0; k <= i; k++) sample[i]! += root[i * m + k]! * row[k]!;
      return sample;
    });
    this.#weights = new Float64Array(normals.length * m);
    standardised.forEach((sample, s) => {
      this.#weights.set(solve(this.#factor, m, sample), s * m);
    });
    this.values = standardised.map((sample) => sample.map((value) => offset + spread * value));
  }

  /** Writes each sample's mean at `x` into `means` and returns the standard deviation, which all share. */
  at(x: Float64Array, means: Float64Array): number {
    const { kernel, offset, spread } = this.#process;
    const k = covariances(kernel, x, this.#baseline);
    const m = k.length;
    multiply(this.#weights, means.length, m, k, means);
    for (let s = 0; s < means.length; s++) means[s] = offset + spread * means[s]!;
    const w = solveLower(this.#factor, m, k, k);
    let variance = kernel.scale;
    for (let i = 0; i < m; i++) variance -= w[i]! * w[i]!;
    return spread * Math.sqrt(Math.max(variance, 1e-10 * kernel.scale));
  }
}

/** `samples` rows of standard normal numbers: from a scrambled Sobol sequence while it has the dimensions. */
export function normalRows(samples: number, dimensions: number, random: RandomStream): Float64Array[] {
  if (dimensions > sobolDimensions())
    return Array.from({ length: samples }, () =>
      Float64Array.from({ length: dimensions }, () => random.normal()),
    );
  const sequence = new SobolSequence(dimensions, random);
  const quantile = normalQuantile();
  // Half a step keeps a scrambled zero away from minus infinity.
  return Array.from({ length: samples }, (_, i) => sequence.point(i).map((u) => quantile(u + 2 ** -33)));
}
