/**
 * Tokenizes a generated text file of 200 MB (or as many as the first argument says) and reads windows of it, and
 * prints the time, the throughput and the memory that it took. Run: npx tsx bench/corpus-streaming.ts [megabytes]
 */
import { once } from "node:events";
import { createWriteStream, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { finished } from "node:stream/promises";
import { RandomStream } from "../src/core/index.ts";
import { byteTokenizer, openCorpus, tokenizerOf, trainPairEncoding } from "../src/lab/index.ts";

const megabytes = Number(process.argv[2] ?? 200);
const folder = mkdtempSync(join(tmpdir(), "corpus-streaming-"));
try {
  const stream = new RandomStream(1);
  const letters = "etaoinshrdlucmfw";
  const words = Array.from({ length: 50_000 }, () =>
    Array.from({ length: stream.integer(1, 10) }, () => letters[stream.integer(0, 15)]!).join(""),
  );
  const line = (): string => `${Array.from({ length: 16 }, () => stream.pick(words)).join(" ")}.\n`;
  const paragraphs = Array.from({ length: 2000 }, () => Array.from({ length: 10 }, line).join(""));
  const file = join(folder, "generated.txt");
  const output = createWriteStream(file);
  for (let bytes = 0; bytes < megabytes * 1e6; ) {
    const paragraph = stream.pick(paragraphs);
    bytes += paragraph.length;
    if (!output.write(paragraph)) await once(output, "drain");
  }
  output.end();
  await finished(output);

  const pairs = tokenizerOf(await trainPairEncoding(paragraphs.slice(0, 500), { vocabularySize: 4096 }));
  for (const tokenizer of [byteTokenizer, pairs]) {
    let peakBytes = 0;
    const started = performance.now();
    const progress = (): void => {
      peakBytes = Math.max(peakBytes, process.memoryUsage.rss());
    };
    const corpus = await openCorpus(file, { tokenizer, cacheFolder: join(folder, "cache"), progress });
    const tokenizeSeconds = (performance.now() - started) / 1000;
    const batches = corpus.train.batches(32, 256, new RandomStream(2));
    batches.at(0);
    const reading = performance.now();
    for (let step = 1; step <= 1000; step++) batches.at(step);
    const millisecondsPerBatch = (performance.now() - reading) / 1000;
    corpus.close();
    console.log(
      `${tokenizer.name}: ${megabytes} MB to ${(corpus.tokens / 1e6).toFixed(1)} M tokens in ` +
        `${tokenizeSeconds.toFixed(1)} s (${(megabytes / tokenizeSeconds).toFixed(1)} MB/s), peak memory ` +
        `${(peakBytes / 1e6).toFixed(0)} MB; a batch of 32 windows of 256 in ${millisecondsPerBatch.toFixed(2)} ms`,
    );
  }
} finally {
  rmSync(folder, { recursive: true });
}
