/** How a brief becomes a problem: defaults for what it leaves out, names looked up, logs and comparisons read. */
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
import { clusterEvidence, readClusterLog } from "../fleet/index.ts";
import { type Accelerator, accelerator, readPart } from "../hardware/index.ts";
import { DrawnFamilies } from "../laws/index.ts";
import { type Brief, besideBrief } from "./brief.ts";
import { MeasuredComparison } from "./comparison.ts";
import {
  constraintsOf,
  type Default,
  type Grid,
  type MeasuredCluster,
  type Open,
  objectivesOf,
  Problem,
} from "./problem.ts";
import { figures } from "./tables.ts";

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
  const context = orDefault(brief.model?.context, "model", "context");
  const naturalTokens = orDefault(brief.data?.natural, "data", "natural");
  const rephrasedTokens = named(
    brief.data?.rephrased,
    "data.rephrased",
    0,
    "none",
    "rephrasing costs work of its own",
  );
  const repeats = orDefault(brief.data?.repeats, "data", "repeats");
  const open: Open = {
    brief,
    candidates,
    size,
    context,
    naturalTokens,
    rephrasedTokens,
    repeats,
    accelerators,
    serves: servingAccelerator(brief) ?? accelerators[0]!,
    counts: Array.isArray(count) ? count : halvings(count),
    grids: zones.map((zone, i) => gridNamed(zone, at(["grid", "region"], i, brief.grid?.region))),
    log: await readLog(brief, supervision),
    comparison: await readComparison(brief, sampler, size, (naturalTokens + rephrasedTokens) * repeats),
    defaults,
  };
  named(
    brief.model?.comparison,
    "model.comparison",
    undefined,
    "the published laws of each family of architectures",
    "no measured comparison was given",
  );
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

/** The brief's comparison, weighed for the middle of its sizes and of the tokens that it may train them on. */
async function readComparison(
  brief: Brief,
  sampler: Sampler,
  { low, high }: Open["size"],
  supply: number,
): Promise<MeasuredComparison | undefined> {
  if (brief.model?.comparison === undefined) return undefined;
  const path = ["model", "comparison"];
  const parameters = Math.sqrt(low * high);
  const [fewest, most] = ["low", "high"].map(
    (end) => figures("brief-defaults").get("data", `tokens per parameter ${end}`).value,
  );
  const target = { parameters, tokens: Math.min(supply, parameters * Math.sqrt(fewest! * most!)) };
  const file = besideBrief(brief, brief.model.comparison, path);
  // Loads what trains networks: only where it is asked for.
  const { measuredLosses } = await import("../lab/index.ts");
  return new MeasuredComparison(
    measuredLosses(file),
    file,
    brief.placeOf(path),
    target,
    new DrawnFamilies(sampler),
  );
}
