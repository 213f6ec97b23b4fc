/** The figure tables that planning itself rests on, each read once. */
import { FigureTable } from "../core/index.ts";

const loaded = new Map<string, FigureTable>();

export function figures(name: "brief-defaults" | "checkpoints"): FigureTable {
  const table = loaded.get(name) ?? new FigureTable(name);
  loaded.set(name, table);
  return table;
}
