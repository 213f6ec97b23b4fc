/**
 * Training of byte-level byte-pair encoding (Sennrich et al. 2016, on GPT-2's bytes and words): merge the most frequent
 * pair of adjacent symbols, again and again. Only the training is here; the result is a `tokenizer.json`.
 */
import { InputError, type Supervision } from "../../core/index.ts";
import { PairHeap } from "./pair-heap.ts";

/** GPT-2's words: what is never merged across. Hugging Face's ByteLevel pre-tokenizer splits by the same pattern. */
export const WORD_PATTERN = /'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+/gu;

export const BEGIN_TOKEN = "<|bos|>";
export const END_TOKEN = "<|eos|>";

export interface PairEncodingSettings extends Supervision {
  /** At least 258: begin, end and the 256 bytes. Fewer come out when the text has no more pairs to merge. */
  readonly vocabularySize: number;
  /** A pair that is seen less often is not merged. */
  readonly minimumCount?: number | undefined;
}

/** The parts of Hugging Face's `tokenizer.json` that this project writes. */
export interface TokenizerFile {
  readonly version: "1.0";
  readonly added_tokens: readonly object[];
  readonly pre_tokenizer: { readonly type: "ByteLevel" };
  readonly decoder: { readonly type: "ByteLevel" };
  readonly model: {
    readonly type: "BPE";
    readonly vocab: Readonly<Record<string, number>>;
    readonly merges: readonly (readonly [string, string])[];
  };
}

/**
 * Learns merges from `texts`, which are read once and of which only the different words are kept in memory. Pairs of
 * equal counts are merged in order of their ids, as Hugging Face's trainer does, so that the merges are the same as its.
 */
export async function trainPairEncoding(
  texts: AsyncIterable<string> | Iterable<string>,
  settings: PairEncodingSettings,
): Promise<TokenizerFile> {
  const { vocabularySize, minimumCount = 2 } = settings;
  const alphabet = [...BYTE_CHARACTERS].sort((a, b) => (a < b ? -1 : 1));
  const tokens = [BEGIN_TOKEN, END_TOKEN, ...alphabet];
  if (!(vocabularySize >= tokens.length)) {
    throw new InputError({
      place: { path: "vocabularySize" },
      found: String(vocabularySize),
      expected: `at least ${tokens.length}: begin, end and one token for each byte`,
    });
  }
  const idOf = new Map(tokens.map((token, id) => [token, id]));
  const byteIds = BYTE_CHARACTERS.map((character) => idOf.get(character)!);
  const words = await countWords(texts, settings);
  const merges: [string, string][] = [];
  const merger = new Merger(
    [...words].map(([word, count]) => ({
      symbols: Array.from(Buffer.from(word, "utf8"), (byte) => byteIds[byte]!),
      count,
    })),
  );
  while (tokens.length < vocabularySize) {
    settings.signal?.throwIfAborted();
    const best = merger.mostFrequent();
    if (!best || best.count < minimumCount) break;
    const { left, right } = best;
    const merged = tokens[left]! + tokens[right]!;
    merges.push([tokens[left]!, tokens[right]!]);
    // Two ways to build one string are one token.
    let id = idOf.get(merged);
    if (id === undefined) {
      id = tokens.push(merged) - 1;
      idOf.set(merged, id);
    }
    merger.merge(left, right, id);
    if (merges.length % 256 === 0) {
      settings.progress?.({
        activity: "learning pairs",
        done: tokens.length,
        total: vocabularySize,
        unit: "tokens",
      });
    }
  }
  return tokenizerFile(idOf, merges);
}

async function countWords(
  texts: AsyncIterable<string> | Iterable<string>,
  { progress, signal }: Supervision,
): Promise<Map<string, number>> {
  const words = new Map<string, number>();
  let characters = 0;
  for await (const text of texts) {
    signal?.throwIfAborted();
    for (const word of text.match(WORD_PATTERN) ?? []) words.set(word, (words.get(word) ?? 0) + 1);
    characters += text.length;
    progress?.({ activity: "counting words", done: characters, unit: "characters" });
  }
  return words;
}

interface Word {
  symbols: number[];
  readonly count: number;
}

/** The words as symbols, with the count of every adjacent pair kept up to date while pairs are merged. */
class Merger {
  readonly #words: readonly Word[];
  readonly #counts = new Map<number, number>();
  /** The words in which a pair has stood. Some may no longer hold it. */
  readonly #places = new Map<number, Set<number>>();
  readonly #heap = new PairHeap();

