/** A policy decides what to try next, from the history and a random stream alone. */
import type { RandomStream } from "../core/index.ts";
import type { Ask } from "./events.ts";
import type { History } from "./history.ts";

export interface Proposal {
  readonly operator: string;
  readonly parents: readonly number[];
  /** There when the policy chose the candidate itself; the operator's name then only labels it. */
  readonly candidate?: unknown;
  readonly note?: Ask["note"];
}

/** `wait`: nothing before a trial under way is told. `done`: nothing ever again. */
export type Decision = Proposal | "wait" | "done";

export interface Policy<C = unknown> {
  /**
   * Must depend on nothing but its arguments. `history` may hold unsettled trials, whose candidates (where they are
   * known already) a policy should expect to be evaluated. Returns `wait` only while there are such trials.
   */
  propose(history: History<C>, random: RandomStream): Decision;
}
