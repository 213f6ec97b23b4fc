/**
 * Minimisers of smooth and of rough functions. Least squares come from ml.js; the two general methods are our own,
 * because the packages that offer them diverge on Rosenbrock's function or do not load.
 */
import { fcnnlsVector } from "ml-fcnnls";
import { levenbergMarquardt } from "ml-levenberg-marquardt";

export interface Minimum {
  readonly x: number[];
  readonly value: number;
  readonly iterations: number;
  /** False where the iterations ran out before the tolerance was met. */
  readonly converged: boolean;
}

/**
 * Nelder and Mead's simplex with the dimension-adaptive coefficients of Gao and Han (2012).
 * `step` is the size of the first simplex, one number a coordinate or one for all; non-finite values count as worst.
 */
export function nelderMead(
  f: (x: readonly number[]) => number,
  start: readonly number[],
  { step = 0.1, tolerance = 1e-10, maxIterations = 200 * start.length }: NelderMeadOptions = {},
): Minimum {
  const n = start.length;
  const expansion = 1 + 2 / n;
  const contraction = 0.75 - 1 / (2 * n);
  const shrinkage = 1 - 1 / n;
  const evaluate = (x: number[]) => {
    const value = f(x);
    return { x, value: Number.isFinite(value) ? value : Number.POSITIVE_INFINITY };
  };
  const stepOf = (i: number) => (typeof step === "number" ? step : step[i]!);
  const simplex = [
    evaluate([...start]),
    ...start.map((_, i) => evaluate(start.map((value, j) => (i === j ? value + stepOf(i) : value)))),
  ];
  let iterations = 0;
  let converged = false;
  for (; iterations < maxIterations; iterations++) {
    simplex.sort((a, b) => a.value - b.value);
    const best = simplex[0]!;
    const worst = simplex[n]!;
    const spread = Math.max(
      ...simplex.map(({ x }) => Math.max(...x.map((v, j) => Math.abs(v - best.x[j]!)))),
    );
    const scale = 1 + Math.max(...best.x.map(Math.abs));
    if (
      worst.value - best.value <= tolerance * (1 + Math.abs(best.value)) &&
      spread <= Math.sqrt(tolerance) * scale
    ) {
      converged = true;
      break;
    }
    const centre = start.map((_, j) => simplex.slice(0, n).reduce((total, { x }) => total + x[j]!, 0) / n);
    const along = (t: number) => evaluate(centre.map((c, j) => c + t * (c - worst.x[j]!)));
    const reflected = along(1);
    if (reflected.value < best.value) {
      const expanded = along(expansion);
      simplex[n] = expanded.value < reflected.value ? expanded : reflected;
    } else if (reflected.value < simplex[n - 1]!.value) {
      simplex[n] = reflected;
    } else {
      const outside = reflected.value < worst.value;
      const contracted = along(outside ? contraction : -contraction);
      if (contracted.value < (outside ? reflected.value : worst.value)) simplex[n] = contracted;
      else {
        for (let i = 1; i <= n; i++) {
          simplex[i] = evaluate(best.x.map((b, j) => b + shrinkage * (simplex[i]!.x[j]! - b)));
        }
      }
    }
  }
  simplex.sort((a, b) => a.value - b.value);
  return { ...simplex[0]!, iterations, converged };
}

export interface NelderMeadOptions {
  readonly step?: number | readonly number[];
  readonly tolerance?: number;
  readonly maxIterations?: number;
}

export interface LbfgsOptions {
  /** Stops when the largest component of the gradient is below this. */
  readonly gradientTolerance?: number;
  /** Stops when a step improves the value by less than this share of it. */
  readonly valueTolerance?: number;
  readonly maxIterations?: number;
  /** Pairs of steps and gradient changes that are kept. */
  readonly memory?: number;
}

/** A function and its gradient at `x`. */
export type Differentiable = (x: readonly number[]) => { value: number; gradient: readonly number[] };

