/** Which of many trials stay: NSGA-II's survival (Deb et al. 2002) with constrained domination. */
import type { Trial } from "../history.ts";
import { type Goal, lossesOf, violation } from "../objectives.ts";
import { crowdingDistances, fronts } from "../pareto/front.ts";

export interface Member<C = unknown> {
  readonly trial: Trial<C>;
  readonly losses: readonly number[];
  readonly violation: number;
  readonly front: number;
  readonly crowding: number;
}

/** A complete trial that has not been compared with others yet. */
export function memberOf<C>(goal: Goal, trial: Trial<C>): Member<C> {
  const metrics = trial.metrics!;
  return {
    trial,
    losses: lossesOf(goal, metrics),
    violation: violation(goal, metrics),
    front: 0,
    crowding: 0,
  };
}

/**
 * The `count` best members by front, then by crowding distance, with both noted. Less violation beats more, so the
 * fronts of each amount of violation come after those of every smaller one.
 */
export function survivors<C>(members: readonly Member<C>[], count: number): Member<C>[] {
  const amounts = [...new Set(members.map((member) => member.violation))].sort((a, b) => a - b);
  const kept: Member<C>[] = [];
  let number = 0;
  for (const amount of amounts) {
    const alike = members.filter((member) => member.violation === amount);
    for (const front of fronts(alike.map(({ losses }) => losses))) {
      if (kept.length >= count) return kept;
      const crowding = crowdingDistances(front.map((i) => alike[i]!.losses));
      const ranked = front
        .map((i, place) => ({ ...alike[i]!, front: number, crowding: crowding[place]! }))
        .sort((a, b) => b.crowding - a.crowding || a.trial.id - b.trial.id);
      kept.push(...ranked.slice(0, count - kept.length));
      number++;
    }
  }
  return kept;
}
