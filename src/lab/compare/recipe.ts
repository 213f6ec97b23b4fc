/** A recipe: which architectures to compare, on what, with how much, as a person writes it in YAML. */
import { z } from "zod";
import { InputError, parseQuantity, QuantityError, readConfig } from "../../core/index.ts";
import { type Architecture, type ArchitectureSettings, architecture } from "../../model/index.ts";
import { INITIALISATION, type Initialisation, network } from "../networks/index.ts";
import type { RetrievalSettings } from "../tasks/index.ts";
import {
  type Budget,
  type DataSource,
  DEFAULTS,
  type OptimiserPlan,
  taskOf,
  tokenizerNamed,
} from "../training/index.ts";
import { METRICS, type Metric } from "./metrics.ts";
import type { Trend } from "./trends.ts";

export interface Recipe {
  readonly title: string;
  /** What the comparison is to find out. */
  readonly question: string;
  readonly data: DataSource;
  readonly length: number;
  readonly batch: number;
  readonly budget: Budget;
  readonly architectures: readonly NamedArchitecture[];
  /** Names to compare: the first of each pair minus the second. */
  readonly pairs: readonly (readonly [string, string])[];
  /** What was found elsewhere, to be judged by what is measured here. */
  readonly trends: readonly Trend[];
  /** Tried for each architecture on a seed of their own; the best is used for all seeds that are compared. */
  readonly learningRates: readonly number[];
  readonly optimiser: Omit<OptimiserPlan, "learningRate">;
  /** Runs of each architecture that are compared: seeds 1 to this number. */
  readonly seeds: number;
  readonly evaluation: EvaluationPlan;
}

export interface NamedArchitecture {
  readonly name: string;
  readonly architecture: Architecture;
  readonly initialisation: Initialisation;
  readonly learningRates: readonly number[];
}

export interface EvaluationPlan {
  /** Held-out windows of the training length. */
  readonly windows: number;
  /** Windows of `extrapolate` times the training length, for the loss by position; 1 for none. */
  readonly extrapolate: number;
  readonly longWindows: number;
  /** Recall over depth and length, of networks trained on a retrieval task. */
  readonly recall?:
    | {
        readonly form: RetrievalSettings["form"];
        readonly digits: number | undefined;
        readonly lengths: readonly number[];
        readonly depths: readonly number[];
        /** Sequences of one cell. */
        readonly trials: number;
      }
    | undefined;
  /** Steps between measurements of a task's accuracy. */
  readonly evaluateEvery: number;
  readonly stopAtAccuracy?: number | undefined;
  /** Contexts at which decoding is timed. */
  readonly decodeContexts: readonly number[];
}

const whole = z.int().min(1);
const quantity = (symbol: string) =>
  z.union([z.number(), z.string()]).transform((value, context) => {
    try {
      return parseQuantity(value, symbol);
    } catch (error) {
      if (!(error instanceof QuantityError)) throw error;
      context.addIssue(`a number of ${symbol}s (${error.message})`);
      return z.NEVER;
    }
  });

const attention = z.strictObject({
  heads: whole,
  kvHeads: whole,
  headDim: whole,
  valueDim: whole,
  ropeTheta: z.number().positive().nullable(),
  qkvBias: z.boolean(),
  outputBias: z.boolean(),
  qkNorm: z.boolean(),
});
const ssm = z.strictObject({
  innerWidth: whole,
  headDim: whole,
  stateSize: whole,
  groups: whole,
  convWidth: whole,
  convBias: z.boolean(),
  projectionBias: z.boolean(),
  gatedNorm: z.boolean(),
});
const modelSettings = z
  .strictObject({
    width: whole,
    attention: attention.partial(),
    window: attention.extend({ window: whole, sink: z.int().min(0) }).partial(),
    ssm: ssm.partial(),
    feedForward: z.strictObject({ hidden: whole, gated: z.boolean(), bias: z.boolean() }).partial(),
    experts: z
      .strictObject({
        experts: whole,
        active: whole,
        hidden: whole,
        shared: z.int().min(0),
        sharedHidden: whole,
        sharedGate: z.boolean(),
      })
      .partial(),
    hybrid: z
      .strictObject({
        attention: attention.partial(),
        ssm: ssm.partial(),
        norm: z.enum(["group", "none"]),
        scale: z.enum(["none", "vector", "scalar"]),
        fusion: z.enum(["difference", "add", "concatenate"]),
        values: z.enum(["separate", "shared"]),
        output: z.enum(["separate", "joint"]),
      })
      .partial(),
    tiedEmbeddings: z.boolean(),
    norm: z.enum(["rms", "layer"]),
    initialisation: z
      .strictObject({
        decayRange: z.tuple([z.number().positive(), z.number().positive()]),
        stepRange: z.tuple([z.number().positive(), z.number().positive()]),
        embedding: z.number().positive(),
      })
      .partial(),
  })
  .partial();

/** Layers alone, or layers with settings of their own. */
const contender = z.union([
  z.string().transform((layers) => ({ layers })),
  modelSettings.extend({
    layers: z.string(),
    learningRates: z.array(z.number().positive()).min(1).optional(),
  }),
]);

/** What to train on, as people write it. */
export const dataSchema = z.union([
  z.strictObject({ corpus: z.string(), tokenizer: z.string().default("bytes") }),
  z.strictObject({
    task: z.string(),
    settings: z.record(z.string(), z.union([z.number(), z.boolean()])).default({}),
    trainSequences: whole.optional(),
  }),
]);

