/** Rows of a large CSV file as they are read, so that a log of any length can be summed. */
import { createReadStream, statSync } from "node:fs";
import { parse } from "csv-parse";
import { InputError, type Supervision } from "../core/index.ts";

export interface StreamedRow {
  /** 1-based line of the file. */
  readonly line: number;
  readonly fields: readonly string[];
}

/** Yields the header first. Throws an `InputError` where the file is missing or is no CSV. */
export async function* streamCsv(
  file: string,
  delimiter: string,
  supervision: Supervision = {},
): AsyncGenerator<StreamedRow> {
  const total = fileSize(file);
  const input = createReadStream(file, { signal: supervision.signal });
  const parser = input.pipe(
    parse({
      delimiter,
      info: true,
      trim: true,
      bom: true,
      relax_column_count: true,
      relax_quotes: true,
      skip_empty_lines: true,
    }),
  );
  input.on("error", (error) => parser.destroy(error));
  let count = 0;
  for await (const { info, record } of parser as AsyncIterable<{
    info: { lines: number };
    record: string[];
  }>) {
    if (++count % 20_000 === 0) {
      supervision.progress?.({ activity: `reading ${file}`, done: input.bytesRead, total, unit: "bytes" });
    }
    yield { line: info.lines, fields: record };
  }
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
