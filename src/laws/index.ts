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
} from "./dataConstrained.ts";
export {
  bootstrapFits,
  type FamilyFit,
  type Goodness,
  goodness,
  type HuberLogOptions,
  heldOut,
  huberLog,
  type Run,
  type VariableProjectionOptions,
  variableProjection,
} from "./fit.ts";
export {
  asPoint,
  FAMILIES,
  type Family,
  type HybridRun,
  hybridRuns,
  isoFlopRuns,
  type Mixers,
} from "./hybridRuns.ts";
export { PUBLISHED_LAWS, type PublishedLaw, publishedLaw } from "./publishedLaws.ts";
export { type RephrasedEffect, rephrasedEffect } from "./rephrased.ts";
export { type LawOptions, lawOfRuns, readRuns } from "./runs.ts";
