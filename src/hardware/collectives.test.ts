import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { FigureTable, nelderMead, readCsv } from "../core/index.ts";
import { accelerator, allReduceCost, collectiveSeconds, gatherCost } from "./index.ts";

const sharedData = (name: string) =>
  fileURLToPath(new URL(`../../../shared/data/operators/${name}`, import.meta.url));
const required = process.env.TERRARIUM_REQUIRE_ALL === "1";

describe.skipIf(!existsSync(sharedData("vidur_a100-dgx_all_reduce.csv")) && !required)(
  "all-reduce inside a node against NCCL (microsoft/vidur; skipped where the data is absent)",
  () => {
    // Errors of an independent fit: 12 % on A100, 7 % on H100.
    it.each([
      ["a100-sxm-80", "vidur_a100-dgx_all_reduce.csv", 0.125],
      ["h100-sxm", "vidur_h100-dgx_all_reduce.csv", 0.07],
    ])("fits %s with a latency and a bandwidth, those of data/efficiencies.csv", (name, file, bound) => {
      const points = readCsv(sharedData(file))
        .map(({ row }) => row)
        .filter((row) => row.num_workers === "8" && row.devices_per_node === "8")
        .map((row) => ({
          cost: allReduceCost(Number(row.size), 1, { size: 8, perNode: 8 }),
          measured: Number(row["time_stats.all_reduce.median"]) / 1e3,
        }));
      expect(points.length).toBeGreaterThan(900);
      const link = accelerator(name).linkBytesPerSecond;
      const error = (efficiency: number, latency: number) =>
        points.reduce(
          (total, { cost, measured }) =>
            total + Math.abs(collectiveSeconds(cost, efficiency * link, latency, 1, 0) / measured - 1),
          0,
        ) / points.length;
      const fit = nelderMead(([e, l]) => error(Math.exp(e!), Math.exp(l!)), [Math.log(0.6), Math.log(3e-5)]);
      expect(fit.value).toBeLessThan(bound);
      const table = new FigureTable("efficiencies");
      expect(table.get(name, "link efficiency").value / Math.exp(fit.x[0]!)).toBeCloseTo(1, 1);
      const latency = table.get(name, "collective latency");
      expect((latency.value * latency.unit.scale) / Math.exp(fit.x[1]!)).toBeCloseTo(1, 1);
    });
  },
);

describe("collectives", () => {
  it("move (n - 1) / n of the bytes in a gather and twice that in an all-reduce", () => {
    const ring = { size: 8, perNode: 8 };
    expect(collectiveSeconds(gatherCost(800, 1, ring), 100, 0.5, 1, 0)).toBeCloseTo(7.5);
    expect(collectiveSeconds(allReduceCost(800, 1, ring), 100, 0.5, 1, 0)).toBeCloseTo(14.5);
    expect(collectiveSeconds(gatherCost(800, 3, { size: 1, perNode: 8 }), 100, 0.5, 1, 1)).toBe(0);
  });

  it("are paced by the network ports of a node, where they leave it", () => {
    // 3 of 4 parts come from outside, through 8 ports of 10 B/s: 600 / 80 s, and two doublings of nodes.
    expect(collectiveSeconds(gatherCost(800, 1, { size: 32, perNode: 8 }), 1e9, 0, 10, 1)).toBeCloseTo(9.5);
  });

  it("never gain from a larger group or a slower network", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 12 }),
        fc.double({ min: 1, max: 100, noNaN: true }),
        (power, rate) => {
          const seconds = (size: number, network: number) =>
            collectiveSeconds(gatherCost(1e6, 4, { size, perNode: 8 }), 1000, 0.1, network, 0.2);
          expect(seconds(2 ** (power + 1), rate)).toBeGreaterThanOrEqual(seconds(2 ** power, rate));
          expect(seconds(2 ** power, rate / 2)).toBeGreaterThanOrEqual(seconds(2 ** power, rate));
        },
      ),
    );
  });
});
