import fc from "fast-check";
import { expect, test } from "vitest";
import { RandomStream } from "../../core/index.ts";
import { IGNORED } from "../batch.ts";
import { byteTokenizer, tokenizerOf, trainPairEncoding } from "../tokens/index.ts";
import { retrieval, retrievalGrid } from "./retrieval.ts";

const pairs = tokenizerOf(
  await trainPairEncoding(
    [" The pass key is 12345. The special magic number is. The grass is green. ".repeat(3)],
    {
      vocabularySize: 300,
    },
  ),
);

test("the number of the sentence is asked for at the end, in rows of exactly the length asked for", () => {
  fc.assert(
    fc.property(
      fc.constantFrom("passkey", "needle"),
      fc.constantFrom(byteTokenizer, pairs),
      fc.integer({ min: 200, max: 600 }),
      fc.integer({ min: 1, max: 9 }),
      fc.double({ min: 0, max: 1, noNaN: true }),
      fc.integer(),
      (form, tokenizer, sequenceLength, digits, depth, seed) => {
        const task = retrieval({ form, tokenizer, sequenceLength, depth, digits });
        const { inputs, targets } = task.generate(new RandomStream(seed), "test", 1);
        expect(inputs).toHaveLength(sequenceLength);
        const answer = tokenizer.decode(targets.filter((target) => target !== IGNORED));
        expect(answer).toMatch(new RegExp(`^ \\d{${digits}}$`));
        expect(targets.at(-1)).not.toBe(IGNORED);
        const text = tokenizer.decode(inputs);
        expect(text).toContain(form === "passkey" ? `The pass key is${answer}.` : `number is:${answer}.`);
        const prompt = tokenizer.decode(
          inputs.slice(0, targets.findIndex((target) => target !== IGNORED) + 1),
        );
        expect(prompt.endsWith(form === "passkey" ? "The pass key is" : "number is:")).toBe(true);
        expect(task.chance).toBeCloseTo(10 ** -digits, 12);
      },
    ),
  );
});

test("depth moves the sentence from the start of the row to the prompt", () => {
  const place = (depth: number) => {
    const task = retrieval({ form: "needle", tokenizer: byteTokenizer, sequenceLength: 400, depth });
    return byteTokenizer.decode(task.generate(new RandomStream(3), "test", 1).inputs).indexOf(" The special");
  };
  expect(place(0)).toBe(0);
  expect(place(0.5)).toBeGreaterThan(120);
  expect(place(1)).toBeGreaterThan(270);
});

test("in training every next token is a target", () => {
  const task = retrieval({ form: "passkey", tokenizer: byteTokenizer, sequenceLength: 300 });
  const { inputs, targets } = task.generate(new RandomStream(4), "train", 1);
  expect(targets.slice(0, -1)).toEqual(inputs.slice(1));
});

test("a grid has one task for each length and depth", () => {
  const grid = retrievalGrid({ form: "needle", tokenizer: byteTokenizer }, [256, 512]);
  expect(grid).toHaveLength(22);
  expect(grid[12]).toMatchObject({ sequenceLength: 512, depth: 0.1, task: { sequenceLength: 512 } });
});

test("a row too short for the sentence and the prompt is refused", () => {
  const task = retrieval({ form: "passkey", tokenizer: byteTokenizer, sequenceLength: 40 });
  expect(() => task.generate(new RandomStream(5), "test", 1)).toThrowErrorMatchingInlineSnapshot(`
    [InputError: sequenceLength
      found     40
      expected  at least 103: the sentence, the prompt and the number]
  `);
  expect(() =>
    retrieval({ form: "needle", tokenizer: byteTokenizer, sequenceLength: 400, depth: 40 }),
  ).toThrow("0 (start of the haystack) to 1");
});
