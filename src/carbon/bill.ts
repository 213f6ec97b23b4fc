/** Bills of materials: what a machine is made of, in YAML, and its embodied carbon part by part. */
import { z } from "zod";
import { Estimate, exactly, InputError, type Place, readConfig, type Sampler } from "../core/index.ts";
import { type FabProcess, fabDefaults, logicCarbon, type MemoryKind, memoryCarbon } from "./act.ts";
import { acceleratorEmbodied } from "./embodied.ts";
import { gridIntensity } from "./grids.ts";
import type { Provenance } from "./provenance.ts";
import type { Carbon, Intensity, Ratio } from "./quantities.ts";
import { draw, quantity, type Range } from "./ranges.ts";
import { bundledIn } from "./records.ts";
import { figures } from "./tables.ts";

const Fab = {
  /** Grid of the fab: a zone, a country, an energy source, or an intensity. */
  grid: z.union([z.string(), z.number()]).optional(),
  /** Share of the process gases that is abated. */
  abatement: z.number().min(0.95).max(0.99).optional(),
  yield: z.number().positive().max(1).optional(),
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
    total: parts.reduce((total, { carbon }) => total.plus(carbon), Estimate.exact(0, "kgCO2e") as Carbon),
  };
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
    const process = fabProcess(part.logic, part, file, place, sampler);
    return [
      logicCarbon(area, process, part.packages, place("logic")),
      bundledIn("act-tables", `logic at ${part.logic}`),
    ];
  }
  for (const kind of ["dram", "ssd", "hdd"] as const satisfies readonly MemoryKind[]) {
    const technology = part[kind];
    if (technology === undefined) continue;
    const capacity = drawn("capacity", part.capacity!, "GB");
    // Disks that turn have no dies to lose; the published factors are of finished drives.
    const yielded = kind === "hdd" && part.yield === undefined ? exactly(1) : fabYield(part, sampler);
    return [
      memoryCarbon(kind, technology, capacity, yielded, part.packages, place(kind)),
      bundledIn("act-tables", `${kind} ${technology}`),
    ];
  }
  if (part.material !== undefined) {
    const { value, evidence } = figures("act-materials").get(part.material, "per-kilogram");
    return [
      Estimate.exact(value * part.kilograms!, "kgCO2e", evidence),
      bundledIn("act-tables", part.material),
    ];
  }
  if (part.accelerator !== undefined) {
    const one = acceleratorEmbodied(sampler, part.accelerator).times(Estimate.exact(1, "accelerator"));
    return [one, bundledIn("embodied-spread", `${part.accelerator} and its share of a host`)];
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
  const { id } = table.get(device, "device").evidence.sources[0]!;
  return [table.estimate(sampler, device, "device", "kgCO2e"), bundledIn(id, device)];
}

function fabProcess(
  node: string,
  part: Part,
  file: string,
  place: (...path: string[]) => Place,
  sampler: Sampler,
): FabProcess {
  return {
    node,
    intensity: fabIntensity(part.grid, file, place("grid"), sampler),
    abatement: part.abatement === undefined ? fabDefaults(sampler).abatement : exactly(part.abatement),
    yield: fabYield(part, sampler),
  };
}

function fabYield(part: Part, sampler: Sampler): Ratio {
  return part.yield === undefined ? fabDefaults(sampler).yield : exactly(part.yield);
}

/** Most advanced logic is made in Taiwan: the default says where, since a fab without a grid has no carbon. */
const FAB_GRID = "taiwan";

function fabIntensity(
  grid: string | number | undefined,
  file: string,
  place: Place,
  sampler: Sampler,
): Intensity {
  const range = grid === undefined ? undefined : quantity("gCO2e/kWh").safeParse(grid);
  if (range?.success) {
    return draw(sampler, `bill/fab grid ${grid}`, range.data, "gCO2e/kWh", undefined, file);
  }
  return gridIntensity(sampler, grid === undefined ? FAB_GRID : String(grid), { vintage: "same", place })
    .intensity;
}