  constructor(words: readonly Word[]) {
    this.#words = words;
    for (let index = 0; index < words.length; index++) {
      const { symbols, count } = words[index]!;
      for (let at = 1; at < symbols.length; at++) {
        this.#change(pairKey(symbols[at - 1]!, symbols[at]!), count, index);
      }
    }
    for (const [pair, count] of this.#counts) this.#heap.push(count, pair);
  }

  mostFrequent(): { left: number; right: number; count: number } | undefined {
    for (;;) {
      const top = this.#heap.pop();
      if (!top) return undefined;
      const count = this.#counts.get(top.pair) ?? 0;
      if (count === top.count) {
        return { left: Math.floor(top.pair / PAIR_BASE), right: top.pair % PAIR_BASE, count };
      }
      // The count has fallen since this entry was made (what has risen was pushed again): look at it in its new place.
      if (count > 0 && count < top.count) this.#heap.push(count, top.pair);
    }
  }

  merge(left: number, right: number, id: number): void {
    const pair = pairKey(left, right);
    const risen = new Set<number>();
    for (const index of this.#places.get(pair) ?? []) {
      const word = this.#words[index]!;
      const { symbols, count } = word;
      const next: number[] = [];
      for (let at = 0; at < symbols.length; at++) {
        const symbol = symbols[at]!;
        if (symbol !== left || symbols[at + 1] !== right) {
          next.push(symbol);
          continue;
        }
        next.push(id);
        at++;
      }
      if (next.length === symbols.length) continue;
      for (let at = 1; at < symbols.length; at++) {
        this.#change(pairKey(symbols[at - 1]!, symbols[at]!), -count, index);
      }
      for (let at = 1; at < next.length; at++) {
        const made = pairKey(next[at - 1]!, next[at]!);
        this.#change(made, count, index);
        if (next[at - 1] === id || next[at] === id) risen.add(made);
      }
      word.symbols = next;
    }
    this.#counts.delete(pair);
    this.#places.delete(pair);
    for (const made of risen) this.#heap.push(this.#counts.get(made) ?? 0, made);
  }

  #change(pair: number, by: number, word: number): void {
    this.#counts.set(pair, (this.#counts.get(pair) ?? 0) + by);
    if (by < 0) return;
    const places = this.#places.get(pair);
    if (places) places.add(word);
    else this.#places.set(pair, new Set([word]));
  }
}

/** Above any vocabulary, and small enough that a pair is an exact number that sorts by left, then right. */
const PAIR_BASE = 2 ** 26;

function pairKey(left: number, right: number): number {
  return left * PAIR_BASE + right;
}

/**
 * The printable character that stands for each byte in a `tokenizer.json`: itself where Latin-1 prints it, else the
 * next free one from U+0100 (GPT-2's convention).
 */
export const BYTE_CHARACTERS: readonly string[] = (() => {
  let free = 0x100;
  return Array.from({ length: 256 }, (_, byte) => {
    const printable = (byte >= 0x21 && byte <= 0x7e) || (byte >= 0xa1 && byte <= 0xac) || byte >= 0xae;
    return String.fromCodePoint(printable ? byte : free++);
  });
})();

function tokenizerFile(
  vocabulary: ReadonlyMap<string, number>,
  merges: readonly (readonly [string, string])[],
): TokenizerFile {
  const special = (content: string) => ({
    id: vocabulary.get(content)!,
    content,
    single_word: false,
    lstrip: false,
    rstrip: false,
    normalized: false,
    special: true,
  });
  const byteLevel = {
    type: "ByteLevel",
    add_prefix_space: false,
    trim_offsets: true,
    use_regex: true,
  } as const;
  const file = {
    version: "1.0",
    truncation: null,
    padding: null,
    added_tokens: [special(BEGIN_TOKEN), special(END_TOKEN)],
    normalizer: null,
    pre_tokenizer: byteLevel,
    post_processor: null,
    decoder: byteLevel,
    model: {
      type: "BPE",
      dropout: null,
      unk_token: null,
      continuing_subword_prefix: null,
      end_of_word_suffix: null,
      fuse_unk: false,
      byte_fallback: false,
      ignore_merges: false,
      vocab: Object.fromEntries(vocabulary),
      merges,
    },
  } as const;
  return file;
}
