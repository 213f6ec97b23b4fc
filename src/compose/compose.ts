/** Composer from end to end: search, aggregate, confirm, extrapolate, check; the result with its evidence. */
import { join } from "node:path";
import { RandomStream } from "../core/index.ts";
import { type Comparison, compare, meanInterval, type Recipe, writeWhole } from "../lab/index.ts";
import { type Architecture, parameters, parseLayers, printLayers } from "../model/index.ts";
import { type Agreement, agreement } from "./aggregate.ts";
import { extrapolate } from "./extrapolate.ts";
import { type MeasuredRun, measure } from "./oracle/measure.ts";
import { type Predicted, predict } from "./predict.ts";
import { planOf, WINDOWS } from "./protocol.ts";
import type { ComposeRecipe } from "./recipe.ts";
import { type Stage, searchLayers } from "./search.ts";
import { mean, pooledDeviation } from "./statistics.ts";
import type { TrialOptions } from "./trials.ts";

/** Training scores of one string on seeds that the search did not use, and how they differ from the baseline's. */
export interface Confirmed {
  readonly layers: string;
  readonly scores: readonly number[];
  readonly mean: number;
  readonly sd: number;
  /** This string minus the baseline, seed by seed. Absent for the baseline itself. */
  readonly difference?: { readonly mean: number; readonly interval?: readonly [number, number] };
}

/** A function of the recipe alone: the same bytes on one machine, however often it was stopped. */
export interface ComposeResult extends Predicted {
  readonly format: 1;
  readonly title: string;
  readonly unit: string;
  readonly stages: readonly Stage[];
  readonly found: string;
  /** How steady the last stage's aggregate is over bootstrap samples of what was tried. */
  readonly agreement: Agreement;
  /** What was found, the best single candidate, and the baseline at the same number of layers. */
  readonly confirmed: readonly Confirmed[];
  /** Standard deviation of the score over seeds, pooled over `confirmed`. */
  readonly seedNoise: number;
  readonly check: Comparison;
}

const FOUND = "found";
const BASELINE = "baseline";

/**
 * Does what is not done yet in `folder`, and leaves `composer.json` there. Stopped or killed at any point and called again
 * it goes on, and ends with the same result.
 * @throws InputError where the folder holds the work of another recipe.
 */
export async function compose(
  recipe: ComposeRecipe,
  folder: string,
  options: TrialOptions,
): Promise<ComposeResult> {
  const stages = await searchLayers(join(folder, "search"), recipe, {
    ...options,
    workers: recipe.search.parallel,
  });
  const last = stages.at(-1)!;
  const found = last.layers;
  const confirmed = await confirm(join(folder, "confirm"), recipe, found, last.cluster[0]!.layers, options);
  const { comparison } = await compare(checkRecipe(recipe, found), join(folder, "check"), options);
  const tried = stages
    .at(-1)!
    .tried.flatMap(({ layers, scores }) => scores.map((score) => ({ layers, score })));
  const result: ComposeResult = {
    format: 1,
    title: recipe.title,
    unit: "task" in recipe.proxy.data ? "steps" : "nats/token",
    stages,
    found,
    agreement: agreement(tried, recipe.aggregate, new RandomStream(recipe.seed).split("agreement")),
    confirmed,
    seedNoise: pooledDeviation(confirmed.map(({ scores }) => scores)),
    ...predict(parseLayers(found), recipe.extrapolate, recipe.check.baseline),
    check: comparison,
  };
  writeWhole(join(folder, "composer.json"), `${JSON.stringify(result, null, 2)}\n`);
  return result;
}

/** Trains again on fresh seeds: the winner of a search is partly a lucky one. */
async function confirm(
  folder: string,
  { proxy, search, seeds, confirmSeeds, layers, check }: ComposeRecipe,
  found: string,
  best: string,
  options: TrialOptions,
): Promise<Confirmed[]> {
  const baseline = Array.from({ length: layers }, (_, i) => check.baseline[i % check.baseline.length]).join(
    "",
  );
  // Beyond every seed that a string can have been searched with.
  const first = seeds * search.trials + 1;
  const strings = [...new Set([found, best, baseline])];
  const runs = await measure(
    folder,
    {
      layers: { kind: "choice", values: strings },
      seeds: Array.from({ length: confirmSeeds }, (_, i) => first + i),
      protocol: proxy,
    },
    { ...options, progress: (event) => options.progress?.({ ...event, activity: "confirming" }) },
  );
  options.signal?.throwIfAborted();
  const against = scoresBySeed(runs, baseline);
  return strings.map((string) => {
    const own = scoresBySeed(runs, string);
    const differences = [...own].flatMap(([seed, score]) => {
      const other = against.get(seed);
      return other === undefined ? [] : [score - other];
    });
    const scores = [...own.values()];
    const interval = meanInterval(differences);
    return {
      layers: string,
      scores,
      mean: mean(scores),
      sd: pooledDeviation([scores]),
      ...(string !== baseline && {
        difference: { mean: mean(differences), ...(interval && { interval }) },
      }),
    };
  });
}

function scoresBySeed(runs: readonly MeasuredRun[], layers: string): Map<number, number> {
  return new Map(runs.filter((run) => run.layers === layers).map(({ seed, score }) => [seed, score]));
}

/** What was found and the baseline of its size, as a comparison of the lab: paired over seeds, with intervals. */
function checkRecipe({ title, check }: ComposeRecipe, found: string): Recipe {
  const { copies, seeds, baseline, ...protocol } = check;
  const plan = planOf(found.repeat(copies), 1, protocol);
  const { learningRate, ...optimiser } = plan.optimiser;
  const size = parameters(plan.architecture).primitives;
  const alternating = extrapolate(baseline, size, "stack", plan.architecture);
  const contender = (name: string, a: Architecture) => ({
    name,
    architecture: a,
    initialisation: plan.initialisation,
    learningRates: [learningRate],
  });
  return {
    title: `${title}: the check`,
    question: `Does ${printLayers(parseLayers(found))} beat the baseline of its size?`,
    data: plan.data,
    length: plan.length,
    batch: plan.batch,
    budget: { steps: plan.steps },
    architectures: [contender(FOUND, plan.architecture), contender(BASELINE, alternating)],
    pairs: [[FOUND, BASELINE]],
    trends: [],
    learningRates: [learningRate],
    optimiser,
    seeds,
    evaluation: {
      windows: WINDOWS,
      extrapolate: 1,
      longWindows: 1,
      evaluateEvery: protocol.evaluateEvery,
      decodeContexts: [],
    },
  };
}
