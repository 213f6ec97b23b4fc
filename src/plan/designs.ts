/** Every design that the brief leaves open: all options of all decisions, jointly, by plain enumeration. */
import type { Supervision } from "../core/index.ts";
import { type AnyDecision, Impossible, Upstream } from "./decision.ts";
import { type Outcomes, outcomesOf } from "./outcomes.ts";
import type { Problem } from "./problem.ts";

/** One complete set of choices and what comes of it. */
export interface Design {
  readonly choices: Upstream;
  readonly outcomes: Outcomes;
}

/** A branch that came to nothing: the option that could not be taken, and why. */
export interface DeadEnd {
  readonly decision: AnyDecision;
  readonly label: string;
  readonly reason: string;
}

export interface Designs {
  readonly designs: readonly Design[];
  readonly deadEnds: readonly DeadEnd[];
}

export function enumerateDesigns(
  decisions: readonly AnyDecision[],
  problem: Problem,
  { progress }: Supervision = {},
): Designs {
  const designs: Design[] = [];
  const deadEnds: DeadEnd[] = [];
  const extend = (upstream: Upstream, depth: number): void => {
    const decision = decisions[depth];
    if (!decision) {
      designs.push({ choices: upstream, outcomes: outcomesOf(problem, upstream) });
      return;
    }
    const options = decision.options(problem, upstream);
    for (const [index, option] of options.entries()) {
      const choice: unknown = decision.evaluate(option, problem, upstream);
      if (choice instanceof Impossible) {
        deadEnds.push({ decision, label: decision.label(option), reason: choice.reason });
      } else extend(upstream.with(decision, option, choice), depth + 1);
      if (depth === 0) {
        progress?.({ activity: "weighing designs", done: index + 1, total: options.length, unit: "models" });
      }
    }
  };
  extend(Upstream.none, 0);
  return { designs, deadEnds };
}

/** The same options evaluated again, for another draw of the inputs; undefined where one has become impossible. */
export function reevaluate(design: Design, problem: Problem): Design | undefined {
  let upstream = Upstream.none;
  for (const { decision, option } of design.choices.steps) {
    const choice: unknown = decision.evaluate(option, problem, upstream);
    if (choice instanceof Impossible) return undefined;
    upstream = upstream.with(decision, option, choice);
  }
  return { choices: upstream, outcomes: outcomesOf(problem, upstream) };
}
