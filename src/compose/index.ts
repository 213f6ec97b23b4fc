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
export { type AnalyseOptions, analyseOracle, type OracleAnalysis } from "./oracle/analyse.ts";
export { type MeasuredRun, type MeasureRequest, measure } from "./oracle/measure.ts";
export { measureOracle } from "./oracle/oracle.ts";
export { oraclePage, terminalOracle } from "./oracle/report.ts";
export { type OracleTable, packagedOracle } from "./oracle/table.ts";
export * from "./predict.ts";
export type { Protocol } from "./protocol.ts";
export { type ComposeRecipe, readComposeRecipe } from "./recipe.ts";
export { composePage, terminalComposition, terminalExtrapolation } from "./report.ts";
export type { Stage } from "./search.ts";
export type { TrialOptions } from "./trials.ts";
