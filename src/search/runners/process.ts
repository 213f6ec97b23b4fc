/**
 * Evaluates each candidate in a child process of its own: a crash costs one trial, and at a limit the child is killed
 * together with everything that it started.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Clock, Outcome } from "../study.ts";
import { type EvaluatorModule, HOST_FILE, HOST_NODE_ARGUMENTS, readResult, type Task } from "./host.ts";
import { killTree, MARK } from "./process-tree.ts";
import { type Evaluation, type Runner, timedOut } from "./runner.ts";

export interface ProcessOptions {
  readonly workers?: number | undefined;
  readonly clock: Clock;
  /** Default: this process's. */
  readonly environment?: Readonly<Record<string, string | undefined>> | undefined;
}

/** Bytes kept of what a child wrote last, for the reason of its failure. */
const OUTPUT_KEPT = 2_000;

export class ProcessRunner<C> implements Runner<C> {
  readonly workers: number;
  readonly durable = false;
  readonly #evaluator: EvaluatorModule;
  readonly #options: ProcessOptions;
  readonly #folder = mkdtempSync(join(tmpdir(), "terrarium-runner-"));

  constructor(evaluator: EvaluatorModule, options: ProcessOptions) {
    this.#evaluator = evaluator;
    this.#options = options;
    this.workers = options.workers ?? 1;
  }

  async evaluate(evaluation: Evaluation<C>, signal: AbortSignal): Promise<Outcome> {
    signal.throwIfAborted();
    const { clock, environment = process.env } = this.#options;
    const { limitSeconds } = evaluation;
    const mark = randomUUID();
    const taskFile = join(this.#folder, `${mark}.task.json`);
    const resultFile = join(this.#folder, `${mark}.result.json`);
    writeFileSync(taskFile, JSON.stringify({ evaluator: this.#evaluator, evaluation } satisfies Task));
    const started = clock();
    const child = spawn(process.execPath, [...HOST_NODE_ARGUMENTS, HOST_FILE, taskFile, resultFile], {
      detached: true, // a group of its own
      env: { ...environment, [MARK]: mark },
      stdio: ["ignore", "pipe", "pipe", "ipc"],
    });
    const output = lastOutput(child);
    let overran = false;
    const end = () => {
      if (child.pid !== undefined) killTree(child.pid, mark);
    };
    const timer =
      limitSeconds === undefined
        ? undefined
        : setTimeout(
            () => {
              overran = true;
              end();
            },
            Math.min(limitSeconds * 1000, 2 ** 31 - 1),
          );
    signal.addEventListener("abort", end, { once: true });
    try {
      const how = await ended(child);
      end(); // what the evaluation left running
      signal.throwIfAborted();
      const seconds = (clock() - started) / 1000;
      if (overran) return { ...timedOut(limitSeconds!), detail: output() };
      const outcome = readResult(resultFile);
      if (outcome) return { ...outcome, spent: { ...outcome.spent, seconds } };
      return { failure: `the evaluation's process ${how}`, spent: { seconds }, detail: output() };
    } finally {
      clearTimeout(timer);
      signal.removeEventListener("abort", end);
      rmSync(taskFile, { force: true });
      rmSync(resultFile, { force: true });
    }
  }

  async close(): Promise<void> {
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

/** How the child ended, in words. Rejects when it could not be started. */
function ended(child: ChildProcess): Promise<string> {
  return new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("exit", (code, signal) =>
      resolve(signal === null ? `ended with exit code ${code} and no result` : `was ended by ${signal}`),
    );
  });
}

/** What the child writes is read as it comes (a full pipe would block it) and its end is kept. */
function lastOutput(child: ChildProcess): () => { output: string } {
  let kept = "";
  for (const stream of [child.stdout, child.stderr])
    stream?.setEncoding("utf8").on("data", (text: string) => {
      kept = (kept + text).slice(-OUTPUT_KEPT);
    });
  return () => ({ output: kept });
}
