/** Everything that one trained network is measured on. */
import { InputError, type Supervision } from "../../core/index.ts";
import { parameters } from "../../model/index.ts";
import { openCorpus } from "../corpora/index.ts";
import type { TrainedModel } from "../trained/index.ts";
import { type HeldOutLoss, heldOutLoss } from "./held-out.ts";
import { type RecallCell, recallGrid } from "./recall.ts";
import { type DecodeSpeed, decodeSpeed } from "./speed.ts";

export interface EvaluateOptions extends Supervision {
  /** Corpus whose held-out part is scored. */
  readonly corpus: string;
  /** Windows at the training length. Default 192. */
  readonly windows?: number;
  /** Also measure loss by position over windows of so many times the training length. */
  readonly extrapolate?: number | undefined;
  /** Also measure recall of numbers in windows of 0.5, 1 and 2 times the training length. */
  readonly recall?: boolean | undefined;
  /** Contexts at which decoding is timed. */
  readonly contexts?: readonly number[];
  readonly seed?: number;
}

export interface Evaluation {
  readonly parameters: number;
  readonly steps: number;
  readonly heldOut: HeldOutLoss;
  readonly extrapolation?: HeldOutLoss;
  readonly recall?: readonly RecallCell[];
  readonly decoding: readonly DecodeSpeed[];
  /** What a reader has to know about the split. */
  readonly note: string;
}

/** Digits of a number to recall: few, so that small models can show something; chance 1 in 1000. */
const RECALL_DIGITS = 3;
export const RECALL_DEPTHS = [0, 0.25, 0.5, 0.75, 1] as const;

/** Windows of long texts are few: they cost as much as many short ones. */
const LONG_WINDOWS = 48;

/** Evaluates a network trained on text. Throws an InputError for one that was not, and for text that is too short. */
export async function evaluate(trained: TrainedModel, options: EvaluateOptions): Promise<Evaluation> {
  const { windows = 192, extrapolate, contexts = [], seed = 0, progress, signal } = options;
  const { context } = trained.config;
  if (extrapolate !== undefined && !(extrapolate > 1 && extrapolate <= 16)) {
    throw new InputError({
      place: { path: "extrapolate" },
      found: String(extrapolate),
      expected: "a factor above 1 and at most 16",
    });
  }
  const tokenizer = await trained.tokenizer();
  const corpus = await openCorpus(options.corpus, { tokenizer, progress, signal });
  try {
    const score = (length: number, count: number): Promise<HeldOutLoss> =>
      heldOutLoss(trained.scorer, corpus.heldOut, { length, windows: count, progress, signal });
    const heldOut = await score(context, windows);
    const long =
      extrapolate === undefined ? undefined : await score(Math.round(extrapolate * context), LONG_WINDOWS);
    const recall = options.recall
      ? await recallGrid(
          trained.scorer,
          { form: "passkey", tokenizer, digits: RECALL_DIGITS },
          {
            lengths: [Math.round(context / 2), context, 2 * context],
            depths: RECALL_DEPTHS,
            trials: 20,
            seed,
            progress,
            signal,
          },
        )
      : undefined;
    return {
      parameters: parameters(trained.config.architecture).total,
      steps: trained.steps,
      heldOut,
      ...(long && { extrapolation: long }),
      ...(recall && { recall }),
      decoding: await decodeSpeed(trained, { contexts, progress, signal }),
      note: corpus.note,
    };
  } finally {
    corpus.close();
  }
}
