/**
 * The append-only log of a study: one JSON object a line, on disk before `append` returns. A last line that a crash
 * left unfinished was never acted on, so it is taken away; damage anywhere else is an error that names the line.
 */
import { closeSync, fdatasyncSync, fstatSync, ftruncateSync, openSync, readSync, writeSync } from "node:fs";
import { InputError } from "../core/index.ts";
import { eventSchema, type Metrics, type StudyEvent } from "./events.ts";

const CHUNK_BYTES = 1 << 22;
const NEWLINE = 10;

/** How far a journal was read: whole lines. */
export interface JournalPosition {
  readonly bytes: number;
  readonly lines: number;
}

const START: JournalPosition = { bytes: 0, lines: 0 };

export class Journal {
  readonly #descriptor: number;
  #closed = false;
  #broken = false;

  private constructor(descriptor: number) {
    this.#descriptor = descriptor;
  }

  /**
   * Opens `file` for appending, creating it where there is none, after handing every event in it to `take`.
   * Returns the journal and what was taken away at its end, if anything.
   */
  static open(file: string, take: (event: StudyEvent) => void): { journal: Journal; notice?: string } {
    const descriptor = openSync(file, "a+");
    try {
      const { bytes, torn } = readEvents(file, descriptor, take, START);
      if (torn === 0) return { journal: new Journal(descriptor) };
      ftruncateSync(descriptor, bytes);
      fdatasyncSync(descriptor);
      return { journal: new Journal(descriptor), notice: tornNotice(file, torn) };
    } catch (error) {
      closeSync(descriptor);
      throw error;
    }
  }

  /**
   * Hands every event after `from` to `take` and leaves the file as it is. Returns how far it came, and a notice when
   * the last line is unfinished.
   */
  static read(
    file: string,
    take: (event: StudyEvent) => void,
    from = START,
  ): { position: JournalPosition; notice?: string } {
    const descriptor = openSync(file, "r");
    try {
      const { torn, ...position } = readEvents(file, descriptor, take, from);
      return torn === 0 ? { position } : { position, notice: tornNotice(file, torn) };
    } finally {
      closeSync(descriptor);
    }
  }

  /** Returns once the event is on disk. */
  append(event: StudyEvent): void {
    // After a failed write the file may end in half a line, which the next opening takes away.
    if (this.#broken) throw new Error("the journal could not be written; open the study again");
    this.#broken = true;
    const line = Buffer.from(`${JSON.stringify(event)}\n`);
    for (let written = 0; written < line.length; )
      written += writeSync(this.#descriptor, line, written, line.length - written);
    fdatasyncSync(this.#descriptor);
    this.#broken = false;
  }

  close(): void {
    if (!this.#closed) closeSync(this.#descriptor);
    this.#closed = true;
  }
}

function tornNotice(file: string, bytes: number): string {
  return `${file}: the last line was unfinished (${bytes} bytes, a crash while writing); it was not acted on and is left out`;
}

/** Reads on from `start`. `torn` is how many bytes follow the last whole line. */
function readEvents(
  file: string,
  descriptor: number,
  take: (event: StudyEvent) => void,
  start: JournalPosition,
): JournalPosition & { torn: number } {
  const size = fstatSync(descriptor).size;
  let { bytes: lineStart, lines: line } = start;
  let held: Buffer<ArrayBufferLike> = Buffer.alloc(0);
  for (let offset = lineStart; offset < size; ) {
    const chunk = Buffer.allocUnsafe(Math.min(CHUNK_BYTES, size - offset));
    const count = readSync(descriptor, chunk, 0, chunk.length, offset);
    if (count === 0) break;
    offset += count;
    const data: Buffer =
      held.length === 0 ? chunk.subarray(0, count) : Buffer.concat([held, chunk.subarray(0, count)]);
    let from = 0;
    for (let end = data.indexOf(NEWLINE); end >= 0; end = data.indexOf(NEWLINE, from)) {
      line++;
      const text = data.toString("utf8", from, end);
      const isLast = lineStart + (end + 1 - from) === size;
      const event = parseEvent(text);
      // A crash of the whole machine can leave a last line whose blocks never reached the disk.
      if (!event && isLast) return { bytes: lineStart, lines: line - 1, torn: size - lineStart };
      if (!event) throw damaged(file, line, text);
      try {
        take(event);
      } catch (error) {
        throw new InputError({
          place: { file, line },
          found: text,
          expected: "an event that can follow the ones before it",
          remedy: (error as Error).message,
        });
      }
      lineStart += end + 1 - from;
      from = end + 1;
    }
    held = data.subarray(from);
  }
  return { bytes: lineStart, lines: line, torn: size - lineStart };
}

/** The event, or undefined when the line is not one. */
function parseEvent(text: string): StudyEvent | undefined {
  try {
    const event = JSON.parse(text) as StudyEvent;
    return isEvent(event) ? event : undefined;
  } catch {
    return undefined;
  }
}

function isEvent(value: unknown): value is StudyEvent {
  const event = value as StudyEvent | null;
  if (event === null || !Number.isInteger(event.trial) || !(event.at >= 0)) return false;
  switch (event.event) {
    case "ask":
      return typeof event.operator === "string" && Array.isArray(event.parents);
    case "make":
      return event.candidate !== undefined;
    case "start":
      return true;
    case "tell":
      return event.metrics === undefined || allFinite(event.metrics);
    default:
      return false;
  }
}

function allFinite(metrics: Metrics): boolean {
  for (const name in metrics) if (!Number.isFinite(metrics[name])) return false;
  return true;
}

function damaged(file: string, line: number, text: string): InputError {
  let why: string;
  try {
    const { error } = eventSchema.safeParse(JSON.parse(text));
    why = error?.issues.map(({ path, message }) => `${path.join(".")}: ${message}`).join("; ") ?? "";
  } catch {
    why = "it is not JSON";
  }
  return new InputError({
    place: { file, line },
    found: text.length > 200 ? `${text.slice(0, 200)}...` : text,
    expected: `a journal event (${why})`,
    remedy:
      "the journal was changed by something other than a study; put back a copy, or cut the file before this line",
  });
}
