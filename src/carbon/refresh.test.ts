import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Estimate, exactly, type InputError, Sampler } from "../core/index.ts";
import {
  carbonDelayProduct,
  carbonEnergyProduct,
  carbonEnergySquaredProduct,
  carbonSquaredEnergyProduct,
} from "./metrics.ts";
import { boaviztaPower } from "./operational.ts";
import { carbonPerBusyHour, lifetimeChoices, refresh } from "./refresh.ts";
import { refreshAccount } from "./refresh-account.ts";

const watts = (value: number) => Estimate.exact(value, "W/accelerator");
const kilograms = (value: number) => Estimate.exact(value, "kgCO2e/accelerator");
const years = (value: number) => Estimate.exact(value, "year");
const site = (intensity: number, utilisation = 0.5) => ({
  pue: exactly(1.2),
  intensity: Estimate.exact(intensity, "gCO2e/kWh"),
  utilisation: exactly(utilisation),
});
const old = { power: watts(400), throughput: exactly(1), embodied: kilograms(300), age: years(2) };
const fresh = { power: watts(700), throughput: exactly(3), embodied: kilograms(600) };

describe("refresh", () => {
  it("pays back by the power that the same work saves", () => {
    const result = refresh(old, fresh, site(400), years(5));
    // A third of a new card does the work: 400 - 700/3 W saved, half the time, at PUE 1.2 and 400 g/kWh.
    const savedPerYear = (400 - 700 / 3) * 0.5 * 1.2 * 24 * 365.25 * 0.4 * 1e-3;
    expect(result.savedPerYear.value("kgCO2e")).toBeCloseTo(savedPerYear, 9);
    expect(result.newEmbodied.value("kgCO2e")).toBeCloseTo(200, 9);
    expect(result.payback.value("year")).toBeCloseTo(200 / savedPerYear, 9);
    expect(result.paysBack).toBe(1);
    expect(result.stranded.value("kgCO2e")).toBeCloseTo(300 * 0.6, 9);
  });

  it("takes longer on a cleaner grid and with idler machines, and never pays back where it draws more", () => {
    fc.assert(
      fc.property(
        fc.double({ min: 20, max: 900, noNaN: true }),
        fc.double({ min: 0.05, max: 1, noNaN: true }),
        (g, u) => {
          const here = refresh(old, fresh, site(g, u), years(5)).payback.value("year");
          expect(refresh(old, fresh, site(g / 2, u), years(5)).payback.value("year")).toBeCloseTo(
            2 * here,
            6,
          );
          expect(refresh(old, fresh, site(g, u / 2), years(5)).payback.value("year")).toBeCloseTo(
            2 * here,
            6,
          );
        },
      ),
    );
    const never = refresh(old, { ...fresh, throughput: exactly(1.5) }, site(400), years(5));
    expect(never.payback.value("year")).toBe(Number.POSITIVE_INFINITY);
    expect(never.paysBack).toBe(0);
    expect(String(never.payback)).toContain("∞");
  });
});

describe("lifetimeChoices", () => {
  const choices = (intensity: number) =>
    lifetimeChoices(
      new Sampler(1),
      { power: watts(400), throughput: exactly(1), embodied: kilograms(500) },
      site(intensity),
      [1, 2, 3, 4, 5, 6, 8, 10],
    );
  const best = (intensity: number) =>
    choices(intensity).reduce((least, choice) =>
      choice.totalPerYear.value() < least.totalPerYear.value() ? choice : least,
    ).years;

  it("keeps hardware longer where electricity is clean", () => {
    expect(best(20)).toBeGreaterThan(best(400));
    expect(best(400)).toBeGreaterThanOrEqual(best(900));
  });

  it("equals the sum of all purchases for good", () => {
    const doubling = 3.5;
    const [choice] = lifetimeChoices(
      new Sampler(1),
      { power: watts(400), throughput: exactly(1), embodied: kilograms(500) },
      site(300),
      [4],
    );
    const yearly = 400 * 0.5 * 1.2 * 24 * 365.25 * 0.3 * 1e-3;
    let all = 0;
    for (let purchase = 0; purchase < 200; purchase++)
      all += (500 + yearly * 4) * 2 ** ((-purchase * 4) / doubling);
    expect(choice!.totalPerYear.value("kgCO2e") / ((all * Math.LN2) / doubling)).toBeCloseTo(1, 3);
  });
});

