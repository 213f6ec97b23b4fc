import { describe, expect, it } from "vitest";
import { RandomStream } from "../../core/index.ts";
import { type Point, Space } from "../space/space.ts";
import { maximise } from "./maximise.ts";

const square = new Space({ x: { kind: "real", low: 0, high: 1 }, y: { kind: "real", low: 0, high: 1 } });
const options = { scattered: 512, climbs: 5, near: [], taken: () => false };
const far = (unit: Float64Array, x: number, y: number) => Math.hypot(unit[0]! - x, unit[1]! - y);

describe("the maximum of an acquisition function", () => {
  it("is found on a steep hill though many points of a broad one may be better than any sampled on it", () => {
    for (let seed = 0; seed < 10; seed++) {
      const score = (unit: Float64Array) =>
        Math.max(1 - 2 * far(unit, 0.25, 0.25) ** 2, 1.2 - 15 * far(unit, 0.8, 0.8));
      expect(maximise(square, score, new RandomStream(seed), options)!.score).toBeGreaterThan(1.15);
    }
  });

  it("keeps to constraints and to what is not taken", () => {
    const held = new Space(square.parameters, [
      { name: "x at most 0.5", holds: ({ x }) => Number(x) <= 0.5 },
    ]);
    const found = maximise(held, (unit) => unit[0]!, new RandomStream(1), options)!;
    expect(found.candidate.x).toBeLessThanOrEqual(0.5);
    expect(found.candidate.x).toBeGreaterThan(0.495);
    const letters = new Space({ s: { kind: "string", alphabet: "AF", length: 3 } });
    const taken = new Set(["AAA", "AAF", "AFA", "AFF", "FAA", "FAF", "FFA"].map((s) => letters.key({ s })));
    const score = (unit: Float64Array) => -unit[0]!;
    const last = maximise(letters, score, new RandomStream(1), {
      ...options,
      taken: (key) => taken.has(key),
    });
    expect(last!.candidate).toEqual({ s: "FFF" } satisfies Point);
    expect(maximise(letters, score, new RandomStream(1), { ...options, taken: () => true })).toBeUndefined();
  });
});
