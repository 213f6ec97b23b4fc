/**
 * The one loop: ask the policy, make the candidate, evaluate it, tell the study; budgets are checked before each step.
 * A trial that an earlier run of the controller left unsettled is taken up first, from the step that it had reached.
 */
import { allowance, exhausted, type Usage } from "./budget.ts";
import type { Spending, Spent } from "./events.ts";
import type { Operators } from "./operator.ts";
import type { Policy } from "./policy.ts";
import { type Runner, reasonOf } from "./runners/runner.ts";
import type { Outcome, Study } from "./study.ts";

export interface DriveOptions<C> {
  readonly policy: Policy<C>;
  readonly operators: Operators<C>;
  readonly runner: Runner<C>;
  /** Why a candidate is rejected before it is evaluated, or undefined when it is not. */
  readonly reject?: ((candidate: C) => string | undefined) | undefined;
  /**
   * The order in which outcomes reach the study when several evaluations run at once. `asked` (the default) makes the
   * study independent of how long each took; `finished` never waits for a slow one, and the same seed may then give
   * another study.
   */
  readonly tellOrder?: "asked" | "finished" | undefined;
  /** Aborted to stop: what runs is ended, or left to itself by a durable runner, and taken up by the next `drive`. */
  readonly signal?: AbortSignal | undefined;
}

/** Why the loop ended. A trial cut short by `budget` before its evaluation is taken up when the budget is raised. */
export type Ending =
  | { readonly kind: "budget"; readonly reason: string }
  | { readonly kind: "done" }
  | { readonly kind: "stopped" };

type Settled = { readonly outcome: Outcome } | { readonly budget: string };

interface UnderWay {
  readonly trial: number;
  readonly reserved: Spent;
  readonly settled: Promise<{ readonly entry: UnderWay; readonly settled: Settled }>;
}

/** Works on `study` until a budget is used up, the policy has no more to propose, or `signal` is aborted. */
export async function drive<C>(study: Study<C>, options: DriveOptions<C>): Promise<Ending> {
  const { policy, runner, tellOrder = "asked" } = options;
  const { budget } = study.spec;
  const { history } = study;
  const abandon = new AbortController();
  const stopped = options.signal ?? new AbortController().signal;
  const leftOver = history.unsettled.map(({ id }) => id);
  const underWay: UnderWay[] = [];
  const stop = rejection(stopped);
  stop.catch(() => {}); // raced below
  let ending: Ending | undefined;

  const usage = (): Usage => ({
    trials: history.trials.length,
    wallSeconds: study.elapsedSeconds,
    spent: history.spent,
    reserved: underWay.reduce((total, { reserved }) => sum(total, reserved), sum({}, {})),
  });
  const next = (): number | undefined => {
    const old = leftOver.shift();
    const reason = exhausted(budget, usage(), old === undefined);
    if (reason !== undefined) {
      ending = { kind: "budget", reason };
      return undefined;
    }
    if (old !== undefined) return old;
    const asked = study.propose(policy);
    if (typeof asked !== "string") return asked.id;
    if (asked === "done" || underWay.length === 0) ending = { kind: "done" };
    return undefined;
  };

  try {
    while (!stopped.aborted) {
      while (ending === undefined && !stopped.aborted && underWay.length < runner.workers) {
        const trial = next();
        if (trial === undefined) break;
        const most = allowance(budget, usage(), runner.workers - underWay.length);
        const turn = new Turn(study, trial, most, options, usage, AbortSignal.any([abandon.signal, stopped]));
        const prepared = turn.prepare();
        // In asked order a proposal must not depend on which operator happens to be done.
        if (tellOrder === "asked") await prepared;
        const entry: UnderWay = {
          trial,
          reserved: most,
          settled: prepared
            .then((early) => early ?? turn.evaluate(runner.durable ? abandon.signal : undefined))
            .then((settled) => ({ entry, settled })),
        };
        entry.settled.catch(() => {}); // awaited below, in its turn
        underWay.push(entry);
      }
      if (underWay.length === 0) break;
      const waited = tellOrder === "asked" ? underWay.slice(0, 1) : underWay;
      const { entry, settled } = await Promise.race([...waited.map((each) => each.settled), stop]);
      underWay.splice(underWay.indexOf(entry), 1);
      if ("outcome" in settled) study.tell(entry.trial, settled.outcome);
      else ending ??= { kind: "budget", reason: settled.budget };
    }
  } catch (error) {
    if (!stopped.aborted) throw error;
  } finally {
    if (!(runner.durable && stopped.aborted)) {
      abandon.abort(new Error("the study is stopped"));
      await Promise.allSettled(underWay.map((entry) => entry.settled));
    }
  }
  return stopped.aborted ? { kind: "stopped" } : (ending ?? { kind: "done" });
}

