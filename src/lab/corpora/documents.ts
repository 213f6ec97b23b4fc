/**
 * A corpus as it stands on disk, read as a stream of documents: a text file (one document), a folder of text files,
 * a JSON Lines file (a document a line), or a corpus that an installed package ships. Nothing here is held in memory
 * beyond one piece of text or one line.
 */
import { isUtf8 } from "node:buffer";
import { createReadStream, readdirSync, statSync } from "node:fs";
import { extname, join } from "node:path";
import { InputError, suggest } from "../../core/index.ts";
import { PACKAGED_CORPORA, packagedFiles } from "./packaged.ts";

/** Part of a document. A document is one piece or several, of which the last says so. */
export interface Piece {
  readonly text: string;
  readonly endsDocument: boolean;
  /** Bytes of the corpus read so far. */
  readonly bytesRead: number;
}

export interface CorpusSource {
  readonly name: string;
  readonly files: readonly string[];
  readonly bytes: number;
  /** What decides the documents, besides the bytes of the files. */
  readonly reading: string;
  pieces(): AsyncGenerator<Piece>;
}

/** Bytes read at a time, and about the length of a piece. */
const CHUNK_BYTES = 1 << 20;
/** Text without a place to cut it (no ASCII letter followed by a space) is cut here anyway. */
const LONGEST_PIECE_BYTES = 16 * CHUNK_BYTES;

/**
 * The source called `corpus`: a packaged corpus, else a path. `field` is the JSON Lines member that holds the text.
 * Throws an `InputError` where there is no such corpus, or no text file in the folder.
 */
export function corpusSource(corpus: string, field = "text"): CorpusSource {
  const packaged = PACKAGED_CORPORA.find(({ name }) => name === corpus);
  if (packaged) {
    return textSource(corpus, packagedFiles(packaged), packaged.plainText, packaged.reading);
  }
  const stats = statSync(corpus, { throwIfNoEntry: false });
  if (!stats) {
    throw new InputError({
      place: { file: corpus },
      found: "no such file or folder, and no packaged corpus of that name",
      expected: "a .txt or .jsonl file, a folder of .txt files, or the name of a packaged corpus",
      remedy: suggest(
        corpus,
        PACKAGED_CORPORA.map(({ name }) => name),
      ),
    });
  }
  if (stats.isDirectory()) {
    const files = readdirSync(corpus, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile() && entry.name.endsWith(".txt"))
      .map((entry) => join(entry.parentPath, entry.name))
      .sort();
    if (files.length === 0) {
      throw new InputError({
        place: { file: corpus },
        found: "a folder without a .txt file",
        expected: "a .txt file for each document, in the folder or below it",
      });
    }
    return textSource(corpus, files);
  }
  const kind = extname(corpus);
  if (kind === ".txt") return textSource(corpus, [corpus]);
  if (kind === ".jsonl") {
    return {
      name: corpus,
      files: [corpus],
      bytes: stats.size,
      reading: `jsonl ${field}`,
      pieces: () => jsonLines(corpus, field),
    };
  }
  throw new InputError({
    place: { file: corpus },
    found: kind === "" ? "a file without an ending" : `a ${kind} file`,
    expected: "a .txt or .jsonl file, or a folder of .txt files",
  });
}

/** The text of a corpus, to train a tokenizer on: documents, the long ones in pieces. */
export async function* corpusTexts(corpus: string, field?: string): AsyncGenerator<string> {
  for await (const { text } of corpusSource(corpus, field).pieces()) yield text;
}

function textSource(
  name: string,
  files: readonly string[],
  plainText: (text: string) => string = (text) => text,
  reading = "text",
): CorpusSource {
  return {
    name,
    files,
    bytes: files.reduce((sum, file) => sum + statSync(file).size, 0),
    reading,
    async *pieces() {
      let before = 0;
      for (const file of files) {
        let end = before;
        for await (const piece of textFile(file)) {
          end = before + piece.bytesRead;
          yield { ...piece, text: plainText(piece.text), bytesRead: end };
        }
        before = end;
      }
    },
  };
}

/** One text file as one document. Throws an `InputError` for a file that is empty or not UTF-8 text. */
async function* textFile(file: string): AsyncGenerator<Piece> {
  let held: Buffer = Buffer.alloc(0);
  let offset = 0;
  for await (const chunk of createReadStream(file, { highWaterMark: CHUNK_BYTES }) as AsyncIterable<Buffer>) {
    const searched = held.length;
    held = searched === 0 ? chunk : Buffer.concat([held, chunk]);
    const cut = pieceEnd(held, searched);
    if (cut === 0) continue;
    yield { text: decode(held.subarray(0, cut), file, offset), endsDocument: false, bytesRead: offset + cut };
    offset += cut;
    held = held.subarray(cut);
  }
  if (offset + held.length === 0) {
    throw new InputError({ place: { file }, found: "an empty file", expected: "text in UTF-8" });
  }
  yield { text: decode(held, file, offset), endsDocument: true, bytesRead: offset + held.length };
}

