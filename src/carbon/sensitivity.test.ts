import { expect, it } from "vitest";
import { Estimate, intervalQuantile, type Sampler } from "../core/index.ts";
import { sensitivity } from "./sensitivity.ts";

const evidence = { basis: "assumed", sources: [] } as const;
const drawn = (sampler: Sampler, name: string, [low, middle, high]: readonly [number, number, number]) =>
  sampler.draw(name, intervalQuantile(low, middle, high), "kWh", evidence);

it("moves one input at a time from the median of all, and puts the widest swing first", () => {
  const figure = (sampler: Sampler) =>
    drawn(sampler, "narrow", [9, 10, 12])
      .plus(drawn(sampler, "wide", [50, 100, 180]))
      .plus(drawn(sampler, "idle", [1, 2, 3]).times(0))
      .plus(Estimate.exact(5, "kWh"))
      .shownIn("kWh");
  const { figure: name, unit, atMedian, swings } = sensitivity("energy", figure, 1);
  expect({ name, unit }).toEqual({ name: "energy", unit: "kWh" });
  expect(atMedian).toBeCloseTo(115, 9);
  expect(swings.map(({ input }) => input)).toEqual(["wide", "narrow"]);
  expect(swings[0]!.atLow).toBeCloseTo(65, 9);
  expect(swings[0]!.atHigh).toBeCloseTo(195, 9);
  expect(swings[1]!.atLow).toBeCloseTo(114, 9);
  expect(swings[1]!.atHigh).toBeCloseTo(117, 9);
});

it("has no swing where nothing is uncertain", () => {
  expect(sensitivity("energy", () => Estimate.exact(5, "kWh"), 1)).toEqual({
    figure: "energy",
    unit: "kWh",
    atMedian: 5,
    swings: [],
  });
});
