export * from "./compare.ts";
export { CostModel, type CostOptions, type OperationCost, type WorkloadCost } from "./cost.ts";
export * from "./evaluate.ts";
export * from "./families.ts";
export { namedFamily, namedWorkload, readArchitectures } from "./named.ts";
export { foundParts, partFiles } from "./part.ts";
export * from "./published.ts";
export {
  type Direction,
  type KnownModel,
  type Prediction,
  type QualitySurrogate,
  qualitySurrogate,
} from "./quality.ts";
export { codesignPage } from "./report.ts";
export { runStudies } from "./run.ts";
export * from "./scenario.ts";
export * from "./search.ts";
export * from "./terminal.ts";
export { type Confirmation, type TrainedFamily, trainedFamily } from "./trained.ts";
export { type ClipShape, clipParameters, clipWorkload } from "./workloads/clip.ts";
export { decoderWorkload, type Phase, phaseOf } from "./workloads/decoder.ts";
export type { EncoderShape } from "./workloads/encoder.ts";
export { bertWorkload, vitWorkload } from "./workloads/encoders.ts";
export type { Operation, Workload } from "./workloads/operation.ts";
