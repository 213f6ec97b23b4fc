/**
 * Which parts of a space matter for a metric: total-effect Sobol indices (Jansen's estimator; Saltelli et al. 2010,
 * table 2) of a Gaussian process fitted to the complete trials. A statement about the model, so the share of the
 * metric's variance that the model predicts when each trial is left out comes with it: near 0, it knows nothing.
 */
import { InputError, RandomStream } from "../../core/index.ts";
import { inverse } from "../gp/cholesky.ts";
import { categoricalDimensions, KERNEL_SHAPES } from "../gp/kernel.ts";
import { fitGaussianProcess, type GaussianProcess, predict } from "../gp/regression.ts";
import type { History, Trial } from "../history.ts";
import { SobolSequence, sobolDimensions } from "../quasirandom.ts";
import { dimensionName, type Point, type Space } from "../space/space.ts";

const MOST_TRIALS = 300;
const POINTS = 512;

export interface Importances {
  readonly metric: string;
  /** Trials that the model was fitted to: all complete ones, or a random sample of 300. */
  readonly fittedTo: number;
  /** R squared of leave-one-out predictions; below 0 the mean predicts better than the model. */
  readonly leaveOneOutRSquared: number;
  /** Share of the model's variance that is lost with the part, alone and together with others; most first. */
  readonly parts: readonly { readonly part: string; readonly totalEffect: number }[];
}

/** Throws an `InputError` when fewer than 5 complete trials have the metric. `seed` draws the sample and the points. */
export function importances(
  space: Space,
  history: History<Point>,
  metric: string,
  seed: number,
): Importances {
  const random = new RandomStream(seed).split("importances");
  const complete = history.trials.filter(({ metrics }) => metrics?.[metric] !== undefined);
  if (complete.length < 5)
    throw new InputError({
      place: { path: metric },
      found: `${complete.length} complete trials with this metric`,
      expected: "at least 5",
      remedy: "run more trials, or name another metric",
    });
  const trials: Trial<Point>[] =
    complete.length <= MOST_TRIALS ? complete : random.shuffle([...complete]).slice(0, MOST_TRIALS);
  const values = trials.map(({ metrics }) => metrics![metric]!);
  const process = fitGaussianProcess(
    trials.map(({ candidate }) => space.encode(candidate!)),
    values,
    { shapes: KERNEL_SHAPES, categorical: categoricalDimensions(space.dimensions), noisy: true },
  );
  const { a, b } = pairs(space, random);
  const f = (unit: Float64Array) => predict(process, unit).mean;
  const atA = a.map(f);
  const mean = atA.reduce((total, value) => total + value, 0) / a.length;
  const variance = atA.reduce((total, value) => total + (value - mean) ** 2, 0) / a.length;
  const parts = space.dimensions.map((_, i) => {
    let sum = 0;
    a.forEach((unit, row) => {
      const mixed = unit.slice();
      mixed[i] = b[row]![i]!;
      sum += (atA[row]! - f(mixed)) ** 2;
    });
    return {
      part: dimensionName(space, i),
      totalEffect: variance === 0 ? 0 : sum / (2 * a.length * variance),
    };
  });
  return {
    metric,
    fittedTo: trials.length,
    leaveOneOutRSquared: leaveOneOut(process, values),
    parts: parts.sort((x, y) => y.totalEffect - x.totalEffect),
  };
}

/** Two independent samples of the space, quasi-random together while the Sobol sequence has the dimensions. */
function pairs(space: Space, random: RandomStream): { a: Float64Array[]; b: Float64Array[] } {
  const d = space.dimensions.length;
  const [a, b]: [Float64Array[], Float64Array[]] = [[], []];
  const sequence = 2 * d <= sobolDimensions() ? new SobolSequence(2 * d, random) : undefined;
  for (let i = 0; a.length < POINTS && i < 20 * POINTS; i++) {
    const both = sequence?.point(i) ?? Float64Array.from({ length: 2 * d }, () => random.uniform());
    const points = [space.decode(both.subarray(0, d)), space.decode(both.subarray(d))] as const;
    if (points.some((point) => space.violated(point))) continue;
    a.push(space.encode(points[0]));
    b.push(space.encode(points[1]));
  }
  if (a.length > 0) return { a, b };
  // Constraints leave so little that pairs do not meet them by chance.
  const draw = () => Array.from({ length: POINTS }, () => space.encode(space.sample(random)));
  return { a: draw(), b: draw() };
}

/** Left-out residuals in closed form: alpha_i / (K^-1)_ii (Rasmussen & Williams, equation 5.12). */
function leaveOneOut({ factor, alpha, spread }: GaussianProcess, values: readonly number[]): number {
  const n = values.length;
  const inverted = inverse(factor, n);
  let residual = 0;
  for (let i = 0; i < n; i++) residual += ((spread * alpha[i]!) / inverted[i * n + i]!) ** 2;
  const mean = values.reduce((total, value) => total + value, 0) / n;
  const total = values.reduce((sum, value) => sum + (value - mean) ** 2, 0);
  return total === 0 ? 0 : 1 - residual / total;
}
