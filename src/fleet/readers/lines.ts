/**
 * Lines of a file as byte ranges, in bounded memory. Logs of tens of millions of rows are read at the speed of the
 * disk because nothing is decoded until a field is wanted. Knows nothing of what a line means.
 */
import { closeSync, createReadStream, openSync, readSync, statSync } from "node:fs";
import { open } from "node:fs/promises";
import { createGunzip } from "node:zlib";
import { InputError, type Supervision } from "../../core/index.ts";

/**
 * What is read: the path of a file (gzip where it ends in `.gz`), bytes under a name for messages, or the bytes
 * `[from, to)` of a file that is not compressed.
 */
export type LogSource =
  | string
  | { readonly name: string; readonly bytes: AsyncIterable<Uint8Array> | Uint8Array }
  | FilePart;

export interface FilePart {
  readonly name: string;
  readonly from: number;
  readonly to: number;
}

export function sourceName(source: LogSource): string {
  return typeof source === "string" ? source : source.name;
}

/** One line: `bytes[start..end)` without its line ending. Valid only during the call that delivers it. */
export type LineVisitor = (bytes: Buffer, start: number, end: number, line: number) => void;

const CHUNK_BYTES = 1 << 20;
/** A longer line is no log line; reading on would fill memory with it. */
export const LONGEST_LINE_BYTES = 1 << 20;
const LINE_FEED = 10;
const CARRIAGE_RETURN = 13;

/**
 * Calls `visit` for every line (1-based; LF or CRLF, UTF-8 byte order mark removed) and `tooLong` for every line above
 * `LONGEST_LINE_BYTES`. Returns the number of lines. Throws as `forEachChunk` does.
 */
export async function forEachLine(
  source: LogSource,
  visit: LineVisitor,
  tooLong: (line: number) => void,
  supervision: Supervision = {},
): Promise<number> {
  let line = 0;
  // The chunk being read, after what is left of the last one: the beginning of a line. One buffer for the whole file.
  let buffer: Buffer = Buffer.allocUnsafe(2 * CHUNK_BYTES);
  let held = 0;
  // While an overlong line is passed over, nothing of it is held.
  let skipping = false;
  await forEachChunk(
    source,
    (piece) => {
      const length = held + piece.length;
      if (length > buffer.length) buffer = Buffer.concat([buffer.subarray(0, held)], 2 * length);
      piece.copy(buffer, held);
      const chunk = buffer.subarray(0, length);
      let start = 0;
      for (;;) {
        const end = chunk.indexOf(LINE_FEED, start);
        if (end < 0) break;
        line++;
        if (skipping || end - start > LONGEST_LINE_BYTES) tooLong(line);
        else visit(chunk, start, end > start && chunk[end - 1] === CARRIAGE_RETURN ? end - 1 : end, line);
        skipping = false;
        start = end + 1;
      }
      skipping ||= length - start > LONGEST_LINE_BYTES;
      held = skipping ? 0 : length - start;
      if (held > 0) buffer.copyWithin(0, start, length);
    },
    supervision,
  );
  if (skipping) tooLong(++line);
  else if (held > 0) visit(buffer, 0, buffer[held - 1] === CARRIAGE_RETURN ? held - 1 : held, ++line);
  return line;
}

/**
 * Calls `visit` for every piece of the file, without its byte order mark; a piece is valid during the call. Throws an `InputError` where the file cannot
 * be read or is UTF-16, and the signal's reason where it is aborted.
 */
export async function forEachChunk(
  source: LogSource,
  visit: (chunk: Buffer) => void,
  { progress, signal }: Supervision = {},
): Promise<void> {
  const name = sourceName(source);
  const total = sizeOf(source);
  let bytesRead = 0;
  for await (const piece of bytesOf(source, Buffer.allocUnsafe(CHUNK_BYTES))) {
    signal?.throwIfAborted();
    let chunk = Buffer.from(piece.buffer, piece.byteOffset, piece.byteLength);
    if (bytesRead === 0) {
      refuseUtf16(chunk, name);
      if (chunk[0] === 0xef && chunk[1] === 0xbb && chunk[2] === 0xbf) chunk = chunk.subarray(3);
    }
    bytesRead += piece.byteLength;
    visit(chunk);
    progress?.({ activity: `reading ${name}`, done: bytesRead, total, unit: "bytes" });
  }
}

