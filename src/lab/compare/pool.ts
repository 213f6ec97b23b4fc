/** Runs jobs on child processes, one thread each: a crash of one takes no other along, and cores are used as they are. */
import { type ChildProcess, fork } from "node:child_process";
import { fileURLToPath } from "node:url";
import { InputError, type ProgressEvent } from "../../core/index.ts";
import type { Job } from "./jobs.ts";
import type { FromWorker, ToWorker } from "./worker.ts";

const WORKER = fileURLToPath(
  new URL(import.meta.url.endsWith(".ts") ? "./worker.ts" : "./worker.js", import.meta.url),
);

export interface PoolOptions {
  readonly workers: number;
  readonly signal?: AbortSignal | undefined;
  readonly folderOf: (job: Job) => string;
  readonly onProgress: (job: Job, event: ProgressEvent) => void;
  readonly onDone: (job: Job) => void;
}

/**
 * Runs all jobs, in order, on up to `workers` processes. On abort every process saves where it is and ends, and the
 * signal's reason is thrown. The first job that fails stops the others and its error is thrown.
 */
export async function runPool(jobs: readonly Job[], options: PoolOptions): Promise<void> {
  const { workers, signal } = options;
  const queue = [...jobs];
  const children = new Set<ChildProcess>();
  const stopAll = (): void => {
    queue.length = 0;
    for (const child of children) if (child.connected) child.send({ stop: true } satisfies ToWorker);
  };
  const failures: unknown[] = [];
  const work = async (): Promise<void> => {
    if (queue.length === 0) return;
    const child = fork(WORKER, { stdio: ["ignore", "ignore", "inherit", "ipc"] });
    children.add(child);
    try {
      for (let job = queue.shift(); job !== undefined; job = queue.shift()) {
        await runOn(child, job, options);
      }
    } catch (error) {
      failures.push(error);
      stopAll();
    } finally {
      children.delete(child);
      await ended(child);
    }
  };
  signal?.throwIfAborted();
  signal?.addEventListener("abort", stopAll);
  try {
    await Promise.all(Array.from({ length: Math.min(workers, jobs.length) }, work));
  } finally {
    signal?.removeEventListener("abort", stopAll);
  }
  signal?.throwIfAborted();
  if (failures.length > 0) throw failures[0];
}

function runOn(child: ChildProcess, job: Job, { folderOf, onProgress, onDone }: PoolOptions): Promise<void> {
  return new Promise((resolve, reject) => {
    const finish = (error?: unknown): void => {
      child.off("message", hear);
      child.off("exit", left);
      if (error === undefined) resolve();
      else reject(error);
    };
    const hear = (message: FromWorker): void => {
      if ("progress" in message) onProgress(job, message.progress);
      else if ("problems" in message) finish(new InputError(message.problems));
      else if ("failed" in message) finish(new Error(`run ${job.id}: ${message.failed}`));
      else {
        if ("done" in message) onDone(job);
        finish();
      }
    };
    const left = (code: number | null, by: NodeJS.Signals | null): void =>
      finish(new Error(`the process of run ${job.id} ended by itself (${by ?? `exit code ${code}`})`));
    child.on("message", hear);
    child.on("exit", left);
    child.send({ run: job, folder: folderOf(job) } satisfies ToWorker);
  });
}

/** Lets an idle process end: it has nothing to do once it is disconnected. */
function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return Promise.resolve();
  return new Promise((resolve) => {
    child.once("exit", () => resolve());
    if (child.connected) child.disconnect();
  });
}
