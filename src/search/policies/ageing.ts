/** Regularised (ageing) evolution: Real et al. 2019, "Regularized Evolution for Image Classifier Architecture Search". */
import type { View } from "../history.ts";
import { byMerit, type Goal, onlyObjective, placed } from "../objectives.ts";
import type { Policy } from "../policy.ts";

export interface AgeingOptions {
  /** Living members: the newest that are complete. Default 100. */
  readonly population?: number | undefined;
  /** Members that compete to be the parent. Default 25. */
  readonly sample?: number | undefined;
}

/** Algorithm 1 of the paper: the fittest of a sample is the parent, and the oldest leaves, however fit. */
export function ageingPolicy(goal: Goal, { population = 100, sample = 25 }: AgeingOptions = {}): Policy {
  onlyObjective(goal, "ageing");
  const living: View<number[]> = {
    create: () => [],
    told(ids, { id, state }) {
      if (state !== "complete") return;
      ids.push(id);
      if (ids.length > population) ids.shift();
    },
  };
  return {
    propose(history, random) {
      const ids = history.view(living);
      // The first population is drafted: as many as it holds, and however many of them failed.
      if (history.completeCount < population) {
        const coming = history.trials.length - history.failedCount;
        if (coming < population || ids.length === 0) return { operator: "draft", parents: [] };
      }
      const rivals = Array.from({ length: sample }, () => placed(goal, history.trial(random.pick(ids))));
      const parent = rivals.reduce((top, rival) => (byMerit(rival, top) < 0 ? rival : top));
      return { operator: "improve", parents: [parent.trial.id] };
    },
  };
}
