/** Studies of this room on the search kernel: each trial trains the layers that its candidate names. */
import { join } from "node:path";
import type { Supervision } from "../core/index.ts";
import {
  type Clock,
  createPolicy,
  drive,
  type Ending,
  type History,
  type Point,
  ProcessRunner,
  type Runner,
  type Space,
  Study,
  type StudyRequest,
  spaceOperators,
  type Trial,
} from "../search/index.ts";
import type { Assignment } from "./evaluate.ts";

export interface TrialOptions extends Supervision {
  readonly clock: Clock;
  /** Processes, each on one thread. */
  readonly workers: number;
}

/** What a candidate is trained as. `before` holds the trials asked for earlier. */
export type Assign = (
  candidate: Point,
  before: readonly Trial<Point>[],
) => Pick<Assignment, "layers" | "seeds" | "protocol">;

const EVALUATOR = new URL(
  import.meta.url.endsWith(".ts") ? "./evaluate.ts" : "./evaluate.js",
  import.meta.url,
).pathname;

/** Works on the study in `folder` until its policy or its budget ends; one that was stopped goes on. */
export async function runTrials(
  folder: string,
  request: StudyRequest,
  space: Space,
  assign: Assign,
  { clock, workers, progress, signal }: TrialOptions,
): Promise<{ ending: Ending; history: History<Point> }> {
  const total = request.budget.trials;
  const study = Study.open<Point>(folder, request, {
    clock,
    onEvent: ({ event, trial }) => {
      if (event === "tell") progress?.({ activity: "searching", done: trial + 1, total, unit: "candidates" });
    },
  });
  const runner = assigned<Point, Assignment>(
    new ProcessRunner<Assignment>({ file: EVALUATOR }, { workers, clock }),
    (candidate, trial) => ({
      ...assign(candidate, study.history.trials.slice(0, trial)),
      folder: join(folder, "runs", String(trial)),
    }),
  );
  try {
    const policy = createPolicy(study.spec, space);
    const ending = await drive(study, { policy, operators: spaceOperators(space), runner, signal });
    return { ending, history: study.history };
  } finally {
    await runner.close();
    study.close();
  }
}

/** A runner of candidates on one of assignments: the journal keeps the few letters, the process gets all it needs. */
function assigned<C, A>(runner: Runner<A>, assign: (candidate: C, trial: number) => A): Runner<C> {
  return {
    workers: runner.workers,
    durable: runner.durable,
    evaluate: (evaluation, signal) =>
      runner.evaluate({ ...evaluation, candidate: assign(evaluation.candidate, evaluation.trial) }, signal),
    close: () => runner.close(),
  };
}
