/**
 * A family of small decoders whose quality the lab measures: a handful of its models, spread over the family, are trained,
 * and a surrogate through their held-out losses stands for the rest. What a search then finds is trained too, so that the
 * surrogate is held to what it said.
 */
import { join } from "node:path";
import { z } from "zod";
import { type Config, InputError, readConfig, type Supervision } from "../core/index.ts";
import {
  compare,
  DEFAULTS,
  INITIALISATION,
  type NamedArchitecture,
  network,
  type Recipe,
  smallModel,
  tokenizerNamed,
} from "../lab/index.ts";
import { type Architecture, architecture, parameters, parseLayers } from "../model/index.ts";
import type { Parameter, Point } from "../search/index.ts";
import type { Family } from "./families.ts";
import { type KnownModel, measuredIn, qualitySurrogate } from "./quality.ts";
import { decoderWorkload, type Phase, printPhase } from "./workloads/decoder.ts";

const whole = z.int().min(1);
const levels = z
  .array(whole)
  .min(1)
  .transform((values) => [...new Set(values)].sort((a, b) => a - b));

const trainingSchema = z.strictObject({
  title: z.string(),
  corpus: z.string(),
  tokenizer: z.string().default("bytes"),
  context: whole.default(DEFAULTS.context),
  batch: whole.default(DEFAULTS.batch),
  steps: whole.default(DEFAULTS.steps),
  learningRate: z.number().positive().default(DEFAULTS.optimiser.learningRate),
  /** Runs of each model; its loss is their mean. */
  seeds: whole.default(1),
  /** The family: a block of layers, how often it is repeated, the width of the residual stream. */
  models: z.strictObject({
    block: z
      .array(z.string())
      .min(1)
      .refine((blocks) => new Set(blocks).size === blocks.length, { error: "different blocks" }),
    depth: levels,
    width: levels,
  }),
  /** How many of the family are trained before the search. */
  train: z.int().min(3),
  /** How many of those that a search finds are trained after it. */
  confirm: z.int().min(0).default(3),
});
type Training = z.output<typeof trainingSchema>;

/** A model of the family with what the surrogate said of it, and its loss once it is trained. */
export interface Confirmation {
  readonly model: string;
  readonly predicted: number;
  readonly extrapolates: boolean;
  /** Held-out loss, nats a token. */
  readonly measured: number;
}

export interface TrainedFamily extends Family {
  /** Trains models of these candidates that were not trained before the search: as many as the file says, spread. */
  confirm(candidates: readonly Point[], supervision?: Supervision): Promise<Confirmation[]>;
}

export interface TrainOptions extends Supervision {
  readonly phase: Phase;
  readonly batch: number;
  /** Processes, one thread each. Default: one a core. */
  readonly workers?: number | undefined;
}

/**
 * Trains what is not trained yet in `folder`; stopped, it goes on from there. Throws an `InputError` with the line of what
 * is wrong in the file, and where fewer than three models trained without diverging.
 */
export async function trainedFamily(
  file: string,
  folder: string,
  options: TrainOptions,
): Promise<TrainedFamily> {
  const config = readConfig(file, trainingSchema, "a family of models to train");
  const training = config.value;
  const { vocabularySize } = await tokenizerNamed(training.tokenizer);
  const { phase, batch, workers } = options;

  const architectureOf = ({ block, depth, width }: Point): Architecture =>
    architecture(
      Array.from({ length: Number(depth) }, () => parseLayers(String(block))).flat(),
      Number(width),
      {
        name: modelName({ block: block!, depth: depth!, width: width! }),
        vocabulary: vocabularySize,
        ...smallModel(Number(width)),
      },
    );
  const sizes = ({ block, depth, width }: Point) => [
    ...training.models.block.map((each) => (each === block ? 2 : 1)),
    Number(depth),
    Number(width),
  ];
  const capacities = (point: Point) => [parameters(architectureOf(point)).primitives];

  const points = allPoints(training);
  for (const point of points) buildable(point, () => network(architectureOf(point)), config);
  const place = (point: Point) => sizes(point).map(Math.log);
  const chosen = spread(points.map(place), training.train).map((i) => points[i]!);
  const losses = await train(chosen, options);
  const known = chosen.flatMap((point): KnownModel[] => {
    const quality = losses.get(modelName(point));
    return quality === undefined
      ? []
      : [{ name: modelName(point), sizes: sizes(point), capacities: capacities(point), quality }];
  });
  const quality = qualitySurrogate(known, "minimise", measuredIn(join(folder, "comparison.json")), { file });

  /** Held-out losses by name, without those that diverged. */
  async function train(models: readonly Point[], supervision: Supervision): Promise<Map<string, number>> {
    const architectures = models.map(
      (point): NamedArchitecture => ({
        name: modelName(point),
        architecture: architectureOf(point),
        initialisation: INITIALISATION,
        learningRates: [training.learningRate],
      }),
    );
    const { progress, signal } = supervision;
    const { comparison } = await compare(recipeOf(training, architectures), folder, {
      ...(workers && { workers }),
      progress,
      signal,
    });
    return new Map(
      comparison.architectures.flatMap(({ name, means: { heldOutLoss } }) =>
        heldOutLoss === undefined ? [] : [[name, heldOutLoss] as const],
      ),
    );
  }

  return {
    name: `${training.title}, ${printPhase(phase)}`,
    parameters: modelParameters(training),
    workload: (point) => decoderWorkload(architectureOf(point), phase, batch),
    sizes,
    capacities,
    quality,
    async confirm(candidates, supervision = {}) {
      const trainedNames = new Set(chosen.map(modelName));
      const found = [...new Map(candidates.map((point) => [modelName(point), point])).values()].filter(
        (point) => !trainedNames.has(modelName(point)),
      );
      if (found.length === 0) return [];
      const fresh = spread(found.map(place), training.confirm).map((i) => found[i]!);
      const measured = await train([...chosen, ...fresh], supervision);
      return fresh.flatMap((point) => {
        const loss = measured.get(modelName(point));
        const { value, extrapolates } = quality.predict(sizes(point), capacities(point));
        return loss === undefined
          ? []
          : [{ model: modelName(point), predicted: value, extrapolates, measured: loss }];
      });
    },
  };
}

