/** How well a network does on a task's test split. */
import type { RandomStream } from "../../core/index.ts";
import { AccuracyTally, type Task } from "../tasks/index.ts";
import type { Scorer } from "./language-model.ts";

/** Right and wrong answers on at least `sequences` test sequences of a task, in batches of `rows`. */
export async function testTally(
  scorer: Scorer,
  task: Task,
  sequences: number,
  stream: RandomStream,
  rows: number,
): Promise<AccuracyTally> {
  const tally = new AccuracyTally(task.vocabularySize);
  for (let done = 0; done < sequences; done += rows) {
    const batch = task.generate(stream, "test", rows);
    tally.add((await scorer.score(batch)).predictions, batch);
  }
  return tally;
}

/** A task's own score. */
export function scoreOf(task: Task, tally: AccuracyTally): number {
  return task.scoring === "rows" ? tally.rows : tally.tokens;
}
