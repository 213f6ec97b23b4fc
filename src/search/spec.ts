/** `study.json`: what was asked. Everything in it is fixed for the study's life, except the budget and the command. */
import { z } from "zod";
import { parseConfig } from "../core/index.ts";
import type { Goal } from "./objectives.ts";
import type { Space } from "./space/space.ts";

/** Limits that are checked before each act; what is absent is not limited. */
export const budgetSchema = z.strictObject({
  /** Trials asked for, failed ones included. */
  trials: z.number().int().positive().optional(),
  /** Seconds for which the study is worked on. */
  wallSeconds: z.number().positive().optional(),
  /** Seconds of evaluation, summed over trials. */
  evaluationSeconds: z.number().positive().optional(),
  tokens: z.number().positive().optional(),
  usd: z.number().positive().optional(),
  /** Limit of each single evaluation. */
  secondsPerTrial: z.number().positive().optional(),
});

export type Budget = z.output<typeof budgetSchema>;

/** The process that works on a study, so that another can take its place: `search resume` runs the command again. */
const commandSchema = z.strictObject({
  /** Program and arguments. */
  line: z.array(z.string()).min(1),
  /** The folder that it was run in. */
  from: z.string(),
  /** Where the study lay, as the command may name it. */
  study: z.string(),
});

export type StudyCommand = z.output<typeof commandSchema>;

export const specSchema = z.strictObject({
  /** Version of this form. */
  format: z.literal(1),
  /** Which part of the project asked: "compose", "codesign", "agent", or a user's own word. */
  domain: z.string().min(1),
  /** The space's parameters and the names of its constraints, or whatever else describes the candidates. */
  space: z.json(),
  objectives: z
    .array(
      z.strictObject({
        metric: z.string().min(1),
        direction: z.enum(["minimise", "maximise"]),
        reference: z.number().optional(),
      }),
    )
    .min(1),
  outcomeConstraints: z
    .array(
      z
        .strictObject({
          metric: z.string().min(1),
          atMost: z.number().optional(),
          atLeast: z.number().optional(),
        })
        .refine(({ atMost, atLeast }) => atMost !== undefined || atLeast !== undefined, {
          error: "give atMost, atLeast or both",
        }),
    )
    .default([]),
  /** The policy's name and options. */
  policy: z.looseObject({ name: z.string().min(1) }),
  budget: budgetSchema,
  seed: z.number().int(),
  command: commandSchema.optional(),
});

export type StudySpec = z.output<typeof specSchema>;

/** A study's description, with the parts that have a default left out at will. */
export interface StudyRequest extends Partial<Pick<Goal, "outcomeConstraints">> {
  readonly domain: string;
  readonly space: Space | z.core.util.JSONType;
  readonly objectives: Goal["objectives"];
  readonly policy: { readonly name: string; readonly [option: string]: unknown };
  readonly budget: Budget;
  readonly seed: number;
}

/** `request` as it stands in `study.json`. Throws an `InputError` naming the part that is wrong. */
export function specOf(request: StudyRequest): StudySpec {
  const text = JSON.stringify({ format: 1, outcomeConstraints: [], ...request }, null, 2);
  return parseConfig(text, specSchema, "the study's request").value;
}
