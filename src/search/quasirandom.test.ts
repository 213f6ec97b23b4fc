import { describe, expect, it } from "vitest";
import { RandomStream } from "../core/index.ts";
import { SobolSequence, sobolDimensions } from "./quasirandom.ts";

describe("the Sobol sequence", () => {
  it("has scipy's points (qmc.Sobol, unscrambled)", () => {
    const sequence = new SobolSequence(256);
    const columns = [0, 1, 2, 5, 100, 255];
    const expected: [index: number, values: number[]][] = [
      [1, [0.5, 0.5, 0.5, 0.5, 0.5, 0.5]],
      [2, [0.75, 0.25, 0.25, 0.75, 0.25, 0.75]],
      [3, [0.25, 0.75, 0.75, 0.25, 0.75, 0.25]],
      [5, [0.875, 0.875, 0.125, 0.625, 0.125, 0.875]],
      [11, [0.4375, 0.5625, 0.1875, 0.0625, 0.8125, 0.1875]],
      [15, [0.0625, 0.9375, 0.5625, 0.1875, 0.4375, 0.3125]],
    ];
    for (const [index, values] of expected)
      expect(columns.map((d) => sequence.point(index)[d])).toEqual(values);
  });

  it("puts one point of each 2^k into each of 2^k cells, scrambled as not", () => {
    for (const random of [undefined, new RandomStream(1), new RandomStream(2)]) {
      const sequence = new SobolSequence(40, random);
      for (const start of [0, 64, 192])
        for (let d = 0; d < 40; d++) {
          const cells = Array.from({ length: 64 }, (_, i) => Math.floor(sequence.point(start + i)[d]! * 64));
          expect(new Set(cells).size).toBe(64);
        }
    }
  });

  it("integrates a smooth function far better than chance does", () => {
    const f = (x: Float64Array) => x.reduce((product, xi) => product * (1 + (xi - 0.5) / 2), 1);
    const sequence = new SobolSequence(6, new RandomStream(4));
    let sum = 0;
    for (let i = 0; i < 1024; i++) sum += f(sequence.point(i));
    // One standard error of 1,024 random points would be 0.012.
    expect(Math.abs(sum / 1024 - 1)).toBeLessThan(0.001);
  });

  it("refuses more dimensions than it has numbers for", () => {
    expect(sobolDimensions()).toBe(256);
    expect(() => new SobolSequence(257)).toThrow(RangeError);
  });
});
