/** A plan on a terminal; it only shows what `plan.json` holds. */
import { terminalTable } from "../core/index.ts";
import type { Objective } from "./brief.ts";
import type { Plan } from "./plan-schema.ts";
import {
  central,
  constraintSentence,
  interval,
  notesOf,
  OBJECTIVE_NAMES,
  searchSentence,
} from "./wording.ts";

export function terminalReport(plan: Plan): string {
  const outcomes = terminalTable(
    ["outcome", "median", "90 % interval", "basis"],
    plan.outcomes.map((f) => [OBJECTIVE_NAMES[f.name as Objective], central(f), interval(f), f.basis]),
  );
  const decisions = terminalTable(
    ["decision", "median", "90 % interval", "basis"],
    plan.decisions.flatMap((decision) => [
      [`${decision.title}: ${decision.choice}`],
      ...decision.figures.map((f) => [`  ${f.name}`, central(f), interval(f), f.basis]),
    ]),
  );
  return [
    plan.goal === "" ? `Plan for ${plan.brief}` : plan.goal,
    outcomes,
    decisions,
    ...plan.constraints.map(constraintSentence),
    searchSentence(plan),
    ...notesOf(plan).map((note) => `Note: ${note}`),
    ...plan.defaults.map(({ path, value, why }) => `Default: ${path} = ${value}: ${why}`),
  ].join("\n\n");
}
