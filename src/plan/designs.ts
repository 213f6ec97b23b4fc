/**
 * Every design that the brief leaves open: all options of all decisions, jointly, by plain enumeration. Thousands are
 * sketched with every input at its median, which is one number each; those that matter are then weighed with all draws.
 */
import type { Supervision } from "../core/index.ts";
import { OBJECTIVES, type Objective } from "./brief.ts";
import { type AnyDecision, Impossible, type Step, Upstream } from "./decision.ts";
import { type Outcomes, outcomesOf } from "./outcomes.ts";
import type { Problem } from "./problem.ts";

/** A complete set of choices, with its outcomes at the medians of all inputs, in base units. */
export interface Sketch {
  /** Sketches that share their first choices share the steps themselves. */
  readonly steps: readonly Step[];
  readonly values: Readonly<Record<Objective, number>>;
}

/** A sketch weighed with all draws. */
export interface Design {
  readonly choices: Upstream;
  readonly outcomes: Outcomes;
}

/** A branch that came to nothing: the option that could not be taken, and why. */
export interface DeadEnd {
  readonly decision: AnyDecision;
  readonly label: string;
  readonly why: Impossible;
}

export interface Sketches {
  readonly sketches: readonly Sketch[];
  readonly deadEnds: readonly DeadEnd[];
}

/** `problem` has every input at its median. */
export function sketchDesigns(
  decisions: readonly AnyDecision[],
  problem: Problem,
  { progress, signal }: Supervision = {},
): Sketches {
  const sketches: Sketch[] = [];
  const deadEnds: DeadEnd[] = [];
  const extend = (upstream: Upstream, depth: number): void => {
    const decision = decisions[depth];
    if (!decision) {
      sketches.push({ steps: upstream.steps, values: medians(outcomesOf(upstream)) });
      return;
    }
    const options = decision.options(problem, upstream);
    for (const [index, option] of options.entries()) {
      signal?.throwIfAborted();
      const choice: unknown = decision.evaluate(option, problem, upstream);
      if (choice instanceof Impossible) {
        deadEnds.push({ decision, label: decision.label(option), why: choice });
      } else extend(upstream.with(decision, option, choice), depth + 1);
      if (depth === 0) {
        progress?.({ activity: "sketching designs", done: index + 1, total: options.length, unit: "models" });
      }
    }
  };
  extend(Upstream.none, 0);
  return { sketches, deadEnds };
}

function medians(outcomes: Outcomes): Record<Objective, number> {
  return Object.fromEntries(
    OBJECTIVES.map((objective) => [objective, outcomes[objective].value()]),
  ) as Record<Objective, number>;
}

/**
 * Takes the options of sketches again under the draws of `problem`. What designs have in common is evaluated once: the
 * sketches share the steps that they share. Undefined where an option has become impossible.
 */
export function weigher(problem: Problem): (steps: readonly Step[]) => Design | undefined {
  const known = new Map<Step, Upstream | undefined>();
  const upTo = (steps: readonly Step[], depth: number): Upstream | undefined => {
    if (depth < 0) return Upstream.none;
    const step = steps[depth]!;
    if (known.has(step)) return known.get(step);
    const upstream = upTo(steps, depth - 1);
    const { decision, option } = step;
    const choice: unknown = upstream && decision.evaluate(option, problem, upstream);
    const taken =
      !upstream || choice instanceof Impossible ? undefined : upstream.with(decision, option, choice);
    known.set(step, taken);
    return taken;
  };
  return (steps) => {
    const choices = upTo(steps, steps.length - 1);
    return choices && { choices, outcomes: outcomesOf(choices) };
  };
}
