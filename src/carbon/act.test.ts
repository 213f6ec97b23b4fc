import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Estimate, exactly, InputError, Sampler } from "../core/index.ts";
import {
  boseEinsteinYield,
  carbonPerArea,
  fabDefaults,
  logicCarbon,
  memoryCarbon,
  murphyYield,
  poissonYield,
} from "./act.ts";
import { gridIntensity } from "./grids.ts";
import { operationalCarbon } from "./operational.ts";

const grams = (intensity: number) => Estimate.exact(intensity, "gCO2e/kWh");
const area = (squareCentimetres: number) => Estimate.exact(squareCentimetres, "cm2");
const gigabytes = (capacity: number) => Estimate.exact(capacity, "GB");
const standard = exactly(0.875);

/** ACT's tests and tables: github.com/facebookresearch/ACT, branches main and 22nmScaling. */
describe("ACT's published cases", () => {
  it.each([
    {
      node: "14nm",
      intensity: 583,
      abatement: 0.97,
      expected: (1.2 * 583 + 162.5 + 500) / 0.875,
      near: 1556.685714,
    },
    { node: "10nm", intensity: 820, abatement: 0.95, expected: 2228, near: 2228 },
    {
      node: "22nm",
      intensity: 642,
      abatement: 0.95,
      expected: (642 * 1.077 + 188.28 + 500) / 0.875,
      near: 1576.816,
    },
    {
      node: "22nm",
      intensity: 583,
      abatement: 0.95,
      expected: (583 * 1.077 + 188.28 + 500) / 0.875,
      near: 1504.195,
    },
    {
      node: "22nm",
      intensity: 369,
      abatement: 0.95,
      expected: (369 * 1.077 + 188.28 + 500) / 0.875,
      near: 1240.792,
    },
    {
      node: "22nm",
      intensity: 7.3,
      abatement: 0.95,
      expected: (7.3 * 1.077 + 188.28 + 500) / 0.875,
      near: 795.591,
    },
  ])("carbon per area at $node, $intensity g/kWh", ({ node, intensity, abatement, expected, near }) => {
    const perArea = carbonPerArea({
      node,
      intensity: grams(intensity),
      abatement: exactly(abatement),
      yield: standard,
    });
    expect(perArea.value("gCO2e/cm2")).toBeCloseTo(expected, 9);
    expect(perArea.value("gCO2e/cm2")).toBeCloseTo(near, 3);
  });

  it.each([
    ["dram", "ddr4_10nm", 0.875, 195 / 0.875],
    ["hdd", "barracuda", 1, 13.71],
    ["ssd", "nand_10nm", 0.9, 100 / 3],
  ] as const)("three gigabytes of %s in %s", (kind, technology, yielded, expected) => {
    const carbon = memoryCarbon(kind, technology, gigabytes(3), exactly(yielded), 0);
    expect(carbon.value("gCO2e")).toBeCloseTo(expected, 9);
  });

  it("a packaged die of 145 mm2", () => {
    const carbon = logicCarbon(
      Estimate.exact(145, "mm2"),
      {
        node: "10nm",
        intensity: gridIntensity(new Sampler(1), "taiwan", { vintage: "same" }).intensity.times(583 / 642),
        abatement: exactly(0.95),
        yield: exactly(0.943543),
      },
      1,
    );
    expect(carbon.value("gCO2e")).toBeCloseTo(((1.475 * 583 + 240 + 500) * 1.45) / 0.943543 + 150, 9);
  });

  it("597 g/kWh, 0.273 W, 72.3 % of 3.5 years of 365 days", () => {
    const energy = Estimate.exact(0.273 * 0.723, "W").times(Estimate.exact(3.5 * 365, "day"));
    const expected = ((597 * 0.273) / 1000) * 0.723 * 3.5 * 8760;
    expect(operationalCarbon(energy, grams(597)).value("gCO2e")).toBeCloseTo(expected, 9);
  });

  it("the co-design chip of CATransformers: 0.2702 kg, of which memory is 0.2103", () => {
    const process = { node: "22nm", intensity: grams(642), abatement: exactly(0.95), yield: standard };
    const die = logicCarbon(Estimate.exact(3.7993, "mm2"), process, 0);
    const memory = memoryCarbon("dram", "lpddr3_20nm", gigabytes(1), standard, 0);
    expect(memory.value("kgCO2e")).toBeCloseTo(0.2103, 4);
    expect(memory.value("kgCO2e")).toBeCloseTo(0.184 / 0.875, 12);
    expect(die.plus(memory).value("kgCO2e")).toBeCloseTo(0.2702, 4);
  });
});

describe("yields", () => {
  const positive = fc.double({ min: 1e-6, max: 20, noNaN: true });

  it("are shares that fall with area and density, Poisson lowest and Seeds highest", () => {
    fc.assert(
      fc.property(positive, positive, (squareCentimetres, perSquareCentimetre) => {
        const [a, d] = [area(squareCentimetres), Estimate.exact(perSquareCentimetre, "1/cm2")];
        const values = [poissonYield(a, d), murphyYield(a, d), boseEinsteinYield(a, d)].map((y) => y.value());
        expect(values[0]).toBeLessThanOrEqual(values[1]! + 1e-12);
        expect(values[1]).toBeLessThanOrEqual(values[2]! + 1e-12);
        for (const value of values) {
          expect(value).toBeGreaterThanOrEqual(0);
          expect(value).toBeLessThanOrEqual(1);
        }
        expect(murphyYield(a.times(2), d).value()).toBeLessThanOrEqual(values[1]!);
      }),
    );
  });

  it("take textbook values", () => {
    const density = Estimate.exact(0.15, "1/cm2");
    expect(poissonYield(area(8.14), density).value()).toBeCloseTo(0.294935, 6);
    expect(murphyYield(area(8.14), density).value()).toBeCloseTo(0.333447, 6);
    expect(boseEinsteinYield(area(8.14), density).value()).toBeCloseTo(0.450248, 6);
    expect(boseEinsteinYield(area(8.14), density, 10).value()).toBeCloseTo(1 / 2.221 ** 10, 12);
    expect(murphyYield(area(0), density).value()).toBe(1);
  });
});

it("refuses an unknown node or technology with what is near", () => {
  const { abatement } = fabDefaults(new Sampler(1));
  const at = (node: string) => carbonPerArea({ node, intensity: grams(500), abatement, yield: standard });
  expect(() => at("17nm")).toThrow(InputError);
  expect(() => at("17nm")).toThrow('did you mean "14nm" or "10nm" or "7nm"');
  expect(() => memoryCarbon("dram", "nand_10nm", gigabytes(1), standard, 0)).toThrow("a technology of dram");
});

it("carries the range of gas abatement where nobody gives one", () => {
  const { abatement } = fabDefaults(new Sampler(1));
  const perArea = carbonPerArea({ node: "5nm", intensity: grams(500), abatement, yield: standard });
  const { low, high } = perArea.interval("gCO2e/cm2");
  expect(low).toBeCloseTo((2.75 * 500 + 225 + 500) / 0.875, 0);
  expect(high).toBeCloseTo((2.75 * 500 + 430 + 500) / 0.875, 0);
});
