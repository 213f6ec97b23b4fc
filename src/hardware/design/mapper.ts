/**
 * Maps a matrix product onto the hierarchy registers - SRAM - shared buffer - DRAM: how large a tile each level holds,
 * which dimensions are unrolled over a core's array and over the cores, and which operand stays while the loops above a
 * level turn. The mapping with the least energy x cycles over all of these is found, not sampled. The cost is that of
 * Sunstone (the mapper inside CATransformers), the search is our own.
 *
 * Why exact is cheap: energy and cycles never grow when a level's tile grows within what fits, all else equal. So of all
 * divisor tiles only the largest that fit matter at each level, and below a chosen upper tile the largest that fit are
 * greatest common divisors of it and the largest of all. A branch is left when its lower bound cannot beat the best.
 *
 * Dimensions are unrolled by exact divisors only: a prime extent wastes lanes, here as in the original.
 */
import type { Hierarchy } from "./energies.ts";
import {
  COLUMNS,
  DEPTH,
  divides,
  extent,
  leftWords,
  type MatrixProduct,
  maximal,
  meet,
  over,
  ROWS,
  requireProduct,
  type Tile,
  tilesOf,
} from "./product.ts";
import { type MappingSpace, unrollings } from "./unrolling.ts";

/** The operand that stays at a level while the loops above it turn innermost over the dimension it does not have. */
export const STATIONARY = ["left", "right", "result"] as const;
export type Stationary = (typeof STATIONARY)[number];
/** The dimension along which each of `STATIONARY` is reused. */
const FREE: readonly number[] = [COLUMNS, ROWS, DEPTH];

export interface Mapping {
  readonly cycles: number;
  readonly energyJoules: number;
  /** Share of the multiply-accumulate units times cycles that do work. */
  readonly utilisation: number;
  /** Extents held by one register file, one core, the shared buffer. */
  readonly registerTile: Tile;
  readonly coreTile: Tile;
  readonly bufferTile: Tile;
  /** Unrolled over a core's array, and over the cores. */
  readonly arrayUnroll: Tile;
  readonly coreUnroll: Tile;
  /** At registers, SRAM and shared buffer. */
  readonly stationary: readonly [Stationary, Stationary, Stationary];
}

/** What a level above a core tile adds; several may be worth keeping where one is cheaper and another faster. */
interface OuterPart {
  readonly energy: number;
  readonly cycles: number;
  readonly coreUnroll: Tile;
  readonly cores: number;
  readonly bufferTile: Tile;
  readonly stationary: readonly [number, number];
}

/**
 * The best mapping of `product` in `space`. Sunstone's rules can leave none where an array is wide and its SRAM small;
 * the whole space is searched then. Throws an `InputError` for extents that are not whole.
 */
export function mapProduct(
  product: MatrixProduct,
  hardware: Hierarchy,
  space: MappingSpace = "whole",
): Mapping {
  requireProduct(product);
  const mapping =
    new Search(product, hardware, space).best() ?? new Search(product, hardware, "whole").best();
  if (!mapping) throw new Error("no level holds a tile of one word");
  return mapping;
}

class Search {
  readonly #hardware: Hierarchy;
  readonly #space: MappingSpace;
  readonly #whole: Tile;
  readonly #macs: number;
  readonly #results: number;
  readonly #drains: boolean;
  readonly #left: (rows: number, depth: number) => number;

  constructor(product: MatrixProduct, hardware: Hierarchy, space: MappingSpace) {
    this.#hardware = hardware;
    this.#space = space;
    this.#whole = [product.rows, product.depth, product.columns];
    this.#macs = extent(this.#whole);
    this.#results = product.rows * product.columns;
    this.#drains = hardware.convention === "physical";
    this.#left = (rows, depth) => leftWords(product, rows, depth);
  }

