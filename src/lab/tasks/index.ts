export { type CompressionSettings, compression } from "./compression.ts";
export { type FuzzyInContextRecallSettings, fuzzyInContextRecall } from "./fuzzy-in-context-recall.ts";
export {
  type InContextRecallSettings,
  inContextRecall,
  type NoisyInContextRecallSettings,
  noisyInContextRecall,
} from "./in-context-recall.ts";
export {
  MAD_TASKS,
  type MadCase,
  type MadProtocol,
  type MadResult,
  type MadSettings,
  type MadTaskName,
  madBaseline,
  madCases,
  madProtocol,
  madScore,
  madTask,
} from "./mad.ts";
export { type MemorizationSettings, memorization, memorizationCoverage } from "./memorization.ts";
export {
  type MultiQueryAssociativeRecallSettings,
  multiQueryAssociativeRecall,
  ZOOLOGY_BASELINE,
} from "./multi-query-associative-recall.ts";
export { type RetrievalCell, type RetrievalSettings, retrieval, retrievalGrid } from "./retrieval.ts";
export {
  type AccuracyCurve,
  AccuracyTally,
  areaUnderAccuracyCurve,
  type StepsToAccuracy,
  stepsToAccuracy,
} from "./score.ts";
export { epochBatches, type Split, type Task } from "./task.ts";
