import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Estimate, exactly, FigureTable, Sampler } from "../core/index.ts";
import { acceleratorEmbodied, amortised, serverLifetime, serverUtilisation } from "./embodied.ts";
import { gridIntensity } from "./grids.ts";
import { hostFactor, powerUsageEffectiveness } from "./operational.ts";
import { type AcceleratorRun, computeTime, runCarbon } from "./training.ts";

const sampler = new Sampler(7);

/** A run whose every quantity is exact, for published accounts that give no interval. */
function exactRun(given: {
  accelerators: number;
  hours: number;
  watts: number;
  pue: number;
  intensity: number;
}): AcceleratorRun {
  return {
    accelerators: Estimate.exact(given.accelerators, "accelerator"),
    wallClock: Estimate.exact(given.hours, "h"),
    power: Estimate.exact(given.watts, "W/accelerator"),
    hostFactor: exactly(1),
    pue: exactly(given.pue),
    intensity: Estimate.exact(given.intensity, "gCO2e/kWh"),
    embodied: Estimate.exact(150, "kgCO2e/accelerator"),
    lifetime: Estimate.exact(5, "year"),
    utilisation: exactly(1),
  };
}

describe("published training runs", () => {
  const runs = new FigureTable("training-runs");

  it.each(runs.subjects)("%s: energy and carbon as reported", (name) => {
    const figure = (wanted: string) => runs.get(name, wanted).value;
    const { energy, operational } = runCarbon(
      exactRun({
        accelerators: 1,
        hours: figure("accelerator-hours"),
        watts: figure("power"),
        pue: figure("pue"),
        intensity: figure("intensity"),
      }),
    );
    // The reports round to whole MWh and tonnes.
    for (const [mine, reported] of [
      [energy.value("MWh"), figure("reported-energy")],
      [operational.value("tCO2e"), figure("reported-carbon")],
    ] as const) {
      expect(Math.abs(mine - reported)).toBeLessThan(Math.max(0.01 * reported, 0.5));
    }
  });

  // LLaMA (arXiv:2302.13971) table 15 and OPT, before the reports' rounding.
  it.each([
    [809_472, 356.2, 137.1],
    [1_082_880, 476.5, 183.4],
    [82_432, 36.3, 14.0],
    [135_168, 59.5, 22.9],
    [530_432, 233.4, 89.9],
    [1_022_362, 449.8, 173.2],
  ])("%d accelerator-hours at 400 W", (hours, megawattHours, tonnes) => {
    const run = exactRun({ accelerators: 1, hours, watts: 400, pue: 1.1, intensity: 385 });
    expect(runCarbon(run).energy.value("MWh")).toBeCloseTo(megawattHours, 1);
    expect(runCarbon(run).operational.value("tCO2e")).toBeCloseTo(tonnes, 1);
  });

  // LLMCarbon (arXiv:2309.14393), predicted operational carbon of its validation set: C = 6 P D.
  it.each([
    {
      name: "T5",
      parameters: 11e9,
      tokens: 600e9,
      intensity: 545,
      pue: 1.12,
      watts: 310,
      efficiency: 0.37,
      accelerators: 512,
      tonnes: 45.736,
    },
    {
      name: "GShard",
      parameters: 2.3e9,
      tokens: 1000e9,
      intensity: 177,
      pue: 1.09,
      watts: 288,
      efficiency: 0.39,
      accelerators: 1000,
      tonnes: 4.44,
    },
  ])("$name by its FLOPs", ({ parameters, tokens, efficiency, accelerators, tonnes, ...given }) => {
    const wallClock = computeTime(
      Estimate.exact(6 * parameters * tokens, "FLOP"),
      Estimate.exact(accelerators, "accelerator"),
      Estimate.exact(123, "TFLOP/s/accelerator"),
      exactly(efficiency),
    );
    const run = exactRun({ accelerators, hours: wallClock.value("h"), ...given });
    expect(runCarbon(run).operational.value("tCO2e")).toBeCloseTo(tonnes, 2);
  });

  it("XLM: embodied carbon of LLMCarbon's table 5 over 20.4 of 1825 days", () => {
    const parts = [1.47 * 64, 256 * 0.4 * 64, 32768 * 0.018 * 64, 8.15 * 1.2 * 512, 111.6 * 1.2 * 64];
    const embodied = amortised(
      Estimate.exact(
        parts.reduce((total, part) => total + part, 0),
        "kgCO2e",
      ),
      Estimate.exact(20.4, "day"),
      { lifetime: Estimate.exact(5 * 365, "day"), utilisation: exactly(1) },
    );
    expect(embodied.value("tCO2e")).toBeCloseTo(0.648, 3);
  });

  // Luccioni et al. (arXiv:2211.02001), sections 4.1 to 4.3.
  it("BLOOM: dynamic, idle and embodied tonnes", () => {
    const at57 = (kilowattHours: number) =>
      Estimate.exact(kilowattHours, "kWh").times(Estimate.exact(57, "gCO2e/kWh")).value("tCO2e");
    expect(at57(433_196)).toBeCloseTo(24.69, 2);
    expect(at57(256_646)).toBeCloseTo(14.6, 1);
    const run = (perAccelerator: number) =>
      runCarbon({
        ...exactRun({ accelerators: 1, hours: 1_082_990, watts: 400, pue: 1, intensity: 57 }),
        embodied: Estimate.exact(perAccelerator, "kgCO2e/accelerator"),
        lifetime: Estimate.exact(6 * 365, "day"),
        utilisation: exactly(0.85),
      }).embodied.value("tCO2e");
    expect(run(150)).toBeCloseTo(3.64, 2);
    expect(run(2500 / 8)).toBeCloseTo(7.58, 2);
    expect(run(150 + 2500 / 8)).toBeCloseTo(11.2, 1);
  });
});

