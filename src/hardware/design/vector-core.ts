/**
 * The vector core beside each array: `width` lanes for norms, softmax and elementwise work. Closed forms of
 * CATransformers' estimator (WHAM): cycles from the elements that a lane takes in turn, energy from accesses.
 */
import { InputError, suggest } from "../../core/index.ts";
import type { AcceleratorDesign } from "./accelerator.ts";
import type { Convention } from "./energies.ts";
import { designFigure, vectorOperations, WORD_BYTES } from "./figures.ts";

/** Cycles and energy of one operation. */
export interface Cost {
  readonly cycles: number;
  readonly energyJoules: number;
}

export type VectorWork =
  /** Operations applied one after another to each element; `inputs` tensors are read, one is written. */
  | {
      readonly kind: "elementwise";
      readonly operations: readonly string[];
      readonly elements: number;
      readonly inputs: number;
    }
  | { readonly kind: "norm"; readonly rows: number; readonly channels: number }
  | { readonly kind: "softmax"; readonly rows: number; readonly columns: number };

/** Throws an `InputError` for an operation that the core does not have. */
export function vectorCost(work: VectorWork, design: AcceleratorDesign, convention: Convention): Cost {
  const lanes = design.arrayWidth * design.cores;
  const elements = elementsOf(work);
  const turns = Math.ceil(elements / lanes);
  const cycles = cyclesOf(work, turns, lanes);
  const accesses =
    convention === "published"
      ? publishedAccesses(work, design, cycles, turns, lanes)
      : physicalAccesses(work, design, cycles);
  return { cycles, energyJoules: energy(accesses, lanes, design, convention) };
}

/** Cycles that elementwise work adds to a product whose results it follows: it takes no energy of its own there. */
export function fusedCycles(
  operations: readonly string[],
  results: number,
  design: AcceleratorDesign,
): number {
  return Math.ceil(results / (design.arrayWidth * design.cores)) * sum(operations.map(cyclesPerElement));
}

function elementsOf(work: VectorWork): number {
  switch (work.kind) {
    case "elementwise":
      return work.elements;
    case "norm":
      return work.rows * work.channels;
    case "softmax":
      return work.rows * work.columns;
  }
}

function cyclesOf(work: VectorWork, turns: number, lanes: number): number {
  switch (work.kind) {
    case "elementwise":
      return turns * sum(work.operations.map(cyclesPerElement));
    case "norm":
      return turns * cyclesPerElement("LayerNorm");
    case "softmax": {
      const exponential = cyclesPerElement("Softmax");
      return work.rows * Math.ceil(work.columns / lanes) + exponential + turns * exponential;
    }
  }
}

interface Accesses {
  readonly dramWords: number;
  readonly bufferReads: number;
  readonly bufferWrites: number;
  readonly sramReads: number;
  readonly sramWrites: number;
  readonly lookups: number;
  /** Of one lane. */
  readonly registerReads: number;
  readonly registerWrites: number;
  readonly macs: number;
}

const NONE: Accesses = {
  dramWords: 0,
  bufferReads: 0,
  bufferWrites: 0,
  sramReads: 0,
  sramWrites: 0,
  lookups: 0,
  registerReads: 0,
  registerWrites: 0,
  macs: 0,
};

/** As the original counts: DRAM by elements over buffer-loads, SRAM by turns of the lanes. */
function publishedAccesses(
  work: VectorWork,
  { cores, sramKilobytes }: AcceleratorDesign,
  cycles: number,
  turns: number,
  lanes: number,
): Accesses {
  if (work.kind === "elementwise") {
    const words = turns * work.operations.length;
    return {
      ...NONE,
      dramWords: words,
      sramReads: words,
      sramWrites: words,
      registerReads: cycles,
      registerWrites: 2 * turns,
      macs: cycles,
    };
  }
  const elements = elementsOf(work);
  const loads = Math.ceil((elements * WORD_BYTES) / (sramKilobytes * 1024 * cores));
  const fromDram = Math.ceil(elements / loads);
  const fromSram = fromDram * Math.ceil(loads / lanes);
  if (work.kind === "norm") {
    return {
      ...NONE,
      dramWords: 2 * fromDram,
      sramReads: fromSram,
      sramWrites: fromSram,
      registerReads: 3 * cycles,
      registerWrites: 2 * cycles + 2 * work.channels,
    };
  }
  const exponential = cyclesPerElement("Softmax");
  return {
    ...NONE,
    dramWords: 4 * fromDram,
    sramReads: 2 * fromSram,
    sramWrites: 2 * fromSram,
    lookups: elements,
    registerReads: cycles + exponential * fromSram,
    registerWrites: 2 * (cycles / Math.ceil(work.columns / lanes) + exponential + fromSram),
  };
}

/**
 * Every element crosses each level once a pass, softmax in two passes; tensors that fit the shared buffer stay there.
 */
function physicalAccesses(
  work: VectorWork,
  { bufferMegabytes }: AcceleratorDesign,
  cycles: number,
): Accesses {
  const elements = elementsOf(work);
  const read = elements * (work.kind === "elementwise" ? work.inputs : work.kind === "softmax" ? 2 : 1);
  const resident = (read + elements) * WORD_BYTES <= bufferMegabytes * 1024 * 1024;
  return {
    dramWords: resident ? 0 : read + elements,
    bufferReads: read,
    bufferWrites: elements,
    sramReads: read,
    sramWrites: elements,
    lookups: work.kind === "softmax" ? elements : 0,
    registerReads: cycles,
    registerWrites: cycles,
    macs: cycles,
  };
}

/** Joules. The original takes SRAM and DRAM by the byte here, unlike in its mapper. */
function energy(a: Accesses, lanes: number, design: AcceleratorDesign, convention: Convention): number {
  const [read, write] =
    convention === "published" ? (["read", "write"] as const) : (["block-read", "block-write"] as const);
  const sram = `sram-${design.sramKilobytes}KB`;
  const buffer = `sram-${design.bufferMegabytes * 1024}KB`;
  const blockWords = 4 / WORD_BYTES;
  const lane =
    a.registerReads * designFigure("vector-register", "read") +
    a.registerWrites * designFigure("vector-register", "write") +
    a.macs * designFigure("mac", "energy");
  return (
    (a.dramWords * designFigure("dram", "access")) / blockWords +
    (a.bufferReads * designFigure(buffer, read) + a.bufferWrites * designFigure(buffer, write)) / blockWords +
    (a.sramReads * designFigure(sram, read) + a.sramWrites * designFigure(sram, write)) / blockWords +
    a.lookups * designFigure("lookup-table", "read") +
    lanes * lane
  );
}

function cyclesPerElement(operation: string): number {
  const known = vectorOperations();
  if (known.includes(operation)) return designFigure("vector-cycles", operation);
  throw new InputError({
    found: `"${operation}"`,
    expected: "an operation of the vector core",
    remedy: suggest(operation, known),
  });
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
