/** The data tables of this room, each read once, when first asked for. */
import { FigureTable } from "../core/index.ts";

type Table =
  | "act-logic"
  | "act-materials"
  | "act-memory"
  | "boavizta"
  | "embodied"
  | "facilities"
  | "grids"
  | "meters"
  | "sci-embodied"
  | "training-runs";

const loaded = new Map<Table, FigureTable>();

export function figures(name: Table): FigureTable {
  let table = loaded.get(name);
  if (!table) {
    table = new FigureTable(name);
    loaded.set(name, table);
  }
  return table;
}
