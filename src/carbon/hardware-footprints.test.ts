import { describe, expect, it } from "vitest";
import { Estimate, exactly, Sampler } from "../core/index.ts";
import { cardCarbon, largeCard, serverCarbon } from "./boavizta.ts";
import { acceleratorFootprint, publishedFootprints } from "./embodied.ts";
import { footprintReport, terminalReport } from "./report.ts";
import { sciEmbodied } from "./sci.ts";
import { figures } from "./tables.ts";

/** Published results of boaviztapi v2.4.1 (its API tests) and of its formulas. */
describe("Boavizta's formulas", () => {
  it("give 575.1 kg for an H100 card and 477.2 kg for two cards with 24 GB", () => {
    expect(cardCarbon(largeCard()).value("kgCO2e")).toBeCloseTo(575.1, 1);
    const smaller = { ...largeCard(), mass: 2.2, memoryGigabytes: 24, memoryDies: 12 };
    expect(2 * cardCarbon(smaller).value("kgCO2e")).toBeCloseTo(477.2, 1);
  });

  it("add up a server", () => {
    const empty = {
      processors: { count: 0, dieAreaSquareMillimetres: 0 },
      memory: [],
      solidStateDisks: [],
      hardDisks: 0,
      powerSuppliesKilograms: 0,
      enclosure: "rack" as const,
    };
    const bare = serverCarbon(empty).value("kgCO2e");
    expect(bare).toBeCloseTo(66.1 + 6.68 + 150, 9);
    const more = (part: object) => serverCarbon({ ...empty, ...part }).value("kgCO2e") - bare;
    expect(more({ processors: { count: 1, dieAreaSquareMillimetres: 12 * 24.5 } })).toBeCloseTo(14.93, 2);
    expect(more({ processors: { count: 1, dieAreaSquareMillimetres: 12 * 20 } })).toBeCloseTo(13.87, 2);
    const module = { gigabytes: 32, gigabytesPerSquareCentimetre: 1.25 };
    expect(more({ memory: [module, module] })).toBeCloseTo(2 * (2.2 * 25.6 + 5.22), 9);
    expect(more({ solidStateDisks: [module], hardDisks: 2 })).toBeCloseTo(2.2 * 25.6 + 6.34 + 62.22, 9);
    expect(more({ enclosure: "blade" })).toBeCloseTo(30.9 + 55 - 150, 9);
  });
});

describe("published footprints", () => {
  it("lie within the range that is taken, and the bottom-up one is computed", () => {
    for (const kind of ["a100", "h100", "b200"]) {
      const { low, high } = figures("embodied").get(kind, "embodied");
      for (const { embodied } of publishedFootprints(kind)) {
        expect(embodied.value()).toBeGreaterThanOrEqual(Math.floor(low!));
        expect(embodied.value()).toBeLessThanOrEqual(Math.ceil(high! + 0.1));
      }
    }
    const boavizta = publishedFootprints("H100").find(({ by }) => by === "Boavizta")!;
    expect(cardCarbon(largeCard()).value("kgCO2e")).toBeCloseTo(boavizta.embodied.value(), 1);
  });

  it("are shown with the range, and a kind without any is said", async () => {
    const text = await terminalReport(footprintReport(acceleratorFootprint(new Sampler(1), "h100")));
    expect(text).toMatch(/NVIDIA +164 kgCO2e/);
    expect(text).toContain("taken here, with a share of the host");
    const other = footprintReport(acceleratorFootprint(new Sampler(1), "l40s"));
    expect(other.warnings[0]).toContain('no footprint of "l40s"');
    expect(() => acceleratorFootprint(new Sampler(1), "x1")).toThrow(
      "an accelerator of data/accelerators.csv",
    );
  });
});

/** Impact Framework, sci-embodied builtin: its defaults and a server with eight accelerators. */
describe("sciEmbodied", () => {
  it("gives 28.538813 g for an hour of the baseline and 550 kg for a year of eight accelerators", () => {
    const hour = sciEmbodied({}, Estimate.exact(3600, "s"), exactly(1));
    expect(hour.value("gCO2e")).toBeCloseTo(28.538813, 6);
    const year = sciEmbodied({ accelerators: 8 }, Estimate.exact(31_536_000, "s"), exactly(1));
    expect(year.value("gCO2e")).toBeCloseTo(550_000, 6);
  });

  it("adds cores, memory and disks above the baseline, and takes the share", () => {
    const machine = { vcpus: 8, memoryGigabytes: 64, solidStateDisks: 1, hardDisks: 2 };
    const expected = (1000 + 700 + 48 * (533 / 384) + 50 + 200) / 2;
    const whole = sciEmbodied(machine, Estimate.exact(4 * 365, "day"), exactly(0.5));
    expect(whole.value("kgCO2e")).toBeCloseTo(expected, 9);
  });
});
