/**
 * What one access costs at each level of the hierarchy, and how many words pass in a cycle. Two conventions:
 *
 * `published` is the original estimator with its known defects, for comparison with published designs: 2.2 pJ for a
 * multiply-accumulate, the energy of a four-byte SRAM block and of a 32-bit DRAM access for every one-byte word, the
 * energy of a read for writes too, nothing for draining partial sums, one core's port for the traffic of all cores, and
 * operands that bypass the registers reused as if they did not.
 *
 * `physical` mends those: 0.469 pJ for a multiply-accumulate, energies by the byte, reads and writes apart, every
 * movement counted at both ends, one port a core, and SRAM as large as is built.
 */
import { InputError, suggest } from "../../core/index.ts";
import { type AcceleratorDesign, builtSramKilobytes } from "./accelerator.ts";
import { designFigure, WORD_BYTES } from "./figures.ts";

export const CONVENTIONS = ["published", "physical"] as const;
export type Convention = (typeof CONVENTIONS)[number];

export function requireConvention(text: string, path: string): Convention {
  const found = CONVENTIONS.find((name) => name === text);
  if (found) return found;
  throw new InputError({
    place: { path },
    found: `"${text}"`,
    expected: `one of ${CONVENTIONS.join(", ")}`,
    remedy: suggest(text, CONVENTIONS),
  });
}

/** Joules for a word. */
export interface AccessEnergy {
  readonly read: number;
  readonly write: number;
}

export interface Hierarchy {
  readonly convention: Convention;
  readonly width: number;
  readonly depth: number;
  /** The cores as a grid, wide side first. */
  readonly coreGrid: readonly [number, number];
  /** Joules. */
  readonly macEnergy: number;
  readonly register: AccessEnergy;
  readonly sram: AccessEnergy;
  readonly buffer: AccessEnergy;
  readonly dram: AccessEnergy;
  /** Words; the registers hold weights only. */
  readonly registerWords: number;
  /** Words of each operand's buffer. */
  readonly sramWords: number;
  /** Words of all operands together. */
  readonly bufferWords: number;
  readonly sramWordsPerCycle: number;
  readonly bufferWordsPerCycle: number;
  readonly dramWordsPerCycle: number;
}

const SRAM_BLOCK_BYTES = 4;

/** The tensor core's hierarchy of a design. */
export function hierarchy(design: AcceleratorDesign, convention: Convention): Hierarchy {
  const physical = convention === "physical";
  const sramKilobytes = physical ? builtSramKilobytes(design) : design.sramKilobytes;
  const coreColumns = 2 ** Math.ceil(Math.log2(design.cores) / 2);
  return {
    convention,
    width: design.arrayWidth,
    depth: design.arrayDepth,
    coreGrid: [coreColumns, design.cores / coreColumns],
    macEnergy: designFigure("mac", physical ? "energy" : "mapper-energy"),
    register: physical
      ? {
          read: designFigure("tensor-register", "read"),
          write: designFigure("tensor-register", "write"),
        }
      : bothWays(designFigure("tensor-register", "read")),
    sram: sramEnergy(sramKilobytes, convention),
    buffer: sramEnergy(design.bufferMegabytes * 1024, convention),
    dram: bothWays(dramEnergy(convention)),
    registerWords: designFigure("tensor-register", "capacity") / WORD_BYTES,
    sramWords: (sramKilobytes * 1024) / WORD_BYTES,
    bufferWords: (design.bufferMegabytes * 1024 * 1024) / WORD_BYTES,
    sramWordsPerCycle: design.sramWordsPerCycle,
    bufferWordsPerCycle: designFigure("buffer", "words-per-cycle"),
    dramWordsPerCycle: designFigure("dram", "words-per-cycle"),
  };
}

/** Of a word. */
function dramEnergy(convention: Convention): number {
  const access = designFigure("dram", "access");
  return convention === "published" ? access : (access * 8 * WORD_BYTES) / designFigure("dram", "bits");
}

function sramEnergy(kilobytes: number, convention: Convention): AccessEnergy {
  const subject = `sram-${kilobytes}KB`;
  if (convention === "published") return bothWays(designFigure(subject, "read"));
  const share = WORD_BYTES / SRAM_BLOCK_BYTES;
  return {
    read: designFigure(subject, "block-read") * share,
    write: designFigure(subject, "block-write") * share,
  };
}

function bothWays(joules: number): AccessEnergy {
  return { read: joules, write: joules };
}
