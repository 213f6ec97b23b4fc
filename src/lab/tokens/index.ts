export { type PairEncodingSettings, type TokenizerFile, trainPairEncoding } from "./pair-encoding.ts";
export { byteTokenizer, type TokenIds, type Tokenizer } from "./tokenizer.ts";
export { loadTokenizer, saveTokenizer, tokenizerOf } from "./tokenizer-file.ts";
