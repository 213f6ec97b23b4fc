/** A part of a large log of attempts, read by a thread of its own. */
import { Worker } from "node:worker_threads";
import { type AttemptColumns, AttemptTable } from "../attempts.ts";
import { type FilePart, forEachLine } from "./lines.ts";
import { Reading, type ReadingSummary } from "./reading.ts";
import { expectedRows, type Header } from "./row-splitter.ts";
import { RowReader, type Zones } from "./sacct-rows.ts";

export interface PartRequest {
  readonly part: FilePart;
  readonly header: Header;
  readonly timeZone: string | undefined;
}

export interface PartRows {
  readonly attempts: AttemptColumns;
  readonly reading: ReadingSummary;
  readonly zones: Zones;
}

/** Reads the rows of a part; lines are counted from its start. */
export async function readPart({ part, header, timeZone }: PartRequest): Promise<PartRows> {
  const attempts = new AttemptTable();
  attempts.reserve(expectedRows(part.to - part.from, header));
  const reading = new Reading(part.name);
  const rows = new RowReader(header, attempts, reading, { timeZone });
  reading.lines = await forEachLine(
    part,
    (bytes, start, end, line) => rows.line(bytes, start, end, line),
    (line) => rows.tooLong(line),
  );
  return { attempts: attempts.toColumns(), reading: reading.toJSON(), zones: rows.zones };
}

/** The same in a thread of its own. */
export function readPartInThread(request: PartRequest, signal: AbortSignal | undefined): Promise<PartRows> {
  const file = import.meta.url.endsWith(".ts") ? "./sacct-thread.ts" : "./sacct-thread.js";
  return new Promise((resolve, reject) => {
    const worker = new Worker(new URL(file, import.meta.url), { workerData: request });
    const stop = () => {
      void worker.terminate();
      reject(signal?.reason);
    };
    signal?.addEventListener("abort", stop, { once: true });
    worker.once("message", resolve);
    worker.once("error", reject);
    worker.once("exit", (code) => {
      signal?.removeEventListener("abort", stop);
      if (code !== 0)
        reject(new Error(`the thread that read ${request.part.name} ended (exit code ${code})`));
    });
  });
}
