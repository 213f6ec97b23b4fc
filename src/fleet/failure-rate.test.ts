import { describe, expect, it } from "vitest";
import { Estimate, Sampler } from "../core/index.ts";
import { nodeFailures, requeueWait } from "./evidence.ts";
import { failureRate, publishedPrior } from "./failure-rate.ts";
import { readSacct } from "./readers/sacct.ts";
import { labFile } from "./testing/lab.ts";

const log = (failures: number, nodeDays: number) => ({
  failures,
  nodeDays,
  source: { id: "log", title: "the log" },
});
const perThousand = (estimate: ReturnType<typeof failureRate>) => ({
  value: 1000 * estimate.rate.value("1/node/day"),
  mean: 1000 * estimate.rate.mean("1/node/day"),
  low: 1000 * estimate.rate.interval("1/node/day").low,
  high: 1000 * estimate.rate.interval("1/node/day").high,
});

describe("the published prior", () => {
  it("has the mean and the spread of the clusters", () => {
    const prior = publishedPrior();
    expect(prior.clusters).toEqual(["RSC-1", "RSC-2", "Llama-3 405B"]);
    // Mean of 6.50, 2.34 and 3.789; their sample standard deviation is 2.1116.
    expect((1000 * prior.shape) / prior.nodeDays).toBeCloseTo(4.2097, 3);
    expect((1000 * Math.sqrt(prior.shape)) / prior.nodeDays).toBeCloseTo(2.1116, 3);
  });

  it("is what is planned with when there is no log", () => {
    const estimate = failureRate(new Sampler(1));
    expect(perThousand(estimate).mean).toBeCloseTo(4.21, 2);
    expect(estimate.rate.basis).toBe("published");
    expect(estimate.own).toBeUndefined();
    expect(estimate.logWeight).toBe(0);
  });
});

describe("a log beside it", () => {
  it("of a hundredth of a node-day barely moves it", () => {
    const alone = perThousand(failureRate(new Sampler(1)));
    const both = failureRate(new Sampler(1), log(0, 0.01));
    expect(perThousand(both).value / alone.value).toBeCloseTo(1, 4);
    expect(both.disagreement).toBeUndefined();
  });

  it("of ten thousand node-days dominates it", () => {
    const both = failureRate(new Sampler(1), log(100, 10_000));
    expect(perThousand(both).mean).toBeCloseTo(9.5, 1);
    expect(both.logWeight).toBeGreaterThan(0.9);
    expect(both.own!.rate).toBe(10);
    expect(both.rate.sources.map(({ id }) => id)).toContain("log");
  });

  it("counts as much for the wait before a restart as for the rate", () => {
    const otherwise = Estimate.exact(120, "s", { basis: "assumed", sources: [] });
    const wait = (nodeDays: number, count: number) =>
      requeueWait(
        new Sampler(1),
        { failures: log(1, nodeDays), requeueWait: { count, meanSeconds: 900 }, repair: undefined },
        otherwise,
      );
    expect(wait(0.01, 18).value("s")).toBeCloseTo(120, 1);
    const { nodeDays } = publishedPrior();
    expect(wait(nodeDays, 1000).mean("s")).toBeCloseTo((900 + 120) / 2, 0);
    expect(wait(999 * nodeDays, 1000).mean("s")).toBeCloseTo(900, -1);
    expect(wait(1, 18).basis).toBe("assumed");
  });

  it("narrows the interval as its exposure grows", () => {
    const width = (days: number) => {
      const { low, high } = perThousand(failureRate(new Sampler(1), log(days * 4.2e-3, days)));
      return high - low;
    };
    expect(width(1e3)).toBeLessThan(width(10));
    expect(width(1e5)).toBeLessThan(width(1e3));
  });

  it("that is far lower or higher is said to disagree, whatever its length", () => {
    expect(failureRate(new Sampler(1), log(0, 20_000)).disagreement).toContain("far below");
    expect(failureRate(new Sampler(1), log(2000, 20_000)).disagreement).toContain("far above");
    expect(failureRate(new Sampler(1), log(84, 20_000)).disagreement).toBeUndefined();
  });
});

it("stays sane beside a laboratory log of seconds-long jobs with provoked failures, and says why", async () => {
  const { attempts } = await readSacct(labFile("sacct-duplicates.psv"));
  const counted = nodeFailures(attempts);
  expect(counted.failures).toBe(3);
  // Summed from the log by awk: elapsed seconds times nodes.
  expect(counted.nodeDays).toBeCloseTo(701 / 86_400, 9);
  const estimate = failureRate(new Sampler(1), counted);
  expect(estimate.own!.rate).toBeGreaterThan(100_000);
  expect(perThousand(estimate).mean).toBeLessThan(10);
  expect(estimate.disagreement).toContain("A log this short cannot say more");
});
