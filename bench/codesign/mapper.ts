/**
 * Our mapper beside the original (Sunstone as CATransformers vendors it), interleaved on the products of the published
 * designs: processor time, and energy x cycles in the space of its rules and in the whole space. The original's licence
 * does not allow a copy here; bring a checkout of github.com/facebookresearch/CATransformers.
 *
 *   npx tsx bench/codesign/mapper.ts --original CHECKOUT [--cases 16] [--python .venv/bin/python]
 */
import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { clipWorkload, publishedDesigns } from "../../src/codesign/index.ts";
import {
  type AcceleratorDesign,
  type Hierarchy,
  hierarchy,
  type MatrixProduct,
  mapProduct,
  printDesign,
} from "../../src/hardware/index.ts";

const { values: flags } = parseArgs({
  options: {
    original: { type: "string" },
    cases: { type: "string", default: "16" },
    python: { type: "string", default: ".venv/bin/python" },
  },
});
/** Ours is too fast to be timed once. */
const REPEATS = 20;

interface Case {
  readonly design: AcceleratorDesign;
  readonly product: MatrixProduct;
}

/** Different products of the published designs, heads folded into rows as the original does, evenly among all. */
function someCases(count: number): Case[] {
  const all = new Map<string, Case>();
  for (const { shape, design } of publishedDesigns()) {
    for (const { work } of clipWorkload(shape).operations) {
      if (work.kind !== "product" || work.sliding) continue;
      const product = { rows: work.rows * work.copies, depth: work.depth, columns: work.columns };
      all.set(`${Object.values(product).join()}|${printDesign(design)}`, { design, product });
    }
  }
  const cases = [...all.values()];
  return Array.from({ length: count }, (_, i) => cases[Math.floor((i * cases.length) / count)]!);
}

/** The case as the original's estimator is called. */
function asked({ product, design }: Case, hardware: Hierarchy) {
  const [coreX, coreY] = hardware.coreGrid;
  const picojoules = (joules: number) => joules * 1e12;
  return {
    dimensions: { N: product.rows, C: product.depth, K: product.columns },
    machine: {
      L1_Buffer_TC: hardware.registerWords,
      L2_Buffer: hardware.sramWords,
      GLB_Buffer: hardware.bufferWords,
      L2_BW: hardware.sramWordsPerCycle,
      GLB_BUFFER_BW: hardware.bufferWordsPerCycle,
      PE_x: design.arrayWidth,
      PE_y: design.arrayDepth,
      Core_x: coreX,
      Core_y: coreY,
    },
    energies: {
      tc_l1_read: picojoules(hardware.register.read),
      tc_l2_read: picojoules(hardware.sram.read),
      tc_glb_read: picojoules(hardware.buffer.read),
      dram_read: picojoules(hardware.dram.read),
      dram_write: picojoules(hardware.dram.read),
    },
  };
}

interface Answer {
  readonly processorSeconds: number;
  readonly cycles?: number;
  readonly energyPicojoules?: number;
}

async function main(checkout: string): Promise<void> {
  const peer = spawn(flags.python, [fileURLToPath(new URL("sunstone.py", import.meta.url)), checkout], {
    stdio: ["pipe", "pipe", "inherit"],
  });
  const answers = createInterface({ input: peer.stdout })[Symbol.asyncIterator]();
  const cases = someCases(Number(flags.cases));
  const mapped = (one: Case, space: "sunstone" | "whole") => {
    const hardware = hierarchy(one.design, "published");
    const started = process.cpuUsage();
    for (let i = 1; i < REPEATS; i++) mapProduct(one.product, hardware, space);
    const found = mapProduct(one.product, hardware, space);
    const { user, system } = process.cpuUsage(started);
    return { seconds: (user + system) / 1e6 / REPEATS, cost: found.energyJoules * found.cycles };
  };
  for (const one of cases) mapped(one, "whole"); // warms up

  const speeds: number[][] = [];
  const costs: number[][] = [];
  const seconds = [0, 0, 0];
  for (const one of cases) {
    peer.stdin.write(`${JSON.stringify(asked(one, hierarchy(one.design, "published")))}\n`);
    const { value, done } = await answers.next();
    if (done) throw new Error("the original's process ended");
    const theirs = JSON.parse(value) as Answer;
    if (theirs.cycles === undefined) continue; // it finds no mapping
    const ours = [mapped(one, "sunstone"), mapped(one, "whole")];
    const theirCost = theirs.energyPicojoules! * 1e-12 * theirs.cycles;
    speeds.push(ours.map((each) => theirs.processorSeconds / each.seconds));
    costs.push(ours.map((each) => each.cost / theirCost));
    for (const [i, each] of [theirs.processorSeconds, ...ours.map((our) => our.seconds)].entries())
      seconds[i]! += each;
    const { rows, depth, columns } = one.product;
    console.log(
      `${rows} x ${depth} x ${columns} on ${printDesign(one.design)}: original ${theirs.processorSeconds.toFixed(2)} s,`,
      `ours ${ours.map((each) => `${(each.seconds * 1e3).toFixed(2)} ms`).join(" and ")},`,
      `energy x cycles ${costs
        .at(-1)!
        .map((ratio) => ratio.toFixed(4))
        .join(" and ")}`,
    );
  }
  peer.stdin.end();
  for (const [i, space] of ["its own space", "the whole space"].entries()) {
    const mean = (values: number[][]) =>
      Math.exp(values.reduce((sum, each) => sum + Math.log(each[i]!), 0) / values.length);
    console.log(
      `${space}, ${speeds.length} products: ${(seconds[0]! / seconds[i + 1]!).toFixed(0)} times as fast in all,`,
      `${mean(speeds).toFixed(0)} times in the geometric mean, ${Math.min(...speeds.map((each) => each[i]!)).toFixed(0)} at least;`,
      `energy x cycles ${mean(costs).toFixed(3)} of its in the geometric mean, ${Math.max(...costs.map((each) => each[i]!)).toFixed(4)} at most`,
    );
  }
}

if (flags.original === undefined) {
  console.error("--original: the path of a checkout of github.com/facebookresearch/CATransformers");
  process.exitCode = 2;
} else await main(flags.original);
