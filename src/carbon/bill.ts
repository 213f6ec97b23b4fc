/** Bills of materials: what a machine is made of, in YAML, and its embodied carbon part by part. */
import { z } from "zod";
import { Estimate, exactly, InputError, type Place, readConfig, type Sampler, sum } from "../core/index.ts";
import {
  dieYield,
  type FabProcess,
  fabDefaults,
  logicCarbon,
  type MemoryKind,
  memoryCarbon,
  YIELD_MODELS,
} from "./act.ts";
import { acceleratorEmbodied } from "./embodied.ts";
import { gridIntensity } from "./grids.ts";
import { bundled, type Provenance } from "./provenance.ts";
import type { Area, Carbon, Ratio } from "./quantities.ts";
import { draw, quantity, type Range } from "./ranges.ts";
import { figures } from "./tables.ts";
import { writtenGrid } from "./written-grid.ts";

const Fab = {
  /** Grid of the fab: a zone, a country, an energy source, or an intensity. */
  grid: z.union([z.string(), z.number()]).optional(),
  /** Share of the process gases that is abated. */
  abatement: z.number().min(0.95).max(0.99).optional(),
  /** Share of the dies that work, or the model that says it from `area` and `defects`. */
  yield: z
    .union([z.number().positive().max(1), z.enum(YIELD_MODELS)], {
      error: `a share above 0 and at most 1, or one of ${YIELD_MODELS.join(", ")}`,
    })
    .optional(),
  /** Defects by area, for a yield model. */
  defects: quantity("1/cm2").optional(),
};

const KINDS = ["logic", "dram", "ssd", "hdd", "material", "device", "accelerator", "carbon"] as const;

const Part = z
  .strictObject({
    name: z.string(),
    count: z.number().int().positive().default(1),
    /** Process node, with `area` of one die. */
    logic: z.string().optional(),
    area: quantity("mm2").optional(),
    dram: z.string().optional(),
    ssd: z.string().optional(),
    hdd: z.string().optional(),
    capacity: quantity("GB").optional(),
    /** Packaged circuits of one part. */
    packages: z.number().int().nonnegative().default(0),
    material: z.enum(["steel", "aluminium"]).optional(),
    kilograms: z.number().positive().optional(),
    /** A device with a published footprint: `hgx-h100`. */
    device: z.string().optional(),
    /** A kind of accelerator, with the range of its published footprints. */
    accelerator: z.string().optional(),
    carbon: quantity("kgCO2e").optional(),
    source: z.string().optional(),
    ...Fab,
  })
  .superRefine((part, context) => {
    const given = KINDS.filter((key) => part[key] !== undefined);
    const needs = (key: "area" | "capacity" | "kilograms") => {
      if (part[key] === undefined) {
        context.addIssue({ code: "custom", path: [key], message: `${key}, which ${given[0]} needs` });
      }
    };
    if (typeof part.yield === "string" && part.logic === undefined) {
      const message = "a share: the areas of dies, which a yield model needs, are known of logic only";
      context.addIssue({ code: "custom", path: ["yield"], message });
    }
    if (given.length !== 1) {
      context.addIssue({ code: "custom", message: `exactly one of ${KINDS.join(", ")}` });
    } else if (part.logic !== undefined) needs("area");
    else if (part.material !== undefined) needs("kilograms");
    else if (part.dram !== undefined || part.ssd !== undefined || part.hdd !== undefined) needs("capacity");
  });
type Part = z.output<typeof Part>;

export const BillFile = z.strictObject({
  name: z.string(),
  fab: z.strictObject(Fab).optional(),
  parts: z.array(Part).min(1),
});

/** Our choice where a bill does not say where its logic is made: most of the newest nodes are made there. */
const FAB_GRID = "taiwan";

export interface BillPart {
  readonly name: string;
  readonly count: number;
  /** Of all `count` together. */
  readonly carbon: Carbon;
  readonly provenance: Provenance;
}

export interface Bill {
  readonly name: string;
  readonly parts: readonly BillPart[];
  readonly total: Carbon;
  /** What nobody gave, and was taken instead. */
  readonly notes: readonly string[];
}

/** Reads a bill and prices it. Throws an `InputError` with the line of what is not known. */
export function readBill(file: string, sampler: Sampler): Bill {
  const { value, placeOf } = readConfig(file, BillFile, "a bill of materials, in YAML");
  const parts = value.parts.map((part, index) => {
    const place = (...path: string[]) => placeOf(["parts", index, ...path]);
    const [one, provenance] = partCarbon(
      { ...value.fab, ...part },
      file,
      `${index + 1} ${part.name}`,
      place,
      sampler,
    );
    return { name: part.name, count: part.count, carbon: one.times(part.count), provenance };
  });
  return {
    name: value.name,
    parts,
    total: sum(Estimate.exact(0, "kgCO2e"), ...parts.map(({ carbon }) => carbon)),
    notes: defaultsTaken(
      value.parts.map((part) => ({ ...value.fab, ...part })),
      sampler,
    ),
  };
}

