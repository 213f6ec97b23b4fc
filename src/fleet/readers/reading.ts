/**
 * What a reader did with a log: rows kept, and every row that was skipped or mended, counted by reason with the first
 * lines of each. Nothing is dropped silently.
 */
import { InputError } from "../../core/index.ts";

/** Lines remembered for each reason; the count goes on. */
const EXAMPLES = 5;

export interface Notice {
  readonly reason: string;
  readonly count: number;
  /** The first few, 1-based. */
  readonly examples: readonly { readonly line: number; readonly found: string }[];
}

/** What a reading says, as plain data. */
export interface ReadingSummary {
  readonly lines: number;
  readonly kept: number;
  readonly passed: readonly { readonly reason: string; readonly count: number }[];
  readonly skipped: readonly Notice[];
  readonly mended: readonly Notice[];
}

export interface ReadingOptions {
  /** Throw at the first row that would be skipped. */
  readonly strict?: boolean | undefined;
}

export class Reading {
  readonly file: string;
  /** Lines of the file, header and blank lines included. */
  lines = 0;
  /** Rows that became records. */
  kept = 0;
  readonly #strict: boolean;
  readonly #skipped = new Map<string, { count: number; examples: { line: number; found: string }[] }>();
  readonly #mended = new Map<string, { count: number; examples: { line: number; found: string }[] }>();
  readonly #passed = new Map<string, number>();

  constructor(file: string, { strict = false }: ReadingOptions = {}) {
    this.file = file;
    this.#strict = strict;
  }

  /** A row that is wrong and was left out. `expected` is the rule it breaks. */
  skip(reason: string, line: number, found: string, expected: string): void {
    if (this.#strict) {
      throw new InputError({
        place: { file: this.file, line },
        found: `${reason}: ${quote(found)}`,
        expected,
        remedy: "mend the line, or read without strict to have such lines skipped and counted",
      });
    }
    note(this.#skipped, reason, line, found);
  }

  /** A row that was read in spite of something odd. */
  mend(reason: string, line: number, found: string): void {
    note(this.#mended, reason, line, found);
  }

  /** Rows that are right but not wanted: job steps, blank lines, nodes that did not fail. */
  pass(reason: string, count = 1): void {
    this.#passed.set(reason, (this.#passed.get(reason) ?? 0) + count);
  }

  /** Adds what a reading of the lines that follow found. */
  append({ lines, kept, passed, skipped, mended }: ReadingSummary): void {
    for (const [own, theirs] of [
      [this.#skipped, skipped],
      [this.#mended, mended],
    ] as const) {
      for (const { reason, count, examples } of theirs) {
        for (const { line, found } of examples) note(own, reason, this.lines + line, found);
        own.get(reason)!.count += count - examples.length;
      }
    }
    for (const { reason, count } of passed) this.pass(reason, count);
    this.lines += lines;
    this.kept += kept;
  }

  get skipped(): Notice[] {
    return notices(this.#skipped);
  }

  get mended(): Notice[] {
    return notices(this.#mended);
  }

  get passed(): { reason: string; count: number }[] {
    return [...this.#passed].map(([reason, count]) => ({ reason, count }));
  }

  get skippedRows(): number {
    return this.skipped.reduce((sum, { count }) => sum + count, 0);
  }

  /** One line for each thing said, for a person. */
  sentences(): string[] {
    const several = ({ count, reason, examples }: Notice, verb: string) =>
      `${this.file}: ${count} row${count === 1 ? "" : "s"} ${verb}: ${reason} (line${examples.length === 1 ? "" : "s"} ${examples.map(({ line }) => line).join(", ")}${count > examples.length ? ", …" : ""})`;
    return [
      `${this.file}: ${this.lines} lines, ${this.kept} records`,
      ...this.passed.map(({ reason, count }) => `${this.file}: ${count} passed over: ${reason}`),
      ...this.skipped.map((notice) => several(notice, "skipped")),
      ...this.mended.map((notice) => several(notice, "mended")),
    ];
  }

  toJSON(): ReadingSummary & { readonly file: string } {
    const { file, lines, kept, passed, skipped, mended } = this;
    return { file, lines, kept, passed, skipped, mended };
  }
}

function note(
  map: Map<string, { count: number; examples: { line: number; found: string }[] }>,
  reason: string,
  line: number,
  found: string,
): void {
  const entry = map.get(reason) ?? { count: 0, examples: [] };
  entry.count++;
  if (entry.examples.length < EXAMPLES) entry.examples.push({ line, found: quote(found) });
  map.set(reason, entry);
}

function notices(map: Map<string, { count: number; examples: { line: number; found: string }[] }>): Notice[] {
  return [...map].map(([reason, { count, examples }]) => ({ reason, count, examples }));
}

function quote(text: string): string {
  return text.length > 120 ? `${text.slice(0, 117)}…` : text;
}
