/** The search kernel: studies, spaces, policies, runners, Pareto fronts. See README.md. */

export * from "./drive.ts";
export type { Metrics, Spent, StudyEvent } from "./events.ts";
export { History, type Trial, type TrialState, type View } from "./history.ts";
export * from "./objectives.ts";
export * from "./operator.ts";
export * from "./pareto/front.ts";
export * from "./pareto/hypervolume.ts";
export * from "./policies/create.ts";
export * from "./policy.ts";
export {
  type ConformanceCandidate,
  type ConformanceCase,
  conformanceEvaluator,
  runnerConformance,
} from "./runners/conformance.ts";
export type { EvaluatorModule } from "./runners/host.ts";
export * from "./runners/in-process.ts";
export * from "./runners/process.ts";
export * from "./runners/runner.ts";
export * from "./space/parameter.ts";
export * from "./space/space.ts";
export * from "./space/variation.ts";
export type { Budget, StudyRequest, StudySpec } from "./spec.ts";
export * from "./study.ts";
export * from "./views/export.ts";
export { type Importances, importances } from "./views/importance.ts";
export * from "./views/status.ts";
