import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, describe, expect, it } from "vitest";
import { problemOf } from "../../test/problems.ts";
import { missingData, sharedData } from "../../test/requirements.ts";
import { InputError, readCsv } from "../core/index.ts";
import { constantProfile, EnergyProfile, mergedProfile } from "./energy-profile.ts";
import { carbonOverTime, meanIntensity } from "./series.ts";
import { readIntensitySeries } from "./series-files.ts";
import { Timestamps } from "./timestamps.ts";

const folder = mkdtempSync(join(tmpdir(), "carbon-series-"));
afterAll(() => rmSync(folder, { recursive: true }));
function written(name: string, lines: readonly string[]): string {
  const file = join(folder, name);
  writeFileSync(file, `${lines.join("\n")}\n`);
  return file;
}
const shared = (name: string) => sharedData(`grid/${name}`);
const midnight = Date.UTC(2022, 0, 1) / 1000;

describe.skipIf(missingData("grid/em_US-CAL-CISO_2022_hourly.csv"))("real files", () => {
  it("reads Electricity Maps' export with either boundary", () => {
    const file = shared("em_US-CAL-CISO_2022_hourly.csv");
    const series = readIntensitySeries(file);
    expect(series).toMatchObject({ zone: "US-CAL-CISO", boundary: "life-cycle", signal: "average" });
    expect([series.start, series.stepSeconds, series.gramsPerKilowattHour.length]).toEqual([
      midnight,
      3600,
      8760,
    ]);
    // The mean of this export; the sheet of zone means is of an older vintage (264.23).
    expect(meanIntensity(series, midnight, midnight + 8760 * 3600)).toBeCloseTo(261.28, 2);
    expect(readIntensitySeries(file, { boundary: "direct" }).gramsPerKilowattHour[0]).toBe(209.26);
  });

  it("reads WattTime's marginal rate in pounds, at five minutes", () => {
    const series = readIntensitySeries(shared("vessim_watttime_caiso_north_2023.csv"), {
      unit: "lb/MWh",
      signal: "marginal",
      timeZone: "UTC",
    });
    expect(series).toMatchObject({ zone: "Caiso_North", signal: "marginal", stepSeconds: 300 });
    expect(series.gramsPerKilowattHour[0]).toBeCloseTo(425.01605069 * 0.45359237, 9);
  });

  // umassos/decarbonization-potential: slack_0 is the sum of the hours of a job that starts at once.
  it.each([1, 6, 24, 168])("gives the carbon of a %d h job at 1 kW as the published schedules", (hours) => {
    const trace = readCsv(shared("golden_US-CAL-CISO_job1_slack24.csv"));
    const series = readIntensitySeries(
      written("trace.csv", ["hour,CISO", ...trace.map(({ row }, hour) => `${hour},${row.slack_0}`)]),
      { unit: "gCO2e/kWh", start: "2022-01-01T00:00Z" },
    );
    const golden = readCsv(shared(`golden_US-CAL-CISO_job${hours}_slack24.csv`));
    for (const hour of [0, 1, 999, 4321, 8000]) {
      const job = constantProfile(midnight + hour * 3600, hours * 3600, 1000);
      expect(carbonOverTime(job, series).value("gCO2e")).toBeCloseTo(Number(golden[hour]!.row.slack_0), 1);
    }
  });
});

