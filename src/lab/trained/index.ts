export { Decoder } from "./decoder.ts";
export { exportModel } from "./export.ts";
export { type Generated, type GenerateOptions, generate } from "./generate.ts";
export { TrainedModel } from "./trained-model.ts";
