/** What a training run is: everything that its result depends on, and nothing else. It is kept as `run.json`. */
import { InputError } from "../../core/index.ts";
import { type Architecture, tokensForBudget } from "../../model/index.ts";
import type { Initialisation } from "../networks/index.ts";
import type { DataSource } from "./data.ts";
import { DEFAULTS } from "./defaults.ts";

export interface RunPlan {
  readonly architecture: Architecture;
  readonly initialisation: Initialisation;
  readonly data: DataSource;
  /** Tokens of one sequence. */
  readonly length: number;
  /** Sequences of one step. */
  readonly batch: number;
  readonly steps: number;
  readonly optimiser: OptimiserPlan;
  readonly seed: number;
  /** Test accuracy is measured every so many steps, for tasks; 0: at the end only. */
  readonly evaluateEvery: number;
  /** Training ends early once a measured accuracy reaches this. */
  readonly stopAtAccuracy?: number | undefined;
}

export interface OptimiserPlan {
  readonly learningRate: number;
  readonly schedule: "cosine" | "constant" | "trapezoid";
  readonly warmupSteps: number;
  /** The last rate over the highest; of cosine and trapezoid. */
  readonly floor: number;
  readonly weightDecay: number;
  readonly clipNorm: number;
}

/** One of the three; each becomes a number of steps. */
export type Budget = { readonly flops: number } | { readonly tokens: number } | { readonly steps: number };

/** Blocks of the size at which the defaults were measured. */
const MEASURED_DEPTH = 4;

/**
 * One dial for the size of a model: width in proportion to depth, and the learning rate down with the root of the width.
 * The values at depth 4 are measured; the rule between sizes is our choice.
 * @throws InputError unless `depth` is a whole number of blocks, at least 1.
 */
export function dial(depth: number): { width: number; learningRate: number } {
  if (!(Number.isInteger(depth) && depth >= 1)) {
    throw new InputError({
      place: { path: "depth" },
      found: String(depth),
      expected: "a whole number of blocks, at least 1",
    });
  }
  return {
    width: (DEFAULTS.width / MEASURED_DEPTH) * depth,
    learningRate: Number(
      (DEFAULTS.optimiser.learningRate * Math.sqrt(MEASURED_DEPTH / depth)).toPrecision(3),
    ),
  };
}

/**
 * Steps that spend `budget`, rounded down. FLOPs are counted as in arXiv:2510.04800: embedding and head stay out.
 * @throws InputError when it does not pay for one step.
 */
export function stepsFor(budget: Budget, architecture: Architecture, length: number, batch: number): number {
  const perStep = length * batch;
  const steps = Math.floor(
    "steps" in budget
      ? budget.steps
      : ("tokens" in budget ? budget.tokens : tokensForBudget(architecture, budget.flops, length)) / perStep,
  );
  if (steps >= 1) return steps;
  const [[unit, value]] = Object.entries(budget) as [[string, number]];
  throw new InputError({
    place: { path: "budget" },
    found: `${value} ${unit}`,
    expected: `enough for one step of ${batch} sequences of ${length} tokens`,
    remedy: "raise the budget, or make the batch or the context smaller",
  });
}
