import type { Plan } from "./plan-schema.ts";

export { type Brief, briefSchema, OBJECTIVES, type Objective, parseBrief, readBrief } from "./brief.ts";
export type { Constraint } from "./choose.ts";
export { type Decision, type Explanation, Impossible } from "./decision.ts";
export { makePlan } from "./plan.ts";
export {
  type FrontPoint,
  type Plan,
  type PlanConstraint,
  type PlanDecision,
  type PlanFigure,
  planSchema,
  type Swing,
} from "./plan-schema.ts";
export { terminalReport } from "./terminal.ts";

/** The plan as one self-contained HTML page. */
export async function htmlReport(plan: Plan): Promise<string> {
  return (await import("./page.ts")).htmlReport(plan);
}
