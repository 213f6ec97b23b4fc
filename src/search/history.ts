/**
 * A study's state, derived from its events in order. Policies read it and never write it. Derived structures that a
 * policy needs at every proposal (a ranking, a tree's visit counts, islands) are `View`s: folds over the same events,
 * kept up to date as events arrive, so that a proposal does not cost a pass over a hundred thousand trials.
 */
import type { Metrics, Spending, Spent, StudyEvent } from "./events.ts";

/** `asked` has no candidate yet, `made` has one, `running` is being evaluated; the other two are final. */
export type TrialState = "asked" | "made" | "running" | "complete" | "failed";

export interface Trial<C = unknown> {
  /** Place in the order of asking, from 0. */
  readonly id: number;
  readonly state: TrialState;
  readonly operator: string;
  readonly parents: readonly number[];
  readonly note: Readonly<Record<string, string | number | boolean>>;
  readonly candidate?: C | undefined;
  /** All finite; there when `state` is `complete`. */
  readonly metrics?: Metrics | undefined;
  /** Why, when `state` is `failed`. */
  readonly failure?: string | undefined;
  /** By the operator and the evaluation together. */
  readonly spent: Spending;
  readonly madeDetail?: unknown;
  readonly toldDetail?: unknown;
}

/**
 * A fold over the history. `asked` is called when a trial is asked for and must not look at what came after (its
 * candidate, metrics, state); `told` when it has become complete or failed.
 */
export interface View<T, C = unknown> {
  create(): T;
  asked?(value: T, trial: Trial<C>, history: History<C>): void;
  told?(value: T, trial: Trial<C>, history: History<C>): void;
}

type Writable<T> = { -readonly [K in keyof T]: T[K] };

export class History<C = unknown> {
  readonly #trials: Writable<Trial<C>>[] = [];
  /** Trial ids in the order of events: `id` where it was asked for, `~id` where it was told. */
  readonly #order: number[] = [];
  readonly #unsettled = new Set<number>();
  readonly #views = new Map<View<unknown, C>, { value: unknown; upTo: number }>();
  #spent: Spending = { seconds: 0, tokens: 0, usd: 0 };
  #complete = 0;
  #at = 0;

  get trials(): readonly Trial<C>[] {
    return this.#trials;
  }

  /** Trials neither complete nor failed, oldest first. */
  get unsettled(): Trial<C>[] {
    return [...this.#unsettled].map((id) => this.#trials[id]!);
  }

  get completeCount(): number {
    return this.#complete;
  }

  get failedCount(): number {
    return this.#trials.length - this.#complete - this.#unsettled.size;
  }

  get spent(): Spending {
    return this.#spent;
  }

  /** `at` of the newest event. */
  get at(): number {
    return this.#at;
  }

  trial(id: number): Trial<C> {
    const trial = this.#trials[id];
    if (!trial) throw new RangeError(`the study has no trial ${id}; it has ${this.#trials.length}`);
    return trial;
  }

  /** The state of `view` after every event so far. */
  view<T>(view: View<T, C>): T {
    let kept = this.#views.get(view as View<unknown, C>);
    if (!kept) {
      kept = { value: view.create(), upTo: 0 };
      this.#views.set(view as View<unknown, C>, kept);
    }
    for (; kept.upTo < this.#order.length; kept.upTo++) {
      const entry = this.#order[kept.upTo]!;
      if (entry >= 0) view.asked?.(kept.value as T, this.#trials[entry]!, this);
      else view.told?.(kept.value as T, this.#trials[~entry]!, this);
    }
    return kept.value as T;
  }

  /** Takes the next event. Throws an `Error` that says which rule the event breaks. */
  apply(event: StudyEvent): void {
    if (event.event === "ask") {
      if (event.trial !== this.#trials.length)
        throw new Error(`trial ${event.trial} is asked for, but the next trial is ${this.#trials.length}`);
      if (event.parents.some((id) => !(id >= 0 && id < event.trial)))
        throw new Error(`trial ${event.trial} has a parent that does not come before it`);
      this.#trials.push({
        id: event.trial,
        state: event.candidate === undefined ? "asked" : "made",
        operator: event.operator,
        parents: event.parents,
        note: event.note ?? {},
        candidate: event.candidate as C | undefined,
        spent: { seconds: 0, tokens: 0, usd: 0 },
      });
      this.#unsettled.add(event.trial);
      this.#order.push(event.trial);
    } else {
      const trial = this.#trials[event.trial];
      if (!trial) throw new Error(`trial ${event.trial} was never asked for`);
      if (trial.state === "complete" || trial.state === "failed")
        throw new Error(`trial ${event.trial} has already been told`);
      if (event.event === "make") {
        if (trial.state !== "asked") throw new Error(`trial ${event.trial} already has a candidate`);
        trial.candidate = event.candidate as C;
        trial.state = "made";
        trial.madeDetail = event.detail;
        this.#pay(trial, event.spent);
      } else if (event.event === "start") {
        if (trial.state !== "made") throw new Error(`trial ${event.trial} is started but is ${trial.state}`);
        trial.state = "running";
      } else {
        if ((event.metrics === undefined) === (event.failure === undefined))
          throw new Error(`trial ${event.trial} must be told either metrics or a failure`);
        if (event.metrics) this.#complete++;
        trial.state = event.metrics ? "complete" : "failed";
        trial.metrics = event.metrics;
        trial.failure = event.failure;
        trial.toldDetail = event.detail;
        this.#pay(trial, event.spent);
        this.#unsettled.delete(event.trial);
        this.#order.push(~event.trial);
      }
    }
    this.#at = event.at;
  }

  #pay(trial: Writable<Trial<C>>, spent: Spent | undefined): void {
    if (!spent) return;
    const { seconds = 0, tokens = 0, usd = 0 } = spent;
    trial.spent = {
      seconds: trial.spent.seconds + seconds,
      tokens: trial.spent.tokens + tokens,
      usd: trial.spent.usd + usd,
    };
    this.#spent = {
      seconds: this.#spent.seconds + seconds,
      tokens: this.#spent.tokens + tokens,
      usd: this.#spent.usd + usd,
    };
  }
}
