/** A recipe: what to search, on which proxy, how far to extrapolate, and how to check it; as a person writes it in YAML. */
import { z } from "zod";
import { InputError, type Place, parseQuantity, QuantityError, readConfig } from "../core/index.ts";
import { dataSchema, network, taskOf } from "../lab/index.ts";
import { isPrimitive, type Primitive, parameters, parseLayers, preset } from "../model/index.ts";
import { createPolicy, Space } from "../search/index.ts";
import type { Aggregation } from "./aggregate.ts";
import { defaultExtrapolation, EXTRAPOLATIONS } from "./extrapolate.ts";
import { BASELINE, type Target } from "./predict.ts";
import { type Protocol, planOf, vocabularyOf } from "./protocol.ts";

export const STRATEGIES = ["one-shot", "end-incremental", "middle-incremental"] as const;

export interface ComposeRecipe {
  readonly title: string;
  /** Letters that layers are chosen among. */
  readonly primitives: string;
  /** Layers of the small architecture. */
  readonly layers: number;
  readonly search: SearchPlan;
  readonly proxy: Protocol;
  /** Runs of each candidate; its score is their mean. All candidates share the seeds 1 to this number. */
  readonly seeds: number;
  /** Fresh seeds on which what was found is trained again, beside the best single candidate and the baseline. */
  readonly confirmSeeds: number;
  readonly aggregate: Aggregation;
  readonly extrapolate: Target;
  readonly check: CheckPlan;
  readonly oracle: OraclePlan;
  readonly seed: number;
}

export interface SearchPlan {
  readonly strategy: (typeof STRATEGIES)[number];
  /** Layers that each stage of an incremental search adds. */
  readonly step: number;
  /** Candidates of each stage. */
  readonly trials: number;
  readonly policy: { readonly name: string; readonly [option: string]: unknown };
  /** Candidates trained side by side. The search depends on it, so it is no matter of the machine. */
  readonly parallel: number;
}

/** Training of what was found and of the baseline, at a size between the search's and the target's. */
export interface CheckPlan extends Protocol {
  /** Copies of the found layers that the checked model is made of; the baseline gets as many parameters. */
  readonly copies: number;
  /** Seeds 1 to this number, the same for both. */
  readonly seeds: number;
  readonly baseline: readonly Primitive[];
}

/** How much of the space `terrarium compose oracle` measures; a search does not read it. */
export interface OraclePlan {
  /** Runs of every string on the proxy. */
  readonly seeds: number;
  /** Strings, drawn at random, that are trained again as the check trains. */
  readonly largerStrings: number;
  readonly largerSeeds: number;
}

const whole = z.int().min(1);

const recipeSchema = z.strictObject({
  title: z.string(),
  primitives: z
    .string()
    .refine((text) => text.length > 1 && new Set(text).size === text.length && [...text].every(isPrimitive), {
      error: "two or more different letters of primitives, such as AF",
    }),
  layers: z.int().min(2).max(32),
  search: z.strictObject({
    strategy: z.enum(STRATEGIES).default("one-shot"),
    step: whole.optional(),
    trials: whole,
    policy: z.looseObject({ name: z.string() }).default({ name: "bayesian", kernel: "rbf" }),
    parallel: whole.default(2),
  }),
  proxy: z.strictObject({
    data: dataSchema,
    width: whole.default(64),
    context: whole.default(128),
    batch: whole.default(16),
    steps: whole,
    learningRate: z.number().positive().default(1e-3),
    seeds: whole.default(1),
    confirmSeeds: z.int().min(2).default(3),
  }),
  aggregate: z
    .strictObject({
      clusters: whole.default(5),
      context: z.union([z.int().min(0), z.literal("full")]).default(0),
    })
    .prefault({}),
  extrapolate: z
    .strictObject({
      like: z.string().default("llama-3.2-1b"),
      to: z.union([z.number(), z.string()]).optional(),
      by: z.enum(EXTRAPOLATIONS).optional(),
    })
    .prefault({}),
  check: z.strictObject({
    data: dataSchema.default({ corpus: "moby-dick", tokenizer: "bytes" }),
    width: whole.default(96),
    context: whole.default(128),
    batch: whole.default(4),
    steps: whole,
    learningRate: z.number().positive().default(3e-3),
    copies: whole.default(2),
    seeds: z.int().min(2).default(5),
    baseline: z.string().default(BASELINE),
  }),
  oracle: z
    .strictObject({
      seeds: whole.default(3),
      largerStrings: z.int().min(3).default(12),
      largerSeeds: whole.default(2),
    })
    .prefault({}),
  seed: z.int().default(1),
});

