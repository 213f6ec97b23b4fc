/**
 * A tokenized corpus, split into a part to train on and a part held out, and read in windows. Documents are packed one
 * after the other, each behind a begin-of-sequence token; a window may hold parts of several (as in arXiv:2510.04800).
 */
import { homedir } from "node:os";
import { join } from "node:path";
import { InputError, type RandomStream, type Supervision } from "../../core/index.ts";
import { type Batch, type BatchSequence, epochOrder } from "../batch.ts";
import type { Tokenizer } from "../tokens/index.ts";
import { corpusSource } from "./documents.ts";
import { type TokenStore, tokenStore } from "./token-store.ts";

export interface CorpusOptions extends Supervision {
  readonly tokenizer: Tokenizer;
  /** The share held out, of documents or of tokens; above 0 and under 1. Default 0.1. */
  readonly heldOutFraction?: number | undefined;
  /**
   * `document`: each document is held out or not by a hash of its content, so that it stays on its side whatever else
   * the corpus holds. `tail`: the last tokens are held out. Default: by document, unless there is only one.
   */
  readonly heldOutBy?: "document" | "tail" | undefined;
  /** The member of a JSON Lines object that holds the text. Default `text`. */
  readonly field?: string | undefined;
  /** Where tokenized corpora are kept. Default `terrarium/tokens` in the user's cache folder. */
  readonly cacheFolder?: string | undefined;
}

export interface Corpus {
  readonly name: string;
  readonly documents: number;
  readonly tokens: number;
  readonly heldOutBy: "document" | "tail";
  /** What a reader of results has to know about the split. */
  readonly note: string;
  readonly train: CorpusPart;
  readonly heldOut: CorpusPart;
  /** Closes the token file. */
  close(): void;
}

/**
 * Opens a packaged corpus by its name, or a .txt file, a folder of them, or a .jsonl file by its path; tokenizes it
 * first where the cache does not have it. Throws an `InputError` for text that cannot be read and for a split of
 * which one side would be empty.
 */
export async function openCorpus(corpus: string, options: CorpusOptions): Promise<Corpus> {
  const { tokenizer, heldOutFraction = 0.1 } = options;
  if (!(heldOutFraction > 0 && heldOutFraction < 1)) {
    throw new InputError({
      place: { path: "heldOutFraction" },
      found: String(heldOutFraction),
      expected: "a share above 0 and under 1",
    });
  }
  const source = corpusSource(corpus, options.field);
  const store = await tokenStore(source, tokenizer, options.cacheFolder ?? userCacheFolder(), options);
  try {
    return split(source.name, store, heldOutFraction, options.heldOutBy);
  } catch (error) {
    store.close();
    throw error;
  }
}

function split(
  name: string,
  store: TokenStore,
  heldOutFraction: number,
  wanted: "document" | "tail" | undefined,
): Corpus {
  const documents = store.documents.length;
  const heldOutBy = wanted ?? (documents > 1 ? "document" : "tail");
  const runs: Record<"train" | "heldOut", Run[]> = { train: [], heldOut: [] };
  const share = `${Number((100 * heldOutFraction).toPrecision(3))} %`;
  let note: string;
  if (heldOutBy === "tail") {
    const cut = Math.round(store.tokens * (1 - heldOutFraction));
    addRun(runs.train, 0, cut);
    addRun(runs.heldOut, cut, store.tokens);
    note =
      documents === 1
        ? `held out: the last ${share} of the one document, which shares its subject and style with the rest`
        : `held out: the last ${share} of the tokens`;
  } else {
    let heldOut = 0;
    for (const { start, end, draw } of store.documents) {
      if (draw < heldOutFraction) heldOut++;
      addRun(draw < heldOutFraction ? runs.heldOut : runs.train, start, end);
    }
    note = `held out: ${heldOut} of ${documents} documents, by a hash of their content`;
    if (heldOut === 0 || heldOut === documents) {
      throw new InputError({
        place: { file: name, path: "heldOutFraction" },
        found: `${heldOut} of ${documents} documents held out at ${share}`,
        expected: "at least one document to train on and one held out",
        remedy: `${heldOut === 0 ? "hold out a larger share" : "hold out a smaller share"}, add documents, or hold out the tail`,
      });
    }
  }
  return {
    name,
    documents,
    tokens: store.tokens,
    heldOutBy,
    note,
    train: new CorpusPart(`the training part of ${name}`, store, runs.train),
    heldOut: new CorpusPart(`the held-out part of ${name}`, store, runs.heldOut),
    close: () => store.close(),
  };
}

