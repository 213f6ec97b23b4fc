export * from "./checkpoint.ts";
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
export * from "./operations/elementwise.ts";
export * from "./operations/matmul.ts";
export * from "./operations/neural.ts";
export * from "./operations/reduce.ts";
export * from "./operations/shape.ts";
export type { AdamWOptions } from "./optimise/adamw.ts";
export * from "./optimise/schedule.ts";
export * from "./parameters.ts";
export * from "./providers.ts";
export * from "./runtime.ts";
export { readSafetensors, type StoredTensor, type StoredTensors, writeSafetensors } from "./safetensors.ts";
export * from "./train.ts";
