/**
 * The brief: what a person wants planned, on one page of YAML. Every part is optional; what is left out has a default
 * that the plan names. The schema below is the single definition: it checks, documents and completes.
 */
import { statSync } from "node:fs";
import { dirname, isAbsolute, join } from "node:path";
import { z } from "zod";
import {
  type Config,
  InputError,
  type Place,
  parseConfig,
  parseLimit,
  parseQuantity,
  parseRange,
  QuantityError,
  type QuantityOptions,
  readText,
} from "../core/index.ts";

type Written = string | number;

/** A quantity as people write it, read by `read`; `expected` says what it is and `example` how it is written. */
function written<T>(
  read: (text: Written) => T,
  expected: string,
  example: string,
  holds?: (value: T) => boolean,
) {
  return (
    z
      .union([z.string(), z.number()], { error: `${expected}, such as ${example}` })
      // Before the transform: what follows it describes the output, and a JSON Schema of the input leaves it out.
      .meta({ description: `${expected}, such as ${example}`, examples: [example] })
      .transform((text, context): T => {
        try {
          const value = read(text);
          if (!holds || holds(value)) return value;
          context.addIssue({ code: "custom", message: `${expected}, above 0, such as ${example}` });
        } catch (error) {
          if (!(error instanceof QuantityError)) throw error;
          context.addIssue({
            code: "custom",
            message: `${expected}, such as ${example}`,
            params: { remedy: `write it like ${example} (${error.message})` },
          });
        }
        return z.NEVER;
      })
  );
}

const positive = (value: number) => value > 0;
const amount = (symbol: string, expected: string, example: string, options?: QuantityOptions) =>
  written((text) => parseQuantity(text, symbol, options), expected, example, positive);
const limit = (symbol: string, expected: string, example: string) =>
  written((text) => parseLimit(text, symbol), expected, example, positive);
/** Lengths of text: 32k is 32,768 tokens. */
const length = (expected: string, example: string) =>
  written((text) => Math.round(parseQuantity(text, "token", { binary: true })), expected, example, positive);

/** One value or a list of them. */
const oneOrMore = <S extends z.ZodType<string>>(
  item: S,
  expected: string,
  example: string,
  use = "to choose from",
) =>
  z
    .union([item, z.array(item).min(1, { error: `${expected}, or a list of them` })], {
      error: `${expected}, or a list of them`,
    })
    .meta({ description: `${expected}, or a list of them ${use}`, examples: [example] })
    .transform((value) => (Array.isArray(value) ? (value as string[]) : [value as string]));

export const OBJECTIVES = ["loss", "days", "cost", "carbon", "energy"] as const;
export type Objective = (typeof OBJECTIVES)[number];

/** Beyond this a failure comes before the last one is recovered from, and no published rate was seen near it. */
const MOST_ACCELERATORS = 1_000_000;
const accelerators = z
  .number()
  .int()
  .min(1, { error: "a whole number of accelerators, at least 1" })
  .max(MOST_ACCELERATORS, { error: `a whole number of accelerators, at most ${MOST_ACCELERATORS}` });

const count = z
  .union([accelerators, z.array(accelerators).min(1)], {
    error: "a whole number of accelerators, such as 512, or a list of them, such as [256, 512]",
  })
  .meta({
    description:
      "Accelerators that there are; the plan may use fewer (halves of it), or exactly one of a list",
    examples: [512, [256, 512]],
  });

