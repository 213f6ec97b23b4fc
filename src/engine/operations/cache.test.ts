import { describe, expect, test } from "vitest";
import { RandomStream } from "../../core/index.ts";
import { float32, float64, input, int32, OperationError, type Shape, sizeOf, type Tensor } from "../graph.ts";
import { Runtime } from "../runtime.ts";
import { evaluate } from "../testing.ts";
import { cachedAttention } from "./cache.ts";

const [heads, groups, capacity, width] = [4, 2, 12, 8] as const;

/** The kernel takes single precision only, so double precision is the composition. */
async function both(batch: number, time: number, at: number) {
  const shapes: Record<string, Shape> = {
    projected: [batch, time, (heads + 2 * groups) * width],
    keys: [batch, groups, capacity, width],
    values: [batch, groups, capacity, width],
  };
  const stream = new RandomStream(time);
  const drawn = Object.entries(shapes).map(([name, shape]) => [
    name,
    Float32Array.from({ length: sizeOf(shape) }, () => stream.normal()),
  ]) as [string, Float32Array][];
  const run = (of: typeof float32, as: (elements: Float32Array) => Float32Array | Float64Array) =>
    evaluate(
      (given: Readonly<Record<string, Tensor>>) => {
        const cache = { keys: given.keys!, values: given.values! };
        const { read, written } = cachedAttention(given.projected!, heads, cache, given.at!);
        return { read, ...written };
      },
      {
        ...Object.fromEntries(Object.entries(shapes).map(([name, shape]) => [name, of(shape)])),
        at: int32([1]),
      },
      { ...Object.fromEntries(drawn.map(([name, elements]) => [name, as(elements)])), at: Int32Array.of(at) },
    );
  return { kernel: await run(float32, (x) => x), composed: await run(float64, (x) => Float64Array.from(x)) };
}

describe("attention over a cache", () => {
  test.each([
    ["one position of two sequences", 2, 1, 5],
    ["one position in an empty cache", 1, 1, 0],
    ["several positions", 1, 3, 5],
    ["several positions of two sequences, for which there is no kernel", 2, 3, 5],
    ["several positions in an empty cache", 1, 4, 0],
    ["as many positions as there is room", 1, 12, 0],
  ])("%s: the kernel agrees with the composition", async (_, batch, time, at) => {
    const { kernel, composed } = await both(batch, time, at);
    for (const part of ["read", "keys", "values"] as const) {
      const [shape, end] = part === "read" ? [1, 1] : [capacity, at + time];
      const differences = Array.from(kernel[part]!, (value, i) => {
        // Room that nothing was written to yet is never read.
        const position = Math.floor(i / width) % shape;
        return position < end ? Math.abs(value - composed[part]![i]!) : 0;
      });
      expect(Math.max(...differences)).toBeLessThan(1e-5);
    }
  });

  test("operands that do not fit are named", () => {
    const cache = {
      keys: input("keys", float32([1, 2, 8, 4])),
      values: input("values", float32([1, 2, 8, 4])),
    };
    const projected = input("projected", float32([1, 1, 20]));
    expect(() => cachedAttention(projected, 4, cache, input("at", int32([1])))).toThrow(OperationError);
    expect(() => cachedAttention(projected, 4, cache, input("at", int32([1])))).toThrow(
      /cachedAttention\(float32\[1, 1, 20\], float32\[1, 2, 8, 4\]/,
    );
  });
});

test("state that is fixed keeps the values that it had when the program was compiled", async () => {
  await using runtime = new Runtime({ thread: "caller", threads: 1 });
  const spec = { weight: float32([2]) };
  await runtime.define(spec);
  await runtime.write({ weight: Float32Array.of(1, 2) });
  const trace = (_: unknown, { weight }: Readonly<Record<"weight", Tensor>>) => ({ outputs: { weight } });
  const fixed = await runtime.compile("fixed", trace, { inputs: {}, fixed: spec });
  const live = await runtime.compile("live", trace, { inputs: {}, state: spec });
  await runtime.write({ weight: Float32Array.of(3, 4) });
  expect([...(await fixed.run({})).weight]).toEqual([1, 2]);
  expect([...(await live.run({})).weight]).toEqual([3, 4]);
});
