/** Brief in, plan out: gather the evidence, weigh every design, choose, explain, and say what it all rests on. */
import { InputError, Sampler, type Supervision } from "../core/index.ts";
import type { Brief, Objective } from "./brief.ts";
import { bestOf, type Chosen, choose } from "./choose.ts";
import { decisionsFor } from "./decisions/index.ts";
import type { AnyDecision } from "./decision.ts";
import { type DeadEnd, type Design, enumerateDesigns } from "./designs.ts";
import { type PlanFigure, SourceList } from "./figures.ts";
import { constraintsOf, gatherProblem, objectivesOf, type Problem } from "./problem.ts";
import { type Breakdown, breakdownsOf } from "./breakdown.ts";
import { type Swing, sensitivity } from "./sensitivity.ts";

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
  readonly sources: SourceList["sources"];
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
  const taken = decisionsFor(brief);
  const { designs, deadEnds } = enumerateDesigns(taken, problem, supervision);
  const chosen = choose(requireDesigns(designs, deadEnds, problem), objectives, constraints);
  const collect = new SourceList();
  const outcomesOf = outcomeFigures(chosen.design, collect);
  return {
    terrarium: version,
    goal: brief.goal ?? "",
    brief: brief.file,
    seed,
    objectives,
    outcomes: outcomesOf(chosen.design),
    decisions: taken.map((decision) => explain(decision, chosen, designs, problem, objectives, constraints, collect, outcomesOf)),
    constraints: chosen.constraints.map(({ withoutIt, place: _, ...constraint }) => ({
      ...constraint,
      binding: withoutIt
        ? { choices: withoutIt.choices.key, outcomes: outcomesOf(withoutIt) }
        : null,
    })),
    search: {
      designs: designs.length,
      feasible: chosen.feasible,
      impossible: summarise(deadEnds),
    },
    front: chosen.front.map((design) => ({
      choices: labelsOf(design),
      outcomes: outcomesOf(design),
      chosen: design === chosen.design,
    })),
    breakdowns: breakdownsOf(chosen.design.choices, collect),
    sensitivity: sensitivity(chosen.design, problem, objectives),
    defaults: problem.open.defaults,
    sources: collect.sources,
  };
}

type OutcomeFigures = (design: Design) => PlanFigure[];

/** Outcomes as figures in the units that suit the chosen design, so that designs can be compared and charted. */
function outcomeFigures(chosen: Design, collect: SourceList): OutcomeFigures {
  const objectives = Object.keys(chosen.outcomes) as Objective[];
  const units = new Map(objectives.map((objective) => [objective, chosen.outcomes[objective].summary().unit]));
  return ({ outcomes }) =>
    objectives.map((objective) => collect.figure(objective, outcomes[objective].shownIn(units.get(objective)!)));
}

/** Throws where every design came to a dead end, and says why the first of each kind did. */
function requireDesigns(designs: readonly Design[], deadEnds: readonly DeadEnd[], problem: Problem): readonly Design[] {
  if (designs.length > 0) return designs;
  throw new InputError(
    summarise(deadEnds).map(({ option, reason }) => ({
      place: problem.brief.placeOf([deadEndPart(deadEnds, option)]),
      found: option,
      expected: reason,
      remedy: "lower model.size, raise cluster.count, or choose another accelerator",
    })),
  );
}

function deadEndPart(deadEnds: readonly DeadEnd[], option: string): string {
  const part = deadEnds.find(({ label }) => label === option)?.decision.id;
  return part === "cluster" || part === "serving" ? part : "model";
}

/** One line for each reason, with the first option that had it. */
function summarise(deadEnds: readonly DeadEnd[]): { option: string; reason: string }[] {
  const firsts = new Map<string, DeadEnd>();
  for (const deadEnd of deadEnds) {
    const key = `${deadEnd.decision.id} ${deadEnd.label}`;
    if (!firsts.has(key)) firsts.set(key, deadEnd);
  }
  return [...firsts.values()].map(({ label, reason }) => ({ option: label, reason }));
}

function explain(
  decision: AnyDecision,
  chosen: Chosen,
  designs: readonly Design[],
  problem: Problem,
  objectives: readonly Objective[],
  constraints: ReturnType<typeof constraintsOf>,
  collect: SourceList,
  outcomesOf: OutcomeFigures,
): PlanDecision {
  const { choices } = chosen.design;
  const step = choices.steps.find((taken) => taken.decision === decision)!;
  const { why, figures, notes = [] } = decision.explain(step.choice, problem, choices);
  const choice = decision.label(step.option);
  const others = new Map<string, Design[]>();
  for (const design of designs) {
    const label = labelsOf(design)[decision.id]!;
    if (label !== choice) others.set(label, [...(others.get(label) ?? []), design]);
  }
  return {
    id: decision.id,
    title: decision.title,
    question: decision.question,
    choice,
    why,
    figures: collect.figures(figures),
    notes,
    alternatives: [...others].map(([label, rivals]) => {
      const best = bestOf(rivals, objectives, constraints);
      return { label, feasible: best.feasible, outcomes: outcomesOf(best.design) };
    }),
  };
}

/** The choices of a design by decision. */
function labelsOf({ choices }: Design): Record<string, string> {
  return Object.fromEntries(choices.steps.map(({ decision, option }) => [decision.id, decision.label(option)]));
}
