export * from "./batch.ts";
export * from "./corpora/index.ts";
export * from "./evaluation/index.ts";
export * from "./networks/index.ts";
export * from "./tasks/index.ts";
export * from "./tokens/index.ts";
export * from "./trained/index.ts";
export * from "./training/index.ts";
