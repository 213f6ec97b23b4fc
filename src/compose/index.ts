/** Composer: search small hybrids, aggregate, extrapolate, check. See README.md. */
export {
  type Aggregate,
  type Aggregation,
  type Agreement,
  aggregate,
  agreement,
  type Scored,
} from "./aggregate.ts";
export * from "./compose.ts";
export * from "./extrapolate.ts";
export { type MeasuredRun, type MeasureRequest, measure } from "./oracle/measure.ts";
export * from "./predict.ts";
export type { Protocol } from "./protocol.ts";
export { type ComposeRecipe, readComposeRecipe } from "./recipe.ts";
export { composePage, terminalComposition, terminalExtrapolation } from "./report.ts";
export type { Stage } from "./search.ts";
export type { TrialOptions } from "./trials.ts";