/**
 * Limited-memory BFGS with a line search for the strong Wolfe conditions (Nocedal and Wright, Numerical Optimization,
 * algorithms 7.4, 3.5 and 3.6). A non-finite value inside the line search is taken as a step too far.
 */
export function lbfgs(
  f: Differentiable,
  start: readonly number[],
  { gradientTolerance = 1e-8, valueTolerance = 1e-14, maxIterations = 500, memory = 10 }: LbfgsOptions = {},
): Minimum {
  let x = [...start];
  let { value, gradient } = f(x);
  const pairs: { s: number[]; y: number[]; rho: number }[] = [];
  for (let iterations = 0; iterations < maxIterations; iterations++) {
    if (maximumNorm(gradient) <= gradientTolerance) return { x, value, iterations, converged: true };
    let direction = twoLoopRecursion(gradient, pairs);
    if (dot(direction, gradient) >= 0) {
      pairs.length = 0;
      direction = gradient.map((g) => -g);
    }
    const firstStep = pairs.length === 0 ? Math.min(1, 1 / Math.hypot(...gradient)) : 1;
    const step = wolfeSearch(f, x, value, gradient, direction, firstStep);
    // No point along the direction improves on this one: at the precision of the function, this is the minimum.
    if (!step)
      return { x, value, iterations, converged: maximumNorm(gradient) <= Math.sqrt(gradientTolerance) };
    const s = step.x.map((v, i) => v - x[i]!);
    const y = step.gradient.map((g, i) => g - gradient[i]!);
    const curvature = dot(s, y);
    if (curvature > 1e-300) pairs.push({ s, y, rho: 1 / curvature });
    if (pairs.length > memory) pairs.shift();
    const improvement = value - step.value;
    ({ x, value, gradient } = step);
    if (improvement <= valueTolerance * Math.abs(value))
      return { x, value, iterations: iterations + 1, converged: true };
  }
  return { x, value, iterations: maxIterations, converged: false };
}

function twoLoopRecursion(
  gradient: readonly number[],
  pairs: readonly { s: number[]; y: number[]; rho: number }[],
): number[] {
  const q = gradient.map((g) => -g);
  const alphas: number[] = [];
  for (const { s, y, rho } of pairs.toReversed()) {
    const alpha = rho * dot(s, q);
    alphas.unshift(alpha);
    for (let i = 0; i < q.length; i++) q[i]! -= alpha * y[i]!;
  }
  const newest = pairs.at(-1);
  if (newest) {
    const scale = 1 / (newest.rho * dot(newest.y, newest.y));
    for (let i = 0; i < q.length; i++) q[i]! *= scale;
  }
  for (const [k, { s, y, rho }] of pairs.entries()) {
    const beta = rho * dot(y, q);
    for (let i = 0; i < q.length; i++) q[i]! += (alphas[k]! - beta) * s[i]!;
  }
  return q;
}

interface Point {
  readonly x: number[];
  readonly value: number;
  readonly gradient: readonly number[];
}