function defaultsTaken(parts: readonly Part[], sampler: Sampler): string[] {
  const logic = parts.filter((part) => part.logic !== undefined);
  const dies = [...logic, ...parts.filter((part) => part.dram !== undefined || part.ssd !== undefined)];
  const names = (list: readonly Part[]) => [...new Set(list.map(({ name }) => name))].join(", ");
  const taken = (list: readonly Part[], what: string, value: unknown) =>
    list.length === 0 ? [] : [`${names(list)}: ${what} is not given, so ${value} is taken`];
  const { abatement, yield: fabricated, defectDensity } = fabDefaults(sampler);
  const grid = gridIntensity(sampler, FAB_GRID, { vintage: "same" });
  return [
    ...taken(
      logic.filter((part) => part.grid === undefined),
      "the grid of the fab",
      `${FAB_GRID}, ${grid.intensity}`,
    ),
    ...taken(
      logic.filter((part) => part.abatement === undefined),
      "the abatement of gases",
      abatement,
    ),
    ...taken(
      dies.filter((part) =>
        part.logic === undefined ? typeof part.yield !== "number" : part.yield === undefined,
      ),
      "the yield",
      fabricated,
    ),
    ...taken(
      logic.filter((part) => typeof part.yield === "string" && part.defects === undefined),
      "the density of defects",
      defectDensity,
    ),
  ];
}

function partCarbon(
  part: Part,
  file: string,
  name: string,
  place: (...path: string[]) => Place,
  sampler: Sampler,
): [Carbon, Provenance] {
  const drawn = <S extends string>(field: string, range: Range, symbol: S) =>
    draw(sampler, `bill/${name}/${field}`, range, symbol, undefined, part.source ?? file);
  if (part.logic !== undefined) {
    const area = drawn("area", part.area!, "mm2");
    const process = fabProcess(part.logic, part, area, file, place, sampler);
    const die = logicCarbon(area, process, part.packages, place("logic"));
    return [die, bundled(`logic at ${part.logic}`, die)];
  }
  for (const kind of ["dram", "ssd", "hdd"] as const satisfies readonly MemoryKind[]) {
    const technology = part[kind];
    if (technology === undefined) continue;
    const capacity = drawn("capacity", part.capacity!, "GB");
    // Disks that turn have no dies to lose; the published factors are of finished drives.
    const yielded = kind === "hdd" && part.yield === undefined ? exactly(1) : givenYield(part, sampler);
    const memory = memoryCarbon(kind, technology, capacity, yielded, part.packages, place(kind));
    return [memory, bundled(`${kind} ${technology}`, memory)];
  }
  if (part.material !== undefined) {
    const { value, evidence } = figures("act-materials").get(part.material, "per-kilogram");
    const carbon = Estimate.exact(value * part.kilograms!, "kgCO2e", evidence);
    return [carbon, bundled(part.material, carbon)];
  }
  if (part.accelerator !== undefined) {
    const one = acceleratorEmbodied(sampler, part.accelerator).times(Estimate.exact(1, "accelerator"));
    return [one, bundled(`${part.accelerator} and its share of a host`, one)];
  }
  if (part.device !== undefined) return deviceCarbon(part.device, place("device"), sampler);
  const given: Provenance = { what: part.name, origin: "given", source: part.source ?? file };
  return [drawn("carbon", part.carbon!, "kgCO2e"), given];
}

function deviceCarbon(device: string, place: Place, sampler: Sampler): [Carbon, Provenance] {
  const table = figures("embodied");
  if (!table.find(device, "device")) {
    throw new InputError({
      place,
      found: `"${device}"`,
      expected: "a device with a published footprint",
      remedy: `use one of: ${table.subjects.filter((subject) => table.find(subject, "device")).join(", ")}`,
    });
  }
  const carbon = table.estimate(sampler, device, "device", "kgCO2e");
  return [carbon, bundled(device, carbon)];
}

function fabProcess(
  node: string,
  part: Part,
  area: Area,
  file: string,
  place: (...path: string[]) => Place,
  sampler: Sampler,
): FabProcess {
  return {
    node,
    intensity: writtenGrid(part.grid ?? FAB_GRID, sampler, {
      place: place("grid"),
      source: file,
      vintage: "same",
    }).intensity,
    abatement: part.abatement === undefined ? fabDefaults(sampler).abatement : exactly(part.abatement),
    yield: logicYield(part, area, file, sampler),
  };
}

function logicYield(part: Part, area: Area, file: string, sampler: Sampler): Ratio {
  if (typeof part.yield !== "string") return givenYield(part, sampler);
  const density = part.defects
    ? draw(sampler, "bill/defects", part.defects, "1/cm2", undefined, part.source ?? file)
    : fabDefaults(sampler).defectDensity;
  return dieYield(part.yield, area, density);
}

/** A model is for logic only: the areas of the dies of a memory are not known. */
function givenYield(part: Part, sampler: Sampler): Ratio {
  return typeof part.yield === "number" ? exactly(part.yield) : fabDefaults(sampler).yield;
}