/**
 * What a source holds, unzipped. Throws an `InputError` where the file cannot be read. With `into`, pieces of a plain file
 * are put there one after another, so that each is valid only until the next is asked for.
 */
export async function* bytesOf(source: LogSource, into?: Buffer): AsyncIterable<Uint8Array> {
  if (typeof source !== "string" && "bytes" in source) {
    if (source.bytes instanceof Uint8Array) yield source.bytes;
    else yield* source.bytes;
    return;
  }
  const name = sourceName(source);
  const zipped = name.endsWith(".gz");
  try {
    yield* zipped ? unzipped(name) : plainBytes(source, into);
  } catch (error) {
    throw new InputError({
      place: { file: name },
      found: (error as Error).message,
      expected: zipped ? "a gzip file that can be read" : "a file that can be read",
    });
  }
}

function unzipped(name: string): AsyncIterable<Uint8Array> {
  const file = createReadStream(name, { highWaterMark: CHUNK_BYTES });
  const bytes = createGunzip();
  // A pipe does not carry the file's errors along.
  file.on("error", (error) => bytes.destroy(error));
  return file.pipe(bytes);
}

async function* plainBytes(source: string | FilePart, into?: Buffer): AsyncIterable<Uint8Array> {
  const part = typeof source === "string" ? undefined : source;
  let left = part ? part.to - part.from : Number.POSITIVE_INFINITY;
  let position = part ? part.from : null;
  const file = await open(sourceName(source));
  try {
    while (left > 0) {
      const buffer = into ?? Buffer.allocUnsafe(CHUNK_BYTES);
      const { bytesRead } = await file.read(buffer, 0, Math.min(buffer.length, left), position);
      if (bytesRead === 0) return;
      left -= bytesRead;
      if (position !== null) position += bytesRead;
      yield buffer.subarray(0, bytesRead);
    }
  } finally {
    await file.close();
  }
}

/** How many bytes there will be; undefined where only reading tells. */
export function sizeOf(source: LogSource): number | undefined {
  if (typeof source !== "string") return "from" in source ? source.to - source.from : undefined;
  return source.endsWith(".gz") ? undefined : statSync(source, { throwIfNoEntry: false })?.size;
}

/**
 * Cuts a file into at most `parts` of at least `leastBytes`, each beginning at the start of a line, so that threads can
 * read them at the same time. One part where the source is no file, or is compressed.
 */
export function partsOfFile(
  source: LogSource,
  parts: number,
  leastBytes: number,
): readonly [LogSource, ...FilePart[]] {
  const size = typeof source === "string" ? sizeOf(source) : undefined;
  const count = Math.min(parts, Math.floor((size ?? 0) / leastBytes));
  if (typeof source !== "string" || size === undefined || count < 2) return [source];
  const cuts = [0];
  const file = openSync(source, "r");
  try {
    const bytes = Buffer.alloc(LONGEST_LINE_BYTES);
    for (let part = 1; part < count; part++) {
      const from = Math.floor((size * part) / count);
      const read = readSync(file, bytes, 0, bytes.length, from);
      const end = bytes.subarray(0, read).indexOf(LINE_FEED);
      // Inside a line that is longer than any may be there is no place to cut.
      if (end >= 0 && from + end + 1 > cuts.at(-1)! && from + end + 1 < size) cuts.push(from + end + 1);
    }
  } finally {
    closeSync(file);
  }
  const [first, ...others] = cuts.map((from, i) => ({ name: source, from, to: cuts[i + 1] ?? size }));
  return [first!, ...others];
}

function refuseUtf16(chunk: Buffer, file: string): void {
  if ((chunk[0] === 0xff && chunk[1] === 0xfe) || (chunk[0] === 0xfe && chunk[1] === 0xff)) {
    throw new InputError({
      place: { file, line: 1 },
      found: "text in UTF-16",
      expected: "text in UTF-8",
      remedy: `convert it: iconv -f UTF-16 -t UTF-8 ${file}`,
    });
  }
}
