/** What the command line prints of this room. */
import { Estimate, formatNumber, terminalTable } from "../core/index.ts";
import { type AcceleratorDesign, type Mapping, type MatrixProduct, printDesign } from "../hardware/index.ts";
import type { SideBySide } from "./compare.ts";
import type { Estimator, Evaluation } from "./evaluate.ts";
import type { Scenario } from "./scenario.ts";
import { designOf, OBJECTIVES, type ObjectiveName, objectiveLabel } from "./search.ts";

export interface Evaluated {
  readonly model: string;
  readonly design: AcceleratorDesign;
  readonly estimator: Estimator;
  /** Where it works, and what it costs there; the same order. */
  readonly lives: readonly Scenario[];
  readonly results: readonly Evaluation[];
}

export function terminalEvaluation({ model, design, estimator, lives, results }: Evaluated): string {
  const { parameters, latencySeconds, energyJoules, areaSquareCentimetres, operationsPerSecond, operations } =
    results[0]!;
  return [
    `${model} on ${printDesign(design)}, costed as "${estimator}"`,
    terminalTable(
      ["figure", "value"],
      [
        ["parameters", formatNumber(parameters)],
        ["latency", shown(latencySeconds, "s")],
        ["energy of an inference", shown(energyJoules, "J")],
        ["die area", shown(areaSquareCentimetres, "cm2")],
        ["peak throughput", shown(operationsPerSecond, "FLOP/s")],
      ],
      { right: [1] },
    ),
    terminalTable(
      ["region", "inferences", "operational", "embodied", "carbon", "die and electricity"],
      results.map(({ operationalCarbon, embodiedCarbon, carbon, cost }, i) => [
        lives[i]!.region,
        formatNumber(lives[i]!.inferences),
        shown(operationalCarbon, "kgCO2e"),
        shown(embodiedCarbon, "kgCO2e"),
        shown(carbon, "kgCO2e"),
        shown(cost, "USD"),
      ]),
      { right: [1, 2, 3, 4, 5] },
    ),
    terminalTable(
      ["operation", "latency", "energy"],
      operations.map((row) => [row.name, shown(row.latencySeconds, "s"), shown(row.energyJoules, "J")]),
      { right: [1, 2] },
    ),
    ...lives[0]!.notes.map((note) => `Note: ${note}`),
  ].join("\n");
}

export function terminalMapping({ rows, depth, columns }: MatrixProduct, mapping: Mapping): string {
  const by = (tile: readonly number[]) => tile.join(" x ");
  return terminalTable(
    ["mapping of rows x depth x columns", by([rows, depth, columns])],
    [
      ["tile of a register file", by(mapping.registerTile)],
      ["unrolled over an array", by(mapping.arrayUnroll)],
      ["tile of a core", by(mapping.coreTile)],
      ["unrolled over cores", by(mapping.coreUnroll)],
      ["tile of the shared buffer", by(mapping.bufferTile)],
      ["stays in registers, SRAM, buffer", mapping.stationary.join(", ")],
      ["cycles", formatNumber(mapping.cycles)],
      ["utilisation", String(Estimate.exact(mapping.utilisation, "1").shownIn("%"))],
      ["energy", shown(mapping.energyJoules, "J")],
    ],
  );
}

export function terminalSideBySide({
  studies,
  trades,
  placements,
  confirmations,
  notes,
}: SideBySide): string {
  const names = Object.keys(OBJECTIVES) as ObjectiveName[];
  const metrics = names.filter((name) => trades.some(({ best }) => name in best.metrics));
  return [
    terminalTable(
      ["study", "trials on the front", "feasible", "hypervolume"],
      studies.map(({ title, front, feasible, hypervolume }) => [
        title,
        String(front.length),
        String(feasible),
        formatNumber(hypervolume.at(-1) ?? 0),
      ]),
      { right: [1, 2, 3] },
    ),
    terminalTable(
      ["sought", "search", ...metrics.map(objectiveLabel), "accelerator"],
      trades.map(({ sought, study, best, ratios }) => [
        sought,
        study,
        ...metrics.map((name) => `${formatNumber(best.metrics[name]!)} (${ratios[name]!.toFixed(2)})`),
        printDesign(designOf(best.candidate)),
      ]),
      { right: metrics.map((_, i) => i + 2) },
    ),
    terminalTable(
      ["region", "inferences", "least carbon, kg", "embodied", "accelerator"],
      placements.map(({ region, inferences, best, carbon, embodiedShare }) => [
        region,
        formatNumber(inferences),
        carbon.toFixed(4),
        String(Estimate.exact(embodiedShare, "1").shownIn("%")),
        printDesign(designOf(best.candidate)),
      ]),
      { right: [1, 2, 3] },
    ),
    ...(confirmations.length === 0
      ? []
      : [
          terminalTable(
            ["model found, then trained", "quality said", "extrapolated", "measured"],
            confirmations.map(({ model, predicted, extrapolates, measured }) => [
              model,
              predicted.toFixed(3),
              extrapolates ? "yes" : "no",
              measured.toFixed(3),
            ]),
            { right: [1, 3] },
          ),
        ]),
    ...notes,
  ].join("\n");
}

function shown<S extends "s" | "J" | "cm2" | "FLOP/s" | "kgCO2e" | "USD">(value: number, symbol: S): string {
  return String(Estimate.exact<string>(value, symbol));
}
