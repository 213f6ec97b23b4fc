/**
 * NSGA-II (Deb et al. 2002) with constrained domination: feasible beats infeasible, less violation beats more. The
 * population after each `population` outcomes is the best of parents and offspring by front, then by crowding.
 */
import type { View } from "../history.ts";
import type { Goal } from "../objectives.ts";
import type { Policy } from "../policy.ts";
import { type Member, memberOf, survivors } from "./survival.ts";

export interface Nsga2Options {
  /** Default 40. */
  readonly population?: number | undefined;
  /** Chance that a child has two parents. Default 0.9. */
  readonly crossoverProbability?: number | undefined;
}

interface Generation {
  parents: Member[];
  offspring: Member[];
  number: number;
}

export function nsga2Policy(
  goal: Goal,
  { population = 40, crossoverProbability = 0.9 }: Nsga2Options = {},
): Policy {
  const view: View<Generation> = {
    create: () => ({ parents: [], offspring: [], number: 0 }),
    told(generation, trial) {
      if (trial.state !== "complete") return;
      generation.offspring.push(memberOf(goal, trial));
      if (generation.offspring.length < population) return;
      generation.parents = survivors([...generation.parents, ...generation.offspring], population);
      generation.offspring = [];
      generation.number++;
    },
  };
  return {
    propose(history, random) {
      const { parents, number } = history.view(view);
      const note = { generation: number };
      if (parents.length === 0) return { operator: "draft", parents: [], note };
      const tournament = (): Member => {
        const [a, b] = [random.pick(parents), random.pick(parents)];
        return a.front < b.front || (a.front === b.front && a.crowding >= b.crowding) ? a : b;
      };
      const first = tournament();
      if (parents.length > 1 && random.uniform() < crossoverProbability) {
        const second = tournament();
        if (second.trial.id !== first.trial.id)
          return { operator: "crossover", parents: [first.trial.id, second.trial.id], note };
      }
      return { operator: "improve", parents: [first.trial.id], note };
    },
  };
}
