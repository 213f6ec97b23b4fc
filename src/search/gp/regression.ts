/**
 * Gaussian-process regression: hyper-parameters at the maximum of marginal likelihood times weak priors, by L-BFGS on
 * their logarithms (Rasmussen & Williams 2006, equations 5.8 and 5.9). The priors are those of Optuna's sampler:
 * log p = -sum(0.1/w_j + 0.1 w_j) on weights, Gamma(2, 1) on the scale, Gamma(1.1, 30) on the noise variance, for
 * outputs standardised to mean 0 and variance 1.
 */
import { type Differentiable, lbfgs } from "../../core/index.ts";
import {
  cholesky,
  choleskyWithJitter,
  inverse,
  logDeterminant,
  rowProducts,
  solve,
  solveLower,
} from "./cholesky.ts";
import {
  covarianceMatrix,
  covariances,
  type Kernel,
  type KernelShape,
  profile,
  profileSlope,
} from "./kernel.ts";

/** The least variance of noise, of outputs with variance 1; what a deterministic function is given. */
export const NOISE_FLOOR = 1e-6;

export interface RegressionOptions {
  /** The kernel's, or several to choose from by what the data say (the larger posterior at its maximum). */
  readonly shapes: readonly KernelShape[];
  readonly categorical: readonly boolean[];
  /** Whether repeating an evaluation can give another value; the noise is then fitted, else it is at the floor. */
  readonly noisy: boolean;
}

/** Hyper-parameters of standardised values. */
export interface FittedKernel {
  readonly kernel: Kernel;
  /** Variance of an observation's noise. */
  readonly noise: number;
}

export interface GaussianProcess extends FittedKernel {
  readonly points: readonly Float64Array[];
  /** Standardisation of the outputs: value = offset + spread * standardised. */
  readonly offset: number;
  readonly spread: number;
  /** (K + noise I)^-1 (standardised outputs), and the Cholesky factor of K + noise I. */
  readonly alpha: Float64Array;
  readonly factor: Float64Array;
}

/** The process through `values` at `points` with the given hyper-parameters. */
export function condition(
  points: readonly Float64Array[],
  values: readonly number[],
  { kernel, noise }: FittedKernel,
): GaussianProcess {
  const n = points.length;
  const { y, offset, spread } = standardise(values);
  const factor = choleskyWithJitter(covarianceMatrix(kernel, points), n, noise);
  return { kernel, noise, points, offset, spread, alpha: solve(factor, n, y), factor };
}

/** The process through `values` at `points` (encoded, each of the same length; at least one), with fitted hyper-parameters. */
export function fitGaussianProcess(
  points: readonly Float64Array[],
  values: readonly number[],
  options: RegressionOptions,
): GaussianProcess {
  return condition(points, values, fitKernel(points, values, options));
}

/** The hyper-parameters of largest posterior. */
export function fitKernel(
  points: readonly Float64Array[],
  values: readonly number[],
  options: RegressionOptions,
): FittedKernel {
  const d = options.categorical.length;
  const { categorical, noisy } = options;
  const fits = options.shapes.map((shape) => {
    const negative = negativeLogPosterior(points, values, { shape, categorical, noisy });
    const starts = [0, Math.log(8)].map((weight) => [
      ...new Array<number>(d).fill(weight),
      0,
      ...(noisy ? [Math.log(0.05)] : []),
    ]);
    // One descent, from where the data like it better: wiggly and nearly flat functions begin far apart.
    const start = starts.reduce((a, b) => (negative(b).value < negative(a).value ? b : a));
    const found = lbfgs(negative, start, {
      gradientTolerance: 1e-2,
      maxIterations: 40,
      valueTolerance: 1e-6,
    });
    return { shape, found };
  });
  const { shape, found } = fits.reduce((a, b) => (b.found.value < a.found.value ? b : a));
  const { weights, scale, noise } = unpack(found.x, d, noisy);
  return { kernel: { shape, categorical, weights, scale }, noise };
}

/** Mean and standard deviation of the function (without noise) at `x`, in the units of the values. */
export function predict(process: GaussianProcess, x: Float64Array): { mean: number; deviation: number } {
  const { kernel, points, alpha, factor, offset, spread } = process;
  const k = covariances(kernel, x, points);
  let mean = 0;
  for (let i = 0; i < k.length; i++) mean += k[i]! * alpha[i]!;
  const w = solveLower(factor, k.length, k, k);
  let variance = kernel.scale;
  for (let i = 0; i < w.length; i++) variance -= w[i]! * w[i]!;
  return { mean: offset + spread * mean, deviation: spread * Math.sqrt(Math.max(variance, 1e-12)) };
}

