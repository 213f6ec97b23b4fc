import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { InputError } from "../core/index.ts";
import { MOST_LAYERS, PRIMITIVES, type Primitive, parseLayers, printLayers } from "./notation.ts";

const letter = fc.constantFrom(...(Object.keys(PRIMITIVES) as Primitive[]));

interface Item {
  readonly part: Primitive | readonly Item[];
  readonly count: number;
}

const { item } = fc.letrec<{ item: Item }>((tie) => ({
  item: fc.record({
    part: fc.oneof({ maxDepth: 2 }, letter, fc.array(tie("item"), { minLength: 1, maxLength: 3 })),
    count: fc.integer({ min: 1, max: 3 }),
  }),
}));
const pattern = fc.array(item, { minLength: 1, maxLength: 3 });

function write(items: readonly Item[], space: string): string {
  return items
    .map(({ part, count }) =>
      typeof part === "string"
        ? `${count === 1 ? "" : count}${part}`
        : `(${space}${write(part, space)})${count === 1 ? "" : count}`,
    )
    .join(space === "" ? " " : space);
}

function expand(items: readonly Item[]): Primitive[] {
  return items.flatMap(({ part, count }) =>
    Array.from({ length: count }, () => (typeof part === "string" ? [part] : expand(part))).flat(),
  );
}

/** A bare group followed by a counted letter is the one spelling that is refused as ambiguous. */
const ambiguous = /\)\s+\d/;

function complaint(text: string): string {
  try {
    parseLayers(text);
  } catch (error) {
    if (error instanceof InputError) return error.message;
    throw error;
  }
  throw new Error(`"${text}" was accepted`);
}

describe("parseLayers", () => {
  it.each([
    ["AF", "AF"],
    ["(SF)3 AF (SF)9", "SFSFSFAFSFSFSFSFSFSFSFSFSF"],
    ["(2A 4F)4 A 2F", `${"AAFFFF".repeat(4)}AFF`],
    ["((A F)2 S)2", "AFAFSAFAFS"],
    [" ( W )\n F ", "WF"],
    ["12H(E)1", `${"H".repeat(12)}E`],
  ])("reads %j", (text, layers) => {
    expect(parseLayers(text).join("")).toBe(layers);
  });

  it("reads what a second expansion of the same pattern gives", () => {
    fc.assert(
      fc.property(pattern, fc.constantFrom("", " ", "\n\t"), (items, space) => {
        const text = write(items, space);
        fc.pre(!ambiguous.test(text));
        expect(parseLayers(text)).toEqual(expand(items));
      }),
    );
  });

  it("says where a pattern breaks, what stands there and what to write", () => {
    expect(complaint("(SF)3 XF")).toMatchInlineSnapshot(`
      "1:7  layers
        found     "X"
                  (SF)3 XF
                        ^
        expected  one of A, W, S, H, F, E
        to mend   A grouped-query attention, W sliding-window attention, S Mamba-2 state space, H intra-layer hybrid, F feed-forward, E mixture of experts"
    `);
    expect(complaint("(SF) 3A")).toMatchInlineSnapshot(`
      "1:6  layers
        found     a count after a group and a space, which could belong to either side
                  (SF) 3A
                       ^
        expected  the count of a group right after its parenthesis
        to mend   write ")3 …" to repeat the group, or ")1 3…" to repeat what follows"
    `);
  });

  it.each([
    ["", "no layers"],
    ["   ", "no layers"],
    ["()", "an empty group"],
    ["A()F", "an empty group"],
    ["(AF", '"(" without its ")"'],
    ["((AF)2", '"(" without its ")"'],
    ["AF)", '")" without its "("'],
    ["0A", "a repeat of 0"],
    ["(AF)0", "a repeat of 0"],
    ["A2", "2A, not A2"],
    ["(A2)3", "2A, not A2"],
    ["2(AF)", "(…)2"],
    ["1 2A", '"2"'],
    ["af", "write A"],
    ["(SF)3 Q", '"Q"'],
    ["2000A", "at most 1024"],
    ["99999999999999999999999A", "at most 1024"],
    ["((((100A)100)100)100)100", "at most 1024"],
    ["A\u{1F600}", "one of A, W"],
  ])("refuses %j", (text, expected) => {
    expect(complaint(text)).toContain(expected);
  });

  it("refuses what is too long or too deep to be meant", () => {
    expect(complaint("A".repeat(5000))).toContain("5000 characters");
    expect(complaint("(".repeat(4000))).toContain('"(" without its ")"');
  });

  it("throws nothing but InputError", () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom(..."AWSHFE()0123 9x") }), (text) => {
        try {
          const layers = parseLayers(text);
          expect(layers.length).toBeGreaterThan(0);
          expect(layers.length).toBeLessThanOrEqual(MOST_LAYERS);
        } catch (error) {
          expect(error).toBeInstanceOf(InputError);
        }
      }),
    );
  });
});

describe("printLayers", () => {
  it.each([
    ["AFAF", "(AF)2"],
    ["AFAFAF", "(AF)3"],
    ["AAFFFF AAFFFF AAFFFF AAFFFF AFF", "(2A 4F)4 A 2F"],
    ["(SF)3 AF (SF)9", "(SF)3 AF (SF)9"],
    ["(SF)3 AF (SF)3 AF (SF)5", "((SF)3 AF)2 (SF)5"],
    ["4A 9F 4A 5F 2A 5F", "4A 9F 4A 5F 2A 5F"],
    ["AAFAFAF", "A (AF)3"],
  ])("prints %s as %s", (text, printed) => {
    expect(printLayers(parseLayers(text))).toBe(printed);
  });

  it("is read back as the same layers", () => {
    const random = fc.array(letter, { minLength: 1, maxLength: 40 });
    fc.assert(
      fc.property(fc.oneof(random, pattern.map(expand)), (layers) => {
        expect(parseLayers(printLayers(layers))).toEqual(layers);
      }),
    );
  });

  it("names no more letters than there are runs", () => {
    fc.assert(
      fc.property(
        fc.array(fc.constantFrom<Primitive>("A", "F"), { minLength: 1, maxLength: 24 }),
        (layers) => {
          const runs = layers.filter((layer, i) => layer !== layers[i - 1]).length;
          expect(printLayers(layers).replace(/[^AF]/g, "").length).toBeLessThanOrEqual(runs);
        },
      ),
    );
  });
});
