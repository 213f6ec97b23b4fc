/** Retrieval over depth and length: can a model find one number in a text, wherever it stands? */
import { RandomStream, type Supervision } from "../../core/index.ts";
import { type RetrievalSettings, retrievalGrid } from "../tasks/index.ts";
import { type Scorer, testTally } from "../training/index.ts";

export interface RecallCell {
  readonly length: number;
  /** 0 at the start of the text, 1 at its end. */
  readonly depth: number;
  readonly accuracy: number;
  /** The share of single digits that are right: it moves before whole numbers do. */
  readonly tokenAccuracy: number;
}

export interface RecallOptions extends Supervision {
  readonly lengths: readonly number[];
  readonly depths: readonly number[];
  /** Sequences of one cell. The published grid has 100. */
  readonly trials: number;
  readonly seed: number;
}

export async function recallGrid(
  scorer: Scorer,
  settings: Omit<RetrievalSettings, "sequenceLength" | "depth">,
  { lengths, depths, trials, seed, progress, signal }: RecallOptions,
): Promise<RecallCell[]> {
  const cells: RecallCell[] = [];
  const grid = retrievalGrid(settings, lengths, depths);
  for (const { sequenceLength, depth, task } of grid) {
    signal?.throwIfAborted();
    const tally = await testTally(scorer, task, trials, new RandomStream(seed).split("recall"), 4);
    cells.push({ length: sequenceLength, depth, accuracy: tally.rows, tokenAccuracy: tally.tokens });
    progress?.({ activity: "recalling", done: cells.length, total: grid.length, unit: "cells" });
  }
  return cells;
}
