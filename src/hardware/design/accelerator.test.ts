import { describe, expect, it } from "vitest";
import { InputError } from "../../core/index.ts";
import {
  DESIGN_LEVELS,
  DESIGN_PARAMETERS,
  designArea,
  designOperationsPerSecond,
  parseDesign,
  printDesign,
} from "./accelerator.ts";
import { hierarchy } from "./energies.ts";
import { designFigure } from "./figures.ts";

function everyDesign() {
  let designs: Record<string, number>[] = [{}];
  for (const name of DESIGN_PARAMETERS)
    designs = designs.flatMap((design) => DESIGN_LEVELS[name].map((level) => ({ ...design, [name]: level })));
  return designs.map((design) => parseDesign(DESIGN_PARAMETERS.map((name) => design[name]).join()));
}

describe("the parametric accelerator", () => {
  // mm2 of the published table of 3,240 designs (CATransformers, cores table; reference 1.4 and 1.5).
  it.each([
    ["1,256,4,64,64,2", 3.7993],
    ["1,256,8,64,64,2", 4.1886],
    ["1,256,64,256,64,8", 19.457],
    ["4,64,64,256,64,4", 16.116],
    ["1,32,32,64,64,2", 3.7142],
  ])("has the published area: %s is %f mm2", (text, squareMillimetres) => {
    const digits = squareMillimetres > 10 ? 3 : 4;
    expect(designArea(parseDesign(text)) * 100).toBeCloseTo(squareMillimetres, digits);
  });

  it("meets the closed form written out by hand, in um2, where the array needs more SRAM than was asked for", () => {
    // {1,256,32}: SRAM of at least 256 KB for the tensor core, 64 KB for the vector core.
    const expected = 3_100_860 + 447_768 + 105_921 + 380.19472 * 256 * 32 + 379.977187 * 256;
    expect(designArea(parseDesign("1,256,32,64,32,2")) * 1e8).toBeCloseTo(expected, 3);
    // The same array has no more when 1 MB is asked for.
    const asked = expected + 1_642_130 - 105_921;
    expect(designArea(parseDesign("1,256,32,1024,32,2")) * 1e8).toBeCloseTo(asked, 3);
    // {2,256,16}: 64 KB suffice in the published table although the later code asks for 128.
    const two = 3_100_860 + 2 * (2 * 105_921 + 380.19472 * 256 * 16 + 379.977187 * 256);
    expect(designArea(parseDesign("2,256,16,64,32,2")) * 1e8).toBeCloseTo(two, 3);
  });

  // Counts of the 3,240 designs within the limits of the repository's configuration (reference 1.1).
  it("has 3,195 designs within the area and 3,060 within the throughput, and these within both", () => {
    const designs = everyDesign();
    expect(designs).toHaveLength(3240);
    const area = designFigure("constraint", "area");
    const operations = designFigure("constraint", "throughput") * 1e12;
    const small = designs.filter((design) => designArea(design) <= area);
    const slow = designs.filter((design) => designOperationsPerSecond(design) <= operations);
    expect(small).toHaveLength(3195);
    expect(slow).toHaveLength(3060);
    expect(slow.filter((design) => small.includes(design))).toHaveLength(3060);
  });

  it("reads what it prints, and refuses what no table holds", () => {
    for (const design of everyDesign().slice(0, 50)) expect(parseDesign(printDesign(design))).toEqual(design);
    for (const [text, said] of [
      ["1,256,8", /6 whole numbers/],
      ["1,256,8,64,128,two", /6 whole numbers/],
      ["3,256,8,64,128,2", /cores[\s\S]*one of 1, 2, 4/],
      ["1,100,8,64,128,2", /arrayWidth[\s\S]*one of 32, 64, 128, 256/],
      ["", /6 whole numbers/],
    ] as const) {
      expect(() => parseDesign(text, { path: "--design" })).toThrow(InputError);
      expect(() => parseDesign(text, { path: "--design" })).toThrow(said);
    }
  });

  it("lays cores on a grid as the original does, and counts energy by the byte only physically", () => {
    for (const [cores, grid] of [
      [1, [1, 1]],
      [2, [2, 1]],
      [4, [2, 2]],
    ] as const)
      expect(hierarchy(parseDesign(`${cores},64,8,64,64,2`), "published").coreGrid).toEqual(grid);
    const published = hierarchy(parseDesign("1,256,32,64,64,2"), "published");
    const physical = hierarchy(parseDesign("1,256,32,64,64,2"), "physical");
    expect(published.sram.read * 1e12).toBeCloseTo(5.428359, 6);
    expect(published.dram.read / physical.dram.read).toBeCloseTo(4, 12);
    expect(physical.macEnergy * 1e12).toBeCloseTo(0.469035, 6);
    // 256 x 32 elements are built with 256 KB: CACTI's energy of a block there, for one of its four bytes.
    expect(physical.sramWords).toBe(256 * 1024);
    expect(physical.sram.read * 1e12).toBeCloseTo(15.0863 / 4, 6);
  });
});