describe("JSON of the services", () => {
  const hours = [0, 1, 2].map((hour) => `2026-03-01T0${hour}:00:00.000Z`);

  it("reads Electricity Maps' history and says what is estimated", () => {
    const history = hours.map((datetime, index) => ({
      zone: "DE",
      carbonIntensity: 300 + index,
      datetime,
      updatedAt: datetime,
      emissionFactorType: "lifecycle",
      isEstimated: index === 2,
      estimationMethod: null,
    }));
    const series = readIntensitySeries(written("em.json", [JSON.stringify({ zone: "DE", history })]));
    expect([...series.gramsPerKilowattHour]).toEqual([300, 301, 302]);
    expect(series).toMatchObject({ zone: "DE", boundary: "life-cycle", signal: "average" });
    expect(series.notes).toEqual(["1 of 3 values are marked as estimated"]);
  });

  const wattTime = (units: string, signal = "co2_moer") =>
    written("watttime.json", [
      JSON.stringify({
        meta: { region: "CAISO_NORTH", signal_type: signal, units, generated_at: hours[0] },
        data: hours.map((point_time, index) => ({ point_time, value: 1000 + index })),
      }),
    ]);

  it("reads WattTime's answer as marginal, in grams", () => {
    const series = readIntensitySeries(wattTime("lbs_co2_per_mwh"));
    expect(series).toMatchObject({ zone: "CAISO_NORTH", signal: "marginal", boundary: "direct" });
    expect(series.gramsPerKilowattHour[1]).toBeCloseTo(1001 * 0.45359237, 9);
  });

  it("refuses a unit or a signal that it does not know, at its line", async () => {
    const unit = await problemOf(() => readIntensitySeries(wattTime("lbs_co2_per_mhw")));
    expect(unit).toMatchObject({
      found: 'the unit "lbs_co2_per_mhw"',
      place: { line: 1, path: "meta.units" },
    });
    expect(unit.remedy).toContain("lbs_co2_per_mwh");
    const signal = await problemOf(() => readIntensitySeries(wattTime("lbs_co2_per_mwh", "health_damage")));
    expect(signal.found).toBe('the signal "health_damage"');
  });
});

describe("a load over time", () => {
  const series = readIntensitySeries(
    written("steps.csv", [
      "time,DE",
      "2026-03-01T00:00:00Z,100",
      "2026-03-01T01:00:00Z,200",
      "2026-03-01T02:00:00Z,",
      "2026-03-01T03:00:00Z,400",
    ]),
    { unit: "gCO2e/kWh" },
  );
  const at = (hour: number) => Date.UTC(2026, 2, 1) / 1000 + hour * 3600;

  it("meets each hour's intensity", () => {
    expect(carbonOverTime(constantProfile(at(0.5), 3600, 1000), series).value("gCO2e")).toBeCloseTo(150, 9);
    expect(meanIntensity(series, at(0.25), at(1.25))).toBeCloseTo(0.75 * 100 + 0.25 * 200, 9);
    expect(series.notes).toEqual(["1 of 4 steps have no value"]);
  });

  it("refuses hours that do not cover the job, a missing hour in it, and a clock without a zone", async () => {
    const outside = await problemOf(() => carbonOverTime(constantProfile(at(3), 7200, 1), series));
    expect(outside.found).toBe("intensities from 2026-03-01T00:00Z to 2026-03-01T04:00Z");
    expect(outside.expected).toBe("hours that cover the job, from 2026-03-01T03:00Z to 2026-03-01T05:00Z");
    const gap = await problemOf(() => carbonOverTime(constantProfile(at(1.5), 3600, 1), series));
    expect(gap).toMatchObject({ found: "no intensity at 2026-03-01T02:00Z", place: { path: "DE" } });
    const zone = await problemOf(() =>
      carbonOverTime(constantProfile(at(0), 60, 1), series, { zoneKnown: false }),
    );
    expect(zone.remedy).toContain("--time-zone");
  });

  it("keeps its energy however it is cut", () => {
    const span = fc.tuple(
      fc.double({ min: 0, max: 1e6, noNaN: true }),
      fc.double({ min: 0.001, max: 1e5, noNaN: true }),
      fc.double({ min: 0, max: 1e9, noNaN: true }),
    );
    fc.assert(
      fc.property(fc.array(span, { minLength: 1, maxLength: 8 }), (spans) => {
        const profiles = spans.map(([start, length, joules]) => {
          const profile = new EnergyProfile();
          profile.add(start, start + length, joules);
          return profile;
        });
        const total = spans.reduce((sum, [, , joules]) => sum + joules, 0);
        const merged = mergedProfile(profiles);
        const inBins = merged.bins().reduce((sum, { joules }) => sum + joules, 0);
        expect(Math.abs(inBins - total)).toBeLessThanOrEqual(1e-9 * (1 + total));
        expect(merged.joules).toBeCloseTo(total, 3);
        expect(merged.start).toBe(Math.min(...spans.map(([start]) => start)));
      }),
    );
  });
});

