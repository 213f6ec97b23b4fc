/** Text from a trained network. */
import type { RandomStream, Supervision } from "../../core/index.ts";
import { InputError } from "../../core/index.ts";
import { Decoder } from "./decoder.ts";
import type { TrainedModel } from "./trained-model.ts";

export interface GenerateOptions extends Supervision {
  readonly prompt: string;
  /** Tokens to write. */
  readonly tokens: number;
  /** 0 always takes the likeliest token. Default 0.8. */
  readonly temperature?: number;
  /** Draw among so many of the likeliest tokens only. Default: all. */
  readonly topK?: number | undefined;
  readonly stream: RandomStream;
}

export interface Generated {
  readonly prompt: string;
  /** The text that continues the prompt; it may end early, at an end of sequence. */
  readonly text: string;
  readonly tokens: number;
}

/** Continues a prompt. Throws an InputError for a network without text, and for settings out of range. */
export async function generate(trained: TrainedModel, options: GenerateOptions): Promise<Generated> {
  const { prompt, tokens, temperature = 0.8, topK, stream, progress, signal } = options;
  requireRange(temperature >= 0, "temperature", temperature, "0 or more");
  requireRange(Number.isInteger(tokens) && tokens >= 1, "tokens", tokens, "a whole number, at least 1");
  requireRange(
    topK === undefined || (Number.isInteger(topK) && topK >= 1),
    "topK",
    topK,
    "a whole number, at least 1",
  );
  const tokenizer = await trained.tokenizer();
  const begin = tokenizer.beginOfSequence === undefined ? [] : [tokenizer.beginOfSequence];
  const given = [...begin, ...tokenizer.encode(prompt)];
  requireRange(given.length > 0, "prompt", '""', "some text: this tokenizer has no token to begin with");
  const decoder = await Decoder.create(trained.runtime, trained.model, given.length + tokens, {
    temperature,
    topK,
  });
  try {
    await decoder.restart();
    await decoder.read(given.slice(0, -1));
    const draws = stream.split("tokens");
    const chances = Float32Array.from({ length: tokens }, () => draws.uniform());
    const written: number[] = [];
    for await (const some of decoder.write(given.at(-1)!, chances)) {
      signal?.throwIfAborted();
      const end = some.indexOf(tokenizer.endOfSequence ?? -1);
      written.push(...(end < 0 ? some : some.subarray(0, end)));
      progress?.({ activity: "writing", done: written.length, total: tokens, unit: "tokens" });
      if (end >= 0) break;
    }
    return { prompt, text: tokenizer.decode(written), tokens: written.length };
  } finally {
    await decoder.close();
  }
}

function requireRange(holds: boolean, path: string, found: unknown, expected: string): void {
  if (!holds) throw new InputError({ place: { path }, found: String(found), expected });
}
