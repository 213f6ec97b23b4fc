export {
  type Architecture,
  type ArchitectureSettings,
  type AttentionSettings,
  architecture,
  type ExpertSettings,
  type FeedForwardSettings,
  type HybridSettings,
  type Mixers,
  mixers,
  type SsmSettings,
  type WindowSettings,
} from "./architecture.ts";
export { type CacheBytes, cacheBytes, layerCacheBytes } from "./cache.ts";
export { describe, type ModelSummary } from "./describe.ts";
export {
  attendedPairs,
  type TrainingFlops,
  tokensForBudget,
  trainingFlops,
  trainingFlopsPerToken,
} from "./flops.ts";
export { type HuggingFaceModel, parseHuggingFace, readHuggingFace } from "./huggingface.ts";
export {
  isPrimitive,
  MOST_LAYERS,
  PRIMITIVES,
  type Primitive,
  parseLayers,
  printLayers,
} from "./notation.ts";
export { type Gemm, type Operator, type OperatorKind, operators, operatorTotals } from "./operators.ts";
export {
  type LayerParameters,
  layerCounts,
  layerParameters,
  type ParameterCount,
  parameters,
} from "./parameters.ts";
export { BF16, decodePass, type Pass, type Precision, prefillPass, trainingPass } from "./pass.ts";
export { type Preset, preset, presets } from "./presets.ts";
export { type SizeOptions, widthForSize } from "./size.ts";
export { type LayerWeights, type Linear, layerWeights } from "./weights.ts";