  best(): Mapping | undefined {
    const { width, depth, coreGrid, registerWords, macEnergy } = this.#hardware;
    const macs = this.#macs;
    const tiles = tilesOf(this.#whole);
    const registerTiles = maximal(tiles.filter((tile) => this.#registerHolds(tile, registerWords)));
    const unrolls = unrollings(this.#whole, [width, depth], this.#space).map((unroll) => ({
      unroll,
      lanes: extent(unroll),
      energy: this.#operandEnergy(unroll),
    }));
    const registerTilesIn = remembering((inArray) =>
      maximal(registerTiles.map((tile) => meet(tile, inArray))),
    );

    const branches = this.#outerParts(tiles).flatMap((outer) =>
      unrolls
        .filter(({ unroll }) => divides(unroll, outer.tile))
        .map(({ unroll, lanes, energy: operandEnergy }) => {
          const fixed = macs * macEnergy + operandEnergy;
          const weights = this.#registerFill((macs / outer.tile[ROWS]) * unroll[ROWS], unroll);
          const leastCycles = Math.max(macs / (lanes * outer.mostCores), outer.leastCycles);
          return { outer, unroll, lanes, fixed, bound: (fixed + weights + outer.leastEnergy) * leastCycles };
        }),
    );
    branches.sort((x, y) => x.bound - y.bound);

    let least = Number.POSITIVE_INFINITY;
    let best: Omit<Mapping, "utilisation"> | undefined;
    for (const { outer, unroll, lanes, fixed, bound } of branches) {
      if (bound >= least) break;
      const inArray = over(outer.tile, unroll);
      for (const registerTile of registerTilesIn(
        this.#space === "whole" ? inArray : over(this.#whole, unroll),
      )) {
        if (!divides(registerTile, inArray)) continue;
        const loops = over(inArray, registerTile);
        for (let stationary = 0; stationary < 3; stationary++) {
          const inner = this.#innerPart(registerTile, loops, unroll, stationary);
          for (const part of outer.parts) {
            const energyJoules = fixed + inner.energy + part.energy;
            const ports = this.#drains ? part.cores : 1;
            const cycles = Math.max(macs / (lanes * part.cores), inner.cycles / ports, part.cycles);
            if (energyJoules * cycles >= least) continue;
            least = energyJoules * cycles;
            best = {
              cycles,
              energyJoules,
              registerTile,
              coreTile: outer.tile,
              bufferTile: part.bufferTile,
              arrayUnroll: unroll,
              coreUnroll: part.coreUnroll,
              stationary: [
                STATIONARY[stationary]!,
                STATIONARY[part.stationary[0]]!,
                STATIONARY[part.stationary[1]]!,
              ],
            };
          }
        }
      }
    }
    if (!best) return undefined;
    const lanes = width * depth * coreGrid[0] * coreGrid[1];
    return { ...best, utilisation: macs / best.cycles / lanes };
  }

