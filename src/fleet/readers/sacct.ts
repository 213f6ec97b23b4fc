/**
 * Reads `sacct --parsable2` (or `--parsable`, or any `--delimiter`): with and without `--duplicates`, with steps, with
 * fields in any order, from Slurm 17 to 26. The recommended command is `SACCT_COMMAND`.
 */
import { InputError, type Supervision } from "../../core/index.ts";
import { AttemptTable, dropRepeats } from "../attempts.ts";
import { decode } from "../texts.ts";
import { forEachLine, type LogSource, sourceName } from "./lines.ts";
import { Reading, type ReadingOptions } from "./reading.ts";
import { FREE_TEXT, type Header, RowReader } from "./sacct-rows.ts";

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

/** Reads a log of attempts. Throws an `InputError` on a header without the fields that make an attempt. */
export async function readSacct(source: LogSource, options: SacctOptions = {}): Promise<AttemptLog> {
  const file = sourceName(source);
  const reading = new Reading(file, options);
  const attempts = options.into ?? new AttemptTable();
  const firstRow = attempts.length;
  attempts.sources.push(file);
  const rowReader = (found: Header) => new RowReader(found, attempts, reading, options);
  let rows = options.fields && rowReader(header(options.fields, "|", file));
  reading.lines = await forEachLine(
    source,
    (bytes, start, end, line) => {
      if (end === start) reading.pass("blank line");
      else if (rows) rows.read(bytes, start, end, line);
      else rows = rowReader(findHeader(decode(bytes, start, end), file, line));
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
  rows.finish();
  dropRepeats(attempts, (row) => {
    const job = attempts.jobText(attempts.job[row]!);
    reading.mend("the same attempt twice: the later row is used", attempts.line[row]!, `job ${job}`);
  });
  reading.kept += attempts.length - firstRow;
  const { fields } = rows;
  return { attempts, reading, missing: SACCT_FIELDS.filter((field) => !fields.includes(field)) };
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
