import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { architecture } from "./architecture.ts";
import { parameters } from "./parameters.ts";
import { widthForSize } from "./size.ts";

const size = (layers: string, width: number) => parameters(architecture(layers, width)).primitives;

describe("widthForSize", () => {
  it.each([
    ["(AF)16", 2048, 0.973e9],
    ["(SF)13", 2048, 0.99e9],
  ])("finds the published width of %s", (layers, width, target) => {
    expect(widthForSize(layers, target).width).toBe(width);
  });

  it("comes nearer than any neighbouring width", () => {
    const target = fc.double({ min: 2e6, max: 5e9, noNaN: true });
    fc.assert(
      fc.property(fc.constantFrom("AFAF", "SFAFSF", "HFSF", "2A 4F"), target, (layers, wanted) => {
        fc.pre(wanted > size(layers, 128));
        const { width } = widthForSize(layers, wanted);
        const distance = (w: number) => Math.abs(Math.log(size(layers, w) / wanted));
        expect(width % 128).toBe(0);
        expect(distance(width)).toBeLessThanOrEqual(distance(width + 128));
        if (width > 128) expect(distance(width)).toBeLessThanOrEqual(distance(width - 128));
      }),
      { numRuns: 40 },
    );
  });

  it("takes settings that depend on the width", () => {
    const wide = widthForSize("AF", 1e8, { settings: (width) => ({ feedForward: { hidden: 8 * width } }) });
    expect(wide.feedForward.hidden).toBe(8 * wide.width);
    expect(wide.width).toBeLessThan(widthForSize("AF", 1e8).width);
  });

  it("refuses what no width gives", () => {
    expect(() => widthForSize("AF", 1000)).toThrow("at least");
    expect(() => widthForSize("F", 1e15)).toThrow("at most");
    expect(() => widthForSize("AF", Number.NaN)).toThrow("positive number");
  });
});
