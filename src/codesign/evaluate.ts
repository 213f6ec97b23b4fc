/** What a pair of model and accelerator costs over its life: plain numbers, for searches that ask ten thousand times. */
import { InputError, suggest } from "../core/index.ts";
import {
  type AcceleratorDesign,
  type Convention,
  designArea,
  designMemory,
  designOperationsPerSecond,
  type MappingSpace,
  requireDesign,
} from "../hardware/index.ts";
import { CostModel, type OperationCost } from "./cost.ts";
import type { Scenario } from "./scenario.ts";
import type { Workload } from "./workloads/operation.ts";

/**
 * `published`: the original's energies and mapping rules, to compare with published designs. `remapped`: its energies, but
 * the best of all mappings. `physical`: corrected energies, best of all mappings. See hardware/design.
 */
export const ESTIMATORS = ["published", "remapped", "physical"] as const;
export type Estimator = (typeof ESTIMATORS)[number];

const SETTINGS: Readonly<Record<Estimator, { convention: Convention; space: MappingSpace }>> = {
  published: { convention: "published", space: "sunstone" },
  remapped: { convention: "published", space: "whole" },
  physical: { convention: "physical", space: "whole" },
};

export function requireEstimator(text: string, path: string): Estimator {
  const found = ESTIMATORS.find((name) => name === text);
  if (found) return found;
  throw new InputError({
    place: { path },
    found: `"${text}"`,
    expected: `one of ${ESTIMATORS.join(", ")}`,
    remedy: suggest(text, ESTIMATORS),
  });
}

export function costModel(estimator: Estimator): CostModel {
  return new CostModel(SETTINGS[estimator]);
}

export interface Evaluation {
  readonly latencySeconds: number;
  /** Of one inference. */
  readonly energyJoules: number;
  readonly areaSquareCentimetres: number;
  /** Peak. */
  readonly operationsPerSecond: number;
  readonly parameters: number;
  /** Over the life, kgCO2e. */
  readonly operationalCarbon: number;
  readonly embodiedCarbon: number;
  readonly carbon: number;
  /** Die and electricity over the life, USD. */
  readonly cost: number;
  readonly operations: readonly OperationCost[];
}

/** Throws an `InputError` for a design off the tables. */
export function evaluate(
  workload: Workload,
  design: AcceleratorDesign,
  life: Scenario,
  costs: CostModel,
): Evaluation {
  requireDesign(design, { path: "design" });
  const { latencySeconds, energyJoules, operations } = costs.workload(workload, design);
  const areaSquareCentimetres = designArea(design);
  const lifetimeJoules = energyJoules * life.inferences;
  const operationalCarbon = lifetimeJoules * life.carbonPerJoule;
  const memory = designMemory(workload.parameters);
  const embodiedCarbon =
    areaSquareCentimetres * life.carbonPerArea + (memory.bytes / 1e9) * life.memoryCarbon;
  return {
    latencySeconds,
    energyJoules,
    areaSquareCentimetres,
    operationsPerSecond: designOperationsPerSecond(design),
    parameters: workload.parameters,
    operationalCarbon,
    embodiedCarbon,
    carbon: operationalCarbon + embodiedCarbon,
    cost: lifetimeJoules * life.costPerJoule + areaSquareCentimetres * life.costPerArea,
    operations,
  };
}
