/**
 * The program that evaluates one candidate in a process of its own: `host TASK RESULT` reads a task file, calls the
 * evaluator that it names, and writes the result file whole or not at all. The process and the Slurm runner use it.
 */
import { readFileSync, renameSync, writeFileSync } from "node:fs";
import { pathToFileURL } from "node:url";
import type { Outcome } from "../study.ts";
import type { Evaluation, Evaluator } from "./runner.ts";
import { outcomeOf, reasonOf } from "./runner.ts";

/** Where an evaluator is found: a module by its path, and the name under which it exports the function. */
export interface EvaluatorModule {
  readonly file: string;
  /** Default `default`. */
  readonly name?: string | undefined;
}

export interface Task {
  readonly evaluator: EvaluatorModule;
  readonly evaluation: Evaluation<unknown>;
}

/** This program's file, as a built package or, in development, as its source has it. */
export const HOST_FILE: string = new URL(
  import.meta.url.endsWith(".ts") ? "./host-main.ts" : "./host-main.js",
  import.meta.url,
).pathname;

/** What Node needs before the file's name: the sources need a loader on the versions that cannot read types. */
export const HOST_NODE_ARGUMENTS: readonly string[] = HOST_FILE.endsWith(".ts") ? ["--import", "tsx"] : [];

/** Evaluates the task in `taskFile` and leaves the outcome in `resultFile`. */
export async function runTask(taskFile: string, resultFile: string): Promise<void> {
  const { evaluator, evaluation } = JSON.parse(readFileSync(taskFile, "utf8")) as Task;
  const started = performance.now();
  const seconds = () => (performance.now() - started) / 1000;
  let outcome: Outcome;
  try {
    const module = (await import(pathToFileURL(evaluator.file).href)) as Record<string, unknown>;
    const evaluate = module[evaluator.name ?? "default"];
    if (typeof evaluate !== "function")
      throw new Error(`${evaluator.file} exports no function "${evaluator.name ?? "default"}"`);
    const { candidate, trial, seed } = evaluation;
    const never = new AbortController().signal; // this process is killed instead
    outcome = outcomeOf(
      await (evaluate as Evaluator<unknown>)(candidate, { trial, seed, signal: never }),
      seconds(),
    );
  } catch (error) {
    outcome = { failure: reasonOf(error), spent: { seconds: seconds() } };
  }
  writeWholeResult(resultFile, outcome);
}

/**
 * Writes `outcome` so that a reader sees all of it or nothing. JSON has no NaN and no infinity, so metrics that are
 * not finite are written as text, which the study turns into the failure that they are.
 */
export function writeWholeResult(file: string, outcome: Outcome): void {
  const text = JSON.stringify(outcome, (_, value) =>
    typeof value === "number" && !Number.isFinite(value) ? String(value) : value,
  );
  writeFileSync(`${file}.new`, text);
  renameSync(`${file}.new`, file);
}

/** The outcome in `file`, or undefined while it is not there. */
export function readResult(file: string): Outcome | undefined {
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
  return JSON.parse(text) as Outcome;
}
