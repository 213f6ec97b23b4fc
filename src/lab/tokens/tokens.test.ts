import { createHash } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Tokenizer as LibraryTokenizer } from "@huggingface/tokenizers";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { corpusSource } from "../corpora/index.ts";
import { BYTE_CHARACTERS, type TokenizerFile, trainPairEncoding, WORD_PATTERN } from "./pair-encoding.ts";
import { byteTokenizer, type Tokenizer } from "./tokenizer.ts";
import { loadTokenizer, saveTokenizer, tokenizerOf } from "./tokenizer-file.ts";

const anyText = fc.string({
  unit: fc.oneof(fc.constantFrom(" ", "\n", "'s", "the", "1", "é", "<|eos|>"), fc.string({ unit: "binary" })),
});

/** The first ten chapters of Moby-Dick. */
let chapters: string[];
let trained: TokenizerFile;
let pairs: Tokenizer;
let folder: string;
beforeAll(async () => {
  chapters = corpusSource("moby-dick")
    .files.filter((file) => /chapter_([1-9]|10)\.txt$/.test(file))
    .map((file) => readFileSync(file, "utf8"));
  trained = await trainPairEncoding(chapters, { vocabularySize: 1000 });
  pairs = tokenizerOf(trained);
  folder = mkdtempSync(join(tmpdir(), "tokens-"));
});
afterAll(() => rmSync(folder, { recursive: true }));

/** Merges one word rank by rank, as byte-pair encoding is defined; slow and independent of the library. */
function encodeByDefinition({ model }: TokenizerFile, text: string): number[] {
  const rank = new Map(model.merges.map(([left, right], index) => [`${left} ${right}`, index]));
  return [...text.matchAll(WORD_PATTERN)].flatMap(([word]) => {
    const symbols = Array.from(Buffer.from(word), (byte) => BYTE_CHARACTERS[byte]!);
    for (;;) {
      let best = Number.POSITIVE_INFINITY;
      let place = -1;
      for (let at = 1; at < symbols.length; at++) {
        const found = rank.get(`${symbols[at - 1]} ${symbols[at]}`) ?? Number.POSITIVE_INFINITY;
        if (found < best) [best, place] = [found, at];
      }
      if (place < 0) return symbols.map((symbol) => model.vocab[symbol]!);
      symbols.splice(place - 1, 2, symbols[place - 1]! + symbols[place]!);
    }
  });
}

describe("bytes", () => {
  test("decode what they encoded, special tokens apart", () => {
    fc.assert(
      fc.property(anyText, (text) => {
        const ids = byteTokenizer.encode(text);
        expect([...ids]).toEqual([...Buffer.from(text, "utf8")]);
        expect(byteTokenizer.decode([256, ...ids, 257])).toBe(text);
      }),
    );
  });
});

describe("trained byte-pair encoding", () => {
  test("learns the merges that Hugging Face's trainer learns", () => {
    // tokenizers 0.23.3 (Python): BpeTrainer(vocab_size=1000, min_frequency=2, special_tokens=[bos, eos],
    // initial_alphabet=ByteLevel.alphabet()) on the same ten chapters, one text each; SHA-256 of its merges, a line each.
    const merges = trained.model.merges.map((pair) => pair.join(" "));
    expect(merges.slice(0, 6)).toEqual(["Ġ t", "h e", "Ġ a", "i n", "Ġ s", "Ġt he"]);
    expect(createHash("sha256").update(merges.join("\n")).digest("hex")).toBe(
      "5db2f6aadf31a2cae472b95b266ec597055a6bb7c6558a6974b7ae6b9a82f11d",
    );
    // The same trainer's ids of chapter 1.
    const ids = pairs.encode(chapters[0]!);
    expect(ids).toHaveLength(4490);
    expect(
      createHash("sha256")
        .update([...ids].join(" "))
        .digest("hex"),
    ).toBe("58e47d7e69d14af63174e170f38ceca48886e44bbcde2ef0439fd5de2bbe752b");
  });

  test("encodes any text as byte-pair encoding is defined, and decodes it again", () => {
    fc.assert(
      fc.property(anyText, (text) => {
        const ids = pairs.encode(text);
        expect(ids).toEqual(encodeByDefinition(trained, text));
        expect(pairs.decode(ids)).toBe(text);
      }),
    );
  });

  test("is read back from its file by the library and by us, with the same ids", () => {
    const file = join(folder, "tokenizer.json");
    saveTokenizer(file, trained);
    const library = new LibraryTokenizer(JSON.parse(readFileSync(file, "utf8")), {});
    const loaded = loadTokenizer(file);
    const text = chapters[1]!;
    expect(loaded.encode(text)).toEqual(pairs.encode(text));
    expect(library.encode(text).ids).toEqual(pairs.encode(text));
    expect(loaded).toMatchObject({ vocabularySize: 1000, beginOfSequence: 0, endOfSequence: 1 });
    expect(loaded.decode([0, ...loaded.encode("a, b."), 1])).toBe("a, b.");
  });

  test("gives other fingerprints to other merges", async () => {
    const other = tokenizerOf(await trainPairEncoding(chapters, { vocabularySize: 999 }));
    expect(other.fingerprint).not.toBe(pairs.fingerprint);
    expect(tokenizerOf(trained).fingerprint).toBe(pairs.fingerprint);
  });

  test("stops when no pair is left, and keeps its counts right while it merges", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.string({ unit: fc.constantFrom("a", "b", "c", " ") })), async (texts) => {
        const { model } = await trainPairEncoding(texts, { vocabularySize: 400, minimumCount: 1 });
        expect(model.merges).toEqual(mergesByDefinition(texts));
      }),
    );
  });

  test("needs room for the bytes", async () => {
    await expect(trainPairEncoding([""], { vocabularySize: 257 })).rejects.toThrow("at least 258");
  });
});

