/**
 * The string form of a model's layers. A layer is one primitive with its own pre-norm residual:
 *
 *     pattern := item+          item := count? letter | "(" pattern ")" count?
 *
 * A count stands before a letter (`2A`) and right after a group (`(AF)16`), which covers both published spellings:
 * `(SF)3 AF (SF)9` for blocks and `(2A 4F)4 A 2F` for primitives. White space elsewhere means nothing.
 */

import { InputError, type Place } from "../core/index.ts";

/** The primitives by letter, with the name that reports use. */
export const PRIMITIVES = {
  A: "grouped-query attention",
  W: "sliding-window attention",
  S: "Mamba-2 state space",
  H: "intra-layer hybrid",
  F: "feed-forward",
  E: "mixture of experts",
} as const;

export type Primitive = keyof typeof PRIMITIVES;

/** No model is deeper; the deepest dense one published has 252 primitive layers (Llama-3.1-405B). */
export const MOST_LAYERS = 1024;

// What makes a string long to read. Parting two equal neighbours counts, so that `(2A 4F)4 A 2F` wins over the rotated
// `A (A 4F A)4 2F`; a run or a group costs less than writing its letters twice.
const LETTER_COST = 2;
const RUN_COST = 3;
const GROUP_COST = 3;
const PARTED_COST = 2;

const LONGEST_TEXT = 4 * MOST_LAYERS;
const LETTERS = Object.keys(PRIMITIVES).join(", ");

export function isPrimitive(letter: string): letter is Primitive {
  return Object.hasOwn(PRIMITIVES, letter);
}

/**
 * The layers that `text` names, first to last.
 * @throws InputError with the column (1-based), when the text is not a pattern or has more than `MOST_LAYERS` layers.
 */
export function parseLayers(text: string, place: Place = { path: "layers" }): readonly Primitive[] {
  if (text.length > LONGEST_TEXT) {
    throw new InputError({
      place,
      found: `a layer string of ${text.length} characters`,
      expected: `at most ${LONGEST_TEXT}`,
      remedy: "write repeats as counts: (SF)3 AF (SF)9",
    });
  }
  let at = 0;

  const fail = (column: number, found: string, expected: string, remedy: string): never => {
    const indent = " ".repeat(12);
    const start = Math.max(0, column - 40);
    const excerpt = text.slice(start, column + 40).replace(/\s/g, " ");
    throw new InputError({
      place: { ...place, line: place.line ?? 1, column: (place.column ?? 1) + column },
      found: `${found}\n${indent}${excerpt}\n${indent}${" ".repeat(column - start)}^`,
      expected,
      remedy,
    });
  };
  const skipSpace = (): void => {
    while (at < text.length && /\s/.test(text[at]!)) at++;
  };
  const readCount = (): number | undefined => {
    const digits = /^\d+/.exec(text.slice(at, at + 20))?.[0];
    if (digits === undefined) return undefined;
    const count = Number(digits);
    if (count === 0) fail(at, "a repeat of 0", "a repeat of at least 1", "leave the part out");
    if (count > MOST_LAYERS) {
      fail(at, `a repeat of ${digits}`, `at most ${MOST_LAYERS} layers in all`, "use a smaller count");
    }
    at += digits.length;
    return count;
  };
  const repeat = (part: readonly Primitive[], count: number, into: Primitive[], from: number): void => {
    if (into.length + part.length * count > MOST_LAYERS) {
      fail(
        from,
        `${into.length + part.length * count} layers or more`,
        `at most ${MOST_LAYERS}`,
        "use smaller counts",
      );
    }
    for (let i = 0; i < count; i++) into.push(...part);
  };

  const readPattern = (opened: number | undefined): Primitive[] => {
    const layers: Primitive[] = [];
    for (;;) {
      skipSpace();
      const start = at;
      const character = text[at];
      if (character === undefined || character === ")") {
        if (character === undefined && opened !== undefined) {
          fail(opened, '"(" without its ")"', "every group closed", 'add the missing ")"');
        }
        if (character === ")" && opened === undefined) {
          fail(at, '")" without its "("', "every group opened before it is closed", 'remove the ")"');
        }
        if (layers.length === 0) {
          const remedy = "name at least one layer, for example AF";
          fail(at, opened === undefined ? "no layers" : "an empty group", `one of ${LETTERS}`, remedy);
        }
        return layers;
      }
      if (character === "(") {
        at++;
        const group = readPattern(start);
        at++;
        const count = readCount();
        if (count === undefined && /^\s+\d/.test(text.slice(at))) {
          skipSpace();
          const digits = /^\d+/.exec(text.slice(at))![0];
          fail(
            at,
            "a count after a group and a space, which could belong to either side",
            "the count of a group right after its parenthesis",
            `write ")${digits} …" to repeat the group, or ")1 ${digits}…" to repeat what follows`,
          );
        }
        repeat(group, count ?? 1, layers, start);
        continue;
      }
      const count = readCount();
      skipSpace();
      const letter = text[at];
      if (count !== undefined && letter === "(") {
        fail(start, "a count before a group", "the count of a group after it", `write (…)${count}`);
      }
      if (letter === undefined || !isPrimitive(letter)) {
        const upper = letter?.toUpperCase();
        fail(
          at,
          letter === undefined ? "the end of the text after a count" : `"${letter}"`,
          `one of ${LETTERS}`,
          count !== undefined && (letter === undefined || letter === ")")
            ? "a letter's count stands before it: 2A, not A2"
            : upper !== undefined && isPrimitive(upper)
              ? `write ${upper}`
              : Object.entries(PRIMITIVES)
                  .map(([key, name]) => `${key} ${name}`)
                  .join(", "),
        );
      }
      at++;
      repeat([letter as Primitive], count ?? 1, layers, start);
    }
  };

  return readPattern(undefined);
}

