/**
 * Embodied carbon of servers and accelerators from the bottom up, by Boavizta's formulas: masses, die areas and boards
 * times factors of their life-cycle database. Next to ACT and to the makers' own footprints it is the high end.
 */
import { Estimate } from "../core/index.ts";
import type { Carbon } from "./quantities.ts";
import { figures } from "./tables.ts";

/** Masses in kg, board in cm2, die areas in mm2, distances in km. */
export interface AcceleratorCard {
  readonly mass: number;
  readonly heatsink: number;
  readonly casing: number;
  readonly board: number;
  readonly die: number;
  readonly memoryGigabytes: number;
  readonly memoryDies: number;
  readonly boat: number;
  readonly truck: number;
  readonly plane: number;
}

/** The large card of Boavizta's defaults: an H100 PCIe with 80 GB. */
export function largeCard(): AcceleratorCard {
  const of = (figure: string) => figures("boavizta").get("gpu-h100", figure).value;
  return {
    mass: of("mass"),
    heatsink: of("heatsink"),
    casing: of("casing"),
    board: of("board"),
    die: of("die"),
    memoryGigabytes: of("memory"),
    memoryDies: of("memory-dies"),
    boat: of("boat"),
    truck: of("truck"),
    plane: of("plane"),
  };
}

/** Making, shipping and end of life of one accelerator card. */
export function cardCarbon(card: AcceleratorCard): Carbon {
  const factor = (figure: string) => figures("boavizta").get("gpu", figure).value;
  const memoryDie = (card.memoryGigabytes * factor("memory-mm2-per-gigabyte")) / card.memoryDies;
  const shipping =
    card.boat * factor("boat-per-kilogram-km") +
    card.truck * factor("truck-per-kilogram-km") +
    card.plane * factor("plane-per-kilogram-km");
  const kilograms =
    card.casing * factor("casing-per-kilogram") +
    card.heatsink * factor("heatsink-per-kilogram") +
    card.board * factor("board-per-cm2") +
    waferArea(card.die) * factor("die-per-mm2") +
    card.memoryDies * waferArea(memoryDie) * factor("memory-per-mm2") +
    card.mass * (factor("assembly-per-kilogram") + shipping + factor("end-of-life-per-kilogram"));
  return Estimate.exact(kilograms, "kgCO2e", figures("boavizta").get("gpu", "die-per-mm2").evidence);
}

/**
 * Wafer area that one good die of `dieArea` mm2 takes, in mm2: with the kerf a, dies per wafer
 * N = W/a - pi d / sqrt(2 a) (W area and d diameter of the wafer), yield exp(-sqrt(a D)): W / N / yield.
 */
function waferArea(dieArea: number): number {
  const value = (figure: string) => figures("boavizta").get("gpu", figure).value;
  const diameter = value("wafer-diameter");
  const wafer = Math.PI * (diameter / 2) ** 2;
  const sawn = (Math.sqrt(dieArea) + value("kerf")) ** 2;
  const dies = wafer / sawn - (Math.PI * diameter) / Math.sqrt(2 * sawn);
  return wafer / dies / Math.exp(-Math.sqrt((sawn / 100) * value("defect-density")));
}

/** A server by its parts; the accelerators in it are added by the caller, from whichever source is trusted. */
export interface ServerParts {
  readonly processors: { readonly count: number; readonly dieAreaSquareMillimetres: number };
  readonly memory: readonly ModuleOfDies[];
  readonly solidStateDisks: readonly ModuleOfDies[];
  readonly hardDisks: number;
  readonly powerSuppliesKilograms: number;
  readonly enclosure: "rack" | "blade";
}

export interface ModuleOfDies {
  readonly gigabytes: number;
  readonly gigabytesPerSquareCentimetre: number;
}

export function serverCarbon(parts: ServerParts): Carbon {
  const factor = (subject: string, figure: string) => figures("boavizta").get(subject, figure).value;
  const modules = (kind: "ram" | "ssd", list: readonly ModuleOfDies[]) =>
    list.reduce(
      (total, { gigabytes, gigabytesPerSquareCentimetre }) =>
        total + factor(kind, "per-cm2") * (gigabytes / gigabytesPerSquareCentimetre) + factor(kind, "base"),
      0,
    );
  const enclosure =
    parts.enclosure === "rack"
      ? factor("rack-case", "unit")
      : factor("blade-case", "unit") +
        factor("blade-enclosure", "unit") / factor("blade-enclosure", "blades");
  const { count, dieAreaSquareMillimetres } = parts.processors;
  const kilograms =
    count * (dieAreaSquareMillimetres * factor("cpu", "per-mm2") + factor("cpu", "base")) +
    modules("ram", parts.memory) +
    modules("ssd", parts.solidStateDisks) +
    parts.hardDisks * factor("hdd", "unit") +
    factor("motherboard", "unit") +
    parts.powerSuppliesKilograms * factor("power-supply", "per-kilogram") +
    factor("assembly", "unit") +
    enclosure;
  return Estimate.exact(kilograms, "kgCO2e", figures("boavizta").get("cpu", "per-mm2").evidence);
}
