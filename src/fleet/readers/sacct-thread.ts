/** The thread that reads one part of a log of attempts. */
import { parentPort, workerData } from "node:worker_threads";
import { type PartRequest, readPart } from "./sacct-part.ts";

const rows = await readPart(workerData as PartRequest);
parentPort!.postMessage(
  rows,
  Object.values(rows.attempts.columns).map(({ buffer }) => buffer as ArrayBuffer),
);
