/** A process that runs the jobs it is sent, one after the other, and says how far it is. See `pool.ts`. */
import { InputError, type Problem, type ProgressEvent } from "../../core/index.ts";
import type { Job } from "./jobs.ts";
import { runJob } from "./outcome.ts";

export type ToWorker = { readonly run: Job; readonly folder: string } | { readonly stop: true };
export type FromWorker =
  | { readonly progress: ProgressEvent }
  | { readonly done: true }
  | { readonly stopped: true }
  | { readonly problems: readonly Problem[] }
  | { readonly failed: string };

const stop = new AbortController();
const send = (message: FromWorker): void => void process.send?.(message);

process.on("message", (message: ToWorker) => {
  if ("stop" in message) stop.abort(new Error("stopped"));
  else void run(message.folder, message.run);
});
// The parent is gone, killed perhaps: what is not in a checkpoint is done again by the next.
process.on("disconnect", () => process.exit(1));
// Ctrl-C reaches the whole group of processes; the parent says when to stop.
process.on("SIGINT", () => undefined);

async function run(folder: string, job: Job): Promise<void> {
  let last = 0;
  const progress = (event: ProgressEvent): void => {
    const now = Date.now();
    if (now - last < 200) return;
    last = now;
    send({ progress: event });
  };
  try {
    await runJob(folder, job, { progress, signal: stop.signal });
    send({ done: true });
  } catch (error) {
    if (stop.signal.aborted) send({ stopped: true });
    else if (error instanceof InputError) send({ problems: error.problems });
    else send({ failed: error instanceof Error ? (error.stack ?? error.message) : String(error) });
  }
}