/** `(SF)3 at 96`, whatever the accelerator beside it. */
function modelName({ block, depth, width }: Point): string {
  return `(${block})${depth} at ${width}`;
}

function modelParameters({ models: { block, depth, width } }: Training): Record<string, Parameter> {
  return {
    block: { kind: "choice", values: block },
    depth: { kind: "ordered", values: depth },
    width: { kind: "ordered", values: width },
  };
}

function allPoints({ models: { block, depth, width } }: Training): Point[] {
  return block.flatMap((b) => depth.flatMap((d) => width.map((w) => ({ block: b, depth: d, width: w }))));
}

/** What the lab cannot build is refused at the place of the family in the file. */
function buildable(point: Point, build: () => void, { placeOf }: Config<Training>): void {
  try {
    build();
  } catch (error) {
    if (!(error instanceof InputError)) throw error;
    throw new InputError(
      error.problems.map((problem) => ({
        ...problem,
        place: { ...placeOf(["models"]), path: `models: ${modelName(point)}` },
      })),
    );
  }
}

function recipeOf(training: Training, architectures: readonly NamedArchitecture[]): Recipe {
  const { schedule, warmupSteps, floor, weightDecay, clipNorm } = DEFAULTS.optimiser;
  return {
    title: training.title,
    question: "What does each model of the family lose?",
    data: { corpus: training.corpus, tokenizer: training.tokenizer },
    length: training.context,
    batch: training.batch,
    budget: { steps: training.steps },
    architectures,
    pairs: [],
    learningRates: [training.learningRate],
    optimiser: { schedule, warmupSteps, floor, weightDecay, clipNorm },
    seeds: training.seeds,
    evaluation: {
      windows: 192,
      extrapolate: 1,
      longWindows: 48,
      evaluateEvery: DEFAULTS.evaluateEvery,
      decodeContexts: [],
    },
  };
}

/**
 * So many of `places`, each the farthest from those before it (Kennard and Stone 1969), from the one farthest from the
 * middle: the edges come first, so that little is left outside of what is known.
 */
export function spread(places: readonly (readonly number[])[], count: number): number[] {
  if (count < 1) return [];
  const low = places[0]!.map((_, k) => Math.min(...places.map((place) => place[k]!)));
  const range = low.map((least, k) => Math.max(...places.map((place) => place[k]!)) - least || 1);
  const scaled = places.map((place) => place.map((x, k) => (x - low[k]!) / range[k]!));
  const apart = (a: readonly number[], b: readonly number[]) => Math.hypot(...a.map((x, k) => x - b[k]!));
  const middle = low.map(() => 0.5);
  const farthest = (far: readonly number[]) => far.indexOf(Math.max(...far));
  const chosen = [farthest(scaled.map((place) => apart(place, middle)))];
  while (chosen.length < Math.min(count, places.length))
    chosen.push(farthest(scaled.map((place) => Math.min(...chosen.map((i) => apart(place, scaled[i]!))))));
  return chosen;
}
