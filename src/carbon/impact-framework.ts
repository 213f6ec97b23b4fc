/**
 * Imports manifests of the Green Software Foundation's Impact Framework (YAML): what its pipeline has computed, a record a
 * leaf of the tree. The pipeline itself is not run here: a manifest with inputs only is sent to `if-run` first.
 */
import { z } from "zod";
import { Estimate, InputError, type Place, readConfig, suggest } from "../core/index.ts";
import type { EmbodiedRecord, LedgerRecord, OperationalRecord, Phase } from "./ledger.ts";
import { overComponents, overTime } from "./metrics.ts";
import type { Provenance } from "./provenance.ts";

const Observation = z.looseObject({
  timestamp: z.unknown(),
  duration: z.number({ error: "a duration in seconds" }).nonnegative(),
});
type Observation = z.output<typeof Observation>;

interface TreeNode {
  readonly children?: Readonly<Record<string, TreeNode>> | undefined;
  readonly defaults?: Readonly<Record<string, unknown>> | null | undefined;
  readonly inputs?: readonly Observation[] | undefined;
  readonly outputs?: readonly Observation[] | undefined;
}
const TreeNode: z.ZodType<TreeNode> = z.lazy(() =>
  z.looseObject({
    children: z.record(z.string(), TreeNode).optional(),
    defaults: z.record(z.string(), z.unknown()).nullish(),
    inputs: z.array(Observation).optional(),
    outputs: z.array(Observation).optional(),
  }),
);

const Metadata = z.record(z.string(), z.looseObject({ unit: z.string().optional() }));
const Manifest = z.looseObject({
  name: z.string(),
  initialize: z
    .looseObject({
      plugins: z
        .record(
          z.string(),
          z.looseObject({
            "parameter-metadata": z
              .looseObject({ inputs: Metadata.nullish(), outputs: Metadata.nullish() })
              .nullish(),
          }),
        )
        .nullish(),
    })
    .nullish(),
  /** Written by `if-run` when it computes a manifest. */
  execution: z.looseObject({ environment: z.looseObject({ "date-time": z.unknown() }).nullish() }).nullish(),
  tree: TreeNode,
});

/** The framework's own parameters and their units, and what other units are in them. */
const PARAMETERS = {
  energy: { kWh: 1, Wh: 1e-3, MWh: 1e3, J: 1 / 3.6e6, MJ: 1 / 3.6 },
  carbon: { gCO2eq: 1, gCO2e: 1, kgCO2eq: 1e3, kgCO2e: 1e3 },
  "carbon-operational": { gCO2eq: 1, gCO2e: 1, kgCO2eq: 1e3, kgCO2e: 1e3 },
  "carbon-embodied": { gCO2eq: 1, gCO2e: 1, kgCO2eq: 1e3, kgCO2e: 1e3 },
  "grid/carbon-intensity": { "gCO2eq/kWh": 1, "gCO2e/kWh": 1, "kgCO2eq/MWh": 1 },
} as const satisfies Record<string, Readonly<Record<string, number>>>;
type Parameter = keyof typeof PARAMETERS;

export interface ImportedManifest {
  readonly name: string;
  readonly records: LedgerRecord[];
  /** Carbon per functional unit of the whole tree, averaged over time and summed over leaves; undefined without any. */
  readonly sci: number | undefined;
}

export function readManifest(file: string, phase: Phase): ImportedManifest {
  const { value: manifest, placeOf } = readConfig(file, Manifest, "a manifest of the Impact Framework");
  const factors = parameterFactors(manifest, (...path) => placeOf(path));
  const leaves = leavesOf(manifest.tree, ["tree"], {});
  const computed = manifest.execution?.environment?.["date-time"];
  const source: Provenance = {
    what: `manifest ${manifest.name}`,
    origin: "given",
    source: file,
    vintage: computed === undefined ? undefined : String(computed),
  };
  const records = leaves.flatMap((leaf) =>
    leafRecords(leaf, phase, factors, source, (path) => placeOf(path)),
  );
  const rates = leaves.flatMap(({ path, node }) => {
    const spans = (node.outputs ?? []).flatMap((row) =>
      typeof row.sci === "number" ? [{ value: row.sci, seconds: row.duration }] : [],
    );
    return spans.length > 0 ? [overTime(spans, "rate", placeOf([...path, "outputs"]))] : [];
  });
  return {
    name: manifest.name,
    records,
    sci: rates.length > 0 ? overComponents(rates, "rate") : undefined,
  };
}

interface Leaf {
  readonly path: readonly string[];
  readonly node: TreeNode;
  readonly defaults: Readonly<Record<string, unknown>>;
}