/** Tokens `start` up to `end` of the store, which are tokens `place` on of the part. */
interface Run {
  readonly start: number;
  readonly end: number;
  readonly place: number;
}

/** Appends a stretch, joined to the one before it where they touch. */
function addRun(runs: Run[], start: number, end: number): void {
  const last = runs.at(-1);
  if (last?.end === start) runs[runs.length - 1] = { ...last, end };
  else runs.push({ start, end, place: last ? last.place + last.end - last.start : 0 });
}

/** One side of the split, as if its documents were the whole corpus. */
export class CorpusPart {
  readonly tokens: number;
  readonly #name: string;
  readonly #store: TokenStore;
  readonly #runs: readonly Run[];

  constructor(name: string, store: TokenStore, runs: readonly Run[]) {
    const last = runs.at(-1);
    this.tokens = last ? last.place + last.end - last.start : 0;
    this.#name = name;
    this.#store = store;
    this.#runs = runs;
  }

  /** How many windows of `length` positions there are, each of `length` + 1 tokens that overlap by one. */
  windows(length: number): number {
    return Math.max(0, Math.floor((this.tokens - 1) / length));
  }

  /**
   * Batches for training: windows in a shuffled order, all of them once an epoch, cut at another place every epoch.
   * Batch `step` depends on `stream`'s seed and on `step` alone.
   * Throws an `InputError` where the part is too short for two windows (one, and a place to shift it).
   */
  batches(rows: number, length: number, stream: RandomStream): BatchSequence {
    const windows = this.windows(length) - 1;
    if (windows < 1) throw this.#tooShort(2 * length + 1, length);
    const order = epochOrder(windows, stream.split("order"));
    const shifts = stream.split("shift");
    return {
      batchesPerEpoch: windows / rows,
      at: (step) =>
        this.#batch(rows, length, (row) => {
          const index = step * rows + row;
          const shift = shifts.split(Math.floor(index / windows)).integer(0, length - 1);
          return shift + order.at(index) * length;
        }),
    };
  }

  /**
   * Batches for evaluation: the windows in order, the same whenever it is asked. The last batch starts again from the
   * first window where it would not be full.
   */
  inOrder(rows: number, length: number): BatchSequence {
    const windows = this.windows(length);
    if (windows < 1) throw this.#tooShort(length + 1, length);
    return {
      batchesPerEpoch: windows / rows,
      at: (step) => this.#batch(rows, length, (row) => ((step * rows + row) % windows) * length),
    };
  }

  /** The tokens from `place` on, `count` of them. */
  read(place: number, count: number): Int32Array {
    const tokens = new Int32Array(count);
    let done = 0;
    for (let run = this.#runAt(place); done < count; run++) {
      const { start, end, place: runPlace } = this.#runs[run]!;
      const from = start + place + done - runPlace;
      const size = Math.min(count - done, end - from);
      this.#store.read(from, size, tokens, done);
      done += size;
    }
    return tokens;
  }

  #batch(rows: number, length: number, placeOf: (row: number) => number): Batch {
    const inputs = new Int32Array(rows * length);
    const targets = new Int32Array(rows * length);
    for (let row = 0; row < rows; row++) {
      const window = this.read(placeOf(row), length + 1);
      inputs.set(window.subarray(0, length), row * length);
      targets.set(window.subarray(1), row * length);
    }
    return { inputs, targets, shape: [rows, length] };
  }

  /** The run that holds token `place` of the part, by halving. */
  #runAt(place: number): number {
    let low = 0;
    let high = this.#runs.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (this.#runs[middle]!.place <= place) low = middle;
      else high = middle - 1;
    }
    return low;
  }

  #tooShort(needed: number, length: number): InputError {
    return new InputError({
      place: { path: "length" },
      found: `${this.tokens} tokens in ${this.#name}`,
      expected: `at least ${needed} tokens for windows of ${length}`,
      remedy: "shorten the windows, or take more text",
    });
  }
}

function userCacheFolder(): string {
  return join(process.env.XDG_CACHE_HOME || join(homedir(), ".cache"), "terrarium", "tokens");
}
