import { existsSync, readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { InputError } from "../../core/index.ts";
import { type AcceleratorDesign, parseDesign } from "./accelerator.ts";
import { CONVENTIONS, type Hierarchy, hierarchy } from "./energies.ts";
import { type Mapping, mapProduct } from "./mapper.ts";
import { divisors, type MatrixProduct, type Tile } from "./product.ts";

interface Golden {
  readonly hw: readonly [number, number, number, number, number, number];
  readonly [dimension: string]: unknown;
  readonly cycles: number;
  readonly energy_pJ: number;
}

const goldenFile = new URL("../../../../shared/data/codesign/sunstone_golden.json", import.meta.url);
const required = process.env.TERRARIUM_REQUIRE_ALL === "1";

/** What the original mapper, run unmodified, gives for products and one-step convolutions on ten accelerators. */
describe.skipIf(!existsSync(goldenFile) && !required)("against the original mapper (Sunstone)", () => {
  const cases = existsSync(goldenFile)
    ? (JSON.parse(readFileSync(goldenFile, "utf8")).cases as Golden[]).map((golden) => {
        const size = (name: string) => Number(golden[name]);
        const product: MatrixProduct = {
          rows: size("N") * size("P") * size("Q"),
          depth: size("C") * size("R") * size("S"),
          columns: size("K"),
          sliding: size("R") > 1 ? { grid: size("P"), window: size("R") } : undefined,
        };
        const hardware = hierarchy(parseDesign(golden.hw.join()), "published");
        const energyJoules = golden.energy_pJ * 1e-12;
        return { product, hardware, cycles: golden.cycles, energyJoules };
      })
    : [];

  it("finds the same cycles and energy in the space that its rules leave", () => {
    expect(cases.length).toBeGreaterThanOrEqual(39);
    for (const { product, hardware, cycles, energyJoules } of cases) {
      const found = mapProduct(product, hardware, "sunstone");
      expect(found.energyJoules * found.cycles).toBeLessThan(energyJoules * cycles * 1.00001);
      expect(Math.abs(found.cycles / cycles - 1)).toBeLessThan(0.003);
      expect(Math.abs(found.energyJoules / energyJoules - 1)).toBeLessThan(0.013);
    }
  });

  it("never does worse in the whole space, and better on average", () => {
    let logarithms = 0;
    for (const { product, hardware, cycles, energyJoules } of cases) {
      const found = mapProduct(product, hardware);
      const ratio = (found.energyJoules * found.cycles) / (energyJoules * cycles);
      expect(ratio).toBeLessThan(1.00001);
      if (Math.abs(ratio - 1) < 0.001) {
        expect(found.cycles / cycles).toBeCloseTo(1, 2);
        expect(found.energyJoules / energyJoules).toBeCloseTo(1, 2);
      }
      logarithms += Math.log(ratio);
    }
    expect(Math.exp(logarithms / cases.length)).toBeLessThan(0.9);
  });
});

/**
 * Every mapping by brute force: all divisor chains of each dimension through the six levels and all choices of what
 * stays, each checked against the capacities and priced by walking the levels. No bounds, no maximal tiles.
 */
function leastByEnumeration(product: MatrixProduct, hardware: Hierarchy): number {
  const dimensions: Tile = [product.rows, product.depth, product.columns];
  const chains = dimensions.map((extent) => chainsOf(extent, 5));
  const macs = product.rows * product.depth * product.columns;
  const results = product.rows * product.columns;
  const physical = hardware.convention === "physical";
  let least = Number.POSITIVE_INFINITY;
  for (const m of chains[0]!)
    for (const d of chains[1]!)
      for (const k of chains[2]!) {
        const factor = (level: number): Tile => [m[level]!, d[level]!, k[level]!];
        const array = factor(1);
        const cores = factor(3);
        const lanes = array[0] * array[1] * array[2];
        const busyCores = cores[0] * cores[1] * cores[2];
        if (!onGrid(lanes, [hardware.width, hardware.depth]) || !onGrid(busyCores, hardware.coreGrid))
          continue;
        const held = [0, 2, 4].map((level) => {
          let tile: Tile = [1, 1, 1];
          for (let i = 0; i <= level; i++) tile = times(tile, factor(i));
          return tile;
        });
        const words = held.map(([a, b, c]) => [a * b, b * c, a * c] as const);
        const registers = physical ? words[0]![1] : words[0]![0] + words[0]![1] + words[0]![2];
        if (registers > hardware.registerWords) continue;
        if (words[1]!.some((w) => w > hardware.sramWords)) continue;
        if (words[2]![0] + words[2]![1] + words[2]![2] > hardware.bufferWords) continue;
        const resultReads = physical ? macs / array[1] - results : (macs - results) / array[1];
        const start =
          macs * (hardware.macEnergy + hardware.register.read) +
          (macs / array[2] + resultReads) * hardware.sram.read +
          (macs / array[1]) * hardware.sram.write;
        const loops = [factor(2), factor(4), factor(5)];
        const spatial: Tile[] = [array, cores, [1, 1, 1]];
        for (let choice = 0; choice < 27; choice++) {
          let energy = start;
          let cycles = macs / (lanes * busyCores);
          for (let level = 0; level < 3; level++) {
            const stays = Math.floor(choice / 3 ** level) % 3;
            const copies = [0, 1, 2].map((i) => dimensions[i]! / held[level]![i]!);
            const moves = copies[0]! * copies[1]! * copies[2]!;
            const free = [2, 0, 1];
            const inside = words[level]!.map(
              (w, operand) => (w * moves) / (operand === stays ? loops[level]![free[operand]!]! : 1),
            );
            const outside = inside.map((w, operand) => w / spatial[level]![free[operand]!]!);
            if (level === 0) {
              const left = (physical ? macs : inside[0]!) / array[2];
              const written = (physical ? macs : inside[2]!) / array[1];
              energy += inside[1]! * hardware.register.write + outside[1]! * hardware.sram.read;
              const port = hardware.sramWordsPerCycle * (physical ? busyCores : 1);
              cycles = Math.max(cycles, (left + outside[1]! + written - results) / port, written / port);
            } else {
              const [lower, upper, port] =
                level === 1
                  ? [hardware.sram, hardware.buffer, hardware.bufferWordsPerCycle]
                  : [hardware.buffer, hardware.dram, hardware.dramWordsPerCycle];
              energy += (inside[0]! + inside[1]!) * lower.write + (outside[0]! + outside[1]!) * upper.read;
              energy += (inside[2]! - results) * lower.write + (physical ? inside[2]! * lower.read : 0);
              energy += (outside[2]! - results) * upper.read + outside[2]! * upper.write;
              const reads = outside[0]! + outside[1]! + outside[2]! - results;
              cycles = Math.max(cycles, reads / port, outside[2]! / port);
            }
          }
          least = Math.min(least, energy * cycles);
        }
      }
  return least;
}

function chainsOf(extent: number, splits: number): number[][] {
  if (splits === 0) return [[extent]];
  return divisors(extent).flatMap((first) =>
    chainsOf(extent / first, splits - 1).map((rest) => [first, ...rest]),
  );
}

function onGrid(lanes: number, [columns, rows]: readonly [number, number]): boolean {
  return divisors(lanes).some((across) => across <= columns && lanes / across <= rows);
}

function times(a: Tile, b: Tile): Tile {
  return [a[0] * b[0], a[1] * b[1], a[2] * b[2]];
}

describe("the mapper", () => {
  const small = fc.constantFrom(1, 2, 3, 4, 5, 6, 8);

  it.each(CONVENTIONS)(
    "finds the best of all mappings, by enumeration, in the %s convention",
    (convention) => {
      const base = hierarchy(parseDesign("4,64,16,64,64,2"), convention);
      fc.assert(
        fc.property(
          fc.record({ rows: small, depth: small, columns: small }),
          fc.constantFrom<[number, number]>([1, 1], [2, 1], [2, 2]),
          fc.record({
            width: fc.integer({ min: 1, max: 6 }),
            depth: fc.integer({ min: 1, max: 3 }),
            registerWords: fc.integer({ min: 3, max: 12 }),
            sramWords: fc.integer({ min: 3, max: 24 }),
            bufferWords: fc.integer({ min: 12, max: 80 }),
            sramWordsPerCycle: fc.integer({ min: 1, max: 8 }),
            bufferWordsPerCycle: fc.integer({ min: 1, max: 4 }),
            dramWordsPerCycle: fc.integer({ min: 1, max: 2 }),
          }),
          (product, coreGrid, limits) => {
            const hardware = { ...base, ...limits, coreGrid };
            const found = mapProduct(product, hardware);
            const expected = leastByEnumeration(product, hardware);
            expect(found.energyJoules * found.cycles).toBeCloseTo(expected, 15);
            expect((found.energyJoules * found.cycles) / expected).toBeCloseTo(1, 9);
          },
        ),
        { numRuns: 40 },
      );
    },
  );

  it("keeps to the capacities, and its unrolled dimensions divide what they unroll", () => {
    const products = fc.record({
      rows: fc.integer({ min: 1, max: 400 }),
      depth: fc.integer({ min: 1, max: 1024 }),
      columns: fc.integer({ min: 1, max: 1024 }),
    });
    const design: AcceleratorDesign = parseDesign("2,128,8,64,64,2");
    fc.assert(
      fc.property(products, fc.constantFrom(...CONVENTIONS), (product, convention) => {
        const hardware = hierarchy(design, convention);
        const mapping = mapProduct(product, hardware);
        requireValid(product, hardware, mapping);
        expect(mapping.utilisation).toBeLessThanOrEqual(1 + 1e-12);
        const macs = product.rows * product.depth * product.columns;
        expect(mapping.energyJoules).toBeGreaterThan(macs * hardware.macEnergy);
      }),
      { numRuns: 40 },
    );
  });

  it("does not cost more with larger buffers, more bandwidth or a larger space", () => {
    const product = { rows: 197, depth: 672, columns: 1920 };
    const cost = (hardware: Hierarchy, space?: "sunstone") => {
      const { energyJoules, cycles } = mapProduct(product, hardware, space);
      return energyJoules * cycles;
    };
    const hardware = hierarchy(parseDesign("2,256,4,64,32,2"), "published");
    expect(cost({ ...hardware, sramWords: hardware.sramWords * 4 })).toBeLessThanOrEqual(cost(hardware));
    expect(cost({ ...hardware, bufferWords: hardware.bufferWords * 4 })).toBeLessThanOrEqual(cost(hardware));
    expect(cost({ ...hardware, sramWordsPerCycle: 128 })).toBeLessThanOrEqual(cost(hardware));
    expect(cost(hardware)).toBeLessThanOrEqual(cost(hardware, "sunstone"));
  });

  it("refuses extents that are no whole numbers and windows that do not fit", () => {
    const hardware = hierarchy(parseDesign("1,32,2,64,32,2"), "published");
    for (const product of [
      { rows: 0, depth: 1, columns: 1 },
      { rows: 1, depth: 1.5, columns: 1 },
      { rows: 1, depth: 1, columns: Number.NaN },
      { rows: 50, depth: 768, columns: 64, sliding: { grid: 7, window: 16 } },
    ])
      expect(() => mapProduct(product, hardware)).toThrow(InputError);
  });
});

function requireValid(product: MatrixProduct, hardware: Hierarchy, mapping: Mapping): void {
  const { registerTile, arrayUnroll, coreTile, coreUnroll, bufferTile } = mapping;
  const chain = [
    [times(registerTile, arrayUnroll), coreTile],
    [times(coreTile, coreUnroll), bufferTile],
    [bufferTile, [product.rows, product.depth, product.columns]],
  ] as const;
  for (const [inner, outer] of chain) for (const i of [0, 1, 2]) expect(outer[i]! % inner[i]!).toBe(0);
  const [rows, depth, columns] = coreTile;
  expect(Math.max(rows * depth, depth * columns, rows * columns)).toBeLessThanOrEqual(hardware.sramWords);
  const [m, d, k] = bufferTile;
  expect(m * d + d * k + m * k).toBeLessThanOrEqual(hardware.bufferWords);
  expect(onGrid(arrayUnroll[0] * arrayUnroll[1] * arrayUnroll[2], [hardware.width, hardware.depth])).toBe(
    true,
  );
}