export const briefSchema = z
  .strictObject({
    goal: z.string().optional().meta({ description: "What this is for, in your words; it heads the report" }),
    model: z
      .strictObject({
        candidates: z
          .array(z.string(), {
            error: 'a list of architectures, such as ["(AF)16", "(SF)3 AF (SF)3"]',
          })
          .min(1, { error: "at least one architecture" })
          .optional()
          .meta({
            description:
              "Architectures to choose from: layer strings (A attention, W window, S Mamba-2, H hybrid, F feed-forward, E experts), names of published models, or paths of Hugging Face config.json files",
            examples: [["(AF)16", "(SF)3 AF (SF)3 AF (SF)5"]],
          }),
        size: written(
          (text) => parseRange(text, "1"),
          "a number of parameters or a range of it",
          "0.5B..3B",
          (range) => range.low > 0,
        ).optional(),
        context: length("a length in tokens", "32k").optional(),
      })
      .optional(),
    data: z
      .strictObject({
        natural: limit("token", "unique tokens of natural text", "40B tokens").optional(),
        rephrased: limit("token", "unique tokens of rephrased text", "up to 30B tokens").optional(),
        repeats: limit("1", "the most times that a token may be seen", "up to 4").optional(),
      })
      .optional(),
    cluster: z
      .strictObject({
        accelerator: oneOrMore(
          z.string(),
          "the name of an accelerator, such as h100-sxm",
          "h100-sxm",
        ).optional(),
        count: count.optional(),
        log: oneOrMore(
          z.string().min(1),
          "a log of the cluster, of any kind that fleet report reads (best sacct -a -X -D --parsable2), to measure its failures, repairs and waits by",
          "sacct.psv",
          "that are read as one",
        ).optional(),
        deadline: limit("day", "a time from start to end", "21 days").optional(),
        price: amount(
          "USD/accelerator/h",
          "what an accelerator costs in an hour",
          "2.5 USD/accelerator/h",
        ).optional(),
      })
      .optional(),
    grid: z
      .strictObject({
        region: oneOrMore(
          z.string(),
          "a grid zone or a country, such as US-CAL-CISO, or an intensity, such as 57 gCO2e/kWh",
          "US-CAL-CISO",
        ).optional(),
      })
      .optional(),
    serving: z
      .strictObject({
        requests_per_day: amount("1", "requests a day", "2M"),
        prompt: length("tokens of a prompt", "4k").optional(),
        output: length("tokens of an answer", "400").optional(),
        first_token: limit("s", "a time to the first token", "under 500 ms").optional(),
        accelerator: z
          .string()
          .optional()
          .meta({
            description:
              "What serves: the name of an accelerator, or the path of one that terrarium codesign wrote (.json); the training accelerator where left out",
            examples: ["h100-sxm", "accelerator-carbon.json"],
          }),
      })
      .optional(),
    objectives: z
      .array(z.enum(OBJECTIVES, { error: `one of ${OBJECTIVES.join(", ")}` }))
      .min(1, { error: "at least one objective" })
      .refine((list) => new Set(list).size === list.length, { error: "each objective once" })
      .optional()
      .meta({
        description: "What the plan trades off; all are made as small as they can be",
        examples: [["loss", "cost"]],
      }),
    constraints: z
      .strictObject({
        loss: limit("nat", "a held-out loss in nats a token", "under 2.6").optional(),
        days: limit("day", "a time from start to end", "under 14 days").optional(),
        cost: limit("USD", "an amount of money", "under 1.5M USD").optional(),
        carbon: limit("kgCO2e", "an amount of carbon", "under 50 tCO2e").optional(),
        energy: limit("kWh", "an amount of energy", "under 400 MWh").optional(),
        confidence: z
          .number({ error: "a probability, such as 0.9" })
          .gt(0, { error: "a probability above 0 and below 1, such as 0.9" })
          .lt(1, { error: "a probability above 0 and below 1, such as 0.9" })
          .optional()
          .meta({
            description: "How probable it must be that each constraint holds; 0.9 where left out",
            examples: [0.9],
          }),
      })
      .optional(),
  })
  .meta({ title: "Terrarium brief", description: "What is to be planned; every part is optional" });

export type BriefInput = z.output<typeof briefSchema>;

export interface Brief extends BriefInput {
  readonly file: string;
  placeOf(path: readonly PropertyKey[]): Place;
}

/** Reads a brief. Throws an `InputError` with a line for every mistake in it. */
export function readBrief(file: string): Brief {
  return parseBrief(readText(file, "a brief in YAML; see examples/"), file);
}

export function parseBrief(text: string, file = "brief.yaml"): Brief {
  const config: Config<BriefInput> = parseConfig(text, briefSchema, file);
  return { ...config.value, file, placeOf: (path) => config.placeOf(path) };
}

/** The file that the brief names at `key`, taken from the brief's own folder; an `InputError` where there is none. */
export function besideBrief(brief: Brief, path: string, key: readonly PropertyKey[]): string {
  const file = isAbsolute(path) ? path : join(dirname(brief.file), path);
  const found = statSync(file, { throwIfNoEntry: false });
  if (found && !found.isDirectory()) return file;
  throw new InputError({
    place: brief.placeOf(key),
    found: `"${path}", ${found ? "a folder" : "which does not exist"}`,
    expected: "the path of a file, taken from the folder of the brief",
    remedy: found ? "name a file in it" : `put the file at ${file}, or mend the path`,
  });
}
