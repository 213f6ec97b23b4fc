/** The problem that a brief states: what is open, what is fixed, the evidence at hand, and the draws of every input. */

import { DEFAULT_ZONE, knownZone } from "../carbon/index.ts";
import { formatNumber, type Sampler, type Supervision } from "../core/index.ts";
import {
  type FailureRateEstimate,
  failureRate,
  type LoggedFailures,
  nodeFailures,
  readSacct,
} from "../fleet/index.ts";
import { type Accelerator, accelerator, trainingSteps } from "../hardware/index.ts";
import type { ServicePlan } from "../inference/index.ts";
import { DrawnFamilies } from "../laws/index.ts";
import type { Architecture } from "../model/index.ts";
import { type Brief, besideBrief, type Objective } from "./brief.ts";
import type { Constraint } from "./choose.ts";
import type { Impossible } from "./decision.ts";
import { figures } from "./tables.ts";

/** A default that stands in for something that the brief leaves out. */
export interface Default {
  readonly path: string;
  readonly value: string;
  readonly why: string;
}

/** What a log of the user's says, read once. */
export interface ClusterLog {
  readonly failures: LoggedFailures;
  /** What the reader kept, skipped and mended, and the attempts by state: one sentence each. */
  readonly notes: readonly string[];
}

interface Open {
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
  readonly counts: readonly number[];
  readonly zones: readonly string[];
  readonly log: ClusterLog | undefined;
  readonly defaults: readonly Default[];
}

type StepsOf = ReturnType<typeof trainingSteps>;

/** The problem with one set of draws. What only depends on part of a design is reckoned once and kept here. */
export class Problem {
  readonly open: Open;
  readonly sampler: Sampler;
  readonly laws: DrawnFamilies;
  readonly failureRate: FailureRateEstimate;
  readonly #steps = new WeakMap<Architecture, Map<string, StepsOf>>();
  readonly #services = new WeakMap<Architecture, ServicePlan | Impossible>();

  constructor(open: Open, sampler: Sampler) {
    this.open = open;
    this.sampler = sampler;
    this.laws = new DrawnFamilies(sampler);
    this.failureRate = failureRate(sampler, open.log?.failures);
  }

  get brief(): Brief {
    return this.open.brief;
  }

  /** The same problem with other draws, for a sensitivity analysis. */
  withSampler(sampler: Sampler): Problem {
    return new Problem(this.open, sampler);
  }

  /** How `architecture` is served; `plan` is asked once for each. */
  service(architecture: Architecture, plan: () => ServicePlan | Impossible): ServicePlan | Impossible {
    const known = this.#services.get(architecture) ?? plan();
    this.#services.set(architecture, known);
    return known;
  }

  /** What a training step of `architecture` takes on any number of accelerators `a`. */
  trainingSteps(architecture: Architecture, a: Accelerator): StepsOf {
    const known = this.#steps.get(architecture) ?? new Map<string, StepsOf>();
    this.#steps.set(architecture, known);
    let steps = known.get(a.name);
    if (!steps) {
      steps = trainingSteps(this.sampler, a, { architecture, context: this.open.context });
      known.set(a.name, steps);
    }
    return steps;
  }
}

/** Resolves a brief: defaults for what it leaves out, names looked up, logs read. */
export async function gatherProblem(
  brief: Brief,
  sampler: Sampler,
  supervision: Supervision = {},
): Promise<Problem> {
  const defaults: Default[] = [];
  const table = figures("brief-defaults");
  const orDefault = (value: number | undefined, subject: string, figure: string): number => {
    if (value !== undefined) return value;
    const row = table.get(subject, figure);
    const [source] = row.evidence.sources;
    defaults.push({
      path: `${subject}.${figure}`,
      value: `${formatNumber(row.value)} ${row.unit.symbol === "1" ? "" : row.unit.symbol}`.trim(),
      why: `${row.note} (${source!.title})`,
    });
    return row.value;
  };
  const named = <T>(value: T | undefined, path: string, standIn: T, shown: string, why: string): T => {
    if (value !== undefined) return value;
    defaults.push({ path, value: shown, why });
    return standIn;
  };

  const candidates = named(
    brief.model?.candidates,
    "model.candidates",
    ["(AF)16", "(SF)3 AF (SF)4 AF (SF)4"],
    "a transformer and a one-to-six hybrid with attention in the middle",
    "the two ends that published comparisons find worth building",
  );
  const names = named(
    brief.cluster?.accelerator,
    "cluster.accelerator",
    ["h100-sxm"],
    "h100-sxm",
    "the accelerator of most published runs of this size",
  );
  const zones = named(
    brief.grid?.region,
    "grid.region",
    [DEFAULT_ZONE],
    DEFAULT_ZONE,
    "no region was named, so the mean of the world stands in; a real site differs by a factor of ten either way",
  );
  const at = (path: string[], index: number, list: unknown) =>
    brief.placeOf(Array.isArray(list) ? [...path, index] : path);
  const written = brief.cluster?.count;
  const count = written === undefined ? orDefault(undefined, "cluster", "count") : written;

  const open: Open = {
    brief,
    candidates,
    size: brief.model?.size ?? {
      low: orDefault(undefined, "model", "size low"),
      high: orDefault(undefined, "model", "size high"),
    },
    context: orDefault(brief.model?.context, "model", "context"),
    naturalTokens: orDefault(brief.data?.natural, "data", "natural"),
    rephrasedTokens: brief.data?.rephrased ?? 0,
    repeats: orDefault(brief.data?.repeats, "data", "repeats"),
    accelerators: names.map((name, i) => accelerator(name, at(["cluster", "accelerator"], i, names))),
    counts: Array.isArray(count) ? count : halvings(count),
    zones: zones.map((zone, i) => knownZone(zone, at(["grid", "region"], i, zones))),
    log: await readLog(brief, supervision),
    defaults,
  };
  if (brief.serving !== undefined) {
    orDefault(brief.serving.prompt, "serving", "prompt");
    orDefault(brief.serving.output, "serving", "output");
    orDefault(brief.serving.first_token, "serving", "first token");
  }
  return new Problem(open, sampler);
}

/** The whole cluster, and parts of it: fewer accelerators cost less where time is not what matters. */
function halvings(count: number): number[] {
  const counts: number[] = [];
  for (let n = count; n >= 1 && counts.length < 5; n = Math.floor(n / 2)) counts.push(n);
  return counts;
}

async function readLog(brief: Brief, supervision: Supervision): Promise<ClusterLog | undefined> {
  if (brief.cluster?.log === undefined) return undefined;
  const log = await readSacct(besideBrief(brief, brief.cluster.log), supervision);
  const states = Object.entries(log.attempts.byState()).map(([state, attempts]) => `${attempts} ${state}`);
  return {
    failures: nodeFailures(log.attempts),
    notes: [...log.reading.sentences(), `attempts by state: ${states.join(", ")}`],
  };
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