describe("bad series", () => {
  const head = "time,DE";
  it.each([
    ["mixed time zones", [head, "2026-03-01T00:00:00Z,1", "2026-03-01 01:00:00,2"], "mixed time zones", 3],
    [
      "zones far apart",
      [head, "2026-03-01T00:00:00Z,1", "2026-03-01T05:00:00+05:30,2"],
      "mixed time zones",
      3,
    ],
    [
      "a moment twice",
      [head, "2026-03-01 01:00,1", "2026-03-01 02:00,2", "2026-03-01 02:00,3"],
      "a second value",
      4,
    ],
    [
      "uneven steps",
      [head, "2026-03-01 01:00,1", "2026-03-01 02:00,2", "2026-03-01 03:30,2"],
      "off the step",
      4,
    ],
    ["no number", [head, "2026-03-01 01:00,1", "2026-03-01 02:00,high"], '"high"', 3],
    ["no moment", [head, "yesterday,1", "2026-03-01 02:00,2"], '"yesterday"', 2],
    ["a negative average", [head, "2026-03-01 01:00,1", "2026-03-01 02:00,-2"], "-2", 3],
  ])("%s is refused at its line", async (_, lines, found, line) => {
    const problem = await problemOf(() =>
      readIntensitySeries(written("bad.csv", lines), { unit: "gCO2e/kWh" }),
    );
    expect(problem.found).toContain(found);
    expect(problem.place?.line).toBe(line);
  });

  it("does not guess the unit, the zone, or the date of numbered hours", async () => {
    const two = written("two.csv", ["hour,DE,FR", "0,1,2", "1,3,4"]);
    expect((await problemOf(() => readIntensitySeries(two))).remedy).toBe("name one of: DE, FR");
    expect((await problemOf(() => readIntensitySeries(two, { zone: "FR" }))).remedy).toContain("--unit");
    const dated = () => readIntensitySeries(two, { zone: "FR", unit: "gCO2e/kWh" });
    expect((await problemOf(dated)).remedy).toContain("--start");
    expect(
      (await problemOf(() => readIntensitySeries(two, { zone: "FX", unit: "gCO2e/kWh" }))).remedy,
    ).toContain("FR");
    const started = { zone: "fr", unit: "gCO2e/kWh", start: "2022-01-01T00:00Z" };
    expect([...readIntensitySeries(two, started).gramsPerKilowattHour]).toEqual([2, 4]);
  });

  it("says that times without a zone were read as UTC", () => {
    const series = readIntensitySeries(
      written("local.csv", [head, "2026-03-01 00:00,1", "2026-03-01 01:00,2"]),
      {
        unit: "kgCO2e/MWh",
      },
    );
    expect(series.notes).toEqual(["the times name no zone and were read as UTC"]);
  });
});

describe("Timestamps", () => {
  it("reads the ways to write a moment", () => {
    const expected = Date.UTC(2026, 2, 1, 12, 30, 15) / 1000;
    for (const text of [
      "2026-03-01T12:30:15Z",
      "2026-03-01T14:30:15+02:00",
      String(expected),
      `${expected}000`,
    ]) {
      expect(new Timestamps().read(text)).toBe(expected);
    }
    expect(new Timestamps("+02:00").read("2026/03/01 14:30:15.250")).toBe(expected + 0.25);
    expect(new Timestamps().zoneKnown).toBe(true);
  });

  it("accepts the hour that daylight saving adds, and knows whether a zone is known", () => {
    const moments = new Timestamps();
    expect(moments.read("2026-03-29T03:00+02:00") - moments.read("2026-03-29T01:00+01:00")).toBe(3600);
    const local = new Timestamps();
    local.read("2026-03-01 12:00");
    expect(local.zoneKnown).toBe(false);
    expect(() => new Timestamps("Berlin")).toThrow(InputError);
  });
});
