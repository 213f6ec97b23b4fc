export {
  type ArchitectureLaw,
  DrawnFamilies,
  type FamilyLaws,
  familyLaws,
} from "./architectures.ts";
export {
  type Coefficients,
  computeOptimum,
  DrawnLaw,
  drawLaw,
  type FittedRange,
  lossAt,
  type Reach,
  rangeOf,
  reach,
  type ScalingLaw,
} from "./chinchilla.ts";
export { type Composition, compositionOf, type Effect, placementEffect, shareEffect } from "./composition.ts";
export {
  type Decay,
  dataConstrainedLoss,
  effectiveAmount,
  effectiveTokens,
  optimalParameters,
  publishedDataConstrained,
} from "./data-constrained.ts";
export { bootstrapFits, type Goodness, goodness, heldOut } from "./goodness.ts";
export { type HuberLogOptions, huberLog } from "./huber-log.ts";
export { FAMILIES, type Family, type HybridRun, hybridRuns, type Mixers } from "./hybrid-runs.ts";
export { PUBLISHED_LAWS, type PublishedLaw, publishedLaw } from "./published-laws.ts";
export { type RephrasedEffect, rephrasedEffect } from "./rephrased.ts";
export type { Run } from "./run.ts";
export { type LawOptions, lawOfRuns, readRuns } from "./run-file.ts";
export { type FamilyFit, type VariableProjectionOptions, variableProjection } from "./variable-projection.ts";
