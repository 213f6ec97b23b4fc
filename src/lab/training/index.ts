export { scoreOf, testTally } from "./accuracy.ts";
export {
  type CorpusData,
  type DataSource,
  openData,
  TASKS,
  type TaskData,
  type TrainingData,
  taskOf,
  tokenizerNamed,
} from "./data.ts";
export { DEFAULTS } from "./defaults.ts";
export { type Compile, type LanguageModel, languageModel, Scorer } from "./language-model.ts";
export { type ModelConfig, modelOf, readModelConfig } from "./model-config.ts";
export { type Budget, dial, type OptimiserPlan, type RunPlan, stepsFor } from "./plan.ts";
export { planRun, type RunRequest, smallModel } from "./request.ts";
export { RunFolder, type RunResult, type RunTimings, type StepLine, writeWhole } from "./run-folder.ts";
export { DivergedError, TEST_SEQUENCES, type TrainOptions, train } from "./train.ts";
