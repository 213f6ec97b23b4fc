import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { InputError, RandomStream } from "../../core/index.ts";
import type { Parameter } from "./parameter.ts";
import { type Point, Space } from "./space.ts";
import { crossover, mutate, neighbours } from "./variation.ts";

/** One of every kind, with a condition and a constraint. */
const every: Space = new Space(
  {
    layers: { kind: "integer", low: 6, high: 12 },
    width: { kind: "integer", low: 32, high: 4096, scale: "log" },
    cores: { kind: "ordered", values: [1, 2, 4] },
    optimiser: { kind: "choice", values: ["adam", "sgd"] },
    momentum: { kind: "real", low: 0, high: 0.99, when: { parameter: "optimiser", is: ["sgd"] } },
    rate: { kind: "real", low: 1e-5, high: 1e-1, scale: "log" },
    blocks: { kind: "string", alphabet: "AFS", length: 4 },
  },
  [{ name: "at most 40,000 units", holds: ({ layers, width }) => Number(layers) * Number(width) <= 40_000 }],
);

describe("a space", () => {
  it("decodes what it encodes, and samples only what it allows", () => {
    fc.assert(
      fc.property(fc.integer(), (seed) => {
        const point = every.sample(new RandomStream(seed));
        every.check(point);
        expect(every.violated(point)).toBeUndefined();
        expect("momentum" in point).toBe(point.optimiser === "sgd");
        const again = every.decode(every.encode(point));
        for (const [name, value] of Object.entries(point))
          if (typeof value === "number") expect(Number(again[name])).toBeCloseTo(value, 9);
          else expect(again[name]).toBe(value);
      }),
    );
  });

  it("lays integers and levels on cells of equal width", () => {
    const space = new Space({
      n: { kind: "integer", low: 3, high: 6 },
      c: { kind: "choice", values: ["a", "b"] },
    });
    const counts = new Map<string, number>();
    for (let i = 0; i < 400; i++) {
      const point = space.decode(Float64Array.of((i + 0.5) / 400, (i % 2) * 0.5 + 0.25));
      counts.set(String(point.n), (counts.get(String(point.n)) ?? 0) + 1);
    }
    expect([...counts.values()]).toEqual([100, 100, 100, 100]);
  });

  it("mutates to another allowed candidate, and crosses within what both parents span", () => {
    fc.assert(
      fc.property(fc.integer(), (seed) => {
        const random = new RandomStream(seed);
        const [a, b] = [every.sample(random), every.sample(random)];
        for (const child of [mutate(every, a, random), crossover(every, a, b, random)]) {
          every.check(child);
          expect(every.violated(child)).toBeUndefined();
        }
        expect(every.key(mutate(every, a, random))).not.toBe(every.key(a));
      }),
    );
  });

  it("crosses letters place by place when nothing is mutated", () => {
    const space = new Space({
      text: { kind: "string", alphabet: "AB", length: 64 },
      one: { kind: "choice", values: [1] },
    });
    const child = crossover(
      space,
      { text: "A".repeat(64), one: 1 },
      { text: "B".repeat(64), one: 1 },
      new RandomStream(1),
    );
    expect(String(child.text)).toMatch(/A/);
    expect(String(child.text)).toMatch(/B/);
  });

  it("has neighbours one level away", () => {
    const space = new Space({
      n: { kind: "integer", low: 1, high: 3 },
      s: { kind: "string", alphabet: "AFS", length: 2 },
    });
    const found = neighbours(space, { n: 1, s: "AA" }).map((point) => `${point.n}${point.s}`);
    expect(found.sort()).toEqual(["1AF", "1AS", "1FA", "1SA", "2AA"]);
  });

  it("counts the co-design spaces of CATransformers: 3,240 hardware points, 3.47e9 in all", () => {
    const hardware: Record<string, Parameter> = {
      cores: { kind: "ordered", values: [1, 2, 4] },
      width: { kind: "ordered", values: [32, 64, 128, 256] },
      depth: { kind: "ordered", values: [2, 4, 8, 16, 32, 64] },
      sramKilobytes: { kind: "ordered", values: [64, 128, 256, 512, 1024] },
      bandwidth: { kind: "ordered", values: [32, 64, 128] },
      bufferMegabytes: { kind: "ordered", values: [2, 4, 8] },
    };
    const range = (low: number, high: number): Parameter => ({ kind: "integer", low, high });
    const model: Record<string, Parameter> = {
      textLayers: range(6, 12),
      textFeedForward: range(4, 8),
      textEmbedding: range(4, 8),
      textHeads: range(4, 8),
      visionLayers: range(6, 12),
      visionFeedForward: range(4, 8),
      visionEmbedding: range(4, 8),
      visionHeads: range(6, 12),
    };
    expect(new Space(hardware).gridSize).toBe(3240);
    expect(new Space({ ...model, ...hardware }).gridSize).toBe(3240 * 1_071_875);
    expect(new Space({ ...model, ...hardware }).dimensions).toHaveLength(14);
  });

  it("visits every grid point once", () => {
    const space = new Space({
      n: { kind: "integer", low: 0, high: 2 },
      s: { kind: "string", alphabet: "AF", length: 3 },
    });
    const keys = Array.from({ length: space.gridSize }, (_, i) =>
      space.key(space.decode(space.gridPoint(i))),
    );
    expect(new Set(keys).size).toBe(24);
  });

  it("says which constraint leaves nothing", () => {
    const none = new Space({ x: { kind: "real", low: 0, high: 1 } }, [
      { name: "x over 2", holds: ({ x }) => Number(x) > 2 },
    ]);
    expect(() => none.sample(new RandomStream(1))).toThrow(/x over 2/);
  });

  it("refuses definitions and candidates that make no sense, naming them", () => {
    const bad: [Record<string, unknown>, RegExp][] = [
      [{}, /at least one parameter/],
      [{ x: { kind: "real", low: 1, high: 0 } }, /space\.x\.high/],
      [{ x: { kind: "integer", low: 0.5, high: 2 } }, /space\.x\.low/],
      [{ x: { kind: "real", low: 0, high: 1, scale: "log" } }, /scale is log/],
      [{ x: { kind: "choice", values: [] } }, /at least one value/],
      [{ x: { kind: "ordered", values: [1, 1] } }, /none of them twice/],
      [{ x: { kind: "string", alphabet: "AA", length: 2 } }, /none of them twice/],
      [{ x: { kind: "string", alphabet: "A", length: 0 } }, /space\.x\.length/],
      [{ x: { kind: "real", low: 0, high: 1, when: { parameter: "y", is: [1] } } }, /space\.x\.when/],
    ];
    for (const [definition, said] of bad) {
      const make = () => new Space(definition as Record<string, Parameter>);
      expect(make).toThrow(InputError);
      expect(make).toThrow(said);
    }
    const good = every.sample(new RandomStream(1));
    for (const [change, said] of [
      [{ layers: 13 }, /candidate\.layers[\s\S]*6 to 12/],
      [{ layers: "8" }, /candidate\.layers/],
      [{ cores: 3 }, /one of 1, 2, 4/],
      [{ blocks: "AFX" }, /4 letters of "AFS"/],
      [{ optimiser: "adam", momentum: 0.5 }, /its condition does not hold/],
      [{ layer: 8 }, /did you mean "layers"/],
    ] as [Point, RegExp][])
      expect(() => every.check({ ...good, ...change })).toThrow(said);
    expect(() => every.check(3)).toThrow(InputError);
  });
});
