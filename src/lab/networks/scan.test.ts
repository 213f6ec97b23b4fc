import { describe, expect, test } from "vitest";
import { RandomStream } from "../../core/index.ts";
import { float64 } from "../../engine/index.ts";
import { evaluate } from "../../engine/testing.ts";
import { type ScanOperands, type ScanResult, scanChunked, scanQuadratic, scanRecurrent } from "./scan.ts";

const ways: Record<string, (operands: ScanOperands) => ScanResult> = {
  recurrent: scanRecurrent,
  quadratic: scanQuadratic,
  ...Object.fromEntries([1, 2, 3, 4, 8].map((size) => [`chunks of ${size}`, (o) => scanChunked(o, size)])),
};

async function all(shapes: Record<keyof ScanOperands, number[]>, values: Record<string, Float64Array>) {
  const specs = Object.fromEntries(Object.entries(shapes).map(([name, shape]) => [name, float64(shape)]));
  const found = await evaluate(
    (operands) =>
      Object.fromEntries(
        Object.entries(ways).flatMap(([name, way]) => {
          const { y, state } = way(operands as unknown as ScanOperands);
          return [
            [`${name}, y`, y],
            [`${name}, state`, state],
          ];
        }),
      ),
    specs,
    values,
  );
  return found as Record<string, Float64Array>;
}

describe("the recurrence of Mamba-2", () => {
  test("gives the golden values in all its forms", async () => {
    // X[t, p] = sin(.1 (2t + p) + .3), a[t] = -.1 - .05 (t mod 3), B[t, n] = cos(.2 (2t + n)), C[t, n] = sin(.2 (2t + n) + .5);
    // outputs by a direct loop in double precision.
    const grid = (of: (t: number, k: number) => number) =>
      Float64Array.from({ length: 16 }, (_, i) => of(Math.floor(i / 2), i % 2));
    const found = await all(
      {
        values: [1, 8, 1, 2],
        decay: [1, 8, 1],
        input: [1, 8, 1, 2],
        output: [1, 8, 1, 2],
        state: [1, 1, 2, 2],
      },
      {
        values: grid((t, p) => Math.sin(0.1 * (2 * t + p) + 0.3)),
        decay: Float64Array.from({ length: 8 }, (_, t) => -0.1 - 0.05 * (t % 3)),
        input: grid((t, n) => Math.cos(0.2 * (2 * t + n))),
        output: grid((t, n) => Math.sin(0.2 * (2 * t + n) + 0.5)),
        state: new Float64Array(4),
      },
    );
    for (const name of Object.keys(ways)) {
      const y = found[`${name}, y`]!;
      expect(y[0]).toBeCloseTo(0.32826437, 8);
      expect(y[7]).toBeCloseTo(2.40332648, 8);
      expect(y[14]).toBeCloseTo(0.81917242, 8);
      expect(y.reduce((total, value) => total + value, 0)).toBeCloseTo(16.572919606441104, 12);
      const golden = [-1.2347305, -1.78001384, -1.12548014, -1.69401099];
      for (const [i, value] of golden.entries()) expect(found[`${name}, state`]![i]).toBeCloseTo(value, 7);
    }
  });

  test("is the same in all its forms with several heads, groups and rows, from a state, at a length that no chunk divides", async () => {
    const shapes = {
      values: [2, 7, 4, 3],
      decay: [2, 7, 4],
      input: [2, 7, 2, 5],
      output: [2, 7, 2, 5],
      state: [2, 4, 3, 5],
    };
    const stream = new RandomStream(9);
    const values = Object.fromEntries(
      Object.entries(shapes).map(([name, shape]) => [
        name,
        Float64Array.from({ length: shape.reduce((a, b) => a * b, 1) }, () =>
          name === "decay" ? -3 * stream.uniform() : stream.normal(),
        ),
      ]),
    );
    const found = await all(shapes, values);
    for (const name of Object.keys(ways)) {
      for (const part of ["y", "state"]) {
        const expected = found[`recurrent, ${part}`]!;
        for (const [i, value] of found[`${name}, ${part}`]!.entries()) {
          expect(value).toBeCloseTo(expected[i]!, 12);
        }
      }
    }
  });

  test("stays finite where decays are so strong that their exponentials underflow", async () => {
    const [time] = [6];
    const operands = (of: number) => ({ values: [1, time, 1, 1], decay: [1, time, 1], of });
    const { values, decay } = operands(1);
    const one = new Float64Array(time).fill(1);
    const found = await all(
      { values, decay, input: [1, time, 1, 1], output: [1, time, 1, 1], state: [1, 1, 1, 1] },
      {
        values: one,
        decay: new Float64Array(time).fill(-800),
        input: one,
        output: one,
        state: Float64Array.of(1),
      },
    );
    for (const name of Object.keys(ways)) expect([...found[`${name}, y`]!]).toEqual([...one]);
  });
});
