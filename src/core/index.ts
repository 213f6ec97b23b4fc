export * from "./errors.ts";
export * from "./progress.ts";
export * from "./random.ts";
