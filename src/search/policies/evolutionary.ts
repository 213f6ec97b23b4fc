/**
 * Evolution on islands, in generations (AIRA section 3.3, after FunSearch): generation 0 is drafted, later children are
 * improvements or crossovers of parents of their own island.
 */
import type { RandomStream } from "../../core/index.ts";
import type { View } from "../history.ts";
import { type Goal, isFeasible, lossesOf, onlyObjective } from "../objectives.ts";
import type { Policy, Proposal } from "../policy.ts";
import { type Debugging, debugDepth } from "./debugging.ts";

export interface EvolutionaryOptions extends Debugging {
  /** Default 1. */
  readonly islands?: number | undefined;
  /** Most members of an island; the least fit leave. Default 500. */
  readonly islandSize?: number | undefined;
  /** Default 5. Generation 0 is drafts. */
  readonly individualsPerGeneration?: number | undefined;
  /** Default 0.5. */
  readonly crossoverProbability?: number | undefined;
  /** The first generation with crossover. Default 2. */
  readonly crossoverFrom?: number | undefined;
  /** Chance that a parent comes from another island. Default 0. */
  readonly migrationProbability?: number | undefined;
  /** Parents by softmax over min-max-normalised fitness at `temperature` (the default), or the best of a `tournament`. */
  readonly selection?: "softmax" | "tournament" | undefined;
  /** Default 1, which presses weakly: the best is e times as likely as the worst. */
  readonly temperature?: number | undefined;
  /** Members that a tournament compares. Default 3. */
  readonly tournament?: number | undefined;
}

interface Member {
  readonly id: number;
  readonly fitness: number;
}

interface Islands {
  readonly members: Member[][];
  /** Failed trials that wait to be debugged, from `next` on. */
  readonly broken: number[];
  next: number;
  /** Trials asked for that are not repairs. */
  individuals: number;
}

export function evolutionaryPolicy(goal: Goal, options: EvolutionaryOptions = {}): Policy {
  onlyObjective(goal, "evolutionary");
  const {
    islands = 1,
    islandSize = 500,
    individualsPerGeneration = 5,
    crossoverProbability = 0.5,
    crossoverFrom = 2,
    migrationProbability = 0,
    selection = "softmax",
    temperature = 1,
    tournament = 3,
    maxDebugDepth = 0,
  } = options;
  const view: View<Islands> = {
    create: () => ({
      members: Array.from({ length: islands }, () => []),
      broken: [],
      next: 0,
      individuals: 0,
    }),
    asked(state, { operator, parents }) {
      if (operator !== "debug") state.individuals++;
      else if (state.broken[state.next] === parents[0]) state.next++;
    },
    told(state, trial, history) {
      if (trial.state === "failed") {
        if (debugDepth(history, trial) < maxDebugDepth) state.broken.push(trial.id);
      } else if (isFeasible(goal, trial.metrics!)) {
        const fitness = -lossesOf(goal, trial.metrics!)[0]!;
        admit(state.members[Number(trial.note.island)]!, { id: trial.id, fitness }, islandSize);
      }
    },
  };
  const choose = (members: readonly Member[], random: RandomStream): Member =>
    selection === "softmax"
      ? softmaxChoice(members, temperature, random)
      : best(Array.from({ length: tournament }, () => random.pick(members)));

  return {
    propose(history, random): Proposal {
      const state = history.view(view);
      const broken = state.broken[state.next];
      if (broken !== undefined) {
        const { island, generation } = history.trial(broken).note;
        return { operator: "debug", parents: [broken], note: { island: island!, generation: generation! } };
      }
      const generation = Math.floor(state.individuals / individualsPerGeneration);
      const island = state.individuals % islands;
      const note = { island, generation };
      const settled = state.members.filter((members) => members.length > 0);
      if (generation === 0 || settled.length === 0) return { operator: "draft", parents: [], note };
      const home = state.members[island]!;
      const pool = (): readonly Member[] =>
        home.length === 0 || random.uniform() < migrationProbability ? random.pick(settled) : home;
      const first = choose(pool(), random);
      if (generation >= crossoverFrom && random.uniform() < crossoverProbability) {
        const others = pool().filter(({ id }) => id !== first.id);
        if (others.length > 0)
          return { operator: "crossover", parents: [first.id, choose(others, random).id], note };
      }
      return { operator: "improve", parents: [first.id], note };
    },
  };
}

/** A child joins when it is at least as fit as the island's mean; beyond `size` the least fit leaves. */
function admit(members: Member[], child: Member, size: number): void {
  if (members.length > 0) {
    const mean = members.reduce((total, { fitness }) => total + fitness, 0) / members.length;
    if (child.fitness < mean) return;
  }
  members.push(child);
  if (members.length <= size) return;
  const worst = members.reduce((low, member, i) => (member.fitness < members[low]!.fitness ? i : low), 0);
  members.splice(worst, 1);
}

function softmaxChoice(members: readonly Member[], temperature: number, random: RandomStream): Member {
  const fitness = members.map((member) => member.fitness);
  const low = Math.min(...fitness);
  const range = Math.max(...fitness) - low;
  const weights = fitness.map((value) => (range === 0 ? 1 : Math.exp((value - low) / range / temperature)));
  let rest = random.uniform() * weights.reduce((total, weight) => total + weight, 0);
  for (let i = 0; i < members.length; i++) {
    rest -= weights[i]!;
    if (rest < 0) return members[i]!;
  }
  return members.at(-1)!;
}

function best(members: readonly Member[]): Member {
  return members.reduce((top, member) => (member.fitness > top.fitness ? member : top));
}
