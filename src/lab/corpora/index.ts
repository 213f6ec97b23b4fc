export { type Corpus, type CorpusOptions, type CorpusPart, openCorpus } from "./corpus.ts";
export { type CorpusSource, corpusSource, corpusTexts, type Piece } from "./documents.ts";
export { PACKAGED_CORPORA } from "./packaged.ts";
