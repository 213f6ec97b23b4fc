/**
 * The state-space recurrence of Mamba-2 through this room's operations: S_t = exp(a_t) S_{t-1} + x_t b_t^T, y_t = S_t c_t
 * (Dao and Gu, arXiv:2405.21060, sections 3 and 6), computed in three ways.
 */

import { describe, expect, test } from "vitest";
import { float64, type Tensor } from "./graph.ts";
import { causalMask } from "./operations/attention.ts";
import { add, cast, exp, multiply, subtract } from "./operations/elementwise.ts";
import { matmul } from "./operations/matmul.ts";
import { cumulativeSum } from "./operations/reduce.ts";
import { concatenate, reshape, slice, transpose } from "./operations/shape.ts";
import { evaluate } from "./testing.ts";

const length = 8;
const width = 2;
const grid = (of: (t: number, k: number) => number): Float64Array =>
  Float64Array.from({ length: length * width }, (_, i) => of(Math.floor(i / width), i % width));
const values = {
  x: grid((t, p) => Math.sin(0.1 * (2 * t + p) + 0.3)),
  a: Float64Array.from({ length }, (_, t) => -0.1 - 0.05 * (t % 3)),
  b: grid((t, n) => Math.cos(0.2 * (2 * t + n))),
  c: grid((t, n) => Math.sin(0.2 * (2 * t + n) + 0.5)),
};
const specs = {
  x: float64([length, width]),
  a: float64([length]),
  b: float64([length, width]),
  c: float64([length, width]),
};
type Operands = { readonly [K in keyof typeof specs]: Tensor };

/** exp(sum of a over (j, i]) for i >= j, else 0, masked before the exponential: [..., n, n] from [..., n]. */
function decays(a: Tensor): Tensor {
  const n = a.shape.at(-1)!;
  const total = cumulativeSum(a, -1);
  const differences = subtract(
    reshape(total, [...a.shape, 1]),
    reshape(total, [...a.shape.slice(0, -1), 1, n]),
  );
  return exp(add(differences, cast(causalMask(n, n), a.dataType)));
}

const quadratic = ({ x, a, b, c }: Operands): Tensor =>
  matmul(multiply(decays(a), matmul(c, b, { transposeSecond: true })), x);

function recurrent({ x, a, b, c }: Operands): { y: Tensor; state: Tensor } {
  const row = (t: Tensor, at: number): Tensor => slice(t, 0, at, at + 1);
  let state: Tensor | undefined;
  const rows = Array.from({ length }, (_, t) => {
    const written = multiply(transpose(row(x, t)), row(b, t));
    state = state ? add(multiply(state, exp(row(a, t))), written) : written;
    return transpose(matmul(state, transpose(row(c, t))));
  });
  return { y: concatenate(rows, 0), state: state! };
}

function chunked({ x, a, b, c }: Operands, size: number): Tensor {
  const chunks = length / size;
  const cut = (t: Tensor): Tensor => reshape(t, [chunks, size, width]);
  const own = reshape(a, [chunks, size]);
  const within = cumulativeSum(own, -1);
  const whole = slice(within, 1, size - 1);
  const diagonal = matmul(multiply(decays(own), matmul(cut(c), cut(b), { transposeSecond: true })), cut(x));
  const toEnd = reshape(exp(subtract(whole, within)), [chunks, size, 1]);
  const written = matmul(transpose(multiply(cut(x), toEnd)), cut(b));
  // Each chunk starts from what all earlier ones wrote, decayed over the chunks between.
  const reach = decays(reshape(whole, [chunks]));
  const flat = matmul(reach, reshape(written, [chunks, width * width]));
  const carried = reshape(subtract(flat, reshape(written, [chunks, width * width])), [chunks, width, width]);
  const before = multiply(carried, reshape(exp(multiply(whole, -1)), [chunks, 1, 1]));
  const from = multiply(cut(c), reshape(exp(within), [chunks, size, 1]));
  return reshape(add(diagonal, matmul(from, before, { transposeSecond: true })), [length, width]);
}

describe("the state-space recurrence", () => {
  test("step by step, as one quadratic form, and in chunks gives the golden values", async () => {
    const found = await evaluate(
      (operands) => {
        const { y, state } = recurrent(operands);
        const inChunks = Object.fromEntries(
          [1, 2, 4, 8].map((size) => [`chunks of ${size}`, chunked(operands, size)]),
        );
        return { state, recurrent: y, quadratic: quadratic(operands), ...inChunks };
      },
      specs,
      values,
    );
    const { state, ...ys } = found as Record<string, Float64Array>;
    expect(Object.keys(ys)).toHaveLength(6);
    const golden = new Map([
      [0, [0.32826437, 0.43256658]],
      [3, [2.07165395, 2.40332648]],
      [7, [0.81917242, 0.77177029]],
    ]);
    for (const y of Object.values(ys)) {
      for (const [t, [first, second]] of golden) {
        expect(y[t * width]).toBeCloseTo(first!, 8);
        expect(y[t * width + 1]).toBeCloseTo(second!, 8);
      }
      expect(y.reduce((total, value) => total + value, 0)).toBeCloseTo(16.572919606441104, 12);
      for (const [i, value] of y.entries()) expect(value).toBeCloseTo(ys.recurrent![i]!, 13);
    }
    for (const [i, value] of [-1.2347305, -1.78001384, -1.12548014, -1.69401099].entries()) {
      expect(state![i]).toBeCloseTo(value, 7);
    }
  });
});
