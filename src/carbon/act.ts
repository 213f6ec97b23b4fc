/**
 * Embodied carbon of chips by ACT (Gupta et al., ISCA 2022; tables of its repository): wafer area times what a square
 * centimetre of a process costs, and memory and disks by capacity. Yields are the textbook forms.
 */
import {
  type DimensionOf,
  Estimate,
  exactly,
  InputError,
  type Place,
  type Sampler,
  suggest,
} from "../core/index.ts";
import type { Area, Carbon, Intensity, Ratio } from "./quantities.ts";
import { figures } from "./tables.ts";

export type CarbonPerArea = Estimate<DimensionOf<"gCO2e/cm2">>;
export type DefectDensity = Estimate<DimensionOf<"1/cm2">>;
export type Capacity = Estimate<DimensionOf<"GB">>;

/** How and where a wafer is made. */
export interface FabProcess {
  /** Process node, `7nm`; one of `logicNodes()`. */
  readonly node: string;
  /** Of the electricity that the fab draws. */
  readonly intensity: Intensity;
  /** Share of the process gases that is abated, 0.95 to 0.99. */
  readonly abatement: Ratio;
  /** Share of the dies that work. */
  readonly yield: Ratio;
}

export function logicNodes(): string[] {
  return figures("act-logic").subjects.filter((subject) => subject.endsWith("nm"));
}

/** Technologies of one kind of memory: `ddr4_10nm` of `dram`, `nand_20nm` of `ssd`, `exos_x16` of `hdd`. */
export function memoryTechnologies(kind: MemoryKind): string[] {
  return figures("act-memory").subjects.filter((subject) => figures("act-memory").find(subject, kind));
}

export type MemoryKind = "dram" | "ssd" | "hdd";

/** What ACT takes where nobody knows better: yield 0.875, and abatement between what its tables give. */
export function fabDefaults(sampler: Sampler): {
  yield: Ratio;
  abatement: Ratio;
  defectDensity: DefectDensity;
} {
  const table = figures("act-logic");
  return {
    yield: table.estimate(sampler, "fab", "yield", "1"),
    abatement: table.estimate(sampler, "fab", "abatement", "1"),
    defectDensity: table.estimate(sampler, "fab", "defect-density", "1/cm2"),
  };
}

/**
 * Carbon per area of good die: CPA = (CI_fab EPA + GPA + MPA) / Y, with energy EPA, gas GPA and material MPA per area.
 * GPA is linear in the abatement between the tables' 95 and 99 %.
 */
export function carbonPerArea(process: FabProcess, place?: Place): CarbonPerArea {
  const node = known(process.node, logicNodes(), "a process node", place);
  const exact = <S extends string>(subject: string, figure: string, symbol: S) => {
    const { value, evidence } = figures("act-logic").get(subject, figure);
    return Estimate.exact(value, symbol, evidence);
  };
  const gas95 = exact(node, "gas-per-area-95", "gCO2e/cm2");
  const gas99 = exact(node, "gas-per-area-99", "gCO2e/cm2");
  const gas = gas95.plus(gas99.minus(gas95).times(process.abatement.minus(exactly(0.95)).over(0.04)));
  const energy = exact(node, "energy-per-area", "kWh/cm2").times(process.intensity);
  return energy
    .plus(gas)
    .plus(exact("fab", "material-per-area", "gCO2e/cm2"))
    .over(process.yield);
}

/** A die of `area` with its share of scrap, and `packages` packaged circuits. */
export function logicCarbon(area: Area, process: FabProcess, packages: number, place?: Place): Carbon {
  return area.times(carbonPerArea(process, place)).plus(packagingCarbon(packages));
}

/** Memory or disk by capacity: CPS x GB / Y, with `packages` packaged circuits. */
export function memoryCarbon(
  kind: MemoryKind,
  technology: string,
  capacity: Capacity,
  memoryYield: Ratio,
  packages: number,
  place?: Place,
): Carbon {
  const name = known(technology, memoryTechnologies(kind), `a technology of ${kind}`, place);
  const { value, evidence } = figures("act-memory").get(name, kind);
  return Estimate.exact(value, "gCO2e/GB", evidence)
    .times(capacity)
    .over(memoryYield)
    .plus(packagingCarbon(packages));
}

export function packagingCarbon(circuits: number): Carbon {
  const { value, evidence } = figures("act-logic").get("package", "per-circuit");
  return Estimate.exact(value * circuits, "gCO2e", evidence);
}

/** Textbook models of the share of dies without a defect, for area A and defects by area D. */
export const YIELD_MODELS = ["poisson", "murphy", "seeds"] as const;
export type YieldModel = (typeof YIELD_MODELS)[number];

export function dieYield(model: YieldModel, area: Area, density: DefectDensity): Ratio {
  return { poisson: poissonYield, murphy: murphyYield, seeds: boseEinsteinYield }[model](area, density);
}

/** Poisson: exp(-A D). Defects fall independently. */
export function poissonYield(area: Area, density: DefectDensity): Ratio {
  return Estimate.combine([area, density], "1", (a, d) => Math.exp(-a * d));
}

/** Murphy: ((1 - exp(-A D)) / (A D))^2. A triangular spread of defect densities over the wafers. */
export function murphyYield(area: Area, density: DefectDensity): Ratio {
  return Estimate.combine([area, density], "1", (a, d) =>
    a * d === 0 ? 1 : (-Math.expm1(-a * d) / (a * d)) ** 2,
  );
}

/** Bose-Einstein: (1 + A D)^-n over n critical layers; Seeds' model where n = 1. */
export function boseEinsteinYield(area: Area, density: DefectDensity, criticalLayers = 1): Ratio {
  return Estimate.combine([area, density], "1", (a, d) => (1 + a * d) ** -criticalLayers);
}

function known(word: string, words: readonly string[], what: string, place?: Place): string {
  if (words.includes(word)) return word;
  throw new InputError({
    place,
    found: `"${word}"`,
    expected: `${what} of ACT's tables`,
    remedy: suggest(word, words),
  });
}
