/**
 * The tokens of a corpus in a file, written once in a stream and then read at any place. Kept in a cache under the
 * content of the corpus and the tokenizer, so that neither can change without being tokenized again.
 */
import { createHash, randomUUID } from "node:crypto";
import {
  closeSync,
  createReadStream,
  existsSync,
  fstatSync,
  mkdirSync,
  openSync,
  readFileSync,
  readSync,
  renameSync,
  rmSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { dirname, join } from "node:path";
import type { Supervision } from "../../core/index.ts";
import type { Tokenizer } from "../tokens/index.ts";
import type { CorpusSource } from "./documents.ts";

/** Changes whenever this file lays tokens out in another way. */
const LAYOUT = "1";
/** Tokens gathered before they are written. */
const BUFFERED_TOKENS = 1 << 18;

export interface StoredDocument {
  /** The place of its first token (its begin-of-sequence token where the tokenizer has one). */
  readonly start: number;
  readonly end: number;
  /** Uniform on [0, 1), from its content alone. */
  readonly draw: number;
}

export class TokenStore {
  readonly tokens: number;
  readonly documents: readonly StoredDocument[];
  readonly #file: number;
  readonly #bytesPerToken: 2 | 4;

  constructor(folder: string, vocabularySize: number) {
    // Pairs of numbers a document: the place after its last token, and its draw.
    const table = readFileSync(join(folder, "documents.f64"));
    const numbers = new Float64Array(table.buffer.slice(table.byteOffset, table.byteOffset + table.length));
    this.documents = Array.from({ length: numbers.length / 2 }, (_, i) => ({
      start: i === 0 ? 0 : numbers[2 * i - 2]!,
      end: numbers[2 * i]!,
      draw: numbers[2 * i + 1]!,
    }));
    this.#bytesPerToken = bytesPerToken(vocabularySize);
    this.#file = openSync(join(folder, "tokens.bin"), "r");
    this.tokens = fstatSync(this.#file).size / this.#bytesPerToken;
  }

  /** Copies `count` tokens from place `from` of the file to place `to` of `into`. Reads only these. */
  read(from: number, count: number, into: Int32Array, to: number): void {
    const raw = this.#bytesPerToken === 2 ? new Uint16Array(count) : new Uint32Array(count);
    const bytes = new Uint8Array(raw.buffer);
    // Synchronous: a window is a few hundred bytes, most often in the page cache, where waiting costs more than reading.
    for (let done = 0; done < bytes.length; ) {
      const read = readSync(this.#file, bytes, done, bytes.length - done, from * this.#bytesPerToken + done);
      if (read === 0) throw new RangeError(`the token file ends before token ${from + count}`);
      done += read;
    }
    into.set(raw, to);
  }

  close(): void {
    closeSync(this.#file);
  }
}

/** The stored tokens of `source`, tokenized now unless the cache has them. */
export async function tokenStore(
  source: CorpusSource,
  tokenizer: Tokenizer,
  cacheFolder: string,
  supervision: Supervision,
): Promise<TokenStore> {
  const folder = join(cacheFolder, await contentKey(source, tokenizer, supervision));
  if (!existsSync(folder)) {
    const partial = `${folder}.${randomUUID()}`;
    mkdirSync(partial, { recursive: true });
    try {
      await writeTokens(source, tokenizer, partial, supervision);
      publish(partial, folder);
    } finally {
      rmSync(partial, { recursive: true, force: true });
    }
  }
  return new TokenStore(folder, tokenizer.vocabularySize);
}

/** Gives a finished folder its name. Another process may have been first with the same content. */
function publish(partial: string, folder: string): void {
  mkdirSync(dirname(folder), { recursive: true });
  try {
    renameSync(partial, folder);
  } catch (error) {
    if (!existsSync(folder)) throw error;
  }
}

async function contentKey(
  source: CorpusSource,
  tokenizer: Tokenizer,
  supervision: Supervision,
): Promise<string> {
  const hash = createHash("sha256").update(`${LAYOUT}/${tokenizer.fingerprint}/${source.reading}`);
  let bytes = 0;
  for (const file of source.files) {
    for await (const chunk of createReadStream(file, { highWaterMark: 1 << 20 }) as AsyncIterable<Buffer>) {
      supervision.signal?.throwIfAborted();
      hash.update(chunk);
      bytes += chunk.length;
      supervision.progress?.({
        activity: `reading ${source.name}`,
        done: bytes,
        total: source.bytes,
        unit: "bytes",
      });
    }
    hash.update(`/end of file at ${bytes}/`);
  }
  return hash.digest("hex").slice(0, 32);
}

async function writeTokens(
  source: CorpusSource,
  tokenizer: Tokenizer,
  folder: string,
  supervision: Supervision,
): Promise<void> {
  const file = openSync(join(folder, "tokens.bin"), "w");
  try {
    const buffer =
      bytesPerToken(tokenizer.vocabularySize) === 2
        ? new Uint16Array(BUFFERED_TOKENS)
        : new Uint32Array(BUFFERED_TOKENS);
    let filled = 0;
    let written = 0;
    const flush = (): void => {
      const bytes = new Uint8Array(buffer.buffer, 0, filled * buffer.BYTES_PER_ELEMENT);
      for (let done = 0; done < bytes.length; ) done += writeSync(file, bytes, done);
      written += filled;
      filled = 0;
    };
    const append = (id: number): void => {
      if (filled === buffer.length) flush();
      buffer[filled++] = id;
    };
    const documents: number[] = [];
    let content = createHash("sha256");
    let startsDocument = true;
    for await (const { text, endsDocument, bytesRead } of source.pieces()) {
      supervision.signal?.throwIfAborted();
      if (startsDocument && tokenizer.beginOfSequence !== undefined) append(tokenizer.beginOfSequence);
      const ids = tokenizer.encode(text);
      for (let at = 0; at < ids.length; at++) append(ids[at]!);
      content.update(text);
      startsDocument = endsDocument;
      if (endsDocument) {
        documents.push(written + filled, content.digest().readUInt32LE() / 2 ** 32);
        content = createHash("sha256");
      }
      supervision.progress?.({
        activity: `tokenizing ${source.name}`,
        done: bytesRead,
        total: source.bytes,
        unit: "bytes",
      });
    }
    flush();
    writeFileSync(join(folder, "documents.f64"), new Uint8Array(Float64Array.from(documents).buffer));
  } finally {
    closeSync(file);
  }
}

function bytesPerToken(vocabularySize: number): 2 | 4 {
  return vocabularySize <= 0x10000 ? 2 : 4;
}
