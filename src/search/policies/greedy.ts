/**
 * Greedy tree search (AIDE; AIRA section 3): draft a few times, then debug what failed or improve the best.
 * On a space, whose operators never fail, it is hill climbing with restarts at the beginning.
 */
import type { History, Trial, View } from "../history.ts";
import { comparator, type Goal, onlyObjective, ranking, rankingView } from "../objectives.ts";
import type { Policy } from "../policy.ts";
import { type Debugging, debugDepth, FailedLeaves } from "./debugging.ts";

export interface GreedyOptions extends Debugging {
  /** Drafts before anything is improved. Default 5. */
  readonly drafts?: number | undefined;
  /** Chance that a failed leaf is debugged, when there is one. Default 1, as in MLE-bench's AIDE. */
  readonly debugProbability?: number | undefined;
}

export function greedyPolicy(
  goal: Goal,
  { drafts = 5, debugProbability = 1, maxDebugDepth = 0 }: GreedyOptions = {},
): Policy {
  onlyObjective(goal, "greedy");
  const order = comparator(goal);
  const ranked = rankingView();
  const draftCount: View<{ count: number }> = {
    create: () => ({ count: 0 }),
    asked: (value, { operator }) => {
      if (operator === "draft") value.count++;
    },
  };
  const leaves = failedLeavesView(maxDebugDepth);
  return {
    propose(history, random) {
      if (history.view(draftCount).count < drafts) return { operator: "draft", parents: [] };
      const failed = history.view(leaves);
      if (failed.size > 0 && random.uniform() < debugProbability)
        return { operator: "debug", parents: [failed.at(random.integer(0, failed.size - 1))] };
      const best = ranking(history.view(ranked), order)[0];
      return best ? { operator: "improve", parents: [best.id] } : { operator: "draft", parents: [] };
    },
  };
}

/** Failed trials without children that may still be debugged. */
function failedLeavesView(maxDebugDepth: number): View<FailedLeaves> {
  return {
    create: () => new FailedLeaves(),
    asked: (leaves, { parents }) => {
      for (const parent of parents) leaves.delete(parent);
    },
    told: (leaves, trial: Trial, history: History) => {
      if (trial.state === "failed" && debugDepth(history, trial) < maxDebugDepth) leaves.add(trial.id);
    },
  };
}