describe("runCarbon", () => {
  it("keeps every published spread: the embodied part of a run is a range, not a number", () => {
    const { operational, embodied, total } = runCarbon({
      accelerators: Estimate.exact(512, "accelerator"),
      wallClock: Estimate.exact(10, "day"),
      power: Estimate.exact(600, "W/accelerator"),
      hostFactor: hostFactor(sampler),
      pue: powerUsageEffectiveness(sampler, "hyperscale"),
      intensity: gridIntensity(sampler, "FR").intensity,
      embodied: acceleratorEmbodied(sampler, "H100"),
      lifetime: serverLifetime(sampler),
      utilisation: serverUtilisation(sampler),
    });
    const { low, high } = embodied.interval("kgCO2e");
    expect(high / low).toBeGreaterThan(2);
    expect(operational.interval().high).toBeGreaterThan(operational.interval().low);
    expect(total.mean("kgCO2e")).toBeCloseTo(operational.mean("kgCO2e") + embodied.mean("kgCO2e"), 6);
    expect(total.basis).toBe("assumed");
    expect(total.sources.map(({ id }) => id)).toEqual(
      expect.arrayContaining(["electricity-maps-2022", "embodied-spread", "sustainable-ai", "dgx-h100"]),
    );
  });

  it("grows in proportion to accelerators and to hours, and the idler the fleet, the more each hour carries", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 4096 }), fc.integer({ min: 1, max: 2000 }), (count, hours) => {
        const given = { watts: 500, pue: 1.1, intensity: 300 };
        const one = runCarbon(exactRun({ accelerators: 1, hours: 1, ...given }));
        const many = runCarbon(exactRun({ accelerators: count, hours, ...given }));
        expect(many.total.value() / one.total.value() / (count * hours)).toBeCloseTo(1, 9);
        const idle = runCarbon({
          ...exactRun({ accelerators: count, hours, ...given }),
          utilisation: exactly(0.5),
        });
        expect(idle.embodied.value() / many.embodied.value()).toBeCloseTo(2, 9);
      }),
    );
  });

  it("gives an accelerator without a published figure the range of all of them", () => {
    const unknown = acceleratorEmbodied(new Sampler(1), "tpu-v9").interval("kgCO2e/accelerator");
    expect(unknown.low).toBeGreaterThan(150);
    expect(unknown.high).toBeGreaterThan(575);
  });
});
