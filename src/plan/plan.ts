/** Brief in, plan out: gather the evidence, weigh every design, choose, explain, and say what it all rests on. */
import { InputError, Sampler, type Supervision, unit } from "../core/index.ts";
import { breakdownsOf } from "./breakdown.ts";
import type { Brief, Objective } from "./brief.ts";
import {
  type Constraint,
  choose,
  chooseFreely,
  chooseOne,
  noPlan,
  type Weigh,
  withoutConstraint,
} from "./choose.ts";
import type { AnyDecision, Step } from "./decision.ts";
import { decisionsFor } from "./decisions/index.ts";
import { type DeadEnd, type Design, type Sketch, sketchDesigns, weigher } from "./designs.ts";
import { SourceList } from "./figures.ts";
import { gatherProblem } from "./gather.ts";
import type { Plan, PlanConstraint, PlanFigure } from "./plan-schema.ts";
import { constraintsOf, objectivesOf, type Problem } from "./problem.ts";
import { sensitivity } from "./sensitivity.ts";

export interface PlanOptions extends Supervision {
  readonly seed: number;
  readonly version: string;
}

/** Makes a plan. Throws an `InputError` for a brief that cannot be planned, naming the line and the remedy. */
export async function makePlan(brief: Brief, { seed, version, ...supervision }: PlanOptions): Promise<Plan> {
  const problem = await gatherProblem(brief, new Sampler(seed), supervision);
  const objectives = objectivesOf(brief);
  const constraints = constraintsOf(brief);
  const atMedians = problem.withSampler(new Sampler(seed, () => 0.5));
  const { sketches, deadEnds } = sketchDesigns(decisionsFor(brief), atMedians, supervision);
  if (sketches.length === 0) throw nothingPossible(deadEnds, problem);

  const weighed = remembering(problem);
  const chosen = choose(sketches, objectives, constraints, weighed);
  if (!chosen) throw noPlan(sketches, constraints, weighed);
  const design = weighed(chosen.sketch);
  const collect = new SourceList();
  const outcomesOf = outcomeFigures(design, collect);
  return {
    terrarium: version,
    goal: brief.goal ?? "",
    brief: brief.file,
    seed,
    objectives,
    outcomes: outcomesOf(design),
    decisions: design.choices.steps.map(({ decision, option, choice }, depth) => ({
      id: decision.id,
      title: decision.title,
      question: decision.question,
      choice: decision.label(option),
      ...explained(decision, choice, problem, design, collect),
      alternatives: siblings(sketches, chosen.sketch, depth).map((rivals) => {
        const feasible = chooseOne(rivals, objectives, constraints, weighed);
        const best = feasible ?? chooseFreely(rivals, objectives);
        return {
          label: decision.label(best.steps[depth]!.option),
          feasible: feasible !== undefined,
          outcomes: outcomesOf(weighed(best)),
        };
      }),
    })),
    constraints: constraints.map((constraint): PlanConstraint => {
      const { place: _, ...limit } = constraint;
      const free = withoutConstraint(constraint, sketches, objectives, constraints, weighed);
      return {
        ...limit,
        probability: probabilityOf(design, constraint),
        binding: free ? { choices: labelsOf(free.choices.steps), outcomes: outcomesOf(free) } : null,
      };
    }),
    search: {
      designs: sketches.length,
      impossible: firstOfEach(deadEnds).map(({ label, why }) => ({ option: label, reason: why.reason })),
    },
    front: chosen.front.map((sketch) => ({
      choices: labelsOf(sketch.steps),
      outcomes: outcomesOf(weighed(sketch)),
      chosen: sketch === chosen.sketch,
    })),
    breakdowns: breakdownsOf(design.choices, collect),
    sensitivity: sensitivity(design, problem, objectives),
    defaults: problem.open.defaults,
    sources: collect.sources,
  };
}

/** Weighs each sketch once. A sketch stands at the medians, so what it takes is possible under the draws as well. */
function remembering(problem: Problem): Weigh {
  const weigh = weigher(problem);
  const known = new Map<Sketch, Design>();
  return (sketch) => {
    let design = known.get(sketch);
    if (!design) {
      design = weigh(sketch.steps);
      if (!design)
        throw new Error(
          `a design is possible at the medians but not drawn: ${Object.values(labelsOf(sketch.steps)).join(", ")}`,
        );
      known.set(sketch, design);
    }
    return design;
  };
}

/** Sketches that share every choice before `depth` with the chosen one and differ at it, grouped by what they take. */
function siblings(sketches: readonly Sketch[], chosen: Sketch, depth: number): Sketch[][] {
  const groups = new Map<Step, Sketch[]>();
  for (const sketch of sketches) {
    const shares = depth === 0 || sketch.steps[depth - 1] === chosen.steps[depth - 1];
    const step = sketch.steps[depth]!;
    if (!shares || step === chosen.steps[depth]) continue;
    const group = groups.get(step);
    if (group) group.push(sketch);
    else groups.set(step, [sketch]);
  }
  return [...groups.values()];
}

function explained(
  decision: AnyDecision,
  choice: unknown,
  problem: Problem,
  design: Design,
  collect: SourceList,
) {
  const { why, figures, notes = [] } = decision.explain(choice, problem, design.choices);
  return { why, figures: collect.figures(figures), notes };
}

function probabilityOf(design: Design, { objective, limit, unit: symbol }: Constraint): number {
  const bound = limit * unit(symbol).scale;
  return design.outcomes[objective].probability((value) => value <= bound);
}

/** Outcomes as figures in the units that suit the chosen design, so that designs can be compared and charted. */
function outcomeFigures(chosen: Design, collect: SourceList): (design: Design) => PlanFigure[] {
  const objectives = Object.keys(chosen.outcomes) as Objective[];
  const units = new Map(
    objectives.map((objective) => [objective, chosen.outcomes[objective].summary().unit]),
  );
  return ({ outcomes }) =>
    objectives.map((objective) =>
      collect.figure(objective, outcomes[objective].shownIn(units.get(objective)!)),
    );
}

/** Every design came to a dead end: says why, once for each option. */
function nothingPossible(deadEnds: readonly DeadEnd[], { brief }: Problem): InputError {
  return new InputError(
    firstOfEach(deadEnds).map(({ decision, why }) => ({
      place: brief.placeOf(why.path),
      found: why.reason,
      expected: `a brief that leaves at least one possible answer to "${decision.question}"`,
      remedy: why.remedy,
    })),
  );
}

/** One for each option that came to nothing, with the first reason met. */
function firstOfEach(deadEnds: readonly DeadEnd[]): DeadEnd[] {
  const firsts = new Map<string, DeadEnd>();
  for (const deadEnd of deadEnds) {
    const key = `${deadEnd.decision.id} ${deadEnd.label}`;
    if (!firsts.has(key)) firsts.set(key, deadEnd);
  }
  return [...firsts.values()];
}

/** What was chosen, by decision. */
function labelsOf(steps: readonly Step[]): Record<string, string> {
  return Object.fromEntries(steps.map(({ decision, option }) => [decision.id, decision.label(option)]));
}
