export {
  type Checkpoint,
  loadCheckpoint,
  newestCheckpoint,
  requireSame,
  restoreTrainer,
  type SaveOptions,
  saveCheckpoint,
  saveTrainer,
} from "./checkpoint.ts";
export { gradients } from "./differentiate.ts";
export * from "./export.ts";
export {
  bool,
  constant,
  type DataType,
  type Elements,
  fill,
  float32,
  float64,
  int32,
  OperationError,
  range,
  type Shape,
  sizeOf,
  stopGradient,
  type Tensor,
  type TensorSpec,
  withGradient,
} from "./graph.ts";
export * from "./operations/attention.ts";
export { cachedAttention, type KeysAndValues } from "./operations/cache.ts";
export {
  absolute,
  add,
  and,
  cast,
  divide,
  equal,
  exp,
  gelu,
  greater,
  greaterOrEqual,
  less,
  lessOrEqual,
  log,
  maximum,
  minimum,
  multiply,
  negate,
  not,
  oneHot,
  or,
  reciprocal,
  relu,
  sigmoid,
  silu,
  softplus,
  sqrt,
  square,
  subtract,
  tanh,
  where,
} from "./operations/elementwise.ts";
export * from "./operations/matmul.ts";
export * from "./operations/neural.ts";
export * from "./operations/reduce.ts";
export {
  broadcastTo,
  concatenate,
  expandAxis,
  pad,
  reshape,
  slice,
  split,
  stack,
  transpose,
} from "./operations/shape.ts";
export type { AdamWOptions } from "./optimise/adamw.ts";
export * from "./optimise/schedule.ts";
export * from "./parameters.ts";
export * from "./providers.ts";
export {
  type Program,
  type ProgramSpec,
  Runtime,
  type RuntimeOptions,
  type Specs,
  type StateRows,
  type TensorsOf,
  type Traced,
  type ValuesOf,
} from "./runtime.ts";
export { readSafetensors, type StoredTensor, type StoredTensors, writeSafetensors } from "./safetensors.ts";
export * from "./train.ts";
