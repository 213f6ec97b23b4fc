export * from "./accelerator.ts";
export {
  CONVENTIONS,
  type Convention,
  type Hierarchy,
  hierarchy,
  requireConvention,
} from "./energies.ts";
export { designEvidence, designFigure, WORD_BYTES } from "./figures.ts";
export { type Mapping, mapProduct, type Stationary } from "./mapper.ts";
export { type MatrixProduct, parseProduct, requireProduct, type Tile } from "./product.ts";
export type { MappingSpace } from "./unrolling.ts";
export { type Cost, fusedCycles, type VectorWork, vectorCost } from "./vector-core.ts";
