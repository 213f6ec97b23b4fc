/** How far a fit is to be believed: resamples, errors, and scores on runs that it has not seen. */
import { type RandomStream, rSquared } from "../core/index.ts";
import { type Coefficients, lossAt } from "./chinchilla.ts";
import type { Run } from "./run.ts";

/** `resamples` times the result of `fitter` on runs drawn with replacement, each group on its own. */
export function bootstrapFits<T>(
  groups: readonly (readonly Run[])[],
  fitter: (groups: readonly (readonly Run[])[]) => T,
  stream: RandomStream,
  resamples = 1000,
): T[] {
  return Array.from({ length: resamples }, () =>
    fitter(groups.map((group) => group.map(() => stream.pick(group)))),
  );
}

export interface Goodness {
  readonly runs: number;
  readonly rSquared: number;
  /** Mean and largest of |predicted - observed| / observed. */
  readonly meanRelativeError: number;
  readonly largestRelativeError: number;
  /** Nats. */
  readonly rootMeanSquareError: number;
}

/** How well `predict` tells the losses of `runs`. */
export function goodness<R extends Run>(runs: readonly R[], predict: (run: R) => number): Goodness {
  const observed = runs.map((run) => run.loss);
  const predicted = runs.map(predict);
  const relative = observed.map((value, i) => Math.abs(predicted[i]! - value) / value);
  return {
    runs: runs.length,
    rSquared: rSquared(observed, predicted),
    meanRelativeError: relative.reduce((sum, value) => sum + value, 0) / runs.length,
    largestRelativeError: Math.max(...relative),
    rootMeanSquareError: Math.sqrt(
      observed.reduce((sum, value, i) => sum + (predicted[i]! - value) ** 2, 0) / runs.length,
    ),
  };
}

/** Fits the runs that `trains` admits and scores the others: a fit that has only been seen to interpolate promises little. */
export function heldOut<R extends Run>(
  runs: readonly R[],
  trains: (run: R) => boolean,
  fitter: (training: readonly R[]) => Coefficients,
): Goodness & { readonly fit: Coefficients } {
  const fitted = fitter(runs.filter(trains));
  const test = runs.filter((run) => !trains(run));
  return { ...goodness(test, (run) => lossAt(fitted, run.parameters, run.tokens)), fit: fitted };
}
