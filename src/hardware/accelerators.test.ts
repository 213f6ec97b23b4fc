import { describe, expect, it } from "vitest";
import { InputError, Sampler } from "../core/index.ts";
import {
  accelerator,
  accelerators,
  electricityPrice,
  peakFlopsPerSecond,
  powerLimit,
  rentalPrice,
} from "./index.ts";

describe("the table of accelerators", () => {
  it.each(accelerators().map((a) => [a.name, a] as const))("describes %s whole", (_, a) => {
    const sampler = new Sampler(1);
    expect(peakFlopsPerSecond(a, "bf16")).toBeGreaterThan(50e12);
    expect(a.memoryBytes).toBeGreaterThanOrEqual(16e9);
    expect(a.evidence.sources.length).toBeGreaterThan(0);
    // Half a precision narrower is never slower, and no board draws less than 100 W or more than 1.5 kW.
    expect(a.peakFlopsPerSecond.fp8 ?? Infinity).toBeGreaterThanOrEqual(peakFlopsPerSecond(a, "bf16"));
    expect(powerLimit(sampler, a).value("W/accelerator")).toBeGreaterThan(100);
    expect(powerLimit(sampler, a).value("W/accelerator")).toBeLessThan(1500);
    const price = rentalPrice(sampler, a).interval("USD/accelerator/h");
    expect(price.low).toBeLessThan(price.high);
  });

  it("gives the ridge points of A100 and H100: 153 and 295 FLOP/byte", () => {
    const ridge = (name: string) =>
      peakFlopsPerSecond(accelerator(name), "bf16") / accelerator(name).memoryBytesPerSecond;
    expect(ridge("a100-sxm-80")).toBeCloseTo(153, 0);
    expect(ridge("h100-sxm")).toBeCloseTo(295, 0);
  });

  it("falls back to fp16 where there is no bf16", () => {
    expect(peakFlopsPerSecond(accelerator("v100-sxm-32"), "bf16")).toBe(125e12);
  });

  it("names what is near a misspelt accelerator, at the place given", () => {
    const place = { file: "brief.yaml", line: 7 };
    expect(() => accelerator("h100-sxn", place)).toThrow(/brief.yaml:7[\s\S]*did you mean "h100-sxm"/);
    expect(() => accelerator("H100")).toThrow(/use one of: h100-sxm, h100-pcie/);
    expect(() => peakFlopsPerSecond(accelerator("a100-sxm-80"), "fp8")).toThrow(InputError);
  });

  it("prices electricity between 0.05 and 0.14 USD/kWh", () => {
    const { low, high } = electricityPrice(new Sampler(3)).interval("USD/kWh");
    expect(low).toBeCloseTo(0.05, 3);
    expect(high).toBeCloseTo(0.14, 3);
  });
});
