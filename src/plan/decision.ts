/**
 * What a decision is. A plan is made by decisions in order: each sees what was chosen before it, lists what is open to
 * it, and says what follows from each option. To add one, write a file under `decisions/` and list it there.
 */
import type { AnyEstimate } from "../core/index.ts";
import type { Problem } from "./problem.ts";

export interface Decision<Option, Choice> {
  readonly id: string;
  /** Heading in reports: "Cluster". */
  readonly title: string;
  readonly question: string;
  /** True where no objective depends on it: it only has to be possible, and is reported beside the rest. */
  readonly beside?: boolean;
  /** What the brief leaves open here, given what was chosen upstream. Never empty. */
  options(problem: Problem, upstream: Upstream): readonly Option[];
  /** What follows from an option, or why it cannot be taken. */
  evaluate(option: Option, problem: Problem, upstream: Upstream): Choice | Impossible;
  /** The option in a few words, the same for equal options: "512 x h100-sxm". */
  label(option: Option): string;
  /** Why the choice stands and the figures that it rests on, for people. */
  explain(choice: Choice, problem: Problem, upstream: Upstream): Explanation;
}

/** An option that cannot be taken: why, which part of the brief says so, and what to change there. */
export class Impossible {
  readonly reason: string;
  readonly path: readonly string[];
  readonly remedy: string;
  constructor(reason: string, path: readonly string[], remedy: string) {
    this.reason = reason;
    this.path = path;
    this.remedy = remedy;
  }
}

export interface Explanation {
  readonly why: string;
  /** Figures by name, in the order to show them. */
  readonly figures: Readonly<Record<string, AnyEstimate>>;
  /** What a reader must know besides: a default that was used, an extrapolation, a conflict of evidence. */
  readonly notes?: readonly string[];
}

// biome-ignore lint/suspicious/noExplicitAny: a list of decisions holds options and choices of different types
export type AnyDecision = Decision<any, any>;

/** One decision taken. */
export interface Step {
  readonly decision: AnyDecision;
  readonly option: unknown;
  readonly choice: unknown;
}

/** The decisions taken so far, newest last; immutable, so that alternatives share what they have in common. */
export class Upstream {
  static readonly none = new Upstream([]);
  readonly steps: readonly Step[];

  private constructor(steps: readonly Step[]) {
    this.steps = steps;
  }

  with<O, C>(decision: Decision<O, C>, option: O, choice: C): Upstream {
    return new Upstream([...this.steps, { decision, option, choice }]);
  }

  /** What was chosen for `decision`; throws where it comes later, which is a mistake in the order of decisions. */
  get<O, C>(decision: Decision<O, C>): C {
    const choice = this.find(decision);
    if (choice === undefined) throw new Error(`"${decision.id}" has not been decided yet`);
    return choice;
  }

  /** What was chosen for `decision`, or undefined where the plan does without it. */
  find<O, C>(decision: Decision<O, C>): C | undefined {
    return this.steps.find((step) => step.decision === decision)?.choice as C | undefined;
  }
}
