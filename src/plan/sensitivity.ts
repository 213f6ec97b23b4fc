/** What the outcome is most sensitive to: each uncertain input at both ends of its 90 % interval, one at a time. */
import { Sampler } from "../core/index.ts";
import type { Objective } from "./brief.ts";
import { type Design, weigher } from "./designs.ts";
import type { Swing } from "./plan-schema.ts";
import type { Problem } from "./problem.ts";

/** Swings of the chosen design, largest first within each objective; inputs that move nothing are left out. */
export function sensitivity(design: Design, problem: Problem, objectives: readonly Objective[]): Swing[] {
  const { seed } = problem.sampler;
  const steps = design.choices.steps.filter(({ decision }) => !decision.beside);
  // Drawn afresh to learn which inputs this design depends on: weighing all designs has drawn those of the others too.
  const own = new Sampler(seed);
  weigher(problem.withSampler(own))(steps);
  const units = objectives.map((objective) => design.outcomes[objective].summary().unit);
  const at = (input: string, probability: number) => {
    const moved = new Sampler(seed, (name) => (name === input ? probability : 0.5));
    return weigher(problem.withSampler(moved))(steps);
  };
  const middle = at("", 0.5)!;

  const swings = own.inputs.flatMap(({ name, estimate }): Swing[] => {
    const [low, high] = [at(name, 0.05), at(name, 0.95)];
    if (!low || !high) return [];
    return objectives.flatMap((objective, i): Swing[] => {
      const unit = units[i]!;
      const [atLow, atHigh] = [low.outcomes[objective].value(unit), high.outcomes[objective].value(unit)];
      const moves = Math.abs(atHigh - atLow) > 1e-9 * Math.abs(atLow);
      const atMedian = middle.outcomes[objective].value(unit);
      return moves
        ? [{ input: name, range: String(estimate), objective, unit, atMedian, atLow, atHigh }]
        : [];
    });
  });
  const width = (swing: Swing) => Math.abs(swing.atHigh - swing.atLow);
  return swings.sort(
    (a, b) => objectives.indexOf(a.objective) - objectives.indexOf(b.objective) || width(b) - width(a),
  );
}
