/**
 * Evolution in four forms: islands in generations (AIRA section 3.3, after FunSearch), ageing (Real et al. 2019),
 * steady state by rank (AIRA 2), all on one objective; NSGA-II has its own file.
 */
import { InputError, type RandomStream } from "../../core/index.ts";
import type { History, View } from "../history.ts";
import {
  comparator,
  type Goal,
  isFeasible,
  lossesOf,
  onlyObjective,
  ranking,
  rankingView,
} from "../objectives.ts";
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

export interface AgeingOptions {
  /** Living members: the newest that are complete. Default 100. */
  readonly population?: number | undefined;
  /** Members that compete to be the parent. Default 25. */
  readonly sample?: number | undefined;
}

/** Regularised (ageing) evolution, Real et al. 2019, algorithm 1: the oldest leaves, however fit. */
export function ageingPolicy(goal: Goal, { population = 100, sample = 25 }: AgeingOptions = {}): Policy {
  onlyObjective(goal, "ageing");
  const order = comparator(goal);
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
      const rivals = Array.from({ length: sample }, () => history.trial(random.pick(ids)));
      const parent = rivals.reduce((top, trial) => (order(trial, top) < 0 ? trial : top));
      return { operator: "improve", parents: [parent.id] };
    },
  };
}

export interface RankOptions extends Debugging {
  /** Drafts before selection starts. Default 5. */
  readonly drafts?: number | undefined;
  /** Default 0.2; towards 0 only the best is a parent. */
  readonly temperature?: number | undefined;
  /** Default 0.15. */
  readonly crossoverProbability?: number | undefined;
}

/**
 * Steady-state evolution by rank (AIRA 2): whenever a worker is free, the trial of rank r among N is a parent with
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
  const order = comparator(goal);
  const ranked = rankingView();
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
      const trials = ranking(history.view(ranked), order);
      if (state.drafts < drafts || trials.length === 0) return { operator: "draft", parents: [] };
      const first = drawRank(trials.length, random);
      if (trials.length > 1 && random.uniform() < crossoverProbability) {
        const second = drawRank(trials.length - 1, random);
        const other = second >= first ? second + 1 : second;
        return { operator: "crossover", parents: [trials[first]!.id, trials[other]!.id] };
      }
      return { operator: "improve", parents: [trials[first]!.id] };
    },
  };
}
