/**
 * Tokenizers out of a `tokenizer.json`, a user's or one trained here. Hugging Face's library reads and runs them; this
 * file adds the project's interface, clear errors, and a memory of words that makes byte-level ones fast enough for
 * large corpora.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { Tokenizer as LibraryTokenizer } from "@huggingface/tokenizers";
import { InputError } from "../../core/index.ts";
import { type TokenizerFile, WORD_PATTERN } from "./pair-encoding.ts";
import { contentName, type Tokenizer } from "./tokenizer.ts";

/** What else calls itself the begin or end of a sequence, where no `tokenizer_config.json` says which it is. */
const BEGIN_NAMES = ["<|bos|>", "<|begin_of_text|>", "<s>", "<bos>", "<|endoftext|>"];
const END_NAMES = ["<|eos|>", "<|end_of_text|>", "</s>", "<eos>", "<|endoftext|>"];

/** Words of one tokenizer that are remembered with their ids, at most. */
const REMEMBERED_WORDS = 500_000;

/** Writes a trained tokenizer in the form that Hugging Face's libraries read. */
export function saveTokenizer(file: string, trained: TokenizerFile): void {
  writeFileSync(file, JSON.stringify(trained, undefined, 1));
}

/**
 * Reads `tokenizer.json`, and `tokenizer_config.json` beside it where there is one (for the names of the begin and end
 * tokens). Throws an `InputError` for a file that is missing, is not JSON, or is not a tokenizer the library can run.
 */
export function loadTokenizer(file: string): Tokenizer {
  const text = readText(file);
  if (text === undefined) {
    throw new InputError({
      place: { file },
      found: "no such file",
      expected: "a tokenizer.json of Hugging Face's tokenizers",
    });
  }
  const configFile = join(dirname(file), "tokenizer_config.json");
  const configText = readText(configFile);
  const config = configText === undefined ? {} : (parseObject(configFile, configText) as TokenizerConfig);
  return fromParsed(basename(file), parseObject(file, text), config, text + (configText ?? ""), file);
}

/** A trained tokenizer, without a file. */
export function tokenizerOf(trained: TokenizerFile, name = "trained pair encoding"): Tokenizer {
  return fromParsed(name, trained, {}, JSON.stringify(trained));
}

interface TokenizerConfig {
  readonly bos_token?: string | { readonly content: string } | null;
  readonly eos_token?: string | { readonly content: string } | null;
}

function fromParsed(
  name: string,
  parsed: object,
  config: TokenizerConfig,
  content: string,
  file?: string,
): Tokenizer {
  let library: LibraryTokenizer;
  try {
    // Without this the library's decoder drops spaces before punctuation.
    library = new LibraryTokenizer(parsed, { ...config, clean_up_tokenization_spaces: false });
  } catch (error) {
    throw new InputError({
      place: { file },
      found: `a file that the tokenizer library cannot run (${(error as Error).message})`,
      expected: "a tokenizer.json of Hugging Face's tokenizers",
      remedy: "save the tokenizer again with a current version of Hugging Face's tokenizers",
    });
  }
  const special = (
    configured: TokenizerConfig["bos_token"],
    names: readonly string[],
  ): number | undefined => {
    const wanted = typeof configured === "object" ? configured?.content : configured;
    for (const token of wanted === undefined ? names : [wanted]) {
      const id = library.token_to_id(token);
      if (id !== undefined) return id;
    }
    return undefined;
  };
  const encodeText = (text: string): number[] => library.encode(text, { add_special_tokens: false }).ids;
  return {
    name,
    vocabularySize: highestId(library) + 1,
    beginOfSequence: special(config.bos_token, BEGIN_NAMES),
    endOfSequence: special(config.eos_token, END_NAMES),
    fingerprint: contentName(content),
    encode: splitsIntoWords(parsed) ? encodeByWords(encodeText) : encodeText,
    decode: (ids) => {
      const list = [...ids];
      // The library refuses an empty list.
      return list.length === 0 ? "" : library.decode(list, { skip_special_tokens: true });
    },
  };
}

function highestId(library: LibraryTokenizer): number {
  let highest = 0;
  for (const id of library.get_vocab(true).values()) highest = Math.max(highest, id);
  return highest;
}

/** Whether the ids of a text are those of its words (`WORD_PATTERN`), one word after the other. */
function splitsIntoWords(parsed: object): boolean {
  const {
    normalizer,
    pre_tokenizer: split,
    added_tokens: added = [],
  } = parsed as {
    normalizer?: unknown;
    added_tokens?: { special?: boolean }[];
    pre_tokenizer?: { type?: string; add_prefix_space?: boolean; use_regex?: boolean } | null;
  };
  return (
    !normalizer &&
    split?.type === "ByteLevel" &&
    split.add_prefix_space === false &&
    split.use_regex !== false &&
    // Others (GPT-NeoX's runs of spaces) are found in the text before it is split.
    added.every(({ special }) => special)
  );
}

/** Encodes each different word once. Text that spells `<|eos|>` stays text, because that is three words. */
function encodeByWords(encodeWord: (word: string) => number[]): (text: string) => number[] {
  const known = new Map<string, number[]>();
  return (text) => {
    const ids: number[] = [];
    for (const word of text.match(WORD_PATTERN) ?? []) {
      let of = known.get(word);
      if (!of) {
        of = encodeWord(word);
        if (known.size < REMEMBERED_WORDS) known.set(word, of);
      }
      for (const id of of) ids.push(id);
    }
    return ids;
  };
}

function readText(file: string): string | undefined {
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}

function parseObject(file: string, text: string): object {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch (error) {
    throw new InputError({
      place: { file },
      found: `text that is not JSON (${(error as Error).message})`,
      expected: "a JSON object",
    });
  }
  if (typeof parsed === "object" && parsed !== null) return parsed;
  throw new InputError({ place: { file }, found: JSON.stringify(parsed), expected: "a JSON object" });
}
