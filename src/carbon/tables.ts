/** The data tables of this room, each read once, when first asked for. */
import { FigureTable } from "../core/index.ts";

const loaded = new Map<string, FigureTable>();

export function figures(name: "embodied" | "facilities" | "grids" | "training-runs"): FigureTable {
  let table = loaded.get(name);
  if (!table) {
    table = new FigureTable(name);
    loaded.set(name, table);
  }
  return table;
}
