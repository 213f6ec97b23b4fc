/** Fits of L(N, D) = E + A / N^alpha + B / D^beta by least squares of the loss, to one family of runs or to several. */
import type { Coefficients } from "./chinchilla.ts";
import type { Run } from "./run.ts";
import { type Exponents, SeparableProblem } from "./separable-problem.ts";

export interface VariableProjectionOptions {
  /** Residuals beyond this many nats count linearly (Huber). Default: none do, which is least squares. */
  readonly huber?: number;
  /** One E for all groups (the default), or one for each. */
  readonly floors?: "shared" | "each";
  /** Whether alpha and beta are one exponent (arXiv:2403.08540, arXiv:2305.16264). Default: no. */
  readonly tied?: boolean;
  /** Where to start; without it, at the best of a coarse grid. */
  readonly start?: Exponents;
}

export interface FamilyFit {
  /** One a group, in their order. */
  readonly fits: readonly Coefficients[];
  /** Sum over runs of the squared, or Huber, residual in nats. */
  readonly objective: number;
}

const MOST_STEPS = 200;
/** Stops when this many steps in a row improve the objective by less than the tolerance's share of it. */
const IDLE_STEPS = 3;
const TOLERANCE = 1e-8;
const LEAST_DAMPING = 1e-12;
const MOST_DAMPING = 1e9;

/**
 * One fit for each group of runs, with exponents that all groups share. For given exponents the law is linear in E, A and
 * B, which are solved for under E, A, B >= 0, and only the exponents are searched (variable projection, Golub and Pereyra
 * 1973, with Kaufman's Jacobian): the search in all five has a condition number of 1e11, this one of 10.
 * With `huber`, every step first reweighs the runs (iteratively reweighted least squares).
 * Throws an `InputError` for groups of fewer than five runs and for runs that are not positive.
 */
export function variableProjection(
  groups: readonly (readonly Run[])[],
  {
    huber = Number.POSITIVE_INFINITY,
    floors = "shared",
    tied = false,
    start,
  }: VariableProjectionOptions = {},
): FamilyFit {
  const problem = new SeparableProblem(groups, floors, tied);
  let exponents = start ?? problem.bestOnGrid();
  problem.squares(exponents);
  let objective = problem.reweigh(huber);
  let damping = 1e-3;
  let idle = 0;
  for (let step = 0; step < MOST_STEPS && idle < IDLE_STEPS && damping < MOST_DAMPING; step++) {
    const here = problem.squares(exponents);
    const trial = problem.step(exponents, damping);
    const accepted = problem.squares(trial) <= here;
    if (accepted) exponents = trial;
    else problem.squares(exponents);
    damping = accepted ? Math.max(damping / 10, LEAST_DAMPING) : damping * 10;
    const next = problem.reweigh(huber);
    // A rejected step says nothing of the minimum, only that the damping was too small.
    if (accepted) idle = objective - next <= TOLERANCE * objective ? idle + 1 : 0;
    objective = next;
  }
  return { fits: problem.fits(exponents), objective };
}
