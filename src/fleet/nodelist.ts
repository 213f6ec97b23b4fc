/**
 * Slurm's host list expressions: `n[1-3,7],m4` is n1, n2, n3, n7, m4; `n[001-010]` keeps its zeros; several brackets
 * (`rack[1-2]n[01-04]`) give every combination.
 */
import { InputError } from "../core/index.ts";
import type { AttemptTable } from "./attempts.ts";

/** No cluster has more; a longer range is a mistake that must not fill memory. */
const MOST_NODES = 1_000_000;

/** The nodes that `text` names, in its order. Throws an `InputError` with the column of what cannot be read. */
export function expandNodeList(text: string): string[] {
  if (text === "" || ABSENT.has(text)) return [];
  const nodes: string[] = [];
  let position = 0;
  while (position <= text.length) {
    const end = partEnd(text, position);
    const part = text.slice(position, end);
    if (part === "") throw malformed(text, position, "a name of a node");
    nodes.push(...expandPart(part, text, position));
    if (nodes.length > MOST_NODES) throw malformed(text, position, `at most ${MOST_NODES} nodes`);
    position = end + 1;
  }
  return nodes;
}

const ABSENT = new Set(["None assigned", "None", "(null)", "N/A"]);

/** Where the part that starts at `from` ends: the next comma outside brackets. */
function partEnd(text: string, from: number): number {
  let depth = 0;
  for (let i = from; i < text.length; i++) {
    const c = text[i];
    if (c === "[") depth++;
    else if (c === "]") depth--;
    else if (c === "," && depth === 0) return i;
    if (depth < 0 || depth > 1) throw malformed(text, i, "brackets that match");
  }
  if (depth !== 0) throw malformed(text, text.length, "a closing bracket");
  return text.length;
}

function expandPart(part: string, text: string, offset: number): string[] {
  const open = part.indexOf("[");
  if (open < 0) return [part];
  const close = part.indexOf("]", open);
  const prefix = part.slice(0, open);
  const tails = expandPart(part.slice(close + 1), text, offset + close + 1);
  const numbers = part.slice(open + 1, close).split(",");
  return numbers.flatMap((range) => {
    const match = /^(\d+)(?:-(\d+))?$/.exec(range);
    if (!match) throw malformed(text, offset + open + 1, "numbers and ranges such as 1-3,7");
    const [, low, high = low] = match as unknown as [string, string, string | undefined];
    const [from, to] = [Number(low), Number(high)];
    if (to < from || to - from >= MOST_NODES)
      throw malformed(text, offset + open + 1, "a range from low to high");
    return Array.from({ length: to - from + 1 }, (_, i) =>
      String(from + i).padStart(low.length, "0"),
    ).flatMap((number) => tails.map((tail) => `${prefix}${number}${tail}`));
  });
}

function malformed(text: string, column: number, expected: string): InputError {
  return new InputError({ place: { path: "node list", column: column + 1 }, found: `"${text}"`, expected });
}

/** The shortest host list of `nodes` that have the same prefix: the inverse of `expandNodeList` for one row of nodes. */
export function foldNodeList(nodes: readonly string[]): string {
  const groups = new Map<string, { prefix: string; width: number; numbers: number[] }>();
  const plain: string[] = [];
  for (const node of nodes) {
    const match = /^(.*?)(\d{1,15})$/.exec(node);
    if (!match) {
      plain.push(node);
      continue;
    }
    const [, prefix, digits] = match as unknown as [string, string, string];
    const padded = digits.length > 1 && digits.startsWith("0");
    // Numbers without leading zeros share a group whatever their length; padded ones need one width.
    const key = `${prefix}/${padded ? digits.length : 0}`;
    const group = groups.get(key) ?? { prefix, width: padded ? digits.length : 0, numbers: [] };
    group.numbers.push(Number(digits));
    groups.set(key, group);
  }
  const folded = [...groups.values()].map(({ prefix, width, numbers }) => {
    numbers.sort((a, b) => a - b);
    const text = (n: number) => String(n).padStart(width, "0");
    const ranges: string[] = [];
    for (let i = 0; i < numbers.length; ) {
      let j = i;
      while (j + 1 < numbers.length && numbers[j + 1] === numbers[j]! + 1) j++;
      ranges.push(i === j ? text(numbers[i]!) : `${text(numbers[i]!)}-${text(numbers[j]!)}`);
      i = j + 1;
    }
    return numbers.length === 1 ? `${prefix}${ranges[0]}` : `${prefix}[${ranges.join(",")}]`;
  });
  return [...folded, ...plain].join(",");
}

/** The nodes of each attempt as numbers, each different list expanded once. */
export class NodeSets {
  readonly #table: AttemptTable;
  readonly #byCode: (Int32Array | undefined)[] = [];
  readonly #numbers = new Map<string, number>();
  readonly names: string[] = [];
  /** Lists that could not be read, with the first line of each. */
  readonly malformed = new Map<string, number>();

  constructor(table: AttemptTable) {
    this.#table = table;
  }

  /** The number of the node called `name`, which is given one if it has none. */
  number(name: string): number {
    let number = this.#numbers.get(name);
    if (number === undefined) {
      number = this.names.length;
      this.names.push(name);
      this.#numbers.set(name, number);
    }
    return number;
  }

  find(name: string): number | undefined {
    return this.#numbers.get(name);
  }

  /** The nodes of the attempt in `row`; empty where the log names none. */
  of(row: number): Int32Array {
    const code = this.#table.nodeList[row]!;
    const known = this.#byCode[code];
    if (known) return known;
    return this.#expand(code, this.#table.line[row]!);
  }

  /** The nodes of a list by its code in the table's dictionary, once a row of it was asked for. */
  ofList(code: number): Int32Array {
    return this.#byCode[code]!;
  }

  #expand(code: number, line: number): Int32Array {
    const text = this.#table.texts.text(code);
    let nodes: string[] = [];
    try {
      nodes = expandNodeList(text);
    } catch (error) {
      if (!(error instanceof InputError)) throw error;
      this.malformed.set(text, line);
    }
    const numbers = Int32Array.from(nodes, (name) => this.number(name));
    this.#byCode[code] = numbers;
    return numbers;
  }
}
