import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Estimate, gammaQuantile, RandomStream, Sampler } from "../core/index.ts";
import {
  availabilityOptimalInterval,
  dalyYoungInterval,
  ettr,
  ettrClosedForm,
  ettrExact,
  ettrMonteCarlo,
  ettrV1,
  ettrV2,
  expectedEttr,
  optimalCheckpointInterval,
  optimalIntervalExact,
  optimalIntervalV2,
  type RunParameters,
} from "./ettr.ts";
import { DAY_SECONDS } from "./mttf.ts";

const RSC1 = 6.5e-3;
const RSC2 = 2.34e-3;
const MINUTE = 60;

const run = (
  gpus: number,
  perNodeDay: number,
  dtMinutes: number,
  more: Partial<RunParameters> = {},
): RunParameters => ({
  failuresPerSecond: ((gpus / 8) * perNodeDay) / DAY_SECONDS,
  checkpointIntervalSeconds: dtMinutes * MINUTE,
  restartSeconds: 5 * MINUTE,
  productiveSeconds: 30 * DAY_SECONDS,
  ...more,
});

describe("expected ETTR", () => {
  // Values worked from the formula of arXiv:2410.21680v1 with R = 30 days; the paper's own rounded value in the name.
  it.each<[string, RunParameters, number]>([
    ["16,000 GPUs of RSC-1, hourly checkpoints: 0.7", run(16_000, RSC1, 60), 0.684],
    ["16,000 GPUs, 5 minutes: 0.93", run(16_000, RSC1, 5), 0.932],
    ["8,000 GPUs, 30 minutes, 1 minute of queue: 0.9", run(8_000, RSC1, 30, { queueSeconds: 60 }), 0.9055],
    ["2,048 GPUs, hourly: above 0.9", run(2_048, RSC1, 60), 0.959],
    ["4,096 GPUs, hourly: above 0.9", run(4_096, RSC1, 60), 0.919],
    ["100,000 GPUs of RSC-1, 7 minutes: 0.5", run(100_000, RSC1, 7), 0.52],
    ["100,000 GPUs of RSC-2, 2 minutes: 0.9", run(100_000, RSC2, 2, { restartSeconds: 120 }), 0.939],
    ["100,000 GPUs of RSC-2, 21 minutes", run(100_000, RSC2, 21), 0.685],
    ["8,000 GPUs, hourly", run(8_000, RSC1, 60, { productiveSeconds: 7 * DAY_SECONDS }), 0.8416],
    [
      "8,000 GPUs, hourly, 20 minutes to restart",
      run(8_000, RSC1, 60, { restartSeconds: 20 * MINUTE, productiveSeconds: 7 * DAY_SECONDS }),
      0.7728,
    ],
  ])("v1: %s", (_, parameters, expected) => {
    expect(ettrV1(parameters)).toBeCloseTo(expected, Math.max(3, String(expected).length - 2));
  });

  it.each<[string, number, number, number, number, number]>([
    ["5 minutes to write, optimum 38.4 minutes", RSC1, 5 * MINUTE, 38.4, 0.74, 3],
    ["10 seconds to write, optimum 7.0 minutes", RSC1, 10, 7, 0.9205, 4],
    ["1 failure in 1000 node-days, optimum 98 minutes", 1e-3, 5 * MINUTE, 98, 0.898, 3],
  ])("v2 on 12,000 GPUs: %s", (_, rate, write, minutes, expected, digits) => {
    const lambda = (1500 * rate) / DAY_SECONDS;
    const optimum = dalyYoungInterval(lambda, write);
    expect(optimum / MINUTE).toBeCloseTo(minutes, minutes === 98 ? 0 : 1);
    const parameters = run(12_000, rate, optimum / MINUTE, { checkpointWriteSeconds: write });
    expect(ettrV2(parameters)).toBeCloseTo(expected, digits);
  });

  it("is both versions' form where the other's overheads are nothing", () => {
    const v1 = run(8_000, RSC1, 30, { queueSeconds: 60 });
    expect(ettrClosedForm(v1)).toBe(ettrV1(v1));
    const v2 = run(8_000, RSC1, 30, {
      checkpointWriteSeconds: 30,
      productiveSeconds: Number.POSITIVE_INFINITY,
    });
    expect(ettrClosedForm(v2)).toBe(ettrV2(v2));
  });
});

