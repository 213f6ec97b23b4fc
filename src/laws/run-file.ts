/** Reads a team's own training runs, and makes a law of them. */
import { type Evidence, InputError, type RandomStream, readCsv } from "../core/index.ts";
import { type Coefficients, lossAt, rangeOf, type ScalingLaw } from "./chinchilla.ts";
import { bootstrapFits, type Goodness, goodness } from "./goodness.ts";
import { huberLog } from "./huber-log.ts";
import type { Run } from "./run.ts";
import { variableProjection } from "./variable-projection.ts";

const COLUMNS = ["parameters", "tokens", "loss"] as const;

/**
 * The runs of a CSV file with the columns `parameters`, `tokens` and `loss` (nats a token), one row a finished run; other
 * columns are left alone. Throws an `InputError` that names every line and column that is not a positive number.
 */
export function readRuns(file: string): Run[] {
  const records = readCsv(file);
  const header = Object.keys(records[0]?.row ?? {});
  const missing = COLUMNS.filter((column) => !header.includes(column));
  if (missing.length > 0) {
    throw new InputError({
      place: { file, line: 1 },
      found: header.length === 0 ? "no rows" : `the columns ${header.join(", ")}`,
      expected: `a row a run with the columns ${COLUMNS.join(", ")} (missing: ${missing.join(", ")})`,
      remedy: "name the columns so; N without embeddings, and the loss in nats a token",
    });
  }
  const problems = records.flatMap(({ line, row }) =>
    COLUMNS.filter((column) => !(Number(row[column]) > 0 && Number.isFinite(Number(row[column])))).map(
      (column) => ({
        place: { file, line, path: column },
        found: `"${row[column]}"`,
        expected: "a positive number",
        remedy: "leave out runs that diverged or did not finish",
      }),
    ),
  );
  if (problems.length > 0) throw new InputError(problems);
  return records.map(({ row }) => ({
    parameters: Number(row.parameters),
    tokens: Number(row.tokens),
    loss: Number(row.loss),
  }));
}

export interface LawOptions {
  /** Stable; the law is drawn as `laws/<name>`. */
  readonly name: string;
  readonly evidence: Evidence;
  /** `huber-log` (the default) shrugs off outliers; `least-squares` suits runs without any. They can differ in beta by 0.1. */
  readonly objective?: "huber-log" | "least-squares";
  readonly resamples?: number;
}

/** The law of `runs` with its bootstrap resamples, and how well the point fit tells the runs that it was fitted to. */
export function lawOfRuns(
  runs: readonly Run[],
  { name, evidence, objective = "huber-log", resamples = 1000 }: LawOptions,
  stream: RandomStream,
): { law: ScalingLaw; point: Coefficients; goodness: Goodness } {
  const point = objective === "huber-log" ? huberLog(runs).fit : variableProjection([runs]).fits[0]!;
  const again =
    objective === "huber-log"
      ? (sample: readonly Run[]) => huberLog(sample, { starts: [point] }).fit
      : (sample: readonly Run[]) => variableProjection([sample], { start: point }).fits[0]!;
  const fits = bootstrapFits([runs], ([sample]) => again(sample!), stream, resamples);
  return {
    law: { name, fits, range: rangeOf(runs), evidence },
    point,
    goodness: goodness(runs, (run) => lossAt(point, run.parameters, run.tokens)),
  };
}
