/** What the domain brings: operators turn parents into a candidate. The kernel knows their names, not their work. */
import type { RandomStream } from "../core/index.ts";
import type { Spent } from "./events.ts";
import type { History, Trial } from "./history.ts";

export interface OperatorContext<C> {
  /** The trial that the candidate is for; a stable key for caches and idempotent requests. */
  readonly trial: Trial<C>;
  /** Complete or failed trials, in the order that the policy named them. */
  readonly parents: readonly Trial<C>[];
  readonly history: History<C>;
  /** The same numbers each time this trial's candidate is made, also after a restart. */
  readonly random: RandomStream;
  /** What this call may spend at most. The kernel counts what it reports; the operator must not pass these. */
  readonly allowance: Spent;
  /** Aborted when the study is stopped or its wall-clock time is up. */
  readonly signal: AbortSignal;
}

export interface Made<C> {
  readonly candidate: C;
  readonly spent?: Spent | undefined;
  /** Anything worth keeping in the journal (a plan, a prompt's hash); must be JSON. */
  readonly detail?: unknown;
}

/** Throws to say that no candidate could be made; the trial then fails with the error's message as reason. */
export interface Operator<C> {
  apply(context: OperatorContext<C>): Made<C> | Promise<Made<C>>;
}

/**
 * Operators by name. Policies ask for these roles: `draft` (no parents), `improve` (one), `crossover` (two) and
 * `debug` (one, a failed trial).
 */
export type Operators<C> = Readonly<Record<string, Operator<C>>>;