/** Steps between measurements of a task's accuracy, and so the grain of steps to 95 %. */
const EVALUATE_EVERY = 20;

/** Reads a recipe; throws an InputError that names the line of everything that is wrong. */
export async function readComposeRecipe(file: string): Promise<ComposeRecipe> {
  const { value, placeOf, within } = readConfig(file, recipeSchema, "a recipe of a search for architectures");
  const { title, primitives, layers, search, proxy, aggregate, extrapolate, check, oracle, seed } = value;
  const step = search.strategy === "one-shot" ? layers : search.step;
  if (step === undefined || layers % step !== 0) {
    throw new InputError({
      place: placeOf(["search", "step"]),
      found: step === undefined ? "no step" : String(step),
      expected: `a number of layers that divides ${layers}: each stage adds so many`,
    });
  }
  const baseline = within(["check", "baseline"], () => parseLayers(check.baseline));
  within(["search"], () => requirePolicy(search.policy, primitives, step));
  const protocolOf = async (part: "proxy" | "check"): Promise<Protocol> => {
    const { data, context, width, batch, steps, learningRate } = value[part];
    if ("task" in data) within([part, "data"], () => taskOf(data.task, data.settings));
    const protocol = {
      data,
      vocabulary: await vocabularyOf(data),
      width,
      length: context,
      batch,
      steps,
      learningRate,
      evaluateEvery: Math.min(EVALUATE_EVERY, steps),
    };
    const letters = part === "check" ? [...primitives, ...baseline].join("") : primitives;
    within([part, "width"], () => network(planOf(letters, 1, protocol).architecture));
    return protocol;
  };
  const like = within(["extrapolate", "like"], () => preset(extrapolate.like).architecture);
  return {
    title,
    primitives,
    layers,
    search: { ...search, step },
    proxy: await protocolOf("proxy"),
    seeds: proxy.seeds,
    confirmSeeds: proxy.confirmSeeds,
    aggregate,
    extrapolate: {
      like,
      to:
        extrapolate.to === undefined
          ? parameters(like).primitives
          : sizeOf(extrapolate.to, placeOf(["extrapolate", "to"])),
      by: extrapolate.by ?? defaultExtrapolation(layers),
    },
    check: {
      ...(await protocolOf("check")),
      copies: check.copies,
      seeds: check.seeds,
      baseline,
    },
    oracle,
    seed,
  };
}

/** Throws an InputError unless the kernel has this policy with these options for strings of `length` letters. */
function requirePolicy(policy: SearchPlan["policy"], alphabet: string, length: number): void {
  const objectives = [{ metric: "score", direction: "minimise" as const }];
  createPolicy(
    {
      format: 1,
      domain: "compose",
      space: {},
      objectives,
      outcomeConstraints: [],
      policy,
      budget: {},
      seed: 1,
    },
    new Space({ layers: { kind: "string", alphabet, length } }),
  );
}

function sizeOf(text: string | number, place: Place): number {
  try {
    return parseQuantity(text, "1");
  } catch (error) {
    if (!(error instanceof QuantityError)) throw error;
    throw new InputError({
      place,
      found: JSON.stringify(text),
      expected: `a number of non-embedding parameters, such as 1B (${error.message})`,
    });
  }
}