describe("the exact renewal form", () => {
  // The simulation's values in the reference sheet, by another program with 400 runs of 7 days.
  it.each<[string, RunParameters, number]>([
    ["16,000 GPUs, hourly", run(16_000, RSC1, 60, { productiveSeconds: 7 * DAY_SECONDS }), 0.722],
    ["8,000 GPUs, hourly", run(8_000, RSC1, 60, { productiveSeconds: 7 * DAY_SECONDS }), 0.8503],
    [
      "8,000 GPUs, hourly, 20 minutes to restart",
      run(8_000, RSC1, 60, { restartSeconds: 20 * MINUTE, productiveSeconds: 7 * DAY_SECONDS }),
      0.7943,
    ],
    ["100,000 GPUs of RSC-1, 7 minutes", run(100_000, RSC1, 7), 0.615],
    ["100,000 GPUs of RSC-2, 21 minutes", run(100_000, RSC2, 21), 0.725],
    ["16,000 GPUs, 5 minutes", run(16_000, RSC1, 5), 0.934],
    ["8,000 GPUs, 30 minutes, queue", run(8_000, RSC1, 30, { queueSeconds: 60 }), 0.909],
  ])("agrees with another simulation: %s", (_, parameters, expected) => {
    expect(Math.abs(ettrExact(parameters) / expected - 1)).toBeLessThan(0.005);
  });

  it.each<[string, RunParameters]>([
    ["no overheads", run(16_000, RSC1, 60)],
    ["queue and writes", run(16_000, RSC1, 30, { queueSeconds: 300, checkpointWriteSeconds: 60 })],
    [
      "beyond the closed form",
      run(131_072, RSC1, 60, { restartSeconds: 600, productiveSeconds: DAY_SECONDS }),
    ],
    [
      "a last interval that is shorter",
      run(64_000, RSC1, 50, { productiveSeconds: 10_000, queueSeconds: 60 }),
    ],
  ])("is what simulation gives, within 1 %%: %s", (name, parameters) => {
    const trials = parameters.productiveSeconds! > 10 * DAY_SECONDS ? 1000 : 20_000;
    const simulated = ettrMonteCarlo(parameters, trials, new RandomStream(1).split(name));
    expect(Math.abs(simulated.ettr / ettrExact(parameters) - 1)).toBeLessThan(0.01);
    expect(Math.abs(simulated.ettr - ettrExact(parameters))).toBeLessThan(4 * simulated.standardError);
  });

  it("is the limit of long runs, and 1 / (1 + w/dt) where nothing fails", () => {
    const long = run(16_000, RSC1, 30, { productiveSeconds: 1e5 * DAY_SECONDS });
    const endless = { ...long, productiveSeconds: Number.POSITIVE_INFINITY };
    expect(ettrExact(long)).toBeCloseTo(ettrExact(endless), 6);
    expect(ettrExact({ ...endless, failuresPerSecond: 0, checkpointWriteSeconds: 180 })).toBeCloseTo(
      1 / 1.1,
      12,
    );
    const rare = { ...endless, checkpointWriteSeconds: 180 };
    expect(ettrExact({ ...rare, failuresPerSecond: 1e-14 })).toBeCloseTo(1 / 1.1, 8);
  });

  it("is never below 0 nor above 1 and falls with every overhead", () => {
    const seconds = fc.double({ min: 1, max: 7200, noNaN: true });
    fc.assert(
      fc.property(
        fc.double({ min: 1e-7, max: 1e-3, noNaN: true }),
        seconds,
        seconds,
        seconds,
        seconds,
        (f, dt, u, q, w) => {
          const base: RunParameters = {
            failuresPerSecond: f,
            checkpointIntervalSeconds: dt,
            restartSeconds: u,
            queueSeconds: q,
            checkpointWriteSeconds: w,
            productiveSeconds: DAY_SECONDS,
          };
          const value = ettrExact(base);
          expect(value).toBeGreaterThanOrEqual(0);
          expect(value).toBeLessThanOrEqual(1);
          for (const worse of [
            { failuresPerSecond: 2 * f },
            { restartSeconds: u + 60 },
            { queueSeconds: q + 60 },
            { checkpointWriteSeconds: w + 60 },
          ]) {
            expect(ettrExact({ ...base, ...worse })).toBeLessThanOrEqual(value);
          }
        },
      ),
    );
  });
});

