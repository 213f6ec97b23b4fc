/** Text from a trained network: sampling one token after the other. */
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
  const decoder = await Decoder.create(trained.runtime, trained.model, given.length + tokens);
  try {
    await decoder.restart();
    let logits = await decoder.advance(given);
    const written: number[] = [];
    while (written.length < tokens) {
      signal?.throwIfAborted();
      const next = sample(logits, temperature, topK, stream);
      if (next === tokenizer.endOfSequence) break;
      written.push(next);
      progress?.({ activity: "writing", done: written.length, total: tokens, unit: "tokens" });
      if (written.length < tokens) logits = await decoder.advance([next]);
    }
    return { prompt, text: tokenizer.decode(written), tokens: written.length };
  } finally {
    await decoder.close();
  }
}

/** A token drawn from softmax(logits / temperature), among the `topK` likeliest. */
export function sample(
  logits: Float32Array,
  temperature: number,
  topK: number | undefined,
  stream: RandomStream,
): number {
  const order = Array.from(logits.keys()).sort((a, b) => logits[b]! - logits[a]! || a - b);
  if (temperature === 0) return order[0]!;
  const kept = order.slice(0, topK ?? order.length);
  const weights = kept.map((token) => Math.exp((logits[token]! - logits[kept[0]!]!) / temperature));
  let left = stream.uniform() * weights.reduce((total, weight) => total + weight, 0);
  for (const [i, weight] of weights.entries()) {
    left -= weight;
    if (left < 0) return kept[i]!;
  }
  return kept.at(-1)!;
}

function requireRange(holds: boolean, path: string, found: unknown, expected: string): void {
  if (!holds) throw new InputError({ place: { path }, found: String(found), expected });
}
