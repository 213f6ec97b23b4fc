export * from "./embodied.ts";
export * from "./grids.ts";
export * from "./operational.ts";
export * from "./provenance.ts";
export * from "./quantities.ts";
export * from "./training.ts";
