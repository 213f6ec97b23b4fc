import { describe, expect, it } from "vitest";
import { parseLimit, parseQuantity, parseRange } from "./quantity.ts";

describe("parseQuantity", () => {
  it.each([
    ["40B tokens", "token", 40e9],
    ["21 days", "day", 21],
    ["3 weeks", "day", 21],
    ["36 h", "day", 1.5],
    ["2M", "1", 2e6],
    ["1.5M USD", "USD", 1.5e6],
    ["$1.5M", "USD", 1.5e6],
    ["500 ms", "s", 0.5],
    ["5 min", "s", 300],
    ["1,000,000", "1", 1e6],
    ["2e13", "1", 2e13],
    ["20 t", "kgCO2e", 20_000],
    ["30 MWh", "kWh", 30_000],
    ["2.1 USD/accelerator/h", "USD/accelerator/h", 2.1],
    [512, "accelerator", 512],
  ])("reads %s in %s", (text, symbol, value) => {
    expect(parseQuantity(text, symbol)).toBeCloseTo(value, 9);
  });

  it("counts lengths of text in powers of two", () => {
    expect(parseQuantity("32k", "token", { binary: true })).toBe(32_768);
    expect(parseQuantity("4k tokens", "token", { binary: true })).toBe(4096);
  });

  it.each([
    ["soon", 'not a number: "soon"'],
    ["3 fortnights", 'the unit "fortnights" of "3 fortnights" is not known'],
    ["3 kg", '"3 kg" is in kg, which cannot be read in day'],
  ])("refuses %s", (text, message) => {
    expect(() => parseQuantity(text, "day")).toThrow(message);
  });
});

describe("parseRange", () => {
  it("reads both ends, and one value as both", () => {
    expect(parseRange("0.5B..3B", "1")).toEqual({ low: 0.5e9, high: 3e9 });
    expect(parseRange("1B", "1")).toEqual({ low: 1e9, high: 1e9 });
    expect(parseRange(3, "1")).toEqual({ low: 3, high: 3 });
  });
  it("lets the unit and magnitude of the end hold for a bare beginning", () => {
    expect(parseRange("1..2 tCO2e", "kgCO2e")).toEqual({ low: 1000, high: 2000 });
    expect(parseRange("1..3B", "1")).toEqual({ low: 1e9, high: 3e9 });
    expect(parseRange("350..420 W", "W")).toEqual({ low: 350, high: 420 });
    expect(parseRange("30 min..2 h", "h")).toEqual({ low: 0.5, high: 2 });
  });
  it("refuses a range that runs backwards", () => {
    expect(() => parseRange("3B..1B", "1")).toThrow("the range runs backwards");
  });
});

describe("parseLimit", () => {
  it("reads the ways to write an upper limit", () => {
    for (const text of ["under 500 ms", "< 0.5 s", "up to 500ms", "500 ms"])
      expect(parseLimit(text, "s")).toBe(0.5);
  });
  it("refuses a lower one", () => {
    expect(() => parseLimit("at least 3 s", "s")).toThrow("a lower limit");
  });
});
