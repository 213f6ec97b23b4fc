export * from "./batch.ts";
export * from "./corpora/index.ts";
export * from "./tasks/index.ts";
export * from "./tokens/index.ts";
