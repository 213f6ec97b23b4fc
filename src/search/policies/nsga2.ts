/**
 * NSGA-II (Deb et al. 2002) with constrained domination: feasible beats infeasible, less violation beats more. The
 * population after each `population` outcomes is the best of parents and offspring by front, then by crowding.
 */
import type { Trial, View } from "../history.ts";
import { type Goal, lossesOf, violation } from "../objectives.ts";
import { crowdingDistances, dominates, fronts } from "../pareto/front.ts";
import type { Policy } from "../policy.ts";

export interface Nsga2Options {
  /** Default 40. */
  readonly population?: number | undefined;
  /** Chance that a child has two parents. Default 0.9. */
  readonly crossoverProbability?: number | undefined;
}

interface Member {
  readonly id: number;
  readonly losses: readonly number[];
  readonly violation: number;
  front: number;
  crowding: number;
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
    told(generation, trial: Trial) {
      if (trial.state !== "complete") return;
      generation.offspring.push({
        id: trial.id,
        losses: lossesOf(goal, trial.metrics!),
        violation: violation(goal, trial.metrics!),
        front: 0,
        crowding: 0,
      });
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
        if (second.id !== first.id) return { operator: "crossover", parents: [first.id, second.id], note };
      }
      return { operator: "improve", parents: [first.id], note };
    },
  };
}

/** The `count` best members by front, then by crowding distance, with both noted. */
function survivors(members: Member[], count: number): Member[] {
  const sorted = fronts(
    members.map(({ losses }) => losses),
    (i, j) => beats(members[i]!, members[j]!),
  );
  const kept: Member[] = [];
  sorted.forEach((front, number) => {
    if (kept.length >= count) return;
    const crowding = crowdingDistances(front.map((i) => members[i]!.losses));
    const ranked = front
      .map((i, place) => ({ ...members[i]!, front: number, crowding: crowding[place]! }))
      .sort((a, b) => b.crowding - a.crowding || a.id - b.id);
    kept.push(...ranked.slice(0, count - kept.length));
  });
  return kept;
}

function beats(a: Member, b: Member): boolean {
  if (a.violation !== b.violation) return a.violation < b.violation;
  return dominates(a.losses, b.losses);
}
