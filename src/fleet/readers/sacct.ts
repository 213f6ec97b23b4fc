/**
 * Reads `sacct --parsable2` (or `--parsable`, or any `--delimiter`): with and without `--duplicates`, with steps, with
 * fields in any order, from Slurm 17 to 26. The recommended command is `SACCT_COMMAND`.
 */
import { availableParallelism } from "node:os";
import { InputError, type Supervision } from "../../core/index.ts";
import { AttemptTable } from "../attempts.ts";
import { dropRepeats } from "../repeats.ts";
import { decode } from "../texts.ts";
import { type FilePart, forEachLine, type LogSource, partsOfFile, sizeOf, sourceName } from "./lines.ts";
import { Reading, type ReadingOptions } from "./reading.ts";
import { expectedRows, FREE_TEXT, type Header } from "./row-splitter.ts";
import { type PartRows, readPartInThread } from "./sacct-part.ts";
import { RowReader, type Zones } from "./sacct-rows.ts";

/** What this reader can use, in one command; `-D` is what makes requeued attempts visible. */
export const SACCT_FIELDS = [
  "JobIDRaw",
  "JobID",
  "JobName",
  "User",
  "Account",
  "Partition",
  "QOS",
  "Submit",
  "Eligible",
  "Start",
  "End",
  "ElapsedRaw",
  "TimelimitRaw",
  "AllocNodes",
  "NodeList",
  "AllocTRES",
  "ReqTRES",
  "State",
  "ExitCode",
  "Priority",
  "Comment",
  "SubmitLine",
] as const;
export const SACCT_COMMAND = `sacct --allusers --allocations --duplicates --parsable2 --starttime START --endtime END --format=${SACCT_FIELDS.join(",")}`;

export interface SacctOptions extends ReadingOptions, Supervision {
  /** Zone of times without one: `UTC` (default), an IANA name, or an offset. */
  readonly timeZone?: string | undefined;
  /** Field names, for output of `--noheader`. */
  readonly fields?: readonly string[] | undefined;
  /** The table to append to, to read several files as one log. */
  readonly into?: AttemptTable | undefined;
  /**
   * Sees every row once; the row is let go when it returns false. With it a log of any length is summed up in the
   * memory of its dictionary.
   */
  readonly visit?: ((table: AttemptTable, row: number) => boolean) | undefined;
}

export interface AttemptLog {
  readonly attempts: AttemptTable;
  readonly reading: Reading;
  /** Fields the log does not have, by the names of `SACCT_FIELDS`. */
  readonly missing: readonly string[];
}

/** Names that other versions of Slurm use for the same field. */
const ALIASES: Readonly<Record<string, string>> = {
  NNodes: "AllocNodes",
  AllocGRES: "AllocTRES",
  ReqGRES: "ReqTRES",
  Elapsed: "ElapsedRaw",
  Timelimit: "TimelimitRaw",
  TimeLimit: "TimelimitRaw",
};
const KNOWN_FIELDS = [
  ...SACCT_FIELDS,
  ...FREE_TEXT,
  ...Object.keys(ALIASES),
  "Suspended",
  "FailedNode",
  "DBIndex",
];
const DELIMITERS = ["|", ",", ";", "\t", "^", "\u0001"];

/** A thread costs its start and the joining of its table to the others: a part must be worth that. */
const LEAST_PART_BYTES = 1 << 26;
/** Beyond this the joining, which is one thread's work, takes longer than the reading. */
const MOST_THREADS = 8;

/**
 * Reads a log of attempts. A large file is read by several threads, each a part of it; with `strict` or `visit`, which
 * need its rows in their order, by one. Throws an `InputError` on a header without the fields that make an attempt.
 */
export async function readSacct(source: LogSource, options: SacctOptions = {}): Promise<AttemptLog> {
  const threads = options.strict || options.visit ? 1 : Math.min(MOST_THREADS, availableParallelism());
  return readSacctParts(partsOfFile(source, threads, LEAST_PART_BYTES), options);
}