/**
 * The canonical pattern of `layers`: the one with the fewest letters, counts and groups (costs above; a repeat wins a tie,
 * then the shortest first part). Equal models have equal strings, and `parseLayers(printLayers(x))` is `x`. Cubic in the layers.
 */
export function printLayers(layers: readonly Primitive[]): string {
  const n = layers.length;
  if (n === 0) return "";
  // matching[p * n + i]: for how many positions from i on each layer equals the one p after it.
  const matching = new Int32Array(n * n);
  for (let p = 1; p < n; p++) {
    for (let i = n - p - 1; i >= 0; i--) {
      matching[p * n + i] = layers[i] === layers[i + p] ? 1 + matching[p * n + i + 1]! : 0;
    }
  }
  const parted = (at: number): number => (layers[at - 1] === layers[at] ? PARTED_COST : 0);
  // For the stretch of `length` layers at i: its least cost, and how: > 0 is the period of a repeat, < 0 where it splits.
  const cost = new Int32Array(n * (n + 1)).fill(LETTER_COST);
  const choice = new Int32Array(n * (n + 1));
  for (let length = 2; length <= n; length++) {
    for (let i = 0; i + length <= n; i++) {
      let best = Number.POSITIVE_INFINITY;
      let how = 0;
      for (let p = 1; p <= length / 2; p++) {
        if (length % p !== 0 || matching[p * n + i]! < length - p) continue;
        const repeated = p === 1 ? RUN_COST : cost[p * n + i]! + GROUP_COST + parted(i + p);
        if (repeated < best) {
          best = repeated;
          how = p;
        }
      }
      for (let k = 1; k < length; k++) {
        const split = cost[k * n + i]! + cost[(length - k) * n + i + k]! + parted(i + k);
        if (split < best) {
          best = split;
          how = -k;
        }
      }
      cost[length * n + i] = best;
      choice[length * n + i] = how;
    }
  }

  const items = (i: number, length: number): string[] => {
    const how = choice[length * n + i]!;
    if (length === 1) return [layers[i]!];
    if (how < 0) return [...items(i, -how), ...items(i - how, length + how)];
    return how === 1 ? [`${length}${layers[i]}`] : [`(${join(items(i, how))})${length / how}`];
  };
  return join(items(0, n));
}

/** Bare letters stand together, everything else apart: `(SF)3 AF 2A`. */
function join(items: readonly string[]): string {
  return items.reduce((text, item, i) => {
    const together = item.length === 1 && items[i - 1]?.length === 1;
    return i === 0 ? item : `${text}${together ? "" : " "}${item}`;
  }, "");
}
