/** Brief in, plan out: gather the evidence, weigh every design, choose, explain, and say what it all rests on. */
import { type EstimateSummary, formatEstimate, Sampler, type Source, type Supervision } from "../core/index.ts";
import { type Brief, OBJECTIVES, type Objective } from "./brief.ts";
import { bestOf, choose, type Chosen, paretoFront } from "./choose.ts";
import { decisions } from "./decisions/index.ts";
import type { AnyDecision } from "./decision.ts";
import { type DeadEnd, type Design, enumerateDesigns } from "./designs.ts";
import type { Outcomes } from "./outcomes.ts";
import { constraintsOf, gatherProblem, objectivesOf, type Problem } from "./problem.ts";
import { type Breakdown, breakdownsOf } from "./breakdown.ts";
import { type Swing, sensitivity } from "./sensitivity.ts";

/** A figure for people and programs: how it prints, what it is, and what it rests on. */
export interface PlanFigure extends EstimateSummary {
  readonly name: string;
  /** `12.3 days [10.1, 15.2]`. */
  readonly text: string;
}

/** Another option of one decision, with the best plan that takes it. */
export interface Alternative {
  readonly label: string;
  /** Whether some design with this option meets every constraint; the outcomes are then those of the best such. */
  readonly feasible: boolean;
  readonly outcomes: readonly PlanFigure[];
}

export interface PlanDecision {
  readonly id: string;
  readonly title: string;
  readonly question: string;
  readonly choice: string;
  readonly why: string;
  readonly figures: readonly PlanFigure[];
  readonly notes: readonly string[];
  readonly alternatives: readonly Alternative[];
}

export interface PlanConstraint {
  readonly objective: Objective;
  readonly limit: number;
  readonly unit: string;
  readonly confidence: number;
  /** The probability that the plan meets it. */
  readonly probability: number;
  /** What would be chosen without it, where that is another design: then the constraint binds. */
  readonly binding: { readonly choices: string; readonly outcomes: readonly PlanFigure[] } | null;
}

/** A design on the front, by its choices. */
export interface FrontPoint {
  readonly choices: Readonly<Record<string, string>>;
  readonly outcomes: readonly PlanFigure[];
  readonly chosen: boolean;
}

export interface Plan {
  readonly terrarium: string;
  readonly goal: string;
  readonly brief: string;
  readonly seed: number;
  readonly objectives: readonly Objective[];
  readonly outcomes: readonly PlanFigure[];
  readonly decisions: readonly PlanDecision[];
  readonly constraints: readonly PlanConstraint[];
  readonly search: {
    readonly designs: number;
    readonly feasible: number;
    readonly impossible: readonly { readonly option: string; readonly reason: string }[];
  };
  readonly front: readonly FrontPoint[];
  readonly breakdowns: readonly Breakdown[];
  readonly sensitivity: readonly Swing[];
  /** What the brief left out, and what stands in for it. */
  readonly defaults: readonly { readonly path: string; readonly value: string; readonly why: string }[];
  readonly sources: readonly Source[];
}

export interface PlanOptions extends Supervision {
  readonly seed: number;
  readonly version: string;
}

/** Makes a plan. Throws an `InputError` for a brief that cannot be planned, naming the line and the remedy. */
export async function makePlan(brief: Brief, { seed, version, ...supervision }: PlanOptions): Promise<Plan> {
  const problem = await gatherProblem(brief, new Sampler(seed), supervision);
  const objectives = objectivesOf(brief);
  const constraints = constraintsOf(brief);
  const taken = decisions.filter((decision) => decision.isAsked?.(brief) ?? true);
  const { designs, deadEnds } = enumerateDesigns(taken, problem, supervision);
  const chosen = choose(requireDesigns(designs, deadEnds, problem), objectives, constraints);
  const collect = new SourceList();
  return {
    terrarium: version,
    goal: brief.goal ?? "",
    brief: brief.file,
    seed,
    objectives,
    outcomes: figuresOf(chosen.design.outcomes, collect),
    decisions: taken.map((decision) => explain(decision, chosen, designs, problem, objectives, constraints, collect)),
    constraints: chosen.constraints.map(({ withoutIt, place: _, ...constraint }) => ({
      ...constraint,
      binding: withoutIt
        ? { choices: withoutIt.choices.key, outcomes: figuresOf(withoutIt.outcomes, collect) }
        : null,
    })),
    search: {
      designs: designs.length,
      feasible: chosen.feasible,
      impossible: summarise(deadEnds),
    },
    front: chosen.front.map((design) => ({
      choices: labelsOf(design),
      outcomes: figuresOf(design.outcomes, collect),
      chosen: design === chosen.design,
    })),
    breakdowns: breakdownsOf(chosen.design.choices, collect),
    sensitivity: sensitivity(chosen.design, problem, objectives),
    defaults: problem.defaults,
    sources: collect.sources,
  };
}