/** Reads a log of attempts in parts: the first here, each other in a thread of its own. */
export async function readSacctParts(
  [source, ...others]: readonly [LogSource, ...FilePart[]],
  options: SacctOptions,
): Promise<AttemptLog> {
  const file = sourceName(source);
  const reading = new Reading(file, options);
  const attempts = options.into ?? new AttemptTable();
  const firstRow = attempts.length;
  attempts.sources.push(file);
  const fileBytes = options.visit ? undefined : sizeOf(file);
  let rows: RowReader | undefined;
  let parts: Promise<PartRows[]> = Promise.resolve([]);
  const begin = (found: Header) => {
    rows = new RowReader(found, attempts, reading, options);
    // Room that is not used costs no memory.
    if (fileBytes) attempts.reserve(firstRow + expectedRows(fileBytes, found));
    const { timeZone, signal } = options;
    parts = Promise.all(others.map((part) => readPartInThread({ part, header: found, timeZone }, signal)));
    // Should the first part fail, nobody waits for the others.
    parts.catch(() => {});
  };
  if (options.fields) begin(header(options.fields, "|", file));
  reading.lines = await forEachLine(
    source,
    (bytes, start, end, line) => {
      if (rows) rows.line(bytes, start, end, line);
      else if (end === start) reading.pass("blank line");
      else begin(findHeader(decode(bytes, start, end), file, line));
    },
    (line) => reading.skip("the line is longer than 1 MiB", line, "", "a row of fields"),
    options,
  );
  if (!rows) {
    throw new InputError({
      place: { file },
      found: "an empty file",
      expected: "the output of sacct --parsable2 with its header",
      remedy: `run ${SACCT_COMMAND}`,
    });
  }
  const zones = [rows.zones];
  for (const part of await parts) {
    const { local, zoned } = part.zones;
    zones.push({ local: local && local + reading.lines, zoned: zoned && zoned + reading.lines });
    attempts.appendColumns(part.attempts, reading.lines);
    reading.append(part.reading);
  }
  noteMixedZones(zones, reading);
  dropRepeats(attempts, (row) => {
    const job = attempts.jobText(attempts.job[row]!);
    reading.mend("the same attempt twice: the later row is used", attempts.line[row]!, `job ${job}`);
  });
  reading.kept += attempts.length - firstRow;
  const { fields } = rows;
  return { attempts, reading, missing: SACCT_FIELDS.filter((field) => !fields.includes(field)) };
}

function noteMixedZones(zones: readonly Zones[], reading: Reading): void {
  const [local, zoned] = (["local", "zoned"] as const).map((kind) =>
    zones.map((part) => part[kind]).find((line) => line !== undefined),
  );
  if (local === undefined || zoned === undefined) return;
  reading.mend("times with a zone and times without one in the same log", Math.max(local, zoned), "");
}

function header(names: readonly string[], delimiter: string, file: string): Header {
  const fields = names.map((name) => {
    // `--format=JobName%30` prints a width that is no part of the name.
    const plain = name.trim().replace(/%-?\d+$/, "");
    const known = KNOWN_FIELDS.find((field) => field.toLowerCase() === plain.toLowerCase()) ?? plain;
    return ALIASES[known] ?? known;
  });
  const missing = [
    ...(fields.includes("JobIDRaw") || fields.includes("JobID") ? [] : ["JobIDRaw"]),
    ...["State", "Start"].filter((field) => !fields.includes(field)),
    ...(fields.includes("End") || fields.includes("ElapsedRaw") ? [] : ["End"]),
  ];
  if (missing.length > 0) {
    throw new InputError({
      place: { file, line: 1 },
      found: `a header without ${missing.join(", ")}`,
      expected: "at least JobIDRaw, State, Start and End",
      remedy: `run ${SACCT_COMMAND}`,
    });
  }
  return { fields, delimiter: delimiter.charCodeAt(0) };
}

function findHeader(text: string, file: string, line: number): Header {
  const known = new Set(KNOWN_FIELDS.map((field) => field.toLowerCase()));
  const count = (delimiter: string) =>
    text.split(delimiter).filter((name) =>
      known.has(
        name
          .trim()
          .replace(/%-?\d+$/, "")
          .toLowerCase(),
      ),
    ).length;
  const delimiter = DELIMITERS.reduce((best, next) => (count(next) > count(best) ? next : best));
  if (count(delimiter) < 2) {
    throw new InputError({
      place: { file, line },
      found: `"${text.slice(0, 100)}"`,
      expected: "a header of sacct's field names separated by |",
      remedy: `run ${SACCT_COMMAND}, or give the field names where it was run with --noheader`,
    });
  }
  const names = text.split(delimiter);
  // --parsable ends each line with a delimiter.
  return header(names.at(-1) === "" ? names.slice(0, -1) : names, delimiter, file);
}