describe("carbonPerBusyHour", () => {
  it("charges idle power and the making to the hours that work", () => {
    const at = (utilisation: number) =>
      carbonPerBusyHour(
        { busy: watts(600), idle: watts(100) },
        kilograms(438.3),
        years(5),
        site(500, utilisation),
      ).value("gCO2e");
    // 438.3 kg over 5 x 8766 h is 10 g an hour.
    expect(at(1)).toBeCloseTo(0.6 * 1.2 * 500 + 10, 9);
    expect(at(0.5)).toBeCloseTo((0.35 / 0.5) * 1.2 * 500 + 20, 9);
  });
});

describe("figures of merit", () => {
  const [carbon, energy, delay] = [
    Estimate.exact(2, "kgCO2e"),
    Estimate.exact(3, "J"),
    Estimate.exact(5, "s"),
  ];
  it("are the products that ACT defines, each of its own dimension", () => {
    expect(carbonDelayProduct(carbon, delay).value()).toBe(10);
    expect(carbonEnergyProduct(carbon, energy).value()).toBe(6);
    expect(carbonSquaredEnergyProduct(carbon, energy).value()).toBe(12);
    expect(carbonEnergySquaredProduct(carbon, energy).value()).toBe(18);
  });
});

it("Boavizta's Xeon Platinum draws 182.22 W at half load", () => {
  const curve = { a: 171.1813, b: 0.0354, c: 36.8953, d: -10.1336 };
  expect(boaviztaPower(curve, exactly(0.5)).value("W")).toBeCloseTo(182.22, 1);
});

describe("refreshAccount", () => {
  const asked = {
    old: "a100-sxm-80",
    new: "h100-sxm",
    speedup: "2.2..3.1",
    age: "3 years",
    grid: "200 gCO2e/kWh",
    pue: 1.2,
    utilisation: 0.5,
    lifetime: "5 years",
  };

  it("answers by the site's own figures and by others, and says what it took", () => {
    const account = refreshAccount(asked, new Sampler(1));
    expect(account.refresh.replacementRatio.interval()).toMatchObject({
      low: expect.closeTo(1 / 3.1, 2),
      high: expect.closeTo(1 / 2.2, 2),
    });
    const at = (grams: number, share: number) =>
      account.paybacks
        .find(({ utilisation }) => utilisation === share)!
        .byIntensity.find(({ gramsPerKilowattHour }) => gramsPerKilowattHour === grams)!
        .payback.value("year");
    expect(at(250, 0.4) / account.refresh.payback.value("year")).toBeCloseTo((200 * 0.5) / (250 * 0.4), 9);
    expect(at(100, 0.2) / at(500, 0.8)).toBeCloseTo(20, 9);
    const hours = account.busyHours.map(({ carbon }) => carbon.value("gCO2e"));
    expect(hours).toEqual([...hours].sort((a, b) => b - a));
    expect(account.notes.join()).toMatch(/power of h100-sxm .*embodied carbon of a100-sxm-80/);
    expect(account.notes.join()).not.toMatch(/PUE|lifetime|utilisation/);
  });

  it("takes the published lifetime, PUE and utilisation where they are left out, and names the default place", () => {
    const { pue, utilisation, lifetime, grid, ...least } = asked;
    const { zone, notes } = refreshAccount(least, new Sampler(1));
    expect(zone).toBe("world");
    expect(notes[0]).toContain('the mean of "world" in 2023');
    expect(notes[1]).toMatch(/PUE \(average\).*utilisation of servers.*lifetime of servers/);
  });

  it.each([
    ["an unknown accelerator", { old: "a100" }, "--old"],
    ["a speed-up of nothing", { speedup: 0 }, "--speedup"],
    ["an unknown place", { grid: "Mordor" }, "--grid"],
  ])("refuses %s by its flag", (_, wrong, flag) => {
    try {
      refreshAccount({ ...asked, ...wrong }, new Sampler(1));
      throw new Error("it was accepted");
    } catch (error) {
      expect((error as InputError).problems[0]!.place?.path).toBe(flag);
    }
  });
});