  /** Core tiles with what the levels above them cost. */
  #outerParts(tiles: readonly Tile[]) {
    const { sramWords, bufferWords, coreGrid } = this.#hardware;
    const coreTiles = maximal(tiles.filter((tile) => this.#operandWords(tile).every((w) => w <= sramWords)));
    const bufferTiles = maximal(tiles.filter((tile) => sum(this.#operandWords(tile)) <= bufferWords));
    const found = new Map<string, { tile: Tile; parts: OuterPart[] }>();
    for (const bufferTile of bufferTiles) {
      const fromDram = STATIONARY.map((_, i) =>
        this.#between(bufferTile, over(this.#whole, bufferTile), [1, 1, 1], i, "dram"),
      );
      for (const coreUnroll of unrollings(this.#whole, coreGrid, "whole")) {
        if (!divides(coreUnroll, bufferTile)) continue;
        const share = over(bufferTile, coreUnroll);
        for (const tile of maximal(coreTiles.map((largest) => meet(largest, share)))) {
          const key = tile.join();
          const entry = found.get(key) ?? { tile, parts: [] };
          found.set(key, entry);
          for (let i = 0; i < 3; i++) {
            const fromBuffer = this.#between(tile, over(share, tile), coreUnroll, i, "buffer");
            for (let j = 0; j < 3; j++) {
              keepUndominated(entry.parts, {
                energy: fromBuffer.energy + fromDram[j]!.energy,
                cycles: Math.max(fromBuffer.cycles, fromDram[j]!.cycles),
                coreUnroll,
                cores: extent(coreUnroll),
                bufferTile,
                stationary: [i, j],
              });
            }
          }
        }
      }
    }
    return [...found.values()].map(({ tile, parts }) => ({
      tile,
      parts,
      leastEnergy: Math.min(...parts.map(({ energy }) => energy)),
      leastCycles: Math.min(...parts.map(({ cycles }) => cycles)),
      mostCores: Math.max(...parts.map(({ cores }) => cores)),
    }));
  }

  /** Moving tiles of all operands between a level and the one above it, `spatial` of them side by side. */
  #between(tile: Tile, loops: Tile, spatial: Tile, stationary: number, above: "buffer" | "dram") {
    const { sram, buffer, dram, bufferWordsPerCycle, dramWordsPerCycle } = this.#hardware;
    const [lower, upper] = above === "buffer" ? [sram, buffer] : [buffer, dram];
    const wordsPerCycle = above === "buffer" ? bufferWordsPerCycle : dramWordsPerCycle;
    const [left, right, result] = this.#accesses(tile, loops, stationary);
    const leftAbove = left / spatial[COLUMNS];
    const rightAbove = right / spatial[ROWS];
    const resultAbove = result / spatial[DEPTH];
    const energy =
      lower.write * (left + right + result - this.#results) +
      (this.#drains ? lower.read * result : 0) +
      upper.read * (leftAbove + rightAbove + resultAbove - this.#results) +
      upper.write * resultAbove;
    const reads = leftAbove + rightAbove + resultAbove - this.#results;
    return { energy, cycles: Math.max(reads, resultAbove) / wordsPerCycle };
  }

  /** Filling the registers with weights, and how long the SRAM ports are busy. */
  #innerPart(registerTile: Tile, loops: Tile, unroll: Tile, stationary: number) {
    const { sramWordsPerCycle } = this.#hardware;
    const [left, right, result] = this.#accesses(registerTile, loops, stationary);
    const weights = right / unroll[ROWS];
    // Physically the operands that bypass the registers cross the port at each multiply-accumulate.
    const leftReads = (this.#drains ? this.#macs : left) / unroll[COLUMNS];
    const resultWrites = (this.#drains ? this.#macs : result) / unroll[DEPTH];
    const reads = leftReads + weights + resultWrites - this.#results;
    return {
      energy: this.#registerFill(right, unroll),
      cycles: Math.max(reads, resultWrites) / sramWordsPerCycle,
    };
  }

  #registerFill(words: number, unroll: Tile): number {
    const { register, sram } = this.#hardware;
    return words * (register.write + sram.read / unroll[ROWS]);
  }

  /**
   * Words of left, right and result that enter or leave all copies of a tile: its size times the loops above, less the
   * innermost loops when the operand is the stationary one.
   */
  #accesses(tile: Tile, loops: Tile, stationary: number): [number, number, number] {
    const [rows, depth, columns] = tile;
    const reuse = loops[FREE[stationary]!]!;
    const macs = this.#macs;
    const left = ((macs / columns) * this.#left(rows, depth)) / (rows * depth);
    return [
      stationary === 0 ? left / reuse : left,
      macs / rows / (stationary === 1 ? reuse : 1),
      macs / depth / (stationary === 2 ? reuse : 1),
    ];
  }

  /** What the multiply-accumulate units themselves read and write. */
  #operandEnergy(unroll: Tile): number {
    const { register, sram } = this.#hardware;
    const macs = this.#macs;
    const resultReads = this.#drains
      ? macs / unroll[DEPTH] - this.#results
      : (macs - this.#results) / unroll[DEPTH];
    return (
      macs * register.read +
      (macs / unroll[COLUMNS]) * sram.read +
      (macs / unroll[DEPTH]) * sram.write +
      resultReads * sram.read
    );
  }

  #operandWords([rows, depth, columns]: Tile): [number, number, number] {
    return [this.#left(rows, depth), depth * columns, rows * columns];
  }

  /** The original asks for room for all three operands although only weights are kept. */
  #registerHolds(tile: Tile, words: number): boolean {
    const operands = this.#operandWords(tile);
    return (this.#drains ? operands[1] : sum(operands)) <= words;
  }
}

/** Keeps `parts` free of what another part equals or beats in energy, cycles and cores at once. */
function keepUndominated(parts: OuterPart[], fresh: OuterPart): void {
  const beats = (a: OuterPart, b: OuterPart) =>
    a.energy <= b.energy && a.cycles <= b.cycles && a.cores >= b.cores;
  if (parts.some((part) => beats(part, fresh))) return;
  for (let i = parts.length - 1; i >= 0; i--) if (beats(fresh, parts[i]!)) parts.splice(i, 1);
  parts.push(fresh);
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}

function remembering(make: (tile: Tile) => Tile[]): (tile: Tile) => Tile[] {
  const known = new Map<string, Tile[]>();
  return (tile) => {
    const key = tile.join();
    const tiles = known.get(key) ?? make(tile);
    known.set(key, tiles);
    return tiles;
  };
}
