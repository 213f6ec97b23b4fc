import fc from "fast-check";
import { expect, test } from "vitest";
import { RandomStream } from "../../core/index.ts";
import { IGNORED } from "../batch.ts";
import { multiQueryAssociativeRecall } from "./multi-query-associative-recall.ts";

test("keys and values come first; each key is asked for once, and its value is the only target", () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 16 }),
      fc.integer({ min: 0, max: 20 }),
      fc.boolean(),
      fc.integer(),
      (pairs, space, randomFiller, seed) => {
        const sequenceLength = 4 * pairs + 2 * space;
        const task = multiQueryAssociativeRecall({
          vocabularySize: 64,
          sequenceLength,
          keyValuePairs: pairs,
          randomFiller,
        });
        const { inputs, targets } = task.generate(new RandomStream(seed), "train", 1);
        const value = new Map(
          Array.from({ length: pairs }, (_, pair) => [inputs[2 * pair]!, inputs[2 * pair + 1]!]),
        );
        expect(value.size).toBe(pairs);
        expect(new Set(value.values()).size).toBe(pairs);
        for (const [key, v] of value) {
          expect(key >= 1 && key < 32 && v >= 32 && v < 64).toBe(true);
        }
        const asked: number[] = [];
        targets.forEach((target, at) => {
          if (target !== IGNORED) {
            expect(at >= 2 * pairs && at % 2 === 0).toBe(true);
            expect(value.get(inputs[at]!)).toBe(target);
            asked.push(inputs[at]!);
          } else if (at >= 2 * pairs && !randomFiller) {
            expect(inputs[at]).toBe(0);
          }
        });
        expect(asked.sort()).toEqual([...value.keys()].sort());
      },
    ),
  );
});

test("the gap of one query follows g^(a-1)", () => {
  // With one pair there is one draw: Zoology's p(g) ~ a g^(a-1), g = 1 ... 31 at L 64.
  const rows = 20_000;
  const task = multiQueryAssociativeRecall({ keyValuePairs: 1 });
  const { targets } = task.generate(new RandomStream(1), "train", rows);
  const counts = new Float64Array(31);
  for (let row = 0; row < rows; row++) {
    const at = targets.subarray(row * 64, (row + 1) * 64).findIndex((target) => target !== IGNORED);
    counts[(at - 2) / 2]! += 1;
  }
  const weights = Array.from(counts, (_, gap) => (gap + 1) ** (0.01 - 1));
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  let chiSquare = 0;
  counts.forEach((count, gap) => {
    const expected = (rows * weights[gap]!) / total;
    chiSquare += (count - expected) ** 2 / expected;
  });
  // 99.99 % of chi-square with 30 degrees of freedom.
  expect(chiSquare).toBeLessThan(66.6);
});

test("gaps of several queries are drawn one after the other without replacement", () => {
  // Two draws from three gaps with weights 1, 1/2, 1/3 (a near 0): P(first = 1, second = 2) = 6/11 * 3/5.
  const rows = 30_000;
  const task = multiQueryAssociativeRecall({
    vocabularySize: 16,
    sequenceLength: 10,
    keyValuePairs: 2,
    powerLawExponent: 1e-9,
  });
  const { inputs } = task.generate(new RandomStream(2), "train", rows);
  let hits = 0;
  for (let row = 0; row < rows; row++) {
    const tokens = inputs.subarray(row * 10, row * 10 + 10);
    if (tokens[4] === tokens[0] && tokens[6] === tokens[2]) hits++;
  }
  const expected = (6 / 11) * (3 / 5);
  expect(Math.abs(hits / rows - expected)).toBeLessThan(4 * Math.sqrt((expected * (1 - expected)) / rows));
});
