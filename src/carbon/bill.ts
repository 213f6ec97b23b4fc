/** Bills of materials: what a machine is made of, and its embodied carbon part by part. */
import { Estimate, exactly, InputError, type Place, readConfig, type Sampler, sum } from "../core/index.ts";
import { dieYield, type FabProcess, fabDefaults, logicCarbon, type MemoryKind, memoryCarbon } from "./act.ts";
import { BillFile, type Part } from "./bill-schema.ts";
import { cardCarbon, largeCard, serverCarbon } from "./boavizta.ts";
import { acceleratorEmbodied } from "./embodied.ts";
import { gridIntensity } from "./grids.ts";
import { bundled, type Provenance } from "./provenance.ts";
import type { Area, Carbon, Ratio } from "./quantities.ts";
import { draw, type Range } from "./ranges.ts";
import { figures } from "./tables.ts";
import { writtenGrid } from "./written-grid.ts";

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
  if (part.server !== undefined || part.card !== undefined) {
    const built = part.server ? serverCarbon(part.server) : cardCarbon({ ...largeCard(), ...part.card });
    return [built, bundled("Boavizta's formulas", built)];
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