/** Nodes with observations of their own; what a parent repeats of its children's is an aggregate and is left out. */
function leavesOf(node: TreeNode, path: readonly string[], inherited: Leaf["defaults"]): Leaf[] {
  const defaults = { ...inherited, ...node.defaults };
  const children = Object.entries(node.children ?? {});
  if (children.length === 0) return [{ path, node, defaults }];
  return children.flatMap(([name, child]) => leavesOf(child, [...path, "children", name], defaults));
}

/** How much of the framework's unit one unit of the manifest is, a parameter. */
function parameterFactors(
  manifest: z.output<typeof Manifest>,
  placeOf: (...path: string[]) => Place,
): Record<Parameter, number> {
  const factors = Object.fromEntries(Object.keys(PARAMETERS).map((name) => [name, 1])) as Record<
    Parameter,
    number
  >;
  for (const [plugin, { "parameter-metadata": metadata }] of Object.entries(
    manifest.initialize?.plugins ?? {},
  )) {
    for (const side of ["inputs", "outputs"] as const) {
      for (const [parameter, { unit }] of Object.entries(metadata?.[side] ?? {})) {
        const known: Readonly<Record<string, number>> | undefined = PARAMETERS[parameter as Parameter];
        if (known === undefined || unit === undefined) continue;
        const factor = known[unit];
        if (factor === undefined) {
          throw new InputError({
            place: placeOf("initialize", "plugins", plugin, "parameter-metadata", side, parameter, "unit"),
            found: `the unit "${unit}" of ${parameter}`,
            expected: "a unit that is known here",
            remedy: suggest(unit, Object.keys(known)),
          });
        }
        factors[parameter as Parameter] = factor;
      }
    }
  }
  return factors;
}

function leafRecords(
  { path, node, defaults }: Leaf,
  phase: Phase,
  factors: Readonly<Record<Parameter, number>>,
  source: Provenance,
  placeOf: (path: readonly string[]) => Place,
): LedgerRecord[] {
  const key = node.outputs && node.outputs.length > 0 ? "outputs" : "inputs";
  const rows = node[key] ?? [];
  const value = (row: Observation, index: number, parameter: Parameter): number | undefined => {
    const found = row[parameter] ?? defaults[parameter];
    if (found === undefined) return undefined;
    if (typeof found === "number" && found >= 0) return found * factors[parameter];
    throw new InputError({
      place: placeOf([...path, key, String(index), parameter]),
      found: JSON.stringify(found),
      expected: `a number of 0 or more for ${parameter}`,
    });
  };
  const total = (parameter: Parameter): number | undefined => {
    const values = rows.map((row, index) => value(row, index, parameter));
    return values.some((one) => one === undefined)
      ? undefined
      : overTime(
          values.map((one, index) => ({ value: one!, seconds: rows[index]!.duration })),
          "total",
        );
  };
  const priced = rows.map((row, index) => {
    const [energy, intensity] = [value(row, index, "energy"), value(row, index, "grid/carbon-intensity")];
    return energy === undefined || intensity === undefined ? Number.NaN : energy * intensity;
  });
  const embodied = total("carbon-embodied");
  const sum = priced.reduce((a, b) => a + b, 0);
  const whole = total("carbon");
  const operational =
    total("carbon-operational") ?? (Number.isNaN(sum) ? whole && whole - (embodied ?? 0) : sum);
  if (rows.length === 0 || operational === undefined) {
    throw new InputError({
      place: placeOf(path),
      found: "observations without carbon",
      expected: "carbon-operational, carbon, or energy with grid/carbon-intensity in every observation",
      remedy: "compute the manifest first: if-run --manifest FILE --output computed.yaml",
    });
  }
  const what = path.filter((part) => part !== "tree" && part !== "children").join(" / ") || "tree";
  const evidence = { basis: "given", sources: [{ id: source.source, title: source.what }] } as const;
  const energy = total("energy");
  const notes = key === "inputs" ? ["priced here from energy and intensity: the pipeline was not run"] : [];
  const operationalRecord: OperationalRecord = {
    phase,
    kind: "operational",
    what,
    emitter: `electricity (${source.what})`,
    carbon: Estimate.exact(operational, "gCO2e", evidence),
    marketCarbon: undefined,
    energy: energy === undefined ? undefined : Estimate.exact(energy, "kWh", evidence),
    signal: "average",
    provenance: [source],
    notes,
  };
  if (embodied === undefined) return [operationalRecord];
  const embodiedRecord: EmbodiedRecord = {
    phase,
    kind: "embodied",
    what,
    emitter: `hardware (${source.what})`,
    carbon: Estimate.exact(embodied, "gCO2e", evidence),
    provenance: [source],
    notes: [],
  };
  return [operationalRecord, embodiedRecord];
}
