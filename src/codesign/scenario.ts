/**
 * Where and for how long an accelerator works, and where it was made: what turns its energy and area into carbon and
 * money. Embodied carbon is ACT's, operational carbon is energy x intensity of the grid.
 */
import {
  carbonPerArea,
  fabDefaults,
  gridIntensity,
  logicNodes,
  memoryCarbon,
  type Provenance,
} from "../carbon/index.ts";
import { Estimate, InputError, type Place, Sampler, suggest } from "../core/index.ts";
import { designEvidence, designFigure, electricityPrice } from "../hardware/index.ts";

export interface ScenarioOptions {
  /** A zone of `data/grids.csv`; the paper's California of 2023 where left out. */
  readonly region?: string | undefined;
  /** Over the accelerator's life; 30 million where left out. */
  readonly inferences?: number | undefined;
  /** A zone of `data/grids.csv` for the fab; Taiwan as ACT has it in 2023 where left out. */
  readonly fabRegion?: string | undefined;
  /** Node of the wafer's carbon; 22 nm where left out. Area and energy stay those of 22 nm. */
  readonly node?: string | undefined;
  /** USD/kWh. */
  readonly electricityPrice?: number | undefined;
}

export interface Scenario {
  readonly region: string;
  readonly inferences: number;
  /** kgCO2e for a joule. */
  readonly carbonPerJoule: number;
  /** kgCO2e for a square centimetre of good die. */
  readonly carbonPerArea: number;
  /** kgCO2e of a gigabyte of the DRAM beside the die; there is at least one, more where weights need it. */
  readonly memoryCarbon: number;
  /** USD for a joule. */
  readonly costPerJoule: number;
  /** USD for a square centimetre of good die. */
  readonly costPerArea: number;
  readonly provenance: readonly Provenance[];
  /** What a reader must be told about the numbers. */
  readonly notes: readonly string[];
}

const PAPER_REGION = "california-2023";
const DRAM_TECHNOLOGY = "lpddr3_20nm";

/** Throws an `InputError` for an unknown region or node and for a lifetime that is not positive. */
export function scenario(options: ScenarioOptions = {}, place: Place = {}): Scenario {
  const at = (path: string): Place => ({ ...place, path: [place.path, path].filter(Boolean).join(".") });
  const inferences = options.inferences ?? designFigure("lifetime", "inferences");
  requirePositive(inferences, at("inferences"));
  if (options.electricityPrice !== undefined)
    requirePositive(options.electricityPrice, at("electricityPrice"));
  const node = options.node ?? "22nm";
  if (!logicNodes().includes(node)) {
    throw new InputError({
      place: at("node"),
      found: `"${node}"`,
      expected: "a process node of ACT's tables",
      remedy: suggest(node, logicNodes()),
    });
  }
  // All inputs are exact; medians need no draws.
  const sampler = new Sampler(0);
  const use = intensityOf(options.region, "grid", PAPER_REGION, sampler, at("region"));
  const fab = intensityOf(options.fabRegion, "fab", "electricity", sampler, at("fabRegion"));
  const process = {
    node,
    intensity: Estimate.exact(fab.gramsPerKilowattHour, "gCO2e/kWh"),
    abatement: Estimate.exact(designFigure("fab", "abatement"), "1"),
    yield: fabDefaults(sampler).yield,
  };
  const gigabyte = Estimate.exact(1, "GB");
  const price = options.electricityPrice ?? electricityPrice(sampler).value("USD/kWh");
  return {
    region: use.provenance.what,
    inferences,
    carbonPerJoule: use.gramsPerKilowattHour / 1000 / 3.6e6,
    carbonPerArea: carbonPerArea(process, at("node")).value("kgCO2e/cm2"),
    memoryCarbon: memoryCarbon("dram", DRAM_TECHNOLOGY, gigabyte, process.yield, 0).value("kgCO2e"),
    costPerJoule: price / 3.6e6,
    costPerArea: designFigure("die", "cost"),
    provenance: [
      use.provenance,
      fab.provenance,
      { what: `wafer of ${node}, ${DRAM_TECHNOLOGY}`, origin: "bundled", source: "act-tables" },
      { what: "area, energy and cycles", origin: "bundled", source: "catransformers" },
    ],
    notes:
      node === "22nm"
        ? []
        : [
            `the wafer's carbon is that of ${node}; area and energy are those of 22 nm, so this shows no gain of shrinking`,
          ],
  };
}

function intensityOf(
  region: string | undefined,
  subject: "grid" | "fab",
  figure: string,
  sampler: Sampler,
  place: Place,
): { gramsPerKilowattHour: number; provenance: Provenance } {
  if (region !== undefined) {
    const { intensity, provenance } = gridIntensity(sampler, region, { vintage: "same", place });
    return { gramsPerKilowattHour: intensity.value("gCO2e/kWh"), provenance };
  }
  const source = designEvidence(subject, figure).sources[0]!;
  return {
    gramsPerKilowattHour: designFigure(subject, figure) * 3.6e6 * 1000,
    provenance: {
      what: subject === "grid" ? "grid of California, mean of 2023" : "fab in Taiwan, ACT's table of 2023",
      origin: "bundled",
      source: source.id,
      vintage: "2023",
    },
  };
}

function requirePositive(value: number, place: Place): void {
  if (Number.isFinite(value) && value > 0) return;
  throw new InputError({ place, found: String(value), expected: "a number above 0" });
}
