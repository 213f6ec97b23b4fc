/**
 * A dictionary of texts, each known by a small integer. Job names, users and node lists repeat millions of times in a
 * log; a column of codes takes four bytes a row, and looking a code up costs no string until a text is new.
 */
import { isUtf8 } from "node:buffer";

/** How many codes a column remembers: as many as 13 bits tell apart. */
const RECENT_BITS = 13;
const NONE = recentCodes();

/** What `codeOfBytes` remembers of a column. */
export function recentCodes(): Int32Array {
  return new Int32Array(1 << RECENT_BITS);
}

export class Texts {
  readonly #texts: string[] = [""];
  /** The bytes of all texts one after another: comparing them with a row's is faster than comparing characters. */
  #bytes = new Uint8Array(1024);
  #words = wordsOf(this.#bytes);
  /** The bytes that the last text asked for stood in, and the same to be read four at a time. */
  #row: Buffer = Buffer.alloc(0);
  #rowWords = wordsOf(this.#row);
  /** Where each text ends among the bytes; it begins where the one before ends. */
  #ends = new Int32Array(1024);
  /** Open addressing: code in each slot, 0 where empty: the empty text needs none. */
  #slots = new Int32Array(1024);
  #hashes = new Int32Array(1024);

  /** How many different texts there are, the empty one included. */
  get size(): number {
    return this.#texts.length;
  }

  text(code: number): string {
    return this.#texts[code]!;
  }

  /** Every text, by its code. */
  all(): readonly string[] {
    return this.#texts;
  }

  /** The code of `text`; 0 is the empty text. */
  code(text: string): number {
    const bytes = Buffer.from(text, "utf8");
    return this.codeOfBytes(bytes, 0, bytes.length);
  }

  /**
   * The code of the text that `bytes[start..end)` spell in UTF-8, or in Latin-1 where that is not UTF-8. `recent` are
   * the codes that the column had last, by a few of their bytes: they are tried first, since columns repeat their texts.
   */
  codeOfBytes(bytes: Buffer, start: number, end: number, recent: Int32Array = NONE): number {
    if (start === end) return 0;
    if (bytes !== this.#row) {
      this.#row = bytes;
      this.#rowWords = wordsOf(bytes);
    }
    if (recent === NONE) return this.#lookUp(bytes, start, end);
    const slot = this.#sample(start, end);
    const guess = recent[slot]!;
    if (guess !== 0 && this.#equals(guess, bytes, start, end)) return guess;
    const code = this.#lookUp(bytes, start, end);
    recent[slot] = code;
    return code;
  }

  #lookUp(bytes: Buffer, start: number, end: number): number {
    const hash = hashBytes(bytes, start, end);
    const slot = this.#slot(hash, bytes, start, end);
    if (this.#slots[slot] !== 0) return this.#slots[slot]!;
    const code = this.#texts.length;
    this.#texts.push(decode(bytes, start, end));
    const before = this.#ends[code - 1]!;
    const after = before + end - start;
    if (after > this.#bytes.length) {
      this.#bytes = enlarged(this.#bytes, new Uint8Array(2 * after));
      this.#words = wordsOf(this.#bytes);
    }
    this.#bytes.set(bytes.subarray(start, end), before);
    this.#ends[code] = after;
    this.#hashes[code] = hash;
    this.#slots[slot] = code;
    if (this.#texts.length * 2 > this.#slots.length) this.#grow();
    return code;
  }

  #slot(hash: number, bytes: Buffer, start: number, end: number): number {
    const mask = this.#slots.length - 1;
    for (let slot = hash & mask; ; slot = (slot + 1) & mask) {
      const code = this.#slots[slot]!;
      if (code === 0 || (this.#hashes[code] === hash && this.#equals(code, bytes, start, end))) return slot;
    }
  }

  #equals(code: number, bytes: Buffer, start: number, end: number): boolean {
    const begin = this.#ends[code - 1]!;
    const length = end - start;
    if (this.#ends[code]! - begin !== length) return false;
    const known = this.#bytes;
    if (length < 4) {
      for (let i = 0; i < length; i++) if (known[begin + i] !== bytes[start + i]) return false;
      return true;
    }
    const [words, rowWords] = [this.#words, this.#rowWords];
    // From the end, where texts of one column differ: node 1701 from node 1702. The last step may overlap the one before.
    for (let i = length - 4; i > 0; i -= 4) {
      if (words.getInt32(begin + i) !== rowWords.getInt32(start + i)) return false;
    }
    return words.getInt32(begin) === rowWords.getInt32(start);
  }

  /** A slot that texts of one column seldom share: by their length and their last bytes. */
  #sample(start: number, end: number): number {
    const words = this.#rowWords;
    const length = end - start;
    const last = length < 4 ? this.#row[end - 1]! : words.getInt32(end - 4);
    const before = length < 8 ? this.#row[start]! : words.getInt32(end - 8);
    return (
      (Math.imul(last ^ Math.imul(before, 0x2c1b3c6d), 0x01000193) + Math.imul(length, 0x9e3779b1)) >>>
      (32 - RECENT_BITS)
    );
  }

  #grow(): void {
    const slots = new Int32Array(this.#slots.length * 4);
    const mask = slots.length - 1;
    for (let code = 1; code < this.#texts.length; code++) {
      let slot = this.#hashes[code]! & mask;
      while (slots[slot] !== 0) slot = (slot + 1) & mask;
      slots[slot] = code;
    }
    this.#slots = slots;
    this.#ends = enlarged(this.#ends, new Int32Array(slots.length));
    this.#hashes = enlarged(this.#hashes, new Int32Array(slots.length));
  }
}

function enlarged<A extends Uint8Array | Int32Array>(values: A, larger: A): A {
  larger.set(values);
  return larger;
}

/** The text of a byte range: UTF-8, or Latin-1 where it is not valid UTF-8. */
export function decode(bytes: Buffer, start: number, end: number): string {
  const part = bytes.subarray(start, end);
  return part.toString(isUtf8(part) ? "utf8" : "latin1");
}

function wordsOf({ buffer, byteOffset, byteLength }: Uint8Array): DataView {
  return new DataView(buffer, byteOffset, byteLength);
}

/** Four bytes a step: FNV-1a's shape, with a step for what is left. */
function hashBytes(bytes: Buffer, start: number, end: number): number {
  let hash = 0x811c9dc5;
  let i = start;
  for (; i + 4 <= end; i += 4) {
    const word = bytes[i]! | (bytes[i + 1]! << 8) | (bytes[i + 2]! << 16) | (bytes[i + 3]! << 24);
    hash = Math.imul(hash ^ word, 0x01000193);
    hash ^= hash >>> 13;
  }
  for (; i < end; i++) hash = Math.imul(hash ^ bytes[i]!, 0x01000193);
  return hash ^ (hash >>> 15);
}
