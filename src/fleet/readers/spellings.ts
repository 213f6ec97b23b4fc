/** What a field's texts mean. A log spells a handful of states and resources millions of times. */
import { recentCodes, type Texts } from "../texts.ts";

/** Reads each different text of a field once. */
export class Spellings<T> {
  readonly #texts: Texts;
  readonly #parse: (text: string) => T;
  readonly #known: T[] = [];
  readonly #recent = recentCodes();

  constructor(texts: Texts, parse: (text: string) => T) {
    this.#texts = texts;
    this.#parse = parse;
  }

  read(bytes: Buffer, start: number, end: number): T {
    const code = this.#texts.codeOfBytes(bytes, start, end, this.#recent);
    this.#known[code] ??= this.#parse(this.#texts.text(code));
    return this.#known[code]!;
  }
}
