/** What the outcome is most sensitive to: each uncertain input at the ends of its 90 % interval, one at a time. */
import { Sampler } from "../core/index.ts";
import { type Design, reevaluate } from "./designs.ts";
import type { Objective } from "./brief.ts";
import type { Problem } from "./problem.ts";

/** One bar of a tornado chart: the median outcome with the input at its 5 % and at its 95 % quantile. */
export interface Swing {
  readonly input: string;
  /** The input's own interval, as printed. */
  readonly range: string;
  readonly objective: Objective;
  readonly unit: string;
  readonly atLow: number;
  readonly atHigh: number;
}

/** Swings of the chosen design, largest first within each objective; inputs that move nothing are left out. */
export function sensitivity(design: Design, problem: Problem, objectives: readonly Objective[]): Swing[] {
  const swings: Swing[] = [];
  const baseline = reevaluate(design, problem.withSampler(new Sampler(problem.sampler.seed)))!;
  // Draw afresh to learn which inputs this design depends on: the enumeration has drawn those of all the others too.
  const fresh = new Sampler(problem.sampler.seed);
  reevaluate(design, problem.withSampler(fresh));
  for (const { name, estimate } of fresh.inputs) {
    const ends = [0.05, 0.95].map((probability) =>
      reevaluate(design, problem.withSampler(new Sampler(fresh.seed, new Map([[name, probability]])))),
    );
    const [low, high] = ends;
    if (!low || !high) continue;
    for (const objective of objectives) {
      const unit = baseline.outcomes[objective].summary().unit;
      const [atLow, atHigh] = [low, high].map((end) => end.outcomes[objective].value(unit)) as [number, number];
      if (Math.abs(atHigh - atLow) <= 1e-9 * Math.abs(atLow)) continue;
      swings.push({ input: name, range: String(estimate), objective, unit, atLow, atHigh });
    }
  }
  const width = (swing: Swing) => Math.abs(swing.atHigh - swing.atLow);
  return swings.sort(
    (a, b) => objectives.indexOf(a.objective) - objectives.indexOf(b.objective) || width(b) - width(a),
  );
}
