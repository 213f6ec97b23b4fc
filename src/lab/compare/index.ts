export {
  type ComparedArchitecture,
  type ComparedRun,
  type CompareOptions,
  type Comparison,
  type ComparisonTimings,
  compare,
} from "./compare.ts";
export { type Difference, meanInterval, pairedDifference } from "./differences.ts";
export { type MeasuredLosses, measuredLosses } from "./evidence.ts";
export type { Job } from "./jobs.ts";
export { METRICS, type Metric } from "./metrics.ts";
export { type Outcome, readOutcome, runJob } from "./outcome.ts";
export {
  dataSchema,
  type EvaluationPlan,
  type NamedArchitecture,
  type Recipe,
  readRecipe,
} from "./recipe.ts";
export { htmlComparison, terminalComparison } from "./report.ts";
export type { JudgedTrend, Trend } from "./trends.ts";
