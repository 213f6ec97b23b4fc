/**
 * MAD's compression: the state at the last token has to hold the whole sequence, which a decoder rebuilds from it.
 * Source: mad-lab (Poli et al., arXiv:2403.17844), `compression`.
 */
import { defineTask, requireSetting, type Task } from "./task.ts";

export interface CompressionSettings {
  /** The last id is the compression token that ends a row. */
  readonly vocabularySize: number;
  /** Positions of a row, the compression token included. */
  readonly sequenceLength: number;
}

/** All positions are targets, the compression token's own too. Train and test rows are alike. */
export function compression(settings: CompressionSettings): Task {
  const { vocabularySize, sequenceLength } = settings;
  const compress = vocabularySize - 1;
  requireSetting(vocabularySize >= 2, "vocabularySize", vocabularySize, "at least 2");
  requireSetting(sequenceLength >= 2, "sequenceLength", sequenceLength, "at least 2");
  return defineTask(
    {
      name: "compression",
      vocabularySize,
      sequenceLength,
      // The last position is known to be the compression token.
      chance: ((sequenceLength - 1) / compress + 1) / sequenceLength,
      scoring: "tokens",
      backbone: "autoencoder",
    },
    (inputs, targets, stream) => {
      for (let at = 0; at < sequenceLength - 1; at++) inputs[at] = stream.integer(0, compress - 1);
      inputs[sequenceLength - 1] = compress;
      targets.set(inputs);
    },
  );
}
