export {
  type CorpusSource,
  type DataSource,
  openData,
  TASKS,
  type TaskSource,
  type TrainingData,
  taskOf,
} from "./data.ts";
export { type LanguageModel, languageModel, Scorer } from "./language-model.ts";
export { type ModelConfig, modelOf, readModelConfig } from "./model-config.ts";
export { type Budget, DEFAULTS, dial, type OptimiserPlan, type RunPlan, stepsFor } from "./plan.ts";
export { RunFolder, type RunResult, type RunTimings, type StepLine } from "./run-folder.ts";
export { TEST_SEQUENCES, type TrainOptions, train } from "./train.ts";
