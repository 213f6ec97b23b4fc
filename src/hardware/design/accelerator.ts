/**
 * The parametric accelerator of CATransformers (arXiv:2505.01386, Table 1 and its repository): identical cores, each a
 * systolic array of multiply-accumulate units with a vector core beside it, three SRAM buffers a core, one buffer that
 * all cores share, and DRAM. Its area is a closed form that meets all 3,240 rows of the published table.
 */
import { InputError, type Place } from "../../core/index.ts";
import { designFigure, WORD_BYTES } from "./figures.ts";

export interface AcceleratorDesign {
  readonly cores: number;
  /** Processing elements along the array's wide side; also the lanes of the vector core. */
  readonly arrayWidth: number;
  /** Processing elements along the other side. */
  readonly arrayDepth: number;
  /** Of each operand's buffer in each core. */
  readonly sramKilobytes: number;
  /** That a core's buffers together serve in a cycle. */
  readonly sramWordsPerCycle: number;
  /** Shared by all cores. */
  readonly bufferMegabytes: number;
}

export type DesignParameter = keyof AcceleratorDesign;

/** The levels of each parameter that the area and energy tables hold: 3,240 designs. */
export const DESIGN_LEVELS: { readonly [P in DesignParameter]: readonly number[] } = {
  cores: [1, 2, 4],
  arrayWidth: [32, 64, 128, 256],
  arrayDepth: [2, 4, 8, 16, 32, 64],
  sramKilobytes: [64, 128, 256, 512, 1024],
  sramWordsPerCycle: [32, 64, 128],
  bufferMegabytes: [2, 4, 8],
};

export const DESIGN_PARAMETERS = Object.keys(DESIGN_LEVELS) as readonly DesignParameter[];

/** Throws an `InputError` that names every parameter off its levels. */
export function requireDesign(design: AcceleratorDesign, place: Place = {}): void {
  const problems = DESIGN_PARAMETERS.filter((name) => !DESIGN_LEVELS[name].includes(design[name])).map(
    (name) => ({
      place: { ...place, path: [place.path, name].filter(Boolean).join(".") },
      found: String(design[name]),
      expected: `one of ${DESIGN_LEVELS[name].join(", ")}: the levels with published area and energy`,
    }),
  );
  if (problems.length > 0) throw new InputError(problems);
}

/**
 * Reads `1,256,8,64,128,2`: cores, array width, array depth, SRAM KB, SRAM words a cycle, buffer MB, in the order of the
 * paper's tables. Throws an `InputError` naming the part that is wrong.
 */
export function parseDesign(text: string, place: Place = {}): AcceleratorDesign {
  const parts = text.split(",").map((part) => part.trim());
  if (parts.length !== DESIGN_PARAMETERS.length || parts.some((part) => !/^\d+$/.test(part))) {
    throw new InputError({
      place,
      found: `"${text}"`,
      expected: `${DESIGN_PARAMETERS.length} whole numbers with commas: ${DESIGN_PARAMETERS.join(", ")}`,
      remedy: "write 1,256,8,64,128,2 for the accelerator that the paper finds for CLIP-B/16",
    });
  }
  const [cores, arrayWidth, arrayDepth, sramKilobytes, sramWordsPerCycle, bufferMegabytes] = parts.map(
    Number,
  ) as [number, number, number, number, number, number];
  const design = { cores, arrayWidth, arrayDepth, sramKilobytes, sramWordsPerCycle, bufferMegabytes };
  requireDesign(design, place);
  return design;
}

export function printDesign(design: AcceleratorDesign): string {
  return DESIGN_PARAMETERS.map((name) => design[name]).join(",");
}

/**
 * The SRAM that is built for each of a tensor core's buffers, KB: a large array gets more than was asked for, so that it
 * can be fed. An array of 256 x 32 has 256 KB in the published table whatever was asked for.
 */
export function builtSramKilobytes({ arrayWidth, arrayDepth, sramKilobytes }: AcceleratorDesign): number {
  return arrayWidth === 256 && arrayDepth === 32
    ? 256
    : Math.max(sramKilobytes, (arrayWidth * arrayDepth) / 64);
}

/** What takes area on a die: the shared buffer, and of all cores the SRAM, the array and the vector lanes. */
export type DiePart = "buffer" | "sram" | "array" | "lanes";

/** Area of each part of the die, cm2. Their sum is exact to 1e-4 um2 on the published table. */
export function designAreas(design: AcceleratorDesign): Readonly<Record<DiePart, number>> {
  const { cores, arrayWidth, arrayDepth } = design;
  return {
    buffer: sramArea(design.bufferMegabytes * 1024),
    // Of the tensor core and of the vector core.
    sram: cores * (sramArea(builtSramKilobytes(design)) + sramArea(design.sramKilobytes)),
    array: cores * designFigure("processing-element", "area") * arrayWidth * arrayDepth,
    lanes: cores * designFigure("vector-lane", "area") * arrayWidth,
  };
}

/** Of the die, cm2. */
export function designArea(design: AcceleratorDesign): number {
  const { buffer, sram, array, lanes } = designAreas(design);
  return buffer + sram + array + lanes;
}

/** Peak operations a second: two for each multiply-accumulate unit and cycle. */
export function designOperationsPerSecond({ cores, arrayWidth, arrayDepth }: AcceleratorDesign): number {
  return 2 * cores * arrayWidth * arrayDepth * clockHertz();
}

/** DRAM beside the die: whole gigabytes that hold `parameters` of a byte, and at least one. */
export function designMemory(parameters: number): { bytes: number; bytesPerSecond: number } {
  return {
    bytes: Math.max(1, Math.ceil((parameters * WORD_BYTES) / 1e9)) * 1e9,
    bytesPerSecond: designFigure("dram", "words-per-cycle") * WORD_BYTES * clockHertz(),
  };
}

export function clockHertz(): number {
  return designFigure("clock", "frequency");
}

function sramArea(kilobytes: number): number {
  return designFigure(`sram-${kilobytes}KB`, "area");
}
