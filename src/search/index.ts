/** The search kernel: studies, spaces, policies, runners, Pareto fronts. See README.md. */
export * from "./drive.ts";
export type { Metrics, Spending, Spent, StudyEvent } from "./events.ts";
export { History, type Trial, type TrialState, type View } from "./history.ts";
export {
  type Goal,
  isFeasible,
  lossesOf,
  type Objective,
  type OutcomeConstraint,
  referenceLosses,
} from "./objectives.ts";
export * from "./operator.ts";
export * from "./pareto/front.ts";
export * from "./pareto/hypervolume.ts";
export { createPolicy, type PolicyOptions } from "./policies/create.ts";
export * from "./policy.ts";
export { resumeStudy } from "./resume.ts";
export * from "./runners/conformance.ts";
export type { EvaluatorModule } from "./runners/host.ts";
export * from "./runners/in-process.ts";
export * from "./runners/process.ts";
export type { Evaluated, Evaluation, Evaluator, EvaluatorContext, Runner } from "./runners/runner.ts";
export * from "./runners/slurm.ts";
export type { Dimension, Parameter, Value } from "./space/parameter.ts";
export * from "./space/space.ts";
export * from "./space/variation.ts";
export type { Budget, StudyCommand, StudyRequest, StudySpec } from "./spec.ts";
export * from "./study.ts";
export * from "./views/export.ts";
export { type Importances, importances } from "./views/importance.ts";
export { studyPage } from "./views/report.ts";
export * from "./views/status.ts";
export { bestTable, type Summary, summary } from "./views/summary.ts";