const recipeSchema = z.strictObject({
  title: z.string(),
  question: z.string().default(""),
  data: dataSchema,
  context: whole.default(DEFAULTS.context),
  batch: whole.default(DEFAULTS.batch),
  budget: z.union([
    z.strictObject({ steps: whole }),
    z.strictObject({ tokens: quantity("token") }),
    z.strictObject({ flops: quantity("FLOP") }),
  ]),
  model: modelSettings.default({}),
  architectures: z.record(z.string(), contender),
  compare: z.array(z.tuple([z.string(), z.string()])).optional(),
  trends: z
    .array(
      z.strictObject({
        claim: z.string(),
        source: z.string(),
        better: z.string(),
        than: z.string(),
        metric: z.enum(Object.keys(METRICS) as [Metric, ...Metric[]]).default("heldOutLoss"),
      }),
    )
    .default([]),
  learningRates: z.array(z.number().positive()).min(1).default([DEFAULTS.optimiser.learningRate]),
  optimiser: z
    .strictObject({
      schedule: z.enum(["cosine", "constant", "trapezoid"]),
      warmupSteps: z.int().min(0),
      floor: z.number().min(0).max(1),
      weightDecay: z.number().min(0),
      clipNorm: z.number().positive(),
    })
    .partial()
    .default({}),
  seeds: whole.default(3),
  evaluation: z
    .strictObject({
      windows: whole.default(192),
      extrapolate: z.number().min(1).max(16).default(1),
      longWindows: whole.default(48),
      recall: z
        .strictObject({
          lengths: z.array(whole).min(1),
          depths: z.array(z.number().min(0).max(1)).min(1).default([0, 0.25, 0.5, 0.75, 1]),
          trials: whole.default(100),
        })
        .optional(),
      evaluateEvery: whole.default(20),
      stopAtAccuracy: z.number().min(0).max(1).optional(),
      decodeContexts: z.array(z.int().min(2)).default([]),
    })
    .prefault({}),
});

type ModelSettings = z.output<typeof modelSettings>;

/** Reads a recipe; throws an InputError that names the line of everything that is wrong. */
export async function readRecipe(file: string): Promise<Recipe> {
  const { value, placeOf, within: at } = readConfig(file, recipeSchema, "a recipe of a comparison");
  const { data } = value;
  const task = "task" in data ? at(["data"], () => taskOf(data.task, data.settings)) : undefined;
  const vocabulary = task
    ? task.vocabularySize
    : (await tokenizerNamed("corpus" in data ? data.tokenizer : "bytes")).vocabularySize;
  const { recall } = value.evaluation;
  const form = task?.name;
  if (recall && form !== "passkey" && form !== "needle") {
    throw new InputError({
      place: placeOf(["evaluation", "recall"]),
      found: `recall of a network trained on ${form ?? "text"}`,
      expected: "data: { task: passkey } or { task: needle }",
    });
  }
  const architectures = Object.entries(value.architectures).map(([name, own]): NamedArchitecture => {
    const {
      layers,
      learningRates = value.learningRates,
      ...settings
    } = own as ModelSettings & {
      layers: string;
      learningRates?: number[];
    };
    return at(["architectures", name], () => {
      const { width = 96, initialisation = {}, ...rest } = merged(value.model, settings);
      const built = architecture(layers, width, { vocabulary, ...rest } as ArchitectureSettings);
      network(built);
      return {
        name,
        architecture: built,
        initialisation: { ...INITIALISATION, ...(initialisation as Partial<Initialisation>) },
        learningRates,
      };
    });
  });
  const names = architectures.map(({ name }) => name);
  const pairs = value.compare ?? names.slice(1).map((name) => [name, names[0]!] as [string, string]);
  const requireName = (name: string, path: readonly PropertyKey[]): void => {
    if (names.includes(name)) return;
    throw new InputError({
      place: placeOf(path),
      found: `"${name}"`,
      expected: `the name of an architecture: ${names.join(", ")}`,
    });
  };
  for (const [index, pair] of pairs.entries()) {
    for (const [side, name] of pair.entries()) requireName(name, ["compare", index, side]);
  }
  for (const [index, { better, than }] of value.trends.entries()) {
    requireName(better, ["trends", index, "better"]);
    requireName(than, ["trends", index, "than"]);
  }
  return {
    title: value.title,
    question: value.question,
    data,
    length: task?.sequenceLength ?? value.context,
    batch: value.batch,
    budget: value.budget,
    architectures,
    pairs,
    trends: value.trends,
    learningRates: value.learningRates,
    optimiser: {
      schedule: DEFAULTS.optimiser.schedule,
      warmupSteps: DEFAULTS.optimiser.warmupSteps,
      floor: DEFAULTS.optimiser.floor,
      weightDecay: DEFAULTS.optimiser.weightDecay,
      clipNorm: DEFAULTS.optimiser.clipNorm,
      ...defined(value.optimiser),
    },
    seeds: value.seeds,
    evaluation: {
      ...value.evaluation,
      recall: recall && {
        ...recall,
        form: form as RetrievalSettings["form"],
        digits: "task" in data ? (data.settings.digits as number | undefined) : undefined,
      },
    },
  };
}

/** The settings of all architectures, with one's own over them, group by group. */
function merged(common: ModelSettings, own: ModelSettings): ModelSettings {
  const groups = new Set([...Object.keys(common), ...Object.keys(own)]) as Set<keyof ModelSettings>;
  const result: Record<string, unknown> = {};
  for (const group of groups) {
    const [theirs, ours] = [common[group], own[group]];
    result[group] =
      typeof theirs === "object" && typeof ours === "object" ? { ...theirs, ...ours } : (ours ?? theirs);
  }
  return result as ModelSettings;
}

function defined<T extends object>(options: T): { [K in keyof T]: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)) as never;
}
