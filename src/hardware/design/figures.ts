/** Reads `data/codesign-accelerator.csv` once, in plain base units: these figures are inputs of millions of evaluations. */
import { type Evidence, FigureTable } from "../../core/index.ts";

/** Bytes of a word: the tables are of an 8-bit datapath. */
export const WORD_BYTES = 1;

let table: FigureTable | undefined;

/** The value of a figure in its base unit (joules, square centimetres, hertz, bytes). */
export function designFigure(subject: string, figure: string): number {
  table ??= new FigureTable("codesign-accelerator");
  const { value, unit } = table.get(subject, figure);
  return value * unit.scale;
}

/** Where a figure comes from. */
export function designEvidence(subject: string, figure: string): Evidence {
  table ??= new FigureTable("codesign-accelerator");
  return table.get(subject, figure).evidence;
}

export function vectorOperations(): string[] {
  table ??= new FigureTable("codesign-accelerator");
  return table.of("vector-cycles").map(({ figure }) => figure);
}
