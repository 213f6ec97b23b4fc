/** Steady-state evolution by rank, the policy of AIRA 2. */
import { InputError, type RandomStream } from "../../core/index.ts";
import type { History, View } from "../history.ts";
import { type Goal, onlyObjective, rankingView } from "../objectives.ts";
import type { Policy } from "../policy.ts";
import { type Debugging, debugDepth } from "./debugging.ts";

export interface RankOptions extends Debugging {
  /** Drafts before selection starts. Default 5. */
  readonly drafts?: number | undefined;
  /** Default 0.2; towards 0 only the best is a parent. */
  readonly temperature?: number | undefined;
  /** Default 0.15. */
  readonly crossoverProbability?: number | undefined;
}

/**
 * Whenever a worker is free, the trial of rank r among N is a parent with
 * probability proportional to (N - r + 1)^(1/T). Ranks have no scale, so neither does the policy.
 */
export function rankPolicy(goal: Goal, options: RankOptions = {}): Policy {
  onlyObjective(goal, "rank");
  const { drafts = 5, temperature = 0.2, crossoverProbability = 0.15, maxDebugDepth = 0 } = options;
  if (!(temperature > 0))
    throw new InputError({
      place: { path: "policy.temperature" },
      found: String(temperature),
      expected: "more than 0",
    });
  const ranked = rankingView(goal);
  const started: View<{ drafts: number; broken: number[]; next: number }> = {
    create: () => ({ drafts: 0, broken: [], next: 0 }),
    asked(state, { operator, parents }) {
      if (operator === "draft") state.drafts++;
      if (operator === "debug" && state.broken[state.next] === parents[0]) state.next++;
    },
    told(state, trial, history) {
      if (trial.state === "failed" && debugDepth(history, trial) < maxDebugDepth) state.broken.push(trial.id);
    },
  };
  // weights[k] = sum of j^(1/T) for j up to k: the same for every N, so it only ever grows.
  const weights = [0];
  const drawRank = (count: number, random: RandomStream): number => {
    while (weights.length <= count) weights.push(weights.at(-1)! + weights.length ** (1 / temperature));
    const target = random.uniform() * weights[count]!;
    let low = 1;
    let high = count;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (weights[middle]! > target) high = middle;
      else low = middle + 1;
    }
    return count - low;
  };
  return {
    propose(history: History, random: RandomStream) {
      const state = history.view(started);
      const broken = state.broken[state.next];
      if (broken !== undefined) return { operator: "debug", parents: [broken] };
      const trials = history.view(ranked).sorted;
      if (state.drafts < drafts || trials.length === 0) return { operator: "draft", parents: [] };
      const first = drawRank(trials.length, random);
      if (trials.length > 1 && random.uniform() < crossoverProbability) {
        const second = drawRank(trials.length - 1, random);
        const other = second >= first ? second + 1 : second;
        return { operator: "crossover", parents: [trials[first]!.trial.id, trials[other]!.trial.id] };
      }
      return { operator: "improve", parents: [trials[first]!.trial.id] };
    },
  };
}