describe("the closed form's domain", () => {
  it("is refused where a failure costs more than the time between failures", () => {
    const inside = run(100_000, RSC1, 7);
    expect(expectedEttr(inside)).toEqual({
      ettr: ettrClosedForm(inside),
      form: "closed",
      warning: undefined,
    });
    const outside = run(100_000, RSC1, 60);
    expect(ettrClosedForm(outside)).toBeLessThan(0);
    const result = expectedEttr(outside);
    expect(result.form).toBe("exact");
    expect(result.ettr).toBe(ettrExact(outside));
    expect(result.ettr).toBeGreaterThan(0);
    expect(result.warning).toContain("1.97 times the mean time between failures");
  });

  it("is within 5 % of exact up to 8,000 GPUs, as the paper says, and below it", () => {
    for (const gpus of [512, 1024, 2048, 4096, 8000]) {
      for (const minutes of [15, 30, 60]) {
        for (const restart of [5, 10, 20]) {
          const parameters = run(gpus, RSC1, minutes, { restartSeconds: restart * MINUTE });
          const error = ettrClosedForm(parameters) / ettrExact(parameters) - 1;
          expect(error).toBeLessThan(0.001);
          expect(error).toBeGreaterThan(-0.05);
        }
      }
    }
  });

  it("refuses parameters that mean nothing", () => {
    expect(() => ettrClosedForm(run(8, RSC1, 0))).toThrow(RangeError);
    expect(() => ettrExact(run(8, RSC1, 60, { restartSeconds: -1 }))).toThrow(RangeError);
    expect(() =>
      ettrMonteCarlo(run(8, RSC1, 60, { productiveSeconds: undefined }), 1, new RandomStream(1)),
    ).toThrow(RangeError);
  });
});

describe("the best checkpoint interval", () => {
  const lambda = (2000 * RSC1) / DAY_SECONDS;
  const scan = (value: (dt: number) => number) => {
    let best = 1;
    for (let dt = 1; dt < 20_000; dt++) if (value(dt) > value(best)) best = dt;
    return best;
  };

  it.each([
    [60, 300],
    [300, 600],
    [600, 60],
  ])("with %i s to write and %i s to restart maximises the form it is for", (write, restart) => {
    const at = (dt: number): RunParameters => ({
      failuresPerSecond: lambda,
      checkpointIntervalSeconds: dt,
      restartSeconds: restart,
      checkpointWriteSeconds: write,
    });
    expect(Math.abs(optimalIntervalV2(lambda, write, restart) - scan((dt) => ettrV2(at(dt))))).toBeLessThan(
      1,
    );
    expect(Math.abs(optimalIntervalExact(lambda, write) - scan((dt) => ettrExact(at(dt))))).toBeLessThan(1);
  });

  it("tends to Daly and Young's where writing is quick", () => {
    expect(optimalIntervalExact(lambda, 0.01) / dalyYoungInterval(lambda, 0.01)).toBeCloseTo(1, 2);
    expect(optimalIntervalV2(lambda, 0.01, 0) / dalyYoungInterval(lambda, 0.01)).toBeCloseTo(1, 2);
    expect(optimalIntervalExact(lambda, 0)).toBe(0);
    expect(optimalIntervalV2(1, 10, 2)).toBe(0);
  });

  it("for availability holds the time to save twice over", () => {
    // Ts + sqrt(2 (Tf + Tr) Ts + Ts^2) with Ts = 2, Tf = 100, Tr = 19: 2 + sqrt(480).
    expect(availabilityOptimalInterval(2, 100, 19)).toBeCloseTo(2 + Math.sqrt(480), 12);
  });
});

describe("uncertain runs", () => {
  const sampler = new Sampler(1);
  const rate = sampler.draw("rate", gammaQuantile(4, 950), "1/node/day", { basis: "published", sources: [] });
  const estimates = (nodes: number) => ({
    failureRate: rate,
    nodes: Estimate.exact(nodes, "node"),
    checkpointInterval: Estimate.exact(60, "min"),
    restart: Estimate.exact(5, "min"),
    queue: Estimate.exact(1, "min"),
    checkpointWrite: Estimate.exact(0, "s"),
    productive: Estimate.exact(30, "day"),
  });

  it("are the plain function draw by draw", () => {
    const { ettr: estimate, warning } = ettr(estimates(1000));
    expect(warning).toBeUndefined();
    for (const i of [0, 500, 999]) {
      const parameters = {
        failuresPerSecond: rate.draws[i]! * 1000,
        checkpointIntervalSeconds: 3600,
        restartSeconds: 300,
        queueSeconds: 60,
        productiveSeconds: 30 * DAY_SECONDS,
      };
      expect(estimate.draws[i]).toBeCloseTo(ettrExact(parameters), 12);
    }
    expect(estimate.basis).toBe("published");
  });

  it("say in how many draws a run hardly proceeds", () => {
    const { ettr: estimate, warning } = ettr(estimates(12_500));
    expect(warning).toMatch(/^in \d+ % of the draws/);
    expect(estimate.interval().low).toBeGreaterThan(0);
  });

  it("have an interval of their own", () => {
    const write = Estimate.exact(5, "min");
    const interval = optimalCheckpointInterval(rate, Estimate.exact(1500, "node"), write);
    expect(interval.draws[7]).toBeCloseTo(optimalIntervalExact(rate.draws[7]! * 1500, 300), 9);
  });
});
