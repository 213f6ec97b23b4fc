/** The runs that a recipe asks for. */

import { type RunPlan, stepsFor } from "../training/index.ts";
import type { EvaluationPlan, NamedArchitecture, Recipe } from "./recipe.ts";

/** The seed that learning rates are tried on; it is not one of those compared. */
export const SWEEP_SEED = 0;

export interface Job {
  /** Name of the run's folder: architecture, learning rate and seed. */
  readonly id: string;
  readonly architecture: string;
  readonly plan: RunPlan;
  readonly evaluation: EvaluationPlan;
  /** Time decoding after the run. */
  readonly timed: boolean;
}

/** The runs that choose a learning rate; none for an architecture that has only one. */
export function sweepJobs(recipe: Recipe): Job[] {
  return recipe.architectures
    .filter(({ learningRates }) => learningRates.length > 1)
    .flatMap((named) => named.learningRates.map((rate) => job(recipe, named, rate, SWEEP_SEED)));
}

/** The runs that are compared, at the learning rate of each architecture; one seed of all before the next seed. */
export function comparedJobs(recipe: Recipe, rates: ReadonlyMap<string, number>): Job[] {
  return Array.from({ length: recipe.seeds }, (_, index) =>
    recipe.architectures.map((named) => job(recipe, named, rates.get(named.name)!, index + 1)),
  ).flat();
}

function job(recipe: Recipe, named: NamedArchitecture, learningRate: number, seed: number): Job {
  const { architecture, initialisation, name } = named;
  const { data, length, batch, budget, optimiser, evaluation } = recipe;
  return {
    id: `${name.replace(/[^\w.-]+/g, "_")}-rate${learningRate}-seed${seed}`,
    architecture: name,
    plan: {
      architecture,
      initialisation,
      data,
      length,
      batch,
      steps: stepsFor(budget, architecture, length, batch),
      optimiser: { ...optimiser, learningRate },
      seed,
      evaluateEvery: "task" in data ? evaluation.evaluateEvery : 0,
      ...("task" in data && { stopAtAccuracy: evaluation.stopAtAccuracy }),
    },
    evaluation,
    timed: seed === 1,
  };
}
