/**
 * What `plan.json` holds: the single definition of a plan, of which the types below and `schemas/plan.schema.json` are
 * made. All three reports are views of it.
 */
import { z } from "zod";
import { BASES } from "../core/index.ts";
import { OBJECTIVES } from "./brief.ts";

const figure = z
  .strictObject({
    name: z.string(),
    text: z.string().meta({ description: "As printed: 12.3 days [10.1, 15.2]" }),
    value: z.number().meta({ description: "The median of the draws, in `unit`" }),
    low: z.number().meta({ description: "The 5 % quantile" }),
    high: z.number().meta({ description: "The 95 % quantile" }),
    unit: z.string(),
    basis: z.enum(BASES).meta({ description: "The weakest of what the figure rests on" }),
    sources: z.array(z.string()).meta({ description: "Keys of the plan's list of sources" }),
  })
  .meta({ id: "Figure" });

const objective = z.enum(OBJECTIVES);
const outcomes = z.array(figure).meta({ description: "One figure for each objective, named after it" });
const choices = z
  .record(z.string(), z.string())
  .meta({ description: "The label of what is chosen, by the decision's id" });

const alternative = z.strictObject({
  label: z.string(),
  feasible: z.boolean().meta({
    description:
      "Whether some design with this option meets every constraint; the outcomes are then those of the best such",
  }),
  outcomes,
});

const decision = z.strictObject({
  id: z.string(),
  title: z.string(),
  question: z.string(),
  choice: z.string(),
  why: z.string(),
  figures: z.array(figure),
  notes: z.array(z.string()),
  alternatives: z.array(alternative).meta({
    description:
      "Every other option, with the best plan that takes it: the same before it, chosen anew after it",
  }),
});

const constraint = z.strictObject({
  objective,
  limit: z.number().meta({ description: "Upper limit, in `unit`" }),
  unit: z.string(),
  confidence: z.number().meta({ description: "The probability that was asked for" }),
  probability: z.number().meta({ description: "The probability that the plan meets it" }),
  binding: z.strictObject({ choices, outcomes }).nullable().meta({
    description:
      "What would be chosen without it, where that is a design that breaks it: then the constraint binds",
  }),
});

const frontPoint = z.strictObject({ choices, outcomes, chosen: z.boolean() });

const breakdown = z.strictObject({
  title: z.string(),
  unit: z.string(),
  parts: z.array(figure).meta({ description: "They add up to the whole, their medians nearly so" }),
});

const swing = z
  .strictObject({
    input: z.string(),
    range: z.string().meta({ description: "The input's own median and interval, as printed" }),
    objective,
    unit: z.string(),
    atMedian: z.number().meta({ description: "The outcome with all inputs at their medians" }),
    atLow: z.number().meta({ description: "With this input at its 5 % quantile" }),
    atHigh: z.number().meta({ description: "With this input at its 95 % quantile" }),
  })
  .meta({ description: "One bar of a tornado chart" });

export const planSchema = z
  .strictObject({
    terrarium: z.string().meta({ description: "The version that made the plan" }),
    goal: z.string(),
    brief: z.string().meta({ description: "The file of the brief" }),
    seed: z.int().min(0),
    objectives: z.array(objective),
    outcomes,
    decisions: z.array(decision),
    constraints: z.array(constraint),
    search: z.strictObject({
      designs: z.int().min(1),
      impossible: z
        .array(z.strictObject({ option: z.string(), reason: z.string() }))
        .meta({ description: "Options that cannot be taken, each with the first reason met" }),
    }),
    front: z.array(frontPoint).meta({
      description:
        "Designs that meet every constraint and that no other such design betters on every objective",
    }),
    breakdowns: z.array(breakdown),
    sensitivity: z.array(swing).meta({ description: "Largest first within each objective" }),
    defaults: z
      .array(z.strictObject({ path: z.string(), value: z.string(), why: z.string() }))
      .meta({ description: "What the brief left out, and what stands in for it" }),
    sources: z.array(
      z.strictObject({
        key: z.string().meta({ description: "S1, S2, …, as figures name it" }),
        id: z.string(),
        title: z.string(),
        where: z.string().optional(),
        year: z.number().optional(),
      }),
    ),
  })
  .meta({
    title: "Terrarium plan",
    description: "Decisions, what follows from each, and what that rests on",
  });

type Fixed<T> = T extends (infer I)[]
  ? readonly Fixed<I>[]
  : T extends object
    ? { readonly [K in keyof T]: Fixed<T[K]> }
    : T;

export type PlanFigure = Fixed<z.infer<typeof figure>>;
export type PlanDecision = Fixed<z.infer<typeof decision>>;
export type PlanConstraint = Fixed<z.infer<typeof constraint>>;
export type FrontPoint = Fixed<z.infer<typeof frontPoint>>;
export type Breakdown = Fixed<z.infer<typeof breakdown>>;
export type Swing = Fixed<z.infer<typeof swing>>;
export type Plan = Fixed<z.infer<typeof planSchema>>;
