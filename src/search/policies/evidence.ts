/**
 * What Bayesian models are fitted to. Up to `most` trials it is all of them, and kernels are fitted anew for each proposal.
 * Beyond, it is half as many: the best (as NSGA-II would keep them) and as many others at random. Kernels are then fitted
 * only each time the trials have grown by a tenth, to a sample of those that there were: a proposal still depends on the
 * journal and the seed alone, and costs the same in a study of any length.
 */
import { RandomStream } from "../../core/index.ts";
import type { Trial, View } from "../history.ts";
import { type Goal, lossesOf, slacksOf } from "../objectives.ts";
import type { Point, Space } from "../space/space.ts";
import { type Member, memberOf, survivors } from "./survival.ts";

/** What the models see of the history. */
export interface Observations {
  readonly trials: readonly Trial<Point>[];
  readonly points: readonly Float64Array[];
  /** One row a trial. Failed trials count as the worst seen, so that the search leaves where nothing works. */
  readonly losses: readonly (readonly number[])[];
  readonly slacks: readonly (readonly number[])[];
}

const GROWTH = 1.1;

/** `Kernels` is what a fit gives. */
export class Evidence<Kernels> {
  readonly #goal: Goal;
  readonly #most: number;
  readonly #seed: number;
  /** In the order in which they were told. */
  readonly #settled: Trial<Point>[] = [];
  #best: readonly Member<Point>[] = [];
  #fresh: Member<Point>[] = [];
  /** The first `upTo` trials and the best of them, when kernels were last to be fitted. */
  #fit: { upTo: number; best: readonly Member<Point>[]; kernels?: Kernels } = { upTo: 0, best: [] };

  constructor(goal: Goal, most: number, seed: number) {
    this.#goal = goal;
    this.#most = most;
    this.#seed = seed;
  }

  get count(): number {
    return this.#settled.length;
  }

  /** Takes a trial that is complete or failed. */
  add(trial: Trial<Point>): void {
    if (!trial.metrics && !wasEvaluated(trial)) return;
    this.#settled.push(trial);
    if (trial.metrics) this.#fresh.push(memberOf(this.#goal, trial));
    if (this.#fresh.length >= this.#most) {
      this.#best = this.#bestQuarter();
      this.#fresh = [];
    }
    const due = Math.max(this.#most, Math.ceil(GROWTH * this.#fit.upTo));
    const { length } = this.#settled;
    if (length < due) return;
    const best = this.#bestQuarter();
    // Where everything failed so far there is nothing to fit to; the first trial that does not will be due.
    if (best.length > 0) this.#fit = { upTo: length, best };
  }

  /** What the models of the next proposal see. */
  sample(random: RandomStream): readonly Trial<Point>[] {
    return this.#sampleOf(this.#settled.length, this.#bestQuarter(), random);
  }

  /** The kernels of the last fit that was due, made by `fitTo` where they are not at hand; undefined in a small study. */
  kernels(
    fitTo: (trials: readonly Trial<Point>[], random: RandomStream) => Kernels,
  ): { readonly kernels: Kernels; readonly upTo: number } | undefined {
    if (this.#settled.length <= this.#most) return undefined;
    const { upTo, best } = this.#fit;
    if (this.#fit.kernels === undefined) {
      const random = new RandomStream(this.#seed).split("kernels").split(upTo);
      this.#fit.kernels = fitTo(this.#sampleOf(upTo, best, random.split("subsample")), random);
    }
    return { kernels: this.#fit.kernels, upTo };
  }

  /** Keeps nothing: what is kept, and when, must not depend on when a proposal was made. */
  #bestQuarter(): readonly Member<Point>[] {
    return survivors([...this.#best, ...this.#fresh], Math.ceil(this.#most / 4));
  }

  #sampleOf(upTo: number, best: readonly Member<Point>[], random: RandomStream): readonly Trial<Point>[] {
    if (this.#settled.length <= this.#most) return this.#settled.toSorted(byAsking);
    const chosen = new Set(best.map(({ trial }) => trial));
    while (chosen.size < this.#most / 2) chosen.add(this.#settled[random.integer(0, upTo - 1)]!);
    return [...chosen].sort(byAsking);
  }
}

export function evidenceView<Kernels>(
  goal: Goal,
  most: number,
  seed: number,
): View<Evidence<Kernels>, Point> {
  return {
    create: () => new Evidence(goal, most, seed),
    told: (evidence, trial) => evidence.add(trial),
  };
}

export function observe(space: Space, goal: Goal, trials: readonly Trial<Point>[]): Observations {
  const complete = trials.filter(({ metrics }) => metrics);
  const rows = (of: (trial: Trial) => number[]): number[][] => {
    const known = complete.map(of);
    const worst = known[0]!.map((_, k) => Math.max(...known.map((row) => row[k]!)));
    return trials.map((trial) => (trial.metrics ? of(trial) : worst));
  };
  return {
    trials,
    points: trials.map(({ candidate }) => space.encode(candidate!)),
    losses: rows(({ metrics }) => lossesOf(goal, metrics!)),
    slacks: rows(({ metrics }) => slacksOf(goal, metrics!)),
  };
}

function byAsking(a: Trial, b: Trial): number {
  return a.id - b.id;
}

/** A candidate rejected before its evaluation says nothing about the metrics. */
function wasEvaluated({ candidate, failure }: Trial): boolean {
  return candidate !== undefined && !failure!.startsWith("rejected: ");
}
