import fc from "fast-check";
import { describe, expect, expectTypeOf, it } from "vitest";
import { DRAWS, Estimate, type Evidence, exactly, type Source, sum, weakest } from "./estimate.ts";
import { Sampler } from "./sampler.ts";
import { intervalQuantile, normalQuantile, uniformQuantile } from "./statistics.ts";

const published = (id: string): Evidence => ({ basis: "published", sources: [{ id, title: id }] });
const measured: Evidence = { basis: "measured", sources: [{ id: "log", title: "a log" }] };

function power(sampler = new Sampler(1)) {
  return sampler.draw("power", intervalQuantile(600, 700, 750), "W", published("sheet"));
}

describe("Estimate", () => {
  it("multiplies power by time into energy, at compile time and at run time", () => {
    const energy = power().times(Estimate.exact(10, "h"));
    expectTypeOf(energy).toEqualTypeOf<Estimate<{ readonly energy: 1 }>>();
    expect(energy.value("kWh")).toBeCloseTo(7, 2);
    expect(() => energy.value("kgCO2e")).toThrow("cannot show energy in kgCO2e");
  });

  it("does not compile where seconds meet kilograms, and throws where the compiler was told to look away", () => {
    const seconds = Estimate.exact(1, "s");
    const kilograms = Estimate.exact(1, "kgCO2e");
    // @ts-expect-error a mismatch of dimensions is a type error
    expect(() => seconds.plus(kilograms)).toThrow("cannot add time and carbon");
    // @ts-expect-error carbon per time is not carbon, though it has every exponent that carbon has
    expect(() => kilograms.minus(kilograms.over(seconds))).toThrow(
      "cannot subtract carbon and time^-1 carbon",
    );
  });

  it("keeps draws aligned, so that what is correlated stays correlated", () => {
    const p = power();
    expect(p.minus(p).interval()).toEqual({ low: 0, high: 0 });
    const ratio = p.times(2).over(p);
    expect(ratio.value()).toBeCloseTo(2, 12);
    expect(ratio.interval().low).toBeCloseTo(2, 12);
  });

  it("adds variances of independent inputs", () => {
    const sampler = new Sampler(3);
    const a = sampler.draw("a", normalQuantile(10, 3), "s", measured);
    const b = sampler.draw("b", normalQuantile(20, 4), "s", measured);
    const { low, high } = a.plus(b).interval("s");
    // sqrt(3^2 + 4^2) = 5, and 90 % of a normal lies within 1.645 standard deviations.
    expect((high - low) / 2).toBeCloseTo(1.645 * 5, 0);
    expect(a.plus(b).mean("s")).toBeCloseTo(30, 6);
  });

  it("takes the weakest basis and every source once", () => {
    const result = power()
      .times(Estimate.exact(1, "h", measured))
      .times(exactly(3));
    expect(result.basis).toBe("published");
    expect(result.sources.map((s) => s.id)).toEqual(["sheet", "log"]);
    expect(power().times(power()).sources).toHaveLength(1);
    expect(exactly(3).times(exactly(2)).basis).toBe("given");
  });

  it("obeys the algebra of intervals for exact values", () => {
    fc.assert(
      fc.property(
        fc.double({ min: 0.001, max: 1e6, noNaN: true }),
        fc.double({ min: 0.001, max: 1e6, noNaN: true }),
        (x, y) => {
          const [a, b] = [Estimate.exact(x, "h"), Estimate.exact(y, "h")];
          const near = (expected: number) =>
            expect.closeTo(expected, 9 - Math.ceil(Math.log10(1 + expected)));
          expect(a.plus(b).value("h")).toEqual(near(x + y));
          expect(a.over(b).value()).toEqual(near(x / y));
          expect(sum(a, b, a).value("h")).toEqual(near(2 * x + y));
        },
      ),
    );
  });

  it("applies a formula draw by draw", () => {
    const sampler = new Sampler(5);
    const u = sampler.draw("u", uniformQuantile(0, 2), "s", measured);
    const capped = Estimate.combine([u, Estimate.exact(1, "s")], "s", (x, limit) => Math.min(x, limit));
    expect(capped.interval("s").high).toBe(1);
    expect(u.atMost(Estimate.exact(1, "s")).draws).toEqual(capped.draws);
    expect(u.probability((x) => x > 1)).toBeCloseTo(0.5, 2);
  });

  it("refuses draws of another length and draws that are not numbers", () => {
    expect(() => Estimate.fromDraws([1, 2, 3], "s", measured)).toThrow(`1 or ${DRAWS} draws, not 3`);
    const zero = Estimate.exact(0, "s");
    expect(() => zero.over(zero)).toThrow("draw 0 of an estimate in a plain number is NaN");
  });

  it.each([
    [Estimate.exact(256, "MiB"), "256 MiB"],
    [Estimate.exact(13.4, "MiB"), "13.4 MiB"],
    [Estimate.exact(4.47e20, "FLOP"), "4.47e20 FLOP"],
    [Estimate.exact(40e9, "token"), "40 B tokens"],
    [Estimate.exact(1.5e6, "USD"), "1.5 M USD"],
    [Estimate.exact(36, "h"), "1.5 days"],
    [Estimate.exact(0.0231, "s"), "23.1 ms"],
    [exactly(0.934).shownIn("%"), "93.4 %"],
    [Estimate.exact(0, "kWh"), "0 J"],
    [power(), "700 W [600, 750]"],
  ])("prints %s", (estimate, text) => {
    expect(String(estimate)).toBe(text);
  });

  it("summarises itself for JSON", () => {
    expect(JSON.parse(JSON.stringify(power()))).toEqual({
      value: expect.closeTo(700, 1),
      low: expect.closeTo(600, 0),
      high: expect.closeTo(750, 0),
      unit: "W",
      basis: "published",
      sources: ["sheet"],
    });
  });
});

describe("weakest", () => {
  it("keeps one source per place", () => {
    const table2: Source = { id: "paper", title: "A paper", where: "Table 2" };
    const table3: Source = { ...table2, where: "Table 3" };
    const merged = weakest([
      { basis: "measured", sources: [table2] },
      { basis: "assumed", sources: [table3, table2] },
    ]);
    expect(merged).toEqual({ basis: "assumed", sources: [table2, table3] });
  });
});

describe("Sampler", () => {
  it("gives one name one set of draws, and the same for the same seed", () => {
    const sampler = new Sampler(7);
    expect(power(sampler)).toBe(power(sampler));
    expect(power(new Sampler(7)).draws).toEqual(power(new Sampler(7)).draws);
    expect(power(new Sampler(7)).draws).not.toEqual(power(new Sampler(8)).draws);
  });

  it("reproduces a published interval exactly", () => {
    const { low, high } = power().interval("W");
    expect(low).toBeCloseTo(600, 0);
    expect(high).toBeCloseTo(750, 0);
  });

  it("draws different names independently", () => {
    const sampler = new Sampler(1);
    const a = sampler.draw("a", normalQuantile(), "1", measured);
    const b = sampler.draw("b", normalQuantile(), "1", measured);
    const correlation = a.draws.reduce((total, x, i) => total + x * b.draws[i]!, 0) / DRAWS;
    expect(Math.abs(correlation)).toBeLessThan(0.1);
  });

  it("pins an input at a probability and lists what was drawn", () => {
    const sampler = new Sampler(1, (name) => (name === "power" ? 0.95 : undefined));
    expect(power(sampler).isExact).toBe(true);
    expect(power(sampler).value("W")).toBeCloseTo(750, 6);
    expect(sampler.inputs.map((input) => input.name)).toEqual(["power"]);
  });
});
