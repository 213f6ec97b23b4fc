/** The search engine of arXiv:2510.00379: layer strings by Bayesian optimisation, all at once or a few layers at a time. */
import { join } from "node:path";
import { type Point, Space, type StudyRequest, type Trial } from "../search/index.ts";
import { type Aggregate, aggregate, type Scored } from "./aggregate.ts";
import type { ComposeRecipe } from "./recipe.ts";
import { mean } from "./statistics.ts";
import { runTrials, type TrialOptions } from "./trials.ts";

export interface Stage extends Aggregate {
  /** Layers that this stage leaves alone, before and after those that it chooses. */
  readonly head: string;
  readonly tail: string;
  /** Whole strings in the order in which they were first tried, with the mean of their scores. */
  readonly tried: readonly (Scored & { readonly scores: readonly number[] })[];
  /** Trials that failed, with why; they are left out of `tried`. */
  readonly failed: readonly { readonly layers: string; readonly reason: string }[];
}

/** Searches stage by stage; each hands its aggregate to the next. The last stage's aggregate is what was found. */
export async function searchLayers(
  folder: string,
  recipe: ComposeRecipe,
  options: TrialOptions,
): Promise<Stage[]> {
  const { layers, search, aggregate: aggregation } = recipe;
  const count = layers / search.step;
  const stages: Stage[] = [];
  for (let index = 0; index < count; index++) {
    const fixed = frame(search.strategy, stages.at(-1)?.layers ?? "");
    const progress: TrialOptions["progress"] = (event) =>
      options.progress?.({
        ...event,
        activity: "searching",
        done: index * search.trials + event.done,
        total: count * search.trials,
      });
    const trials = await searchStage(join(folder, `stage-${index + 1}`), recipe, fixed, {
      ...options,
      progress,
    });
    const { tried, failed } = outcomes(trials, fixed);
    options.signal?.throwIfAborted();
    if (tried.length === 0) throw new Error(`every candidate failed, the first with: ${failed[0]?.reason}`);
    stages.push({ ...fixed, tried, failed, ...aggregate(tried, aggregation) });
  }
  return stages;
}

type Frame = Pick<Stage, "head" | "tail">;

function frame(strategy: ComposeRecipe["search"]["strategy"], found: string): Frame {
  const at = strategy === "middle-incremental" ? Math.floor(found.length / 2) : found.length;
  return { head: found.slice(0, at), tail: found.slice(at) };
}

async function searchStage(
  folder: string,
  { primitives, search, proxy, seeds, seed }: ComposeRecipe,
  fixed: Frame,
  options: TrialOptions,
): Promise<readonly Trial<Point>[]> {
  const space = new Space({ layers: { kind: "string", alphabet: primitives, length: search.step } });
  const request: StudyRequest = {
    domain: "compose",
    // Trials of another proxy must not be continued with: it is part of what was asked.
    space: JSON.parse(JSON.stringify({ ...space.toJSON(), problem: { ...fixed, protocol: proxy, seeds } })),
    objectives: [{ metric: "score", direction: "minimise" }],
    policy: search.policy,
    budget: { trials: search.trials },
    seed,
  };
  const { history } = await runTrials(
    folder,
    request,
    space,
    (candidate, before) => {
      // A string that is tried again is trained with the next seeds, so that it is worth trying again.
      const again = before.filter((trial) => trial.candidate?.layers === candidate.layers).length;
      return {
        layers: whole(candidate, fixed),
        seeds: Array.from({ length: seeds }, (_, i) => again * seeds + i + 1),
        protocol: proxy,
      };
    },
    options,
  );
  return history.trials;
}

function whole(candidate: Point, { head, tail }: Frame): string {
  return `${head}${candidate.layers}${tail}`;
}

function outcomes(trials: readonly Trial<Point>[], fixed: Frame): Pick<Stage, "tried" | "failed"> {
  const scores = new Map<string, number[]>();
  const failed: { layers: string; reason: string }[] = [];
  for (const { candidate, metrics, failure } of trials) {
    if (!candidate) continue;
    const layers = whole(candidate, fixed);
    if (metrics) scores.set(layers, [...(scores.get(layers) ?? []), metrics.score!]);
    else if (failure !== undefined) failed.push({ layers, reason: failure });
  }
  const tried = [...scores].map(([layers, list]) => ({
    layers,
    score: mean(list),
    scores: list,
  }));
  return { tried, failed };
}