/** Counts all pairs anew before every merge. Ties go to the lower ids, which is why it has to number tokens too. */
function mergesByDefinition(texts: readonly string[]): [string, string][] {
  const words = texts.flatMap((text) =>
    [...text.matchAll(WORD_PATTERN)].map(([word]) =>
      Array.from(Buffer.from(word), (byte) => BYTE_CHARACTERS[byte]!),
    ),
  );
  const tokens = [...BYTE_CHARACTERS].sort((a, b) => (a < b ? -1 : 1));
  const merges: [string, string][] = [];
  for (;;) {
    const counts = new Map<string, { left: string; right: string; count: number }>();
    for (const word of words) {
      for (let at = 1; at < word.length; at++) {
        const [left, right] = [word[at - 1]!, word[at]!];
        const entry = counts.get(`${left} ${right}`) ?? { left, right, count: 0 };
        counts.set(`${left} ${right}`, { ...entry, count: entry.count + 1 });
      }
    }
    const [best] = [...counts.values()].sort(
      (a, b) =>
        b.count - a.count ||
        tokens.indexOf(a.left) - tokens.indexOf(b.left) ||
        tokens.indexOf(a.right) - tokens.indexOf(b.right),
    );
    if (!best || tokens.length + 2 >= 400) return merges;
    merges.push([best.left, best.right]);
    const merged = best.left + best.right;
    if (!tokens.includes(merged)) tokens.push(merged);
    for (const word of words) {
      for (let at = 1; at < word.length; at++) {
        if (word[at - 1] === best.left && word[at] === best.right) word.splice(at - 1, 2, merged);
      }
    }
  }
}

describe("a user's tokenizer.json", () => {
  const write = (name: string, content: string) => {
    const file = join(folder, name);
    writeFileSync(file, content);
    return file;
  };

  test("is run by the library where it is not byte-level, with the names of its config file", () => {
    const words = {
      added_tokens: [
        { id: 0, content: "[CLS]", special: true },
        { id: 1, content: "[SEP]", special: true },
      ],
      normalizer: { type: "Lowercase" },
      pre_tokenizer: { type: "Whitespace" },
      post_processor: null,
      decoder: { type: "WordPiece", prefix: "##", cleanup: false },
      model: {
        type: "WordPiece",
        unk_token: "[UNK]",
        continuing_subword_prefix: "##",
        vocab: { "[CLS]": 0, "[SEP]": 1, "[UNK]": 2, white: 3, whale: 4, "##s": 5 },
      },
    };
    const file = write("words.json", JSON.stringify(words));
    expect(loadTokenizer(file).beginOfSequence).toBeUndefined();
    write("tokenizer_config.json", JSON.stringify({ bos_token: "[CLS]", eos_token: { content: "[SEP]" } }));
    const tokenizer = loadTokenizer(file);
    expect(tokenizer).toMatchObject({ vocabularySize: 6, beginOfSequence: 0, endOfSequence: 1 });
    expect(tokenizer.encode("White whales")).toEqual([3, 4, 5]);
    expect(tokenizer.decode([0, 3, 4, 5])).toBe("white whales");
  });

  test.each([
    ["missing", () => join(folder, "none.json"), "no such file"],
    ["not JSON", () => write("half.json", '{"model":'), "text that is not JSON"],
    ["not an object", () => write("list.json", "3"), "a JSON object"],
    ["not a tokenizer", () => write("other.json", '{"a":1}'), "cannot run"],
  ])("that is %s is refused with its name", (_, file, message) => {
    expect(() => loadTokenizer(file())).toThrow(expect.objectContaining({ name: "InputError" }));
    expect(() => loadTokenizer(file())).toThrow(message);
  });
});
