import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { exactly, Sampler } from "../core/index.ts";
import { accelerator } from "../hardware/index.ts";
import { preset } from "../model/index.ts";
import { Deployment, planService, type Service } from "./index.ts";

const sampler = new Sampler(1);
const options = { architecture: preset("llama-3-8b").architecture, accelerator: accelerator("h100-sxm") };
const chat: Service = {
  requestsPerDay: 1e6,
  promptTokens: 1000,
  outputTokens: 300,
  firstTokenSeconds: 0.5,
  tokenSeconds: 0.05,
  peakToMean: exactly(2),
};

describe("a service", () => {
  const plan = planService(sampler, options, chat);

  it("has accelerators for the peak, by the operators' own arithmetic", () => {
    const deployment = new Deployment(sampler, {
      ...options,
      tensorParallel: plan.deployment.tensorParallel,
    });
    const prefill = deployment.prefillTime(1, 1000).value("s");
    const step = deployment.stepTime(plan.batch, 1150).value("s");
    const needed = (1e6 / 86_400) * 2 * (prefill + (300 * step) / plan.batch);
    expect(plan.replicas.value()).toBeGreaterThanOrEqual(needed * 0.9);
    expect(plan.replicas.value()).toBeLessThan(needed * 1.1 + 1);
  });

  it("keeps its bounds", () => {
    expect(plan.timeToFirstToken.value("s")).toBeLessThanOrEqual(0.5);
    expect(plan.timePerOutputToken.value("s")).toBeLessThanOrEqual(0.05);
    expect(plan.utilisation.quantile(1)).toBeLessThanOrEqual(0.5 + 1e-9);
  });

  it("spends energy between that of idle and of busy accelerators", () => {
    const tokensPerSecond = (1e6 / 86_400) * 300;
    const limit = 700 / tokensPerSecond;
    expect(plan.energyPerToken.quantile(1, "J/token")).toBeLessThan(plan.accelerators.quantile(1) * limit);
    expect(plan.energyPerToken.quantile(0, "J/token")).toBeGreaterThan(
      plan.accelerators.quantile(0) * limit * 0.05,
    );
  });

  it("never takes fewer accelerators for more requests or tighter bounds", () => {
    // At the medians of all inputs, where the plan is the best of all.
    const medians = new Sampler(1, () => 0.5);
    fc.assert(
      fc.property(
        fc.integer({ min: 1000, max: 5e7 }),
        fc.double({ min: 0.1, max: 2, noNaN: true }),
        (requestsPerDay, firstTokenSeconds) => {
          const accelerators = (service: Partial<Service>) =>
            planService(medians, options, { ...chat, requestsPerDay, firstTokenSeconds, ...service })
              .accelerators;
          const base = accelerators({}).value();
          expect(accelerators({ requestsPerDay: 3 * requestsPerDay }).value()).toBeGreaterThanOrEqual(base);
          expect(accelerators({ firstTokenSeconds: 2 * firstTokenSeconds }).value()).toBeLessThanOrEqual(
            base,
          );
        },
      ),
      { numRuns: 25 },
    );
  });

  it("says when no layout meets the bounds, and how near the fastest comes", () => {
    expect(() => planService(sampler, options, { ...chat, firstTokenSeconds: 0.001 })).toThrow(
      /0.001 s to the first token[\s\S]*its first token takes 0\.0/,
    );
    expect(() => planService(sampler, options, { ...chat, promptTokens: 100_000_000 })).toThrow(/cache fits/);
    expect(() => planService(sampler, options, { ...chat, requestsPerDay: 0 })).toThrow(/above 0/);
  });
});
