export { type Brief, briefSchema, OBJECTIVES, type Objective, parseBrief, readBrief } from "./brief.ts";
export type { Constraint } from "./choose.ts";
export type { Decision, Explanation } from "./decision.ts";
export type { PlanFigure } from "./figures.ts";
export { type FrontPoint, makePlan, type Plan, type PlanConstraint, type PlanDecision } from "./plan.ts";
export { htmlReport, terminalReport } from "./report.ts";
export type { Swing } from "./sensitivity.ts";
