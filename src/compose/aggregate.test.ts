import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { RandomStream } from "../core/index.ts";
import { aggregate, agreement, type Scored } from "./aggregate.ts";

const scored = (...pairs: [string, number][]): Scored[] =>
  pairs.map(([layers, score]) => ({ layers, score }));

/** By hand: the best cluster is the first three. */
const tried = scored(["AAF", 1], ["AFA", 1.1], ["FFA", 1.2], ["FFF", 9], ["AAA", 9.1]);

describe("aggregation", () => {
  it("takes the commonest letter of each place in the best cluster", () => {
    const { layers, cluster } = aggregate(tried, { clusters: 2, context: 0 });
    expect(cluster.map((one) => one.layers)).toEqual(["AAF", "AFA", "FFA"]);
    // Places: A A F | A F F | F A A.
    expect(layers).toBe("AFA");
  });

  it("conditions on the layers before", () => {
    const members = scored(["AAF", 1], ["AFA", 2], ["FFF", 3], ["FFF", 4], ["AAF", 5]);
    const of = (context: number | "full") => aggregate(members, { clusters: 1, context }).layers;
    // N_0: A (3 of 5), F (3), F (4). After A come A, F, A: A; after A come F, F: F. So N_1 is AAF.
    expect(of(0)).toBe("AFF");
    expect(of(1)).toBe("AAF");
    expect(of("full")).toBe("AAF");
  });

  it("splits a tie in favour of the better scored", () => {
    expect(aggregate(scored(["FA", 2], ["AF", 1]), { clusters: 1, context: 0 }).layers).toBe("AF");
  });

  const candidates = fc.array(
    fc.record({
      layers: fc.string({ unit: fc.constantFrom("A", "F"), minLength: 4, maxLength: 4 }),
      score: fc.double({ min: 0, max: 100, noNaN: true }),
    }),
    { minLength: 1, maxLength: 24 },
  );

  it("has a best cluster that is the front of the order, and no candidate parts equal scores", () => {
    fc.assert(
      fc.property(candidates, fc.integer({ min: 1, max: 6 }), (list, clusters) => {
        const { cluster } = aggregate(list, { clusters, context: 0 });
        const worst = Math.max(...cluster.map(({ score }) => score));
        const rest = [...list].filter((one) => one.score > worst);
        expect(cluster.length + rest.length).toBe(list.length);
      }),
    );
  });

  it("clusters as trying every place of the cuts does", () => {
    const squares = (values: number[]): number => {
      const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
      return values.reduce((sum, value) => sum + (value - mean) ** 2, 0);
    };
    fc.assert(
      fc.property(
        fc.uniqueArray(fc.integer({ min: 0, max: 60 }), { minLength: 3, maxLength: 9 }),
        (values) => {
          const sorted = [...values].sort((a, b) => a - b);
          let least = Number.POSITIVE_INFINITY;
          for (let i = 1; i < sorted.length - 1; i++)
            for (let j = i + 1; j < sorted.length; j++)
              least = Math.min(
                least,
                squares(sorted.slice(0, i)) + squares(sorted.slice(i, j)) + squares(sorted.slice(j)),
              );
          const list = values.map((score) => ({ layers: "A", score }));
          const n = aggregate(list, { clusters: 3, context: 0 }).cluster.length;
          let withIt = Number.POSITIVE_INFINITY;
          for (let j = n + 1; j < sorted.length; j++)
            withIt = Math.min(
              withIt,
              squares(sorted.slice(0, n)) + squares(sorted.slice(n, j)) + squares(sorted.slice(j)),
            );
          expect(withIt).toBeCloseTo(least, 9);
        },
      ),
    );
  });

  it("agrees with itself wholly where one candidate is alone, and less where places are split", () => {
    const stream = new RandomStream(1);
    expect(agreement(scored(["AF", 1]), { clusters: 5, context: 0 }, stream)).toEqual({
      whole: 1,
      byPlace: [1, 1],
    });
    const split = scored(["AA", 1], ["AF", 1.01], ["AF", 1.02], ["AA", 1.03], ["AA", 1.04]);
    const { whole, byPlace } = agreement(split, { clusters: 1, context: 0 }, stream);
    expect(byPlace[0]).toBe(1);
    expect(byPlace[1]).toBe(whole);
    expect(whole).toBeGreaterThan(0.5);
    expect(whole).toBeLessThan(0.9);
  });
});
