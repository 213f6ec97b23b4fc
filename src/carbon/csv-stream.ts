/** Rows of a large log as they are read, so that a month of a cluster can be summed without holding it. */
import { createReadStream, statSync } from "node:fs";
import { parse } from "csv-parse/sync";
import { InputError, type Supervision } from "../core/index.ts";

export interface StreamedRow {
  /** 1-based line of the file. */
  readonly line: number;
  readonly fields: readonly string[];
}

export interface StreamedLog {
  readonly header: readonly string[];
  /** The rows after the header, as many at a time as were read at once; empty lines are left out. */
  readonly batches: AsyncIterable<readonly StreamedRow[]>;
}

/** Opens a log whose rows are lines: a quoted field may hold a delimiter, but no line break. */
export async function openLog(
  file: string,
  delimiter: string,
  supervision: Supervision = {},
): Promise<StreamedLog> {
  const batches = readBatches(file, delimiter, supervision);
  for (;;) {
    const first = await batches.next();
    if (first.done) return { header: [], batches };
    const [header, ...rest] = first.value;
    if (header) return { header: header.fields, batches: withFirst(rest, batches) };
  }
}

async function* withFirst<T>(first: T, rest: AsyncIterable<T>): AsyncGenerator<T> {
  yield first;
  yield* rest;
}

async function* readBatches(
  file: string,
  delimiter: string,
  { progress, signal }: Supervision,
): AsyncGenerator<StreamedRow[]> {
  const total = fileSize(file);
  const input = createReadStream(file, { encoding: "utf8", signal, highWaterMark: 1 << 18 });
  let line = 0;
  let rest = "";
  const rowsOf = (text: string): StreamedRow[] => {
    const rows: StreamedRow[] = [];
    for (const content of text.split("\n")) {
      line++;
      const trimmed = content.replace(/^\uFEFF/, "").trim();
      if (trimmed !== "") rows.push({ line, fields: fieldsOf(trimmed, delimiter) });
    }
    return rows;
  };
  for await (const chunk of input as AsyncIterable<string>) {
    const text = rest + chunk;
    const end = text.lastIndexOf("\n");
    if (end >= 0) yield rowsOf(text.slice(0, end));
    rest = text.slice(end + 1);
    progress?.({ activity: `reading ${file}`, done: input.bytesRead, total, unit: "bytes" });
  }
  if (rest !== "") yield rowsOf(rest);
}

/** Most logs quote nothing, and splitting them is many times as fast as parsing them. */
function fieldsOf(line: string, delimiter: string): string[] {
  if (line.includes('"')) {
    const [fields] = parse(line, { delimiter, trim: true, relax_quotes: true, relax_column_count: true });
    return (fields as string[] | undefined) ?? [];
  }
  const fields = line.split(delimiter);
  for (let i = 0; i < fields.length; i++) fields[i] = fields[i]!.trim();
  return fields;
}

/** Size in bytes; throws an `InputError` where there is no such file. */
export function fileSize(file: string): number {
  try {
    return statSync(file).size;
  } catch {
    throw new InputError({
      place: { file },
      found: "no such file",
      expected: "a log of power or energy",
      remedy: "check the path; it is taken from the folder that the command runs in",
    });
  }
}
