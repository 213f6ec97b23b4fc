/**
 * How much of a data sheet's figures programs reach: `data/efficiencies.csv`. Hardware that was measured has rows of its
 * own; other hardware takes the wider range of `other accelerators`, drawn separately for each.
 */
import { type DimensionOf, drawFigure, type Estimate, FigureTable, type Sampler } from "../core/index.ts";
import type { Accelerator } from "./accelerators.ts";

const UNMEASURED = "other accelerators";

let table: FigureTable | undefined;

/** A figure of the machine `a`, drawn as `efficiencies/<accelerator>/<figure>`. */
export function machineEfficiency<S extends string>(
  sampler: Sampler,
  a: Accelerator,
  figure: string,
  symbol: S,
): Estimate<DimensionOf<S>> {
  table ??= new FigureTable("efficiencies");
  const row = table.find(a.name, figure) ?? table.get(UNMEASURED, figure);
  return drawFigure(sampler, `efficiencies/${a.name}/${figure}`, row, symbol);
}

/** A figure of a kind of program (`training`, `decoding`), the same on every machine. */
export function programEfficiency<S extends string>(
  sampler: Sampler,
  program: string,
  figure: string,
  symbol: S,
): Estimate<DimensionOf<S>> {
  table ??= new FigureTable("efficiencies");
  return table.estimate(sampler, program, figure, symbol);
}
