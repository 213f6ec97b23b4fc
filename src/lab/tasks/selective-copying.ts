/**
 * MAD's selective copying: tokens scattered among blanks have to be written out again, in order, when asked.
 * Source: mad-lab (Poli et al., arXiv:2403.17844), `selective-copying`.
 */
import { defineTask, requireSetting, type Task } from "./task.ts";

export interface SelectiveCopyingSettings {
  /** The last id is COPY, the one before it the blank. */
  readonly vocabularySize: number;
  /** Positions of a row. */
  readonly sequenceLength: number;
  readonly tokensToCopy: number;
}

/**
 * Tokens and blanks, COPY, then `tokensToCopy` blanks, at which the tokens are the targets. Blanks come before a token
 * chosen at random, never after the last: it always stands immediately before COPY. Train and test rows are alike.
 */
export function selectiveCopying(settings: SelectiveCopyingSettings): Task {
  const { vocabularySize, sequenceLength, tokensToCopy } = settings;
  const blank = vocabularySize - 2;
  const copy = vocabularySize - 1;
  const blanks = sequenceLength - 2 * tokensToCopy - 1;
  requireSetting(
    vocabularySize >= 3,
    "vocabularySize",
    vocabularySize,
    "at least 3: a token, blank and COPY",
  );
  requireSetting(tokensToCopy >= 1, "tokensToCopy", tokensToCopy, "at least 1");
  requireSetting(
    blanks >= 1,
    "sequenceLength",
    sequenceLength,
    `more than ${2 * tokensToCopy + 1}: the tokens twice, and COPY`,
  );
  return defineTask(
    {
      name: "selective-copying",
      vocabularySize,
      sequenceLength,
      chance: 1 / blank,
      scoring: "tokens",
      backbone: "language-model",
    },
    (inputs, targets, stream) => {
      const blanksBefore = new Int32Array(tokensToCopy);
      for (let i = 0; i < blanks; i++) blanksBefore[stream.integer(0, tokensToCopy - 1)]! += 1;
      inputs.fill(blank);
      let at = 0;
      for (let token = 0; token < tokensToCopy; token++) {
        at += blanksBefore[token]!;
        const value = stream.integer(0, blank - 1);
        inputs[at++] = value;
        targets[sequenceLength - tokensToCopy + token] = value;
      }
      inputs[at] = copy;
    },
  );
}
