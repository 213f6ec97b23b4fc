/** The problem that a brief states: what is open, what is fixed, the evidence at hand, and the draws of every input. */

import { DEFAULT_ZONE, knownZone } from "../carbon/index.ts";
import {
  formatNumber,
  InputError,
  type Place,
  parseQuantity,
  printedUnit,
  QuantityError,
  type Sampler,
  type Supervision,
} from "../core/index.ts";
import {
  type ClusterEvidence,
  clusterEvidence,
  type FailureRateEstimate,
  failureRate,
  readClusterLog,
} from "../fleet/index.ts";
import { type Accelerator, accelerator, readPart } from "../hardware/index.ts";
import { DrawnFamilies } from "../laws/index.ts";
import { type Brief, besideBrief, type Objective } from "./brief.ts";
import type { Constraint } from "./choose.ts";
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
  /** What the model is served on. */
  readonly serves: Accelerator;
  readonly counts: readonly number[];
  readonly grids: readonly Grid[];
  readonly log: MeasuredCluster | undefined;
  readonly defaults: readonly Default[];
}

/** The problem with one set of draws. What only depends on part of a design is reckoned once and kept here. */
export class Problem {
  readonly open: Open;
  readonly sampler: Sampler;
  readonly laws: DrawnFamilies;
  readonly failureRate: FailureRateEstimate;
  readonly #kept = new WeakMap<object, Map<string, unknown>>();

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
      path: `${subject}.${figure.replaceAll(" ", "_")}`,
      value: `${formatNumber(row.value)} ${printedUnit(row.unit.symbol)}`.trim(),
      why: [row.note, source!.title].filter((part) => part !== "").join("; "),
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
  const sizeEnd = (end: "low" | "high") => table.get("model", `size ${end}`).value;
  const size = named(
    brief.model?.size,
    "model.size",
    { low: sizeEnd("low"), high: sizeEnd("high") },
    `${formatNumber(sizeEnd("low"))} to ${formatNumber(sizeEnd("high"))} parameters`,
    table.get("model", "size low").note,
  );
  // One value may be written without a list around it.
  const at = (path: string[], index: number, list: readonly string[] | undefined) =>
    brief.placeOf(list && list.length > 1 ? [...path, index] : path);
  const count = brief.cluster?.count ?? orDefault(undefined, "cluster", "count");

  const accelerators = names.map((name, i) =>
    trainingAccelerator(name, at(["cluster", "accelerator"], i, brief.cluster?.accelerator)),
  );
  const open: Open = {
    brief,
    candidates,
    size,
    context: orDefault(brief.model?.context, "model", "context"),
    naturalTokens: orDefault(brief.data?.natural, "data", "natural"),
    rephrasedTokens: named(
      brief.data?.rephrased,
      "data.rephrased",
      0,
      "none",
      "rephrasing costs work of its own",
    ),
    repeats: orDefault(brief.data?.repeats, "data", "repeats"),
    accelerators,
    serves: servingAccelerator(brief) ?? accelerators[0]!,
    counts: Array.isArray(count) ? count : halvings(count),
    grids: zones.map((zone, i) => gridNamed(zone, at(["grid", "region"], i, brief.grid?.region))),
    log: await readLog(brief, supervision),
    defaults,
  };
  named(
    brief.cluster?.price,
    "cluster.price",
    undefined,
    "the published rental price",
    "what this cluster costs was not said",
  );
  named(
    brief.cluster?.log,
    "cluster.log",
    undefined,
    "the failure rates of published clusters",
    "no log of this cluster was given",
  );
  named(
    brief.objectives,
    "objectives",
    undefined,
    objectivesOf(brief).join(", "),
    "what every training run trades off",
  );
  if (constraintsOf(brief).length > 0) {
    orDefault(brief.constraints?.confidence, "constraints", "confidence");
  }
  if (brief.serving !== undefined) {
    named(
      brief.serving.accelerator,
      "serving.accelerator",
      open.serves.name,
      open.serves.name,
      "the first that trains serves too",
    );
    orDefault(brief.serving.prompt, "serving", "prompt");
    orDefault(brief.serving.output, "serving", "output");
    orDefault(brief.serving.first_token, "serving", "first token");
  }
  return new Problem(open, sampler);
}

function trainingAccelerator(name: string, place: Place): Accelerator {
  if (!isFile(name)) return accelerator(name, place);
  throw new InputError({
    place,
    found: `"${name}", an accelerator of a file`,
    expected: "an accelerator of data/accelerators.csv: one of a file computes in int8 and trains nothing",
    remedy: "name it under serving.accelerator",
  });
}

const isFile = (accelerator: string) => accelerator.endsWith(".json");

/** An accelerator of the tables, or one that a file beside the brief describes. */
function servingAccelerator(brief: Brief): Accelerator | undefined {
  const text = brief.serving?.accelerator;
  if (text === undefined) return undefined;
  const path = ["serving", "accelerator"];
  return isFile(text) ? readPart(besideBrief(brief, text, path)) : accelerator(text, brief.placeOf(path));
}

function gridNamed(text: string, place: Place): Grid {
  // No place begins with a digit.
  if (!/^\s*\d/.test(text)) return { name: knownZone(text, place), given: undefined };
  try {
    return { name: text.trim(), given: parseQuantity(text, "gCO2e/kWh") };
  } catch (error) {
    if (!(error instanceof QuantityError)) throw error;
    throw new InputError({
      place,
      found: `"${text}"`,
      expected: "a grid zone, a country, or an intensity such as 57 gCO2e/kWh",
      remedy: error.message,
    });
  }
}

/** The whole cluster, and parts of it: fewer accelerators cost less where time is not what matters. */
function halvings(count: number): number[] {
  const counts: number[] = [];
  for (let n = count; n >= 1 && counts.length < 5; n = Math.floor(n / 2)) counts.push(n);
  return counts;
}

async function readLog(brief: Brief, supervision: Supervision): Promise<MeasuredCluster | undefined> {
  const files = brief.cluster?.log;
  if (files === undefined) return undefined;
  const path = ["cluster", "log"];
  const log = await readClusterLog(
    files.map((file, index) => besideBrief(brief, file, files.length > 1 ? [...path, index] : path)),
    supervision,
  );
  const sentences = log.readings.flatMap((reading) => reading.sentences());
  if (log.attempts.length === 0) {
    throw new InputError({
      place: brief.placeOf(path),
      found: `"${files.join(", ")}", a log without a single job (${sentences.join("; ")})`,
      expected: "a log with the jobs of some days",
      remedy: "check --starttime and --endtime of the sacct call, or leave cluster.log out",
    });
  }
  const states = Object.entries(log.attempts.byState()).map(([state, attempts]) => `${attempts} ${state}`);
  return {
    ...clusterEvidence(log),
    notes: [...sentences, `attempts by state: ${states.join(", ")}`],
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
