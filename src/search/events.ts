/**
 * The journal's vocabulary. A trial is asked for, made, started and told, in that order; an `ask` that already holds
 * its candidate stands for the first two. All else about a study is derived from these events.
 */
import { z } from "zod";

/** What an act used up. Seconds are of evaluation; wall-clock time is in the events' `at`. */
export interface Spent {
  readonly seconds?: number | undefined;
  readonly tokens?: number | undefined;
  readonly usd?: number | undefined;
}

/** `Spent` with every part there. */
export interface Spending {
  readonly seconds: number;
  readonly tokens: number;
  readonly usd: number;
}

/** Numbers by name, all finite. */
export type Metrics = Readonly<Record<string, number>>;

interface Common {
  readonly trial: number;
  /** Seconds for which the study has been worked on; time between runs of the controller does not count. */
  readonly at: number;
}

export interface Ask extends Common {
  readonly event: "ask";
  readonly operator: string;
  readonly parents: readonly number[];
  readonly candidate?: unknown;
  /** What the policy wants to find again at replay, or to say: an island, a generation, a subsample's size. */
  readonly note?: Readonly<Record<string, string | number | boolean>> | undefined;
}

export interface Make extends Common {
  readonly event: "make";
  readonly candidate: unknown;
  readonly spent?: Spent | undefined;
  readonly detail?: unknown;
}

export interface Start extends Common {
  readonly event: "start";
}

export interface Tell extends Common {
  readonly event: "tell";
  /** Exactly one of `metrics` and `failure` is there. */
  readonly metrics?: Metrics | undefined;
  readonly failure?: string | undefined;
  readonly spent?: Spent | undefined;
  readonly detail?: unknown;
}

export type StudyEvent = Ask | Make | Start | Tell;

const spent = z
  .object({
    seconds: z.number().nonnegative().optional(),
    tokens: z.number().nonnegative().optional(),
    usd: z.number().nonnegative().optional(),
  })
  .optional();
const common = { trial: z.number().int().nonnegative(), at: z.number().nonnegative() };

/** The schema of one journal line. Replay checks the shape by hand (it is 10 times faster); this says why it is wrong. */
export const eventSchema = z.discriminatedUnion("event", [
  z.object({
    event: z.literal("ask"),
    ...common,
    operator: z.string(),
    parents: z.array(z.number().int().nonnegative()),
    candidate: z.unknown().optional(),
    note: z.record(z.string(), z.union([z.string(), z.number(), z.boolean()])).optional(),
  }),
  z.object({
    event: z.literal("make"),
    ...common,
    candidate: z.unknown(),
    spent,
    detail: z.unknown().optional(),
  }),
  z.object({ event: z.literal("start"), ...common }),
  z.object({
    event: z.literal("tell"),
    ...common,
    metrics: z.record(z.string(), z.number()).optional(),
    failure: z.string().optional(),
    spent,
    detail: z.unknown().optional(),
  }),
]);
