/** How the command line speaks: results on standard output, progress and complaints on standard error. */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Command } from "commander";
import type { AnyEstimate, Place, ProgressListener } from "../core/index.ts";

export interface CommonOptions {
  readonly json?: boolean;
  readonly out?: string;
  readonly seed: number;
}

/** The options that every command with a result shares. */
export function withCommonOptions(command: Command, { seed = true, out = false } = {}): Command {
  command.option("--json", "print the full object as JSON");
  if (out) command.option("--out <folder>", "write files there");
  if (seed) command.option("--seed <number>", "seed of everything random", wholeNumber("--seed", 0), 1);
  return command;
}

/** Prints an object as JSON or as text. */
export function print(options: { json?: boolean }, object: unknown, text: () => string): void {
  process.stdout.write(`${options.json ? jsonText(object) : text()}\n`);
}

/** An object as JSON; columns of numbers become lists. */
export function jsonText(object: unknown): string {
  const plain = (_: string, value: unknown) =>
    ArrayBuffer.isView(value) ? Array.from(value as Float64Array) : value;
  return JSON.stringify(object, plain, 2);
}

export function writeFiles(folder: string, files: Readonly<Record<string, string>>): string[] {
  mkdirSync(folder, { recursive: true });
  return Object.entries(files).map(([name, content]) => {
    const path = join(folder, name);
    writeFileSync(path, content);
    return path;
  });
}

/** The median, the interval and the basis of a figure, as three cells of a table. */
export function cells(
  estimate: AnyEstimate,
  format: typeof import("../core/index.ts").formatEstimate,
): string[] {
  const { value, interval } = format(estimate);
  return [value, interval === "" ? "exact" : interval, estimate.basis];
}

/** A parser for a flag that takes a whole number; commander reports what it throws. */
export function wholeNumber(flag: string, least: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (Number.isInteger(value) && value >= least) return value;
    throw new FlagError({ path: flag }, `"${text}"`, `a whole number, at least ${least}`);
  };
}

/** An `InputError` for flags, made without loading core. */
export class FlagError extends Error {
  override readonly name = "InputError";
  constructor(place: Place, found: string, expected: string) {
    super(`${place.path}\n  found     ${found}\n  expected  ${expected}`);
  }
}

/** Prints an error; returns the exit code. A person's mistake has no stack trace, a bug of ours has. */
export function report(error: unknown): 1 | 2 {
  if (error instanceof Error && error.name === "InputError") {
    process.stderr.write(`${error.message}\n`);
    return 2;
  }
  const trace = error instanceof Error ? (error.stack ?? error.message) : String(error);
  process.stderr.write(
    `This is a mistake in Terrarium, not in your input. Please report it with these lines:\n${trace}\n`,
  );
  return 1;
}

/** A line on standard error that follows the work: redrawn on a terminal, now and then elsewhere. */
export function progressLine(clock: () => number = Date.now): ProgressListener {
  const terminal = process.stderr.isTTY;
  const started = clock();
  let last = terminal ? 0 : started;
  let before = { activity: "", done: 0 };
  let from = { done: 0, at: started };
  return ({ activity, done, total, unit, note }) => {
    const now = clock();
    // Other work, or the same kind anew: what went before says nothing of the time that it takes. Nor does what an earlier
    // run had done, so time left is reckoned from the first event on.
    if (activity !== before.activity || done < before.done) from = { done, at: now };
    before = { activity, done };
    const finished = total !== undefined && done >= total;
    if (now - last < (terminal ? 100 : 5000) && !(terminal && finished)) return;
    last = now;
    const left =
      total === undefined || done <= from.done
        ? undefined
        : ((now - from.at) / (done - from.done)) * (total - done);
    const parts = [
      activity,
      total === undefined ? `${done} ${unit}` : `${done} of ${total} ${unit}`,
      left !== undefined && !finished ? `${Math.ceil(left / 1000)} s left` : undefined,
      note,
    ].filter((part) => part !== undefined);
    const line = parts.join(", ");
    process.stderr.write(terminal ? `\r\x1b[2K${finished ? "" : line}` : `${line}\n`);
  };
}
