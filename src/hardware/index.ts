export {
  type Accelerator,
  accelerator,
  accelerators,
  electricityPrice,
  FORMATS,
  type Format,
  peakFlopsPerSecond,
  powerLimit,
  rentalPrice,
} from "./accelerators.ts";
export {
  allReduceCost,
  type CollectiveCost,
  collectiveSeconds,
  type Group,
  gatherCost,
  type Interconnect,
  interconnect,
} from "./collectives.ts";
export * from "./design/index.ts";
export { machineEfficiency, programEfficiency } from "./efficiencies.ts";
export type { Recomputation, Sharding } from "./memory.ts";
export { type Part, partSchema, readPart } from "./part.ts";
export { averagePower, type PowerPerAccelerator } from "./power.ts";
export {
  bytesMoved,
  operatorTime,
  type Roofline,
  type RooflineTerms,
  roofline,
  rooflineSeconds,
  rooflineTerms,
  tensorParallelPart,
  type Work,
} from "./roofline.ts";
export {
  DEFAULT_BATCH_TOKENS,
  type TrainingLayout,
  type TrainingStep,
  type TrainingWorkload,
  trainingSteps,
} from "./training.ts";
