/**
 * Retrieval of a number from a long text, for models over a tokenizer: a sentence with the number at some depth of a
 * haystack, and a prompt that the model only has to continue, so that a base model can do it. Sources: passkey,
 * Mohtashami and Jaggi (arXiv:2305.16300); needle with a repeated prefix, arXiv:2510.04800 appendix K; the default
 * haystack is RULER's noise (arXiv:2404.06654).
 */
import type { Tokenizer } from "../tokens/index.ts";
import { defineTask, requireSetting, type Task } from "./task.ts";

export interface RetrievalSettings {
  readonly form: "passkey" | "needle";
  readonly tokenizer: Pick<Tokenizer, "encode" | "vocabularySize" | "beginOfSequence">;
  /** Positions of a row. */
  readonly sequenceLength: number;
  /** Where the sentence stands: 0 at the start of the haystack, 1 at its end. Random where it is not given. */
  readonly depth?: number | undefined;
  /** Decimal digits of the number. Published: 5 for passkeys, 7 for needles (the defaults). */
  readonly digits?: number | undefined;
  /** Text that is repeated to fill the row. */
  readonly haystack?: string | undefined;
}

const NOISE = " The grass is green. The sky is blue. The sun is yellow. Here we go. There and back again.";
const CITIES = ["Lisbon", "Nairobi", "Oslo", "Quito", "Seoul", "Tunis", "Vienna", "Zagreb"];

const FORMS = {
  passkey: {
    digits: 5,
    sentence: (_: string, number: string) =>
      ` The pass key is ${number}. Remember it. ${number} is the pass key.`,
    prompt: () => " What is the pass key? The pass key is",
  },
  needle: {
    digits: 7,
    sentence: (city: string, number: string) => ` The special magic ${city} number is: ${number}.`,
    prompt: (city: string) => ` The special magic ${city} number is:`,
  },
} as const;

/**
 * In training every next token is a target; in testing only the tokens of the number at the end. Scored by rows: the
 * whole number has to be right, with chance 1 in 10^digits.
 */
export function retrieval(settings: RetrievalSettings): Task {
  const { form, tokenizer, sequenceLength, depth, haystack = NOISE } = settings;
  const { digits: publishedDigits, sentence, prompt } = FORMS[form];
  const digits = settings.digits ?? publishedDigits;
  requireSetting(
    depth === undefined || (depth >= 0 && depth <= 1),
    "depth",
    depth,
    "0 (start of the haystack) to 1 (its end)",
  );
  requireSetting(digits >= 1 && Number.isInteger(digits), "digits", digits, "a whole number of at least 1");
  const hay = tokenizer.encode(haystack);
  requireSetting(hay.length > 0, "haystack", JSON.stringify(haystack), "some text");
  const start = tokenizer.beginOfSequence === undefined ? [] : [tokenizer.beginOfSequence];

  return defineTask(
    {
      name: form,
      vocabularySize: tokenizer.vocabularySize,
      sequenceLength,
      chance: 10 ** -digits,
      scoring: "rows",
      backbone: "language-model",
    },
    (inputs, targets, stream, split) => {
      const city = stream.pick(CITIES);
      const number = Array.from({ length: digits }, () => stream.integer(0, 9)).join("");
      const planted = tokenizer.encode(sentence(city, number));
      const asked = tokenizer.encode(prompt(city));
      const answer = tokenizer.encode(` ${number}`);
      const fixed = start.length + planted.length + asked.length + answer.length;
      const room = sequenceLength + 1 - fixed;
      requireSetting(
        room >= 0,
        "sequenceLength",
        sequenceLength,
        `at least ${fixed - 1}: the sentence, the prompt and the number`,
      );
      const before = Math.round((depth ?? stream.uniform()) * room);
      const offset = stream.integer(0, hay.length - 1);
      const filler = (from: number, to: number): number[] =>
        Array.from({ length: to - from }, (_, i) => hay[(offset + from + i) % hay.length]!);
      const row = [...start, ...filler(0, before), ...planted, ...filler(before, room), ...asked, ...answer];
      inputs.set(row.slice(0, -1));
      if (split === "train") targets.set(row.slice(1));
      else targets.set(answer, sequenceLength - answer.length);
    },
  );
}

export interface RetrievalCell {
  readonly sequenceLength: number;
  readonly depth: number;
  readonly task: Task;
}

/**
 * One test task for each length and depth. The published grid has depths 0, 0.1 ... 1 and 100 trials a cell, with
 * lengths beyond the trained one.
 */
export function retrievalGrid(
  settings: Omit<RetrievalSettings, "sequenceLength" | "depth">,
  lengths: readonly number[],
  depths: readonly number[] = Array.from({ length: 11 }, (_, tenth) => tenth / 10),
): RetrievalCell[] {
  return lengths.flatMap((sequenceLength) =>
    depths.map((depth) => ({
      sequenceLength,
      depth,
      task: retrieval({ ...settings, sequenceLength, depth }),
    })),
  );
}