/** One trial's way from where it stands to an outcome. */
class Turn<C> {
  readonly #study: Study<C>;
  readonly #trial: number;
  readonly #most: Spent;
  readonly #options: DriveOptions<C>;
  readonly #usage: () => Usage;
  readonly #signal: AbortSignal;

  constructor(
    study: Study<C>,
    trial: number,
    most: Spent,
    options: DriveOptions<C>,
    usage: () => Usage,
    signal: AbortSignal,
  ) {
    this.#study = study;
    this.#trial = trial;
    this.#most = most;
    this.#options = options;
    this.#usage = usage;
    this.#signal = signal;
  }

  /** Makes the candidate where there is none yet. Returns early when the trial cannot go on to its evaluation. */
  async prepare(): Promise<Settled | undefined> {
    const study = this.#study;
    const trial = study.history.trial(this.#trial);
    if (trial.state === "asked") {
      const operator = this.#options.operators[trial.operator];
      if (!operator) throw new Error(`the policy asks for operator "${trial.operator}", which is not given`);
      const { wallSeconds } = study.spec.budget;
      const left = wallSeconds === undefined ? undefined : (wallSeconds - study.elapsedSeconds) * 1000;
      const timeUp =
        left === undefined ? undefined : AbortSignal.timeout(Math.min(Math.max(0, Math.ceil(left)), 2 ** 31));
      try {
        const work = operator.apply({
          trial,
          parents: trial.parents.map((id) => study.history.trial(id)),
          history: study.history,
          random: study.random("operator", trial.id),
          allowance: this.#most,
          signal: timeUp ? AbortSignal.any([this.#signal, timeUp]) : this.#signal,
        });
        const made = timeUp ? await Promise.race([work, rejection(timeUp)]) : await work;
        study.make(trial.id, made);
      } catch (error) {
        if (this.#signal.aborted) throw this.#signal.reason;
        if (timeUp?.aborted) return { budget: `the wall-clock time (${wallSeconds} s) is used up` };
        return { outcome: { failure: `no candidate: ${reasonOf(error)}` } };
      }
    }
    const rejected = this.#options.reject?.(study.history.trial(trial.id).candidate as C);
    return rejected === undefined ? undefined : { outcome: { failure: `rejected: ${rejected}` } };
  }

  /** Evaluates the candidate, unless a budget was used up while it was made. */
  async evaluate(signal = this.#signal): Promise<Settled> {
    const study = this.#study;
    const reason = exhausted(study.spec.budget, this.#usage(), false);
    if (reason !== undefined) return { budget: reason };
    this.#signal.throwIfAborted();
    study.start(this.#trial);
    const outcome = await this.#options.runner.evaluate(
      {
        trial: this.#trial,
        candidate: study.history.trial(this.#trial).candidate as C,
        seed: study.random("evaluation", this.#trial).integer(0, 2 ** 31 - 1),
        ...(this.#most.seconds === undefined ? {} : { limitSeconds: this.#most.seconds }),
      },
      signal,
    );
    return { outcome };
  }
}

/** Rejects when `signal` is aborted. */
function rejection(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    if (signal.aborted) reject(signal.reason);
    signal.addEventListener("abort", () => reject(signal.reason), { once: true });
  });
}

function sum(a: Spent, b: Spent): Spending {
  return {
    seconds: (a.seconds ?? 0) + (b.seconds ?? 0),
    tokens: (a.tokens ?? 0) + (b.tokens ?? 0),
    usd: (a.usd ?? 0) + (b.usd ?? 0),
  };
}
