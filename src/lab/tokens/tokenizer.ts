/** Text to token ids and back. */
import { createHash } from "node:crypto";

export type TokenIds = readonly number[] | Uint8Array;

export interface Tokenizer {
  readonly name: string;
  /** Ids are 0 to `vocabularySize` - 1. */
  readonly vocabularySize: number;
  /** Put before every document; undefined where the vocabulary has none. */
  readonly beginOfSequence: number | undefined;
  readonly endOfSequence: number | undefined;
  /** Changes whenever the same text could give other ids; what was encoded is kept under it. */
  readonly fingerprint: string;
  /** The ids of `text` alone: no begin or end is added. Half a surrogate pair is read as U+FFFD. */
  encode(text: string): TokenIds;
  /** The text of `ids`; special tokens are left out, and bytes that are not UTF-8 become U+FFFD. */
  decode(ids: Iterable<number>): string;
}

const BEGIN = 256;
const END = 257;

/** One token a byte of UTF-8, then begin (256) and end (257) of sequence. */
export const byteTokenizer: Tokenizer = {
  name: "bytes",
  vocabularySize: 258,
  beginOfSequence: BEGIN,
  endOfSequence: END,
  fingerprint: "bytes-1",
  encode: (text) => new TextEncoder().encode(text),
  decode: (ids) => Buffer.from(Uint8Array.from([...ids].filter((id) => id < BEGIN))).toString("utf8"),
};

/** A short name for content: the first 16 bytes of its SHA-256, in hexadecimal. */
export function contentName(content: string): string {
  return createHash("sha256").update(content).digest("hex").slice(0, 32);
}
