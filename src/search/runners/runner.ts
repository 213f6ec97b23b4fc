/** Who evaluates. A runner takes candidates and returns outcomes; where and how is its own affair. */
import type { Spent } from "../events.ts";
import type { Outcome } from "../study.ts";

export interface Evaluation<C> {
  readonly trial: number;
  readonly candidate: C;
  /** For the evaluator's own chance; the same again when the trial is evaluated again after a crash. */
  readonly seed: number;
  /** The evaluation is ended, with all processes that it started, after this time. */
  readonly limitSeconds?: number | undefined;
}

export interface Runner<C> {
  /** Evaluations that may be under way at once. */
  readonly workers: number;
  /**
   * Whether evaluations go on when the controller is gone. Such a runner finds them again when `evaluate` is called
   * for the same trial after a restart.
   */
  readonly durable: boolean;
  /**
   * Resolves to what the evaluation came to, with `spent.seconds`; a candidate that crashes, hangs or returns rubbish
   * is an outcome with a `failure`. Aborting `signal` ends the evaluation and rejects with the signal's reason.
   * Rejects otherwise only when the runner itself cannot work.
   */
  evaluate(evaluation: Evaluation<C>, signal: AbortSignal): Promise<Outcome>;
  /** Lets go of all resources. A durable runner's evaluations go on. */
  close(): Promise<void>;
}

/** What a domain's evaluator is told beside the candidate. */
export interface EvaluatorContext {
  readonly trial: number;
  readonly seed: number;
  /** Aborted when the result is no longer wanted. */
  readonly signal: AbortSignal;
}

/** Metrics, or metrics with what else is worth keeping. */
export type Evaluated =
  | Readonly<Record<string, number>>
  | {
      readonly metrics: Readonly<Record<string, number>>;
      readonly spent?: Omit<Spent, "seconds"> | undefined;
      readonly detail?: unknown;
    };

/** Turns a candidate into metrics. Throws to say that the candidate failed; the message is kept as the reason. */
export type Evaluator<C> = (candidate: C, context: EvaluatorContext) => Evaluated | Promise<Evaluated>;

/** The outcome of an evaluator that returned. */
export function outcomeOf(evaluated: Evaluated, seconds: number): Outcome {
  if (evaluated === null || typeof evaluated !== "object")
    return { failure: `the evaluation returned ${String(evaluated)}, not metrics`, spent: { seconds } };
  if (typeof evaluated.metrics === "object") {
    const { metrics, spent, detail } = evaluated as Exclude<Evaluated, Readonly<Record<string, number>>>;
    return { metrics, spent: { ...spent, seconds }, ...(detail === undefined ? {} : { detail }) };
  }
  return { metrics: evaluated as Readonly<Record<string, number>>, spent: { seconds } };
}

/** The outcome of an evaluation that overran. */
export function timedOut(limitSeconds: number): Outcome {
  return { failure: `ended at its limit of ${limitSeconds} s`, spent: { seconds: limitSeconds } };
}

/** What an error says, for a person. */
export function reasonOf(error: unknown): string {
  return error instanceof Error ? `${error.name}: ${error.message}` : String(error);
}
