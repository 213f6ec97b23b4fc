/**
 * A part that no table holds, such as one that `codesign/` found: what a file says of it, as an accelerator. It computes in
 * int8 and stands alone on its board, so it serves models that its memory holds and trains none.
 */
import { z } from "zod";
import { type Evidence, type Figure, InputError, readConfig, unit } from "../core/index.ts";
import type { Accelerator } from "./accelerators.ts";

const positive = (description: string) => {
  const error = `a number above 0: ${description}`;
  return z.number({ error }).positive({ error }).meta({ description });
};

export const partSchema = z
  .strictObject({
    format: z.literal(1),
    name: z.string().trim().min(1),
    int8OperationsPerSecond: positive("dense peak; a multiply-accumulate is two"),
    memoryBytes: positive("DRAM beside the die"),
    memoryBytesPerSecond: positive("bandwidth of the memory"),
    powerWatts: positive("draw at full load"),
    usdPerHour: positive("what an hour of it costs"),
    year: z.int(),
    source: z.string().min(1).meta({ description: "how the figures were come by" }),
  })
  .meta({ title: "Terrarium accelerator", description: "A part that a brief can name by its file" });

export type Part = z.output<typeof partSchema>;

/**
 * The accelerator that `file` describes; its figures are assumed, since nobody has measured them. Throws an `InputError`
 * with the line of what is wrong.
 */
export function readPart(file: string): Accelerator {
  const part = read(file);
  const evidence: Evidence = {
    basis: "assumed",
    sources: [{ id: part.name, title: part.source, where: file, year: part.year }],
  };
  const figure = (name: string, value: number, symbol: string): Figure => ({
    subject: part.name,
    figure: name,
    value,
    unit: unit(symbol),
    evidence,
    note: "",
  });
  return {
    name: part.name,
    peakFlopsPerSecond: { int8: part.int8OperationsPerSecond },
    memoryBytes: part.memoryBytes,
    memoryBytesPerSecond: part.memoryBytesPerSecond,
    // Alone on its board: nothing is ever sent.
    linkBytesPerSecond: part.memoryBytesPerSecond,
    networkBytesPerSecond: part.memoryBytesPerSecond,
    acceleratorsPerNode: 1,
    releaseYear: part.year,
    evidence,
    own: {
      power: figure("power", part.powerWatts, "W/accelerator"),
      rentalPrice: figure("rental price", part.usdPerHour, "USD/accelerator/h"),
    },
  };
}

function read(file: string): Part {
  try {
    return readConfig(file, partSchema, "an accelerator").value;
  } catch (error) {
    if (!(error instanceof InputError)) throw error;
    const remedy = "name a file that terrarium codesign run wrote, or complete this one after its like";
    throw new InputError(error.problems.map((problem) => ({ ...problem, remedy: problem.remedy ?? remedy })));
  }
}
