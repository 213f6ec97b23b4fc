import { readFileSync } from "node:fs";
import { gunzipSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { missingData, sharedData } from "../../test/requirements.ts";
import { InputError, Sampler } from "../core/index.ts";
import { gridIntensity, gridZones, hourlySpread, knownZone } from "./grids.ts";

const HOURLY = "grid/ci_lca_2022_hourly_123zones.csv.gz";

describe("gridIntensity", () => {
  it("gives the published mean as it is, with label, source and year", () => {
    const grid = gridIntensity(new Sampler(1), "US-CAL-CISO", { vintage: "same" });
    expect(grid.intensity.value("gCO2e/kWh")).toBe(264.23);
    expect(grid).toMatchObject({
      signal: "average",
      accounting: "location",
      boundary: "life-cycle",
      note: "",
    });
    expect(grid.provenance).toMatchObject({
      origin: "bundled",
      source: "electricity-maps-2022",
      vintage: "2022",
    });
  });

  it("carries the spread between years into plans, one draw a zone", () => {
    const sampler = new Sampler(1);
    const { intensity } = gridIntensity(sampler, "DE");
    expect(intensity.value("gCO2e/kWh")).toBeCloseTo(481.45, 1);
    expect(intensity.interval("gCO2e/kWh").low).toBeCloseTo(481.45 * 0.87, 0);
    expect(intensity.interval("gCO2e/kWh").high).toBeCloseTo(481.45 * 1.15, 0);
    expect(gridIntensity(sampler, "de").intensity.draws).toEqual(intensity.draws);
    expect(gridIntensity(sampler, "FR").intensity.draws).not.toEqual(intensity.draws);
  });

  it("names the default that it falls back to", () => {
    const grid = gridIntensity(new Sampler(1), undefined);
    expect(grid.zone).toBe("world");
    expect(grid.note).toBe('no grid zone was given: the mean of "world" in 2023, 481 gCO2e/kWh, is used');
  });

  it.each([
    ["US-CAL-CSIO", 'did you mean "US-CAL-CISO"'],
    ["taiwann", 'did you mean "taiwan"'],
    ["CAL", 'zones of "CAL": US-CAL-BANC, US-CAL-CISO, US-CAL-LDWP, US-CAL-TIDC'],
  ])("refuses the unknown zone %s and says what there is", (zone, remedy) => {
    expect(() => gridIntensity(new Sampler(1), zone)).toThrow(InputError);
    expect(() => knownZone(zone, { file: "ledger.yaml", line: 3 })).toThrow(/ledger\.yaml:3/);
    try {
      knownZone(zone);
    } catch (error) {
      expect((error as InputError).problems[0]!.remedy).toContain(remedy);
    }
  });

  it("knows zones, countries and single sources, and the hours' spread of zones only", () => {
    expect(gridZones()).toEqual(expect.arrayContaining(["GB", "taiwan", "coal"]));
    expect(gridZones()).not.toContain("another-year");
    expect(hourlySpread("taiwan")).toBeUndefined();
    expect(() => hourlySpread("atlantis")).toThrow(InputError);
  });
});

describe.skipIf(missingData(HOURLY))("the bundled means against the hourly series", () => {
  it("are the means and the 5 % and 95 % quantiles of all 123 zones", () => {
    const [header, ...rows] = gunzipSync(readFileSync(sharedData(HOURLY)))
      .toString()
      .trimEnd()
      .split("\n");
    const zones = header!.split(",").slice(1);
    expect(zones).toHaveLength(123);
    const columns = zones.map(() => new Float64Array(rows.length));
    for (const [hour, row] of rows.entries()) {
      const values = row.split(",");
      for (let zone = 0; zone < zones.length; zone++) columns[zone]![hour] = Number(values[zone + 1]);
    }
    for (const [index, zone] of zones.entries()) {
      const column = columns[index]!;
      const mean = column.reduce((total, value) => total + value, 0) / column.length;
      const grid = gridIntensity(new Sampler(1), zone, { vintage: "same" });
      expect(Math.abs(grid.intensity.value("gCO2e/kWh") - mean)).toBeLessThan(0.00501);
      const below = (bound: number) => column.filter((value) => value < bound - 0.0051).length;
      const spread = hourlySpread(zone)!;
      expect(below(spread.low)).toBeLessThanOrEqual(0.05 * column.length);
      expect(below(spread.low + 0.011)).toBeGreaterThanOrEqual(0.05 * column.length - 1);
      expect(below(spread.high)).toBeLessThanOrEqual(0.95 * column.length);
      expect(below(spread.high + 0.011)).toBeGreaterThanOrEqual(0.95 * column.length - 1);
    }
  });
});