/**
 * Where to cut: before white space that follows a letter, so that no word of a byte-level tokenizer is split and its
 * tokens are those of the uncut text. 0 where there is no such place from `searched` on.
 */
function pieceEnd(held: Buffer, searched: number): number {
  for (let at = held.length - 1; at > 0 && at >= searched; at--) {
    if ((held[at] === 0x20 || held[at] === 0x0a) && isAsciiLetter(held[at - 1]!)) return at;
  }
  if (held.length < LONGEST_PIECE_BYTES) return 0;
  let at = held.length - 1;
  while (at > 0 && (held[at]! & 0xc0) === 0x80) at--;
  return at;
}

function isAsciiLetter(byte: number): boolean {
  return (byte >= 0x61 && byte <= 0x7a) || (byte >= 0x41 && byte <= 0x5a);
}

function decode(bytes: Buffer, file: string, offset: number): string {
  const zero = bytes.indexOf(0);
  if (zero >= 0) {
    throw new InputError({
      place: { file },
      found: `a NUL byte at offset ${offset + zero}: a binary file`,
      expected: "text in UTF-8",
    });
  }
  if (!isUtf8(bytes)) {
    const at = invalidUtf8(bytes);
    throw new InputError({
      place: { file },
      found: `byte 0x${bytes[at]!.toString(16).padStart(2, "0")} at offset ${offset + at}, which is not UTF-8`,
      expected: "text in UTF-8",
      remedy: "convert the file: iconv -f latin1 -t utf8",
    });
  }
  const text = bytes.toString("utf8");
  return offset === 0 && text.startsWith("\ufeff") ? text.slice(1) : text;
}

/** The first byte that no UTF-8 character can be read from, by halving: a prefix is valid up to a split character. */
function invalidUtf8(bytes: Buffer): number {
  let at = 0;
  let end = bytes.length;
  while (end - at > 64) {
    let middle = (at + end) >> 1;
    while (middle > at && (bytes[middle]! & 0xc0) === 0x80) middle--;
    if (middle === at) break;
    if (isUtf8(bytes.subarray(at, middle))) at = middle;
    else end = middle;
  }
  for (;;) {
    const size = [1, 2, 3, 4].find(
      (length) => isUtf8(bytes.subarray(at, at + length)) && at + length <= bytes.length,
    );
    if (size === undefined) return at;
    at += size;
  }
}

async function* jsonLines(file: string, field: string): AsyncGenerator<Piece> {
  let number = 0;
  let documents = 0;
  for await (const { bytes, offset } of lines(file)) {
    number++;
    const text = decode(bytes, file, offset);
    // A blank line holds no document: many writers end a file with one.
    if (text.trim() === "") continue;
    documents++;
    const bytesRead = offset + bytes.length;
    yield { text: textMember(text, field, file, number), endsDocument: true, bytesRead };
  }
  if (documents === 0) {
    throw new InputError({ place: { file }, found: "an empty file", expected: "a JSON object a line" });
  }
}

async function* lines(file: string): AsyncGenerator<{ bytes: Buffer; offset: number }> {
  let parts: Buffer[] = [];
  let offset = 0;
  for await (const chunk of createReadStream(file, { highWaterMark: CHUNK_BYTES }) as AsyncIterable<Buffer>) {
    let from = 0;
    for (let end = chunk.indexOf(0x0a); end >= 0; end = chunk.indexOf(0x0a, from)) {
      const bytes = Buffer.concat([...parts, chunk.subarray(from, end)]);
      yield { bytes, offset };
      offset += bytes.length + 1;
      parts = [];
      from = end + 1;
    }
    if (from < chunk.length) parts.push(chunk.subarray(from));
  }
  if (parts.length > 0) yield { bytes: Buffer.concat(parts), offset };
}

function textMember(text: string, field: string, file: string, line: number): string {
  const object = `a JSON object with the text in "${field}"`;
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch (error) {
    throw new InputError({
      place: { file, line },
      found: `a line that is not JSON (${(error as Error).message})`,
      expected: object,
    });
  }
  if (typeof parsed !== "object" || parsed === null || Array.isArray(parsed)) {
    throw new InputError({ place: { file, line }, found: text.slice(0, 60), expected: object });
  }
  const member = (parsed as Record<string, unknown>)[field];
  if (typeof member === "string") return member;
  throw new InputError({
    place: { file, line, path: field },
    found:
      member === undefined ? `only ${Object.keys(parsed).join(", ") || "an empty object"}` : typeof member,
    expected: object,
    remedy: "name the field that holds the text",
  });
}
