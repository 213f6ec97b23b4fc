/**
 * A dictionary of texts, each known by a small integer. Job names, users and node lists repeat millions of times in a
 * log; a column of codes takes four bytes a row, and looking a code up costs no string until a text is new.
 */
import { isUtf8 } from "node:buffer";

export class Texts {
  readonly #texts: string[] = [""];
  /** Open addressing: code + 1 in each slot, 0 where empty. */
  #slots = new Int32Array(1024);
  #hashes: number[] = [hashText("")];

  constructor() {
    this.#slots[this.#hashes[0]! & 1023] = 1;
  }

  /** How many different texts there are, the empty one included. */
  get size(): number {
    return this.#texts.length;
  }

  text(code: number): string {
    return this.#texts[code]!;
  }

  /** The code of `text`; 0 is the empty text. */
  code(text: string): number {
    const bytes = Buffer.from(text, "utf8");
    return this.codeOfBytes(bytes, 0, bytes.length);
  }

  /**
   * The code of the text that `bytes[start..end)` spell in UTF-8, or in Latin-1 where that is not UTF-8. `guess` is a
   * code that is tried first: the one of the row before, in columns that seldom change.
   */
  codeOfBytes(bytes: Buffer, start: number, end: number, guess = 0): number {
    if (start === end) return 0;
    if (guess !== 0 && this.#equals(guess, bytes, start, end)) return guess;
    const hash = hashBytes(bytes, start, end);
    const slot = this.#slot(hash, bytes, start, end);
    if (this.#slots[slot] !== 0) return this.#slots[slot]! - 1;
    const code = this.#texts.length;
    this.#texts.push(decode(bytes, start, end));
    this.#hashes.push(hash);
    this.#slots[slot] = code + 1;
    if (this.#texts.length * 2 > this.#slots.length) this.#grow();
    return code;
  }

  #slot(hash: number, bytes: Buffer, start: number, end: number): number {
    const mask = this.#slots.length - 1;
    for (let slot = hash & mask; ; slot = (slot + 1) & mask) {
      const code = this.#slots[slot]! - 1;
      if (code < 0 || (this.#hashes[code] === hash && this.#equals(code, bytes, start, end))) return slot;
    }
  }

  #equals(code: number, bytes: Buffer, start: number, end: number): boolean {
    const text = this.#texts[code]!;
    const length = end - start;
    // No UTF-8 text has more characters than bytes, and texts of other lengths are most of what is compared.
    if (text.length > length || text.charCodeAt(text.length - 1) !== bytes[end - 1]) {
      if (bytes[end - 1]! <= 127) return false;
    }
    for (let i = 0; i < length; i++) {
      const byte = bytes[start + i]!;
      // Beyond ASCII a text's characters are not its bytes: compare what the bytes spell.
      if (byte > 127) return text === decode(bytes, start, end);
      if (text.charCodeAt(i) !== byte) return false;
    }
    return text.length === length;
  }

  #grow(): void {
    const slots = new Int32Array(this.#slots.length * 4);
    const mask = slots.length - 1;
    for (let code = 0; code < this.#texts.length; code++) {
      let slot = this.#hashes[code]! & mask;
      while (slots[slot] !== 0) slot = (slot + 1) & mask;
      slots[slot] = code + 1;
    }
    this.#slots = slots;
  }
}

/** The text of a byte range: UTF-8, or Latin-1 where it is not valid UTF-8. */
export function decode(bytes: Buffer, start: number, end: number): string {
  const part = bytes.subarray(start, end);
  return part.toString(isUtf8(part) ? "utf8" : "latin1");
}

function hashBytes(bytes: Buffer, start: number, end: number): number {
  let hash = 0x811c9dc5;
  for (let i = start; i < end; i++) hash = Math.imul(hash ^ bytes[i]!, 0x01000193);
  return (hash ^ (hash >>> 15)) >>> 0;
}

function hashText(text: string): number {
  const bytes = Buffer.from(text, "utf8");
  return hashBytes(bytes, 0, bytes.length);
}