/** Mean and covariance (n by n) of the standardised function at `at` together. */
export function jointPosterior(
  process: GaussianProcess,
  at: readonly Float64Array[],
): { mean: Float64Array; covariance: Float64Array } {
  const { kernel, points, alpha, factor } = process;
  const n = points.length;
  const m = at.length;
  const mean = new Float64Array(m);
  const reduced = new Float64Array(m * n);
  at.forEach((x, i) => {
    const k = covariances(kernel, x, points, reduced.subarray(i * n, (i + 1) * n));
    for (let j = 0; j < n; j++) mean[i]! += k[j]! * alpha[j]!;
    solveLower(factor, n, k, k);
  });
  const joint = covarianceMatrix(kernel, at);
  const explained = rowProducts(reduced, m, n);
  for (let i = 0; i < m * m; i++) joint[i]! -= explained[i]!;
  return { mean, covariance: joint };
}

/** For each dimension, squared difference (or difference at all) of each pair i > j, pairs in order of i then j. */
function squaredDifferences(
  points: readonly Float64Array[],
  categorical: readonly boolean[],
): Float64Array[] {
  const n = points.length;
  return categorical.map((isCategorical, dimension) => {
    const pairs = new Float64Array((n * (n - 1)) / 2);
    let pair = 0;
    for (let i = 1; i < n; i++)
      for (let j = 0; j < i; j++) {
        const difference = points[i]![dimension]! - points[j]![dimension]!;
        pairs[pair++] = isCategorical ? Number(difference !== 0) : difference * difference;
      }
    return pairs;
  });
}

function unpack(theta: readonly number[], d: number, noisy: boolean) {
  return {
    weights: Float64Array.from(theta.slice(0, d), Math.exp),
    scale: Math.exp(theta[d]!),
    noise: noisy ? NOISE_FLOOR + Math.exp(theta[d + 1]!) : NOISE_FLOOR,
  };
}

function standardise(values: readonly number[]): { y: Float64Array; offset: number; spread: number } {
  const n = values.length;
  const offset = values.reduce((total, value) => total + value, 0) / n;
  const deviation = Math.sqrt(values.reduce((total, value) => total + (value - offset) ** 2, 0) / n);
  const spread = deviation > 0 ? deviation : 1;
  return { y: Float64Array.from(values, (value) => (value - offset) / spread), offset, spread };
}

/**
 * The negative logarithm of likelihood times priors, with its gradient, by the logarithms of weights, scale and (where
 * noisy) noise above the floor.
 */
export function negativeLogPosterior(
  points: readonly Float64Array[],
  values: readonly number[],
  {
    shape,
    categorical,
    noisy,
  }: { readonly shape: KernelShape; readonly categorical: readonly boolean[]; readonly noisy: boolean },
): Differentiable {
  const n = points.length;
  const d = categorical.length;
  const { y } = standardise(values);
  const distances = squaredDifferences(points, categorical);
  const pairs = (n * (n - 1)) / 2;
  return (theta) => {
    const { weights, scale, noise } = unpack(theta, d, noisy);
    const squared = new Float64Array(pairs);
    for (let j = 0; j < d; j++) {
      const weight = weights[j]!;
      const column = distances[j]!;
      for (let p = 0; p < pairs; p++) squared[p]! += weight * column[p]!;
    }
    const k = new Float64Array(n * n);
    for (let i = 0, p = 0; i < n; i++) {
      for (let j = 0; j < i; j++, p++) k[i * n + j] = scale * profile(shape, squared[p]!);
      k[i * n + i] = scale + noise;
    }
    const factor = cholesky(k, n);
    if (!factor) return { value: Infinity, gradient: new Array<number>(theta.length).fill(0) };
    const alpha = solve(factor, n, y);
    const inverted = inverse(factor, n);
    let fit = 0;
    for (let i = 0; i < n; i++) fit += y[i]! * alpha[i]!;
    let value = 0.5 * (fit + logDeterminant(factor, n) + n * Math.log(2 * Math.PI));

    // Sensitivity to K_ij is (K^-1 - alpha alpha^T)_ij / 2; each pair counts twice, once a half.
    const gradient = new Array<number>(theta.length).fill(0);
    const slopes = new Float64Array(pairs);
    let byScale = 0;
    let byNoise = 0;
    for (let i = 0, p = 0; i < n; i++) {
      for (let j = 0; j < i; j++, p++) {
        const sensitivity = inverted[i * n + j]! - alpha[i]! * alpha[j]!;
        byScale += sensitivity * k[i * n + j]!;
        slopes[p] = sensitivity * scale * profileSlope(shape, squared[p]!);
      }
      const sensitivity = 0.5 * (inverted[i * n + i]! - alpha[i]! * alpha[i]!);
      byScale += sensitivity * scale;
      byNoise += sensitivity;
    }
    for (let j = 0; j < d; j++) {
      const column = distances[j]!;
      let sum = 0;
      for (let p = 0; p < pairs; p++) sum += slopes[p]! * column[p]!;
      const weight = weights[j]!;
      value += 0.1 / weight + 0.1 * weight;
      gradient[j] = sum * weight - 0.1 / weight + 0.1 * weight;
    }
    value -= Math.log(scale) - scale;
    gradient[d] = byScale - 1 + scale;
    if (noisy) {
      value -= 0.1 * Math.log(noise) - 30 * noise;
      gradient[d + 1] = (byNoise + 30 - 0.1 / noise) * (noise - NOISE_FLOOR);
    }
    return { value, gradient };
  };
}
