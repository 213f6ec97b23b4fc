/** The problem that a brief states: what is open, what is fixed, the evidence at hand, and the draws of every input. */
import type { Sampler } from "../core/index.ts";
import { type ClusterEvidence, type FailureRateEstimate, failureRate } from "../fleet/index.ts";
import type { Accelerator } from "../hardware/index.ts";
import { type ArchitectureLaw, DrawnFamilies } from "../laws/index.ts";
import type { Primitive } from "../model/index.ts";
import type { Brief, Objective } from "./brief.ts";
import type { Constraint } from "./choose.ts";
import { type FamilyRatio, type MeasuredComparison, scaled } from "./comparison.ts";
import { figures } from "./tables.ts";

/** A default that stands in for something that the brief leaves out. */
export interface Default {
  readonly path: string;
  readonly value: string;
  readonly why: string;
}

/** What logs of the user's say of the cluster, read once. */
export interface MeasuredCluster extends ClusterEvidence {
  /** What the readers kept, skipped and mended, and the attempts by state: one sentence each. */
  readonly notes: readonly string[];
}

/** A grid to choose from: a place, or an intensity in gCO2e/kWh that the brief gives. */
export interface Grid {
  readonly name: string;
  readonly given: number | undefined;
}

/** A brief with its defaults and its evidence read. */
export interface Open {
  readonly brief: Brief;
  readonly candidates: readonly string[];
  readonly size: { readonly low: number; readonly high: number };
  /** Tokens of a training sequence. */
  readonly context: number;
  readonly naturalTokens: number;
  readonly rephrasedTokens: number;
  /** The most times that a token may be seen. */
  readonly repeats: number;
  readonly accelerators: readonly Accelerator[];
  /** What the model is served on. */
  readonly serves: Accelerator;
  readonly counts: readonly number[];
  readonly grids: readonly Grid[];
  readonly log: MeasuredCluster | undefined;
  readonly comparison: MeasuredComparison | undefined;
  readonly defaults: readonly Default[];
}

/** The problem with one set of draws. What only depends on part of a design is reckoned once and kept here. */
export class Problem {
  readonly open: Open;
  readonly sampler: Sampler;
  readonly laws: DrawnFamilies;
  readonly failureRate: FailureRateEstimate;
  /** Families that the brief's comparison measured; none without one. */
  readonly families: ReadonlyMap<string, FamilyRatio>;
  readonly #kept = new WeakMap<object, Map<string, unknown>>();

  constructor(open: Open, sampler: Sampler) {
    this.open = open;
    this.sampler = sampler;
    this.laws = new DrawnFamilies(sampler);
    this.failureRate = failureRate(sampler, open.log?.failures);
    this.families = open.comparison?.ratios(this.laws, sampler) ?? new Map();
  }

  /** The law of a model of `layers`, with what a measured comparison says about its family. */
  lawOf(layers: readonly Primitive[]): ArchitectureLaw {
    const law = this.laws.of(layers);
    const ratio = this.families.get(law.composition.family!);
    return ratio ? scaled(law, ratio.weighed.over(ratio.published)) : law;
  }

  get brief(): Brief {
    return this.open.brief;
  }

  /** The same problem with other draws, for a sensitivity analysis. */
  withSampler(sampler: Sampler): Problem {
    return new Problem(this.open, sampler);
  }

  /** What `make` gives for `subject` and `key`; made at the first asking. */
  once<T>(subject: object, key: string, make: () => T): T {
    let kept = this.#kept.get(subject);
    if (!kept) {
      kept = new Map();
      this.#kept.set(subject, kept);
    }
    if (!kept.has(key)) kept.set(key, make());
    return kept.get(key) as T;
  }
}

/** The limits that a brief sets. A deadline and a constraint on days are both kept, and the tighter one binds. */
export function constraintsOf(brief: Brief): Constraint[] {
  const UNITS: Readonly<Record<Objective, string>> = {
    loss: "nat",
    days: "day",
    cost: "USD",
    carbon: "kgCO2e",
    energy: "kWh",
  };
  const confidence =
    brief.constraints?.confidence ?? figures("brief-defaults").get("constraints", "confidence").value;
  const constraint = (objective: Objective, limit: number, path: string[]): Constraint => ({
    objective,
    limit,
    unit: UNITS[objective],
    confidence,
    place: brief.placeOf(path),
  });
  const limits = (Object.keys(UNITS) as Objective[]).flatMap((objective) => {
    const limit = brief.constraints?.[objective];
    return limit === undefined ? [] : [constraint(objective, limit, ["constraints", objective])];
  });
  const deadline = brief.cluster?.deadline;
  return deadline === undefined ? limits : [...limits, constraint("days", deadline, ["cluster", "deadline"])];
}

/** What the brief trades off; loss and cost where it does not say. */
export function objectivesOf(brief: Brief): readonly Objective[] {
  return brief.objectives ?? ["loss", "cost"];
}
