/** How the parts of a plan are said, on a terminal and on a page alike. */
import { formatNumber, printedUnit } from "../core/index.ts";
import type { Objective } from "./brief.ts";
import type { Plan, PlanConstraint, PlanFigure } from "./plan-schema.ts";

/** What each objective is called where there is room for words. */
export const OBJECTIVE_NAMES: Readonly<Record<Objective, string>> = {
  loss: "held-out loss",
  days: "time",
  cost: "cost",
  carbon: "carbon",
  energy: "energy",
};

/** `10.1 to 15.2 days`. */
export function interval({ low, high, value, unit }: PlanFigure): string {
  if (low === value && high === value) return "exact";
  return `${formatNumber(low)} to ${formatNumber(high)} ${printedUnit(unit)}`.trim();
}

/** `12.3 days`. */
export function central({ value, unit }: PlanFigure): string {
  return `${formatNumber(value)} ${printedUnit(unit)}`.trim();
}

export function constraintSentence({
  objective,
  limit,
  unit,
  confidence,
  probability,
  binding,
}: PlanConstraint): string {
  const name = OBJECTIVE_NAMES[objective];
  const met = `${name} under ${formatNumber(limit)} ${printedUnit(unit)} holds with probability ${formatNumber(probability)} (${confidence} was asked)`;
  if (!binding) return `${met}; it does not bind.`;
  return `${met}. It binds: without it the plan would be ${Object.values(binding.choices).join("; ")}, with ${binding.outcomes.map((f) => `${OBJECTIVE_NAMES[f.name as Objective]} ${central(f)}`).join(", ")}.`;
}

export function searchSentence({ search, front, objectives }: Plan): string {
  const impossible =
    search.impossible.length === 0
      ? ""
      : ` ${search.impossible.length} options cannot be taken, such as ${search.impossible[0]!.option}: ${search.impossible[0]!.reason}.`;
  return `Of ${search.designs} designs, ${front.length} meet every constraint and are on the Pareto front of ${objectives.map((objective) => OBJECTIVE_NAMES[objective]).join(", ")}; the plan is the one nearest to the best of each.${impossible}`;
}

export function notesOf(plan: Plan): string[] {
  return plan.decisions.flatMap(({ title, notes }) => notes.map((note) => `${title}: ${note}`));
}
