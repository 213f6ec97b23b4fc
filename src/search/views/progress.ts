/** How far a study is, for a line that follows the work. */
import { formatNumber, type ProgressEvent } from "../../core/index.ts";
import type { Metrics } from "../events.ts";
import type { History, View } from "../history.ts";
import { type Goal, isFeasible, lossesOf, referenceLosses } from "../objectives.ts";
import { paretoFront } from "../pareto/front.ts";
import { hypervolume } from "../pareto/hypervolume.ts";
import type { StudySpec } from "../spec.ts";

/**
 * The best objective value so far, or with several objectives the hypervolume so far: NaN before the first feasible
 * trial of one objective, and always where several objectives lack reference values.
 */
export class BestSoFar {
  readonly #goal: Goal;
  readonly #reference: readonly number[] | undefined;
  #front: number[][] = [];
  value: number;

  constructor(goal: Goal) {
    this.#goal = goal;
    this.#reference = goal.objectives.length > 1 ? referenceLosses(goal) : undefined;
    this.value = this.#reference ? 0 : Number.NaN;
  }

  /** Takes a complete trial's metrics. */
  add(metrics: Metrics): void {
    const { objectives } = this.#goal;
    if (!isFeasible(this.#goal, metrics)) return;
    const losses = lossesOf(this.#goal, metrics);
    if (this.#reference) {
      const points = [...this.#front, losses];
      const kept = paretoFront(points);
      if (kept.at(-1) !== points.length - 1) return;
      this.#front = kept.map((i) => points[i]!);
      this.value = hypervolume(this.#front, this.#reference);
    } else if (objectives.length === 1 && (this.#front.length === 0 || losses[0]! < this.#front[0]![0]!)) {
      this.#front = [losses];
      this.value = metrics[objectives[0]!.metric]!;
    }
  }
}

/** Trials settled, of the budget's; the note is the best so far, and how many failed. */
export function progressOf({ spec, history }: { spec: StudySpec; history: History }): ProgressEvent {
  const { value } = history.view(viewOf(spec));
  const { failedCount } = history;
  const best = spec.objectives.length > 1 ? "hypervolume" : `best ${spec.objectives[0]!.metric}`;
  const notes = [
    ...(Number.isNaN(value) ? [] : [`${best} ${formatNumber(value)}`]),
    ...(failedCount === 0 ? [] : [`${failedCount} failed`]),
  ];
  return {
    activity: "searching",
    done: history.completeCount + failedCount,
    total: spec.budget.trials,
    unit: "trials",
    note: notes.length === 0 ? undefined : notes.join(", "),
  };
}

/** One view a study's description, so that a history folds it once. */
const views = new WeakMap<StudySpec, View<BestSoFar>>();

function viewOf(spec: StudySpec): View<BestSoFar> {
  let view = views.get(spec);
  if (!view) {
    view = {
      create: () => new BestSoFar(spec),
      told: (best, { metrics }) => {
        if (metrics) best.add(metrics);
      },
    };
    views.set(spec, view);
  }
  return view;
}
