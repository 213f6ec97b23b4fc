/**
 * Evaluates in this process: for evaluators that are quick, or that hand their work to others. It can stop waiting at
 * a limit and abort the evaluator's signal, but cannot interrupt code that does not look at it; where that matters,
 * use the process runner.
 */
import type { Clock, Outcome } from "../study.ts";
import { type Evaluation, type Evaluator, outcomeOf, type Runner, reasonOf, timedOut } from "./runner.ts";

export interface InProcessOptions {
  readonly workers?: number | undefined;
  readonly clock: Clock;
}

export class InProcessRunner<C> implements Runner<C> {
  readonly workers: number;
  readonly durable = false;
  readonly #evaluator: Evaluator<C>;
  readonly #clock: Clock;

  constructor(evaluator: Evaluator<C>, { workers = 1, clock }: InProcessOptions) {
    this.#evaluator = evaluator;
    this.workers = workers;
    this.#clock = clock;
  }

  async evaluate(
    { trial, candidate, seed, limitSeconds }: Evaluation<C>,
    signal: AbortSignal,
  ): Promise<Outcome> {
    signal.throwIfAborted();
    const started = this.#clock();
    const inner = new AbortController();
    const seconds = () => (this.#clock() - started) / 1000;
    const { promise: ended, resolve, reject } = withResolvers<Outcome>();
    const timer =
      limitSeconds === undefined
        ? undefined
        : setTimeout(() => resolve(timedOut(limitSeconds)), Math.min(limitSeconds * 1000, 2 ** 31 - 1));
    const onAbort = () => reject(signal.reason);
    signal.addEventListener("abort", onAbort, { once: true });
    const work = (async (): Promise<Outcome> => {
      try {
        const evaluated = await this.#evaluator(candidate, { trial, seed, signal: inner.signal });
        return outcomeOf(evaluated, seconds());
      } catch (error) {
        return { failure: reasonOf(error), spent: { seconds: seconds() } };
      }
    })();
    try {
      return await Promise.race([ended, work]);
    } finally {
      clearTimeout(timer);
      signal.removeEventListener("abort", onAbort);
      inner.abort();
    }
  }

  async close(): Promise<void> {}
}

/** `Promise.withResolvers`, which Node 20 lacks. */
function withResolvers<T>() {
  let resolve!: (value: T) => void;
  let reject!: (reason: unknown) => void;
  const promise = new Promise<T>((yes, no) => {
    resolve = yes;
    reject = no;
  });
  return { promise, resolve, reject };
}