/** A point along `direction` that satisfies the strong Wolfe conditions, or the best one that decreases `f`. */
function wolfeSearch(
  f: Differentiable,
  x0: readonly number[],
  value0: number,
  gradient0: readonly number[],
  direction: readonly number[],
  firstStep: number,
): Point | undefined {
  const sufficient = 1e-4;
  const curvature = 0.9;
  const slope0 = dot(gradient0, direction);
  const at = (t: number) => {
    const x = x0.map((v, i) => v + t * direction[i]!);
    const { value, gradient } = f(x);
    return {
      t,
      x,
      value: Number.isNaN(value) ? Number.POSITIVE_INFINITY : value,
      gradient,
      slope: dot(gradient, direction),
    };
  };
  type Trial = ReturnType<typeof at>;
  const origin: Trial = { t: 0, x: [...x0], value: value0, gradient: gradient0, slope: slope0 };
  const tooHigh = (p: Trial) => p.value > value0 + sufficient * p.t * slope0;

  const zoom = (first: Trial, second: Trial): Trial | undefined => {
    let low = first;
    let high = second;
    for (let i = 0; i < 40; i++) {
      const trial = at(interpolate(low, high));
      if (tooHigh(trial) || trial.value >= low.value) high = trial;
      else {
        if (Math.abs(trial.slope) <= -curvature * slope0) return trial;
        if (trial.slope * (high.t - low.t) >= 0) high = low;
        low = trial;
      }
      if (Math.abs(high.t - low.t) <= 1e-16 * Math.max(1, low.t)) break;
    }
    return low.t > 0 && low.value < value0 ? low : undefined;
  };

  let previous = origin;
  let t = firstStep;
  for (let i = 0; i < 30; i++) {
    const trial = at(t);
    if (tooHigh(trial) || (i > 0 && trial.value >= previous.value)) return zoom(previous, trial);
    if (Math.abs(trial.slope) <= -curvature * slope0) return trial;
    if (trial.slope >= 0) return zoom(trial, previous);
    previous = trial;
    t *= 2.5;
  }
  return previous.t > 0 ? previous : undefined;
}

/** Minimiser of the cubic through two trials, kept inside the middle of the bracket; bisection where it has none. */
function interpolate(
  a: { t: number; value: number; slope: number },
  b: { t: number; value: number; slope: number },
): number {
  const middle = (a.t + b.t) / 2;
  if (!Number.isFinite(b.value) || !Number.isFinite(b.slope)) return middle;
  const d1 = a.slope + b.slope - (3 * (a.value - b.value)) / (a.t - b.t);
  const root = d1 * d1 - a.slope * b.slope;
  if (root < 0) return middle;
  const d2 = Math.sign(b.t - a.t) * Math.sqrt(root);
  const t = b.t - ((b.t - a.t) * (b.slope + d2 - d1)) / (b.slope - a.slope + 2 * d2);
  const margin = 0.1 * Math.abs(b.t - a.t);
  const inside = t > Math.min(a.t, b.t) + margin && t < Math.max(a.t, b.t) - margin;
  return inside ? t : middle;
}

/** The x >= 0 that minimises |A x - b|; `rows` holds A's rows (n x p), b has n values. */
export function nnls(rows: readonly (readonly number[])[], b: readonly number[]): number[] {
  return fcnnlsVector(
    rows.map((row) => [...row]),
    [...b],
  ).K.to1DArray();
}

/**
 * Levenberg-Marquardt on sum of (y_i - model(parameters, i))^2 with bounds on each parameter.
 * Throws a `RangeError` where the start lies outside the bounds.
 */
export function boundedLeastSquares(
  model: (parameters: readonly number[], index: number) => number,
  y: readonly number[],
  start: readonly number[],
  {
    low,
    high,
    maxIterations = 200,
  }: { low: readonly number[]; high: readonly number[]; maxIterations?: number },
): Minimum {
  if (start.some((value, i) => value < low[i]! || value > high[i]!)) {
    throw new RangeError(`the start ${start.join(", ")} lies outside the bounds`);
  }
  const fit = levenbergMarquardt(
    { x: y.map((_, i) => i), y: [...y] },
    (parameters) => (i) => model(parameters, i),
    {
      initialValues: [...start],
      minValues: [...low],
      maxValues: [...high],
      gradientDifference: start.map((value) => 1e-6 * Math.max(1, Math.abs(value))),
      centralDifference: true,
      damping: 1e-3,
      maxIterations,
      errorTolerance: 0,
    },
  );
  return {
    x: [...fit.parameterValues],
    value: fit.parameterError,
    iterations: fit.iterations,
    converged: fit.iterations < maxIterations,
  };
}

function dot(a: readonly number[], b: readonly number[]): number {
  let total = 0;
  for (let i = 0; i < a.length; i++) total += a[i]! * b[i]!;
  return total;
}

function maximumNorm(a: readonly number[]): number {
  return a.reduce((largest, value) => Math.max(largest, Math.abs(value)), 0);
}
