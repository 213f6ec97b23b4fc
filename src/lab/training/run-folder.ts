/**
 * The folder of a run:
 *
 *   run.json       the plan, written once
 *   log.jsonl      one line a step or measurement, only ever appended to; a step done again after a crash has two lines,
 *                  of which the later counts
 *   checkpoints/   the newest two, each with the network's config.json beside its weights
 *   result.json    what came out, a function of the plan alone
 *   timings.json   how long it took, on this machine, this time
 */
import {
  closeSync,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  writeSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { isDeepStrictEqual } from "node:util";
import { InputError } from "../../core/index.ts";
import type { AccuracyCurve } from "../tasks/index.ts";
import type { RunPlan } from "./plan.ts";

export interface StepLine {
  readonly step: number;
  /** Tokens trained on so far, this step included. */
  readonly tokens: number;
  /** Mean loss of the batch before the update, in nats. */
  readonly loss: number;
  readonly learningRate: number;
  readonly gradientNorm: number;
  readonly seconds: number;
}

export interface AccuracyLine {
  /** Steps done when it was measured. */
  readonly step: number;
  readonly accuracy: number;
}

export interface RunResult {
  readonly steps: number;
  readonly tokens: number;
  /** Training FLOPs as arXiv:2510.04800 counts them: embedding and head excluded. */
  readonly flops: number;
  readonly headFlops: number;
  readonly parameters: number;
  /** Mean training loss over the last tenth of the steps, in nats. */
  readonly trainLoss: number;
  /** Of tasks. */
  readonly accuracy: AccuracyCurve;
}

export interface RunTimings {
  /** Training only, over all sittings. */
  readonly seconds: number;
  /** Tokens over the median step's time. */
  readonly tokensPerSecond: number;
}

export class RunFolder {
  readonly path: string;

  constructor(path: string) {
    this.path = path;
  }

  get checkpoints(): string {
    return join(this.path, "checkpoints");
  }

  /** The plan of a run that was begun here. */
  plan(): RunPlan | undefined {
    return readJson<RunPlan>(join(this.path, "run.json"));
  }

  result(): RunResult | undefined {
    return readJson<RunResult>(join(this.path, "result.json"));
  }

  timings(): RunTimings | undefined {
    return readJson<RunTimings>(join(this.path, "timings.json"));
  }

  /** Makes the folder for `plan`, or finds it there. Throws an InputError where another run has it. */
  begin(plan: RunPlan): void {
    const written = JSON.parse(JSON.stringify(plan)) as RunPlan;
    const known = this.plan();
    if (known === undefined) {
      this.writeJson("run.json", written);
      return;
    }
    if (isDeepStrictEqual(known, written)) return;
    const differing = Object.keys({ ...known, ...written }).filter(
      (key) => !isDeepStrictEqual(known[key as keyof RunPlan], written[key as keyof RunPlan]),
    );
    throw new InputError({
      place: { file: join(this.path, "run.json") },
      found: `another run, which differs in ${differing.join(", ")}`,
      expected: "the same run, or none",
      remedy: "choose another folder, or go on with the run that is there",
    });
  }

  /** Appends to the log. What a kill cut off in the middle of a line is left there, and is no line. */
  log(): { append(line: StepLine | AccuracyLine): void; close(): void } {
    const file = openSync(join(this.path, "log.jsonl"), "a+");
    const torn = readFileSync(join(this.path, "log.jsonl"), "utf8");
    if (torn !== "" && !torn.endsWith("\n")) writeSync(file, "\n");
    return {
      append: (line) => void writeSync(file, `${JSON.stringify(line)}\n`),
      close: () => closeSync(file),
    };
  }

  /** The steps of the log below `before`, in order, each once. */
  steps(before = Number.POSITIVE_INFINITY): StepLine[] {
    const file = join(this.path, "log.jsonl");
    const latest = new Map<number, StepLine>();
    for (const text of existsSync(file) ? readFileSync(file, "utf8").split("\n") : []) {
      const line = parseLine(text);
      if (line && "loss" in line && line.step < before) latest.set(line.step, line);
    }
    return [...latest.values()].sort((a, b) => a.step - b.step);
  }

  /** Writes a file whole or not at all. */
  writeJson(name: string, value: unknown): void {
    writeWhole(join(this.path, name), `${JSON.stringify(value, null, 2)}\n`);
  }
}

/** Writes `file` whole or not at all, and brings it to the disk. Throws an InputError where the disk will not take it. */
export function writeWhole(file: string, content: string): void {
  const partial = `${file}.partial`;
  try {
    mkdirSync(dirname(file), { recursive: true });
    const handle = openSync(partial, "w");
    try {
      writeSync(handle, content);
      fsyncSync(handle);
    } finally {
      closeSync(handle);
    }
    renameSync(partial, file);
  } catch (error) {
    rmSync(partial, { force: true });
    throw diskProblem(file, error);
  }
}

const DISK_PROBLEMS: Readonly<Record<string, string>> = {
  ENOSPC: "no space left on the disk",
  EDQUOT: "no quota left on the disk",
  EFBIG: "a file larger than this disk or your limits allow",
  EACCES: "no permission to write there",
  EPERM: "no permission to write there",
  EROFS: "a disk that cannot be written to",
  ENOTDIR: "a file where a folder should be",
  EEXIST: "a file where a folder should be",
};

/** An error of the disk as one that says what to do; any other as it is. */
export function diskProblem(file: string, error: unknown): unknown {
  const problem = DISK_PROBLEMS[(error as NodeJS.ErrnoException).code ?? ""];
  if (problem === undefined) return error;
  return new InputError({
    place: { file },
    found: problem,
    expected: "a folder that can be written to",
    remedy: "make room or choose another folder, and ask again; what was saved before is whole",
  });
}

function readJson<T>(file: string): T | undefined {
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code === "ENOENT" || code === "ENOTDIR") return undefined;
    throw error;
  }
  try {
    return JSON.parse(text) as T;
  } catch (error) {
    throw new InputError({
      place: { file },
      found: (error as Error).message,
      expected: "the JSON that a run writes",
      remedy: "choose another folder, or remove this one",
    });
  }
}

function parseLine(text: string): StepLine | AccuracyLine | undefined {
  try {
    return JSON.parse(text) as StepLine | AccuracyLine;
  } catch {
    return undefined;
  }
}
