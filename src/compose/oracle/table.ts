/** The oracle's table: every measured run, one row each, so that any policy can be replayed on it. */
import { dataFile, InputError, readCsv } from "../../core/index.ts";
import type { MeasuredRun } from "./measure.ts";

/** What was measured of one space of strings. */
export interface OracleTable {
  /** All strings on the proxy. */
  readonly proxy: readonly MeasuredRun[];
  /** Some of them at a larger size, as language models; the score is held-out loss in nats a token. */
  readonly larger: readonly MeasuredRun[];
}

/** The two files of a table. */
export const TABLE_FILES = { proxy: "composer-oracle.csv", larger: "composer-oracle-larger.csv" } as const;

/** All 64 six-layer strings of A and F, as measured by the commands in the files' first lines. */
export function packagedOracle(): OracleTable {
  return { proxy: readRuns(dataFile(TABLE_FILES.proxy)), larger: readRuns(dataFile(TABLE_FILES.larger)) };
}

/** Reads the rows of one file; throws an InputError naming the line of one that is not as `runsCsv` writes it. */
export function readRuns(file: string): MeasuredRun[] {
  return readCsv(file).map(({ line, row }) => {
    const { layers, steps, accuracy } = row;
    const numbers = { seed: Number(row.seed), score: Number(row.score) };
    if (!layers || row.seed === "" || row.score === "" || !Object.values(numbers).every(Number.isFinite)) {
      throw new InputError({
        place: { file, line },
        found: JSON.stringify(row),
        expected: "layers, seed and score",
      });
    }
    return {
      layers,
      ...numbers,
      ...(steps && { steps: Number(steps), reached: row.reached === "1", accuracy: Number(accuracy) }),
    };
  });
}

/** Runs as CSV, in order of seeds and strings. `comment` says where they come from. */
export function runsCsv(runs: readonly MeasuredRun[], comment: string): string {
  const sorted = [...runs].sort((a, b) => a.seed - b.seed || (a.layers < b.layers ? -1 : 1));
  const rows = sorted.map(({ layers, seed, score, steps, reached, accuracy }) =>
    [
      layers,
      seed,
      rounded(score),
      steps ?? "",
      reached === undefined ? "" : Number(reached),
      accuracy === undefined ? "" : rounded(accuracy),
    ].join(","),
  );
  return `${comment.replace(/^/gm, "# ")}\nlayers,seed,score,steps,reached,accuracy\n${rows.join("\n")}\n`;
}

/** Six digits: more than two machines agree on. */
const rounded = (value: number): number => Number(value.toPrecision(6));

/** Seeds with which every string of the list was measured. */
export function completeSeeds(runs: readonly MeasuredRun[]): number[] {
  const strings = new Set(runs.map(({ layers }) => layers)).size;
  const counts = new Map<number, number>();
  for (const { seed } of runs) counts.set(seed, (counts.get(seed) ?? 0) + 1);
  return [...counts].flatMap(([seed, count]) => (count === strings ? [seed] : [])).sort((a, b) => a - b);
}

/** Scores of each string by seed. */
export function scoresByString(runs: readonly MeasuredRun[]): Map<string, Map<number, number>> {
  const scores = new Map<string, Map<number, number>>();
  for (const { layers, seed, score } of runs) {
    const own = scores.get(layers) ?? new Map<number, number>();
    scores.set(layers, own.set(seed, score));
  }
  return scores;
}
