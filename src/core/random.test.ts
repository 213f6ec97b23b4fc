import { describe, expect, it } from "vitest";
import { RandomStream } from "./random.ts";

describe("RandomStream", () => {
  it("gives the same numbers for the same seed and name, whatever else was drawn", () => {
    const first = new RandomStream(1);
    first.uniform();
    first.normal();
    expect(first.split("data").uniform()).toBe(new RandomStream(1).split("data").uniform());
    expect(first.split("data").uniform()).not.toBe(first.split("init").uniform());
  });

  it("has the moments of its distributions", () => {
    const stream = new RandomStream(42);
    const n = 20_000;
    const mean = (draw: () => number) => Array.from({ length: n }, draw).reduce((a, b) => a + b) / n;
    // Four standard errors each: 0.29, 1, 1 and 2.9 over sqrt(n).
    expect(mean(() => stream.uniform())).toBeCloseTo(0.5, 1.7);
    expect(Math.abs(mean(() => stream.normal()))).toBeLessThan(4 / Math.sqrt(n));
    expect(Math.abs(mean(() => stream.normal() ** 2) - 1)).toBeLessThan((4 * Math.SQRT2) / Math.sqrt(n));
    expect(Math.abs(mean(() => stream.exponential(2)) - 0.5)).toBeLessThan(2 / Math.sqrt(n));
    expect(Math.abs(mean(() => stream.integer(1, 10)) - 5.5)).toBeLessThan(12 / Math.sqrt(n));
  });

  it("shuffles into a permutation and refuses to pick from nothing", () => {
    const items = Array.from({ length: 50 }, (_, i) => i);
    const shuffled = new RandomStream(3).shuffle([...items]);
    expect(shuffled).not.toEqual(items);
    expect([...shuffled].sort((a, b) => a - b)).toEqual(items);
    expect(() => new RandomStream(3).pick([])).toThrow(RangeError);
  });
});
