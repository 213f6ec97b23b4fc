/**
 * Latency and energy of a workload on an accelerator: operations strictly one after another, matrix products on the tensor
 * cores, the rest on the vector cores (CATransformers, section on its estimator).
 */
import {
  type AcceleratorDesign,
  type Convention,
  type Cost,
  clockHertz,
  type Hierarchy,
  hierarchy,
  type MappingSpace,
  type MatrixProduct,
  mapProduct,
  vectorCost,
} from "../hardware/index.ts";
import type { Operation, ProductWork, Workload } from "./workloads/operation.ts";

export interface CostOptions {
  readonly convention: Convention;
  readonly space: MappingSpace;
}

export interface OperationCost {
  readonly name: string;
  readonly latencySeconds: number;
  readonly energyJoules: number;
}

export interface WorkloadCost {
  readonly latencySeconds: number;
  readonly energyJoules: number;
  readonly operations: readonly OperationCost[];
}

/**
 * Costs products once for each size and hierarchy: designs of a search share most of them, and a mapping does not depend
 * on what else is asked. Grows by a number pair a product; keep one for as long as one search runs.
 */
export class CostModel {
  readonly options: CostOptions;
  readonly #products = new Map<string, Cost>();
  readonly #hierarchies = new Map<string, { key: string; hierarchy: Hierarchy }>();

  constructor(options: CostOptions) {
    this.options = options;
  }

  workload({ operations }: Workload, design: AcceleratorDesign): WorkloadCost {
    const rows = operations.map((operation) => this.#operation(operation, design));
    return {
      latencySeconds: rows.reduce((sum, row) => sum + row.latencySeconds, 0),
      energyJoules: rows.reduce((sum, row) => sum + row.energyJoules, 0),
      operations: rows,
    };
  }

  #operation({ name, count, work }: Operation, design: AcceleratorDesign): OperationCost {
    const { cycles, energyJoules } =
      work.kind === "product"
        ? this.#copies(work, design)
        : vectorCost(work, design, this.options.convention);
    return { name, latencySeconds: (count * cycles) / clockHertz(), energyJoules: count * energyJoules };
  }

  /**
   * The original folds the products of all heads into one with more rows, as if they shared a right operand, and lets the
   * windows of a patch embedding overlap; physically each head's product is its own, and patches do not overlap.
   */
  #copies({ rows, depth, columns, copies, sliding }: ProductWork, design: AcceleratorDesign): Cost {
    const published = this.options.convention === "published";
    if (published && !sliding && Number.isInteger(copies))
      return this.#product({ rows: rows * copies, depth, columns }, design);
    const one = this.#product({ rows, depth, columns, sliding: published ? sliding : undefined }, design);
    return { cycles: one.cycles * copies, energyJoules: one.energyJoules * copies };
  }

  #product(product: MatrixProduct, design: AcceleratorDesign): Cost {
    const levels = this.#hierarchy(design);
    const { rows, depth, columns, sliding } = product;
    const key = `${rows},${depth},${columns},${sliding?.window ?? 0}|${levels.key}`;
    let cost = this.#products.get(key);
    if (!cost) {
      const { cycles, energyJoules } = mapProduct(product, levels.hierarchy, this.options.space);
      cost = { cycles, energyJoules };
      this.#products.set(key, cost);
    }
    return cost;
  }

  #hierarchy(design: AcceleratorDesign) {
    const key = Object.values(design).join();
    let known = this.#hierarchies.get(key);
    if (!known) {
      known = { key, hierarchy: hierarchy(design, this.options.convention) };
      this.#hierarchies.set(key, known);
    }
    return known;
  }
}
