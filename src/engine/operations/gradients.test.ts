import { describe, expect, test } from "vitest";
import { constant, stopGradient } from "../graph.ts";
import { type GradientCase, gradientError } from "../testing.ts";
import * as attention from "./attention.ts";
import * as cache from "./cache.ts";
import * as elementwise from "./elementwise.ts";
import * as products from "./matmul.ts";
import * as neural from "./neural.ts";
import * as reduce from "./reduce.ts";
import * as shape from "./shape.ts";

const positive = [0.5, 2] as const;
const { add, multiply, subtract } = elementwise;

/** float64 constants for cases whose second operand must not be differentiated. */
const fixed = (length: number, of: (i: number) => number, dims: readonly number[]) =>
  constant(
    Float64Array.from({ length }, (_, i) => of(i)),
    dims,
  );
const lower = fixed(20, (i) => (i % 5 <= Math.floor(i / 5) + 1 ? 0 : attention.MASKED), [4, 5]);
const angle = [0.3, 1.1, -0.4, 2, 0.7, -1.6];
const cosine = fixed(6, (i) => Math.cos(angle[i]!), [3, 2]);
const third = constant(Int32Array.of(2), [1]);
const sine = fixed(6, (i) => Math.sin(angle[i]!), [3, 2]);

const cases: Record<string, GradientCase> = {
  add: { operands: [[2, 3], [3]], apply: add },
  "add, both repeat": {
    operands: [
      [2, 1],
      [1, 3],
    ],
    apply: add,
  },
  subtract: {
    operands: [
      [2, 3],
      [2, 1],
    ],
    apply: subtract,
  },
  multiply: {
    operands: [
      [4, 2, 3],
      [2, 1],
    ],
    apply: multiply,
  },
  "multiply by itself": { operands: [[3]], apply: (x) => multiply(x!, x!) },
  divide: { operands: [[2, 3], [3]], within: positive, apply: elementwise.divide },
  "divide a number": { operands: [[3]], within: positive, apply: (x) => elementwise.divide(2, x!) },
  maximum: { operands: [[2, 3], [3]], apply: elementwise.maximum },
  minimum: {
    operands: [
      [2, 3],
      [2, 1],
    ],
    apply: elementwise.minimum,
  },
  where: {
    operands: [[2, 3], [3]],
    apply: (a, b) => elementwise.where(elementwise.greater(stopGradient(a!), 0), a!, b!),
  },
  negate: { operands: [[3]], apply: elementwise.negate },
  absolute: { operands: [[5]], apply: elementwise.absolute },
  reciprocal: { operands: [[3]], within: positive, apply: elementwise.reciprocal },
  exp: { operands: [[3]], apply: elementwise.exp },
  log: { operands: [[3]], within: positive, apply: elementwise.log },
  sqrt: { operands: [[3]], within: positive, apply: elementwise.sqrt },
  sigmoid: { operands: [[3]], apply: elementwise.sigmoid },
  tanh: { operands: [[3]], apply: elementwise.tanh },
  softplus: { operands: [[3]], apply: elementwise.softplus },
  square: { operands: [[3]], apply: elementwise.square },
  relu: { operands: [[5]], apply: elementwise.relu },
  silu: { operands: [[5]], apply: elementwise.silu },
  gelu: { operands: [[5]], apply: elementwise.gelu },
  sum: { operands: [[2, 3, 4]], apply: (x) => reduce.sum(x!, [0, -1]) },
  "sum, axes kept": { operands: [[2, 3]], apply: (x) => reduce.sum(x!, 1, { keepAxes: true }) },
  mean: { operands: [[2, 3]], apply: (x) => reduce.mean(x!) },
  sumOfSquares: { operands: [[2, 3]], apply: (x) => reduce.sumOfSquares(x!, 1) },
  max: { operands: [[3, 4]], apply: (x) => reduce.max(x!, 1) },
  cumulativeSum: { operands: [[2, 4]], apply: (x) => reduce.cumulativeSum(x!, 1) },
  "cumulativeSum, exclusive and reverse": {
    operands: [[3, 2]],
    apply: (x) => reduce.cumulativeSum(x!, 0, { exclusive: true, reverse: true }),
  },
  reshape: { operands: [[2, 6]], apply: (x) => shape.reshape(x!, [3, -1]) },
  transpose: { operands: [[2, 3, 4]], apply: (x) => shape.transpose(x!, [2, 0, 1]) },
  broadcastTo: { operands: [[2, 1]], apply: (x) => shape.broadcastTo(x!, [3, 2, 4]) },
  slice: { operands: [[2, 5]], apply: (x) => shape.slice(x!, 1, 1, -1) },
  "split and join in another order": {
    operands: [[2, 6]],
    apply: (x) => {
      const [a, b, c] = shape.split(x!, 1, [1, 2, 3]);
      return shape.concatenate([multiply(c!, c!), a!, elementwise.exp(b!)], 1);
    },
  },
  "slices that overlap": {
    operands: [[4]],
    apply: (x) => multiply(shape.slice(x!, 0, 0, 3), shape.slice(x!, 0, 1, 4)),
  },
  "slices that leave a gap": {
    operands: [[4]],
    apply: (x) => multiply(shape.slice(x!, 0, 0, 1), shape.slice(x!, 0, 2, 3)),
  },
  concatenate: {
    operands: [
      [2, 1],
      [2, 3],
    ],
    apply: (a, b) => shape.concatenate([a!, b!], 1),
  },
  stack: {
    operands: [
      [2, 3],
      [2, 3],
    ],
    apply: (a, b) => shape.stack([a!, b!], 1),
  },
  pad: { operands: [[2, 3]], apply: (x) => shape.pad(x!, [0, 1], [2, 0], 5) },
  matmul: {
    operands: [
      [2, 3],
      [3, 4],
    ],
    apply: (a, b) => products.matmul(a!, b!),
  },
  "matmul, wide first": {
    operands: [
      [2, 5],
      [5, 3],
    ],
    apply: (a, b) => products.matmul(a!, b!),
  },
  "matmul by a transpose": {
    operands: [
      [2, 2, 3],
      [4, 3],
    ],
    apply: (a, b) => products.matmul(a!, b!, { transposeSecond: true }),
  },
  "matmul, batches that repeat": {
    operands: [
      [2, 1, 2, 3],
      [3, 3, 2],
    ],
    apply: (a, b) => products.matmul(a!, b!),
  },
  "matmul by a transpose, batched": {
    operands: [
      [2, 3, 2],
      [2, 4, 2],
    ],
    apply: (a, b) => products.matmul(a!, b!, { transposeSecond: true }),
  },
  gather: {
    operands: [[4, 2]],
    index: { shape: [2, 3], values: [0, 3, 3, 1, 3, 0] },
    apply: (table, index) => products.gather(table!, index!),
  },
  scatterAdd: {
    operands: [[5, 2]],
    index: { shape: [5], values: [2, 0, 2, 2, 1] },
    apply: (values, index) => products.scatterAdd(values!, index!, 4),
  },
  "gather from many rows": {
    operands: [[520, 1]],
    index: { shape: [4], values: [519, 7, 519, 0] },
    apply: (table, index) => products.gather(table!, index!),
  },
  pick: {
    operands: [[3, 4]],
    index: { shape: [3], values: [1, 0, 3] },
    apply: (x, index) => neural.pick(x!, index!),
  },
  softmax: { operands: [[3, 4]], apply: (x) => neural.softmax(x!) },
  logSumExp: { operands: [[3, 4]], apply: (x) => neural.logSumExp(x!) },
  crossEntropy: {
    operands: [[2, 2, 5]],
    index: { shape: [2, 2], values: [1, -100, 4, 0] },
    apply: (x, targets) => neural.crossEntropy(x!, targets!).losses,
  },
  rmsNorm: { operands: [[2, 3, 4], [4]], apply: (x, w) => neural.rmsNorm(x!, w!, 0.1) },
  layerNorm: { operands: [[2, 3, 4], [4], [4]], apply: (x, w, b) => neural.layerNorm(x!, w!, b!, 0.1) },
  attention: {
    operands: [
      [2, 2, 4, 3],
      [2, 2, 5, 3],
      [2, 2, 5, 2],
    ],
    apply: (q, k, v) => attention.attention(q!, k!, v!, { mask: lower }),
  },
  "attention, grouped queries, own scale": {
    operands: [
      [1, 4, 3, 2],
      [1, 2, 3, 2],
      [1, 2, 3, 3],
    ],
    apply: (q, k, v) => attention.attention(q!, k!, v!, { scale: 0.3 }),
  },
  "causalAttention, two blocks, a window and a sink": {
    operands: [
      [1, 1, 66, 1],
      [1, 1, 67, 1],
      [1, 1, 67, 1],
    ],
    apply: (q, k, v) => attention.causalAttention(q!, k!, v!, { window: 3, sinks: 1 }),
  },
  "cachedAttention, what is read": {
    operands: [
      [2, 2, 10],
      [2, 1, 5, 2],
      [2, 1, 5, 2],
    ],
    apply: (x, keys, values) => cache.cachedAttention(x!, 3, { keys: keys!, values: values! }, third).read,
  },
  "cachedAttention, what is written": {
    operands: [
      [1, 2, 8],
      [1, 1, 5, 2],
      [1, 1, 5, 2],
    ],
    apply: (x, keys, values) => {
      const { written } = cache.cachedAttention(x!, 2, { keys: keys!, values: values! }, third);
      return shape.concatenate([written.keys, written.values], 3);
    },
  },
  productOverRows: {
    operands: [
      [2, 3, 2],
      [2, 3, 4],
    ],
    apply: (a, b) => products.productOverRows(a!, b!),
  },
  expandAxis: { operands: [[2, 3]], apply: (x) => shape.expandAxis(x!, 1) },
  rotate: { operands: [[2, 3, 4]], apply: (x) => neural.rotate(x!, cosine, sine) },
  causalConvolution: {
    operands: [
      [2, 5, 3],
      [4, 3],
    ],
    apply: (x, w) => neural.causalConvolution(x!, w!),
  },
};

describe("gradients agree with finite differences in double precision", () => {
  test.each(Object.entries(cases))("%s", async (_, given) => {
    expect(await gradientError(given)).toBeLessThan(1e-7);
  });
});

test("every operation that passes gradients has a case", () => {
  const helpers = ["zerosLike", "causalMask"];
  const without = ["equal", "less", "lessOrEqual", "greater", "greaterOrEqual", "and", "or", "not", "oneHot"];
  // Checked where they are used: a change of precision, rows in a cache.
  const elsewhere = ["cast", "withRows", "topIndices", "argMax"];
  const known = new Set([
    ...helpers,
    ...without,
    ...elsewhere,
    ...Object.keys(cases).map((name) => name.split(/[ ,]/)[0]!),
  ]);
  const operations = [attention, cache, elementwise, products, neural, reduce, shape].flatMap((room) =>
    Object.entries(room).flatMap(([name, value]) => (typeof value === "function" ? [name] : [])),
  );
  expect(operations.filter((name) => !known.has(name))).toEqual([]);
});
