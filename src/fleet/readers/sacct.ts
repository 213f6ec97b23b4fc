/**
 * Reads `sacct --parsable2` (or `--parsable`, or any `--delimiter`): with and without `--duplicates`, with steps, with
 * fields in any order, from Slurm 17 to 26. The recommended command is `SACCT_COMMAND`.
 */
import { InputError, type Supervision, suggest } from "../../core/index.ts";
import { AttemptTable, dropRepeats } from "../attempts.ts";
import { parseState, STATE_CODE } from "../states.ts";
import { decode } from "../texts.ts";
import { countOf, gpusOf, parseExitCode, parseJobId } from "./fields.ts";
import { forEachLine, type LogSource, sourceName } from "./lines.ts";
import { Reading, type ReadingOptions } from "./reading.ts";
import { MALFORMED, parseDuration, TimeReader, WallClock } from "./times.ts";

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

/** Free text, where a delimiter may stand inside a value. */
const FREE_TEXT = [
  "SubmitLine",
  "Comment",
  "AdminComment",
  "SystemComment",
  "JobName",
  "WorkDir",
  "Reason",
  "Extra",
];
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
  let rows = options.fields
    ? new RowReader(header(options.fields, "|", file), attempts, reading, options)
    : undefined;
  reading.lines = await forEachLine(
    source,
    (bytes, start, end, line) => {
      if (end === start) reading.pass("blank line");
      else if (rows) rows.read(bytes, start, end, line);
      else
        rows = new RowReader(findHeader(decode(bytes, start, end), file, line), attempts, reading, options);
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
  return { attempts, reading, missing: rows.missing };
}

interface Header {
  readonly fields: readonly string[];
  readonly delimiter: number;
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
      remedy: fields.some((field) => missing.includes(field))
        ? suggest(missing[0]!, fields)
        : `run ${SACCT_COMMAND}`,
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

/** Most fields that one row may hold beyond its header's, for delimiters inside free text. */
const EXTRA_FIELDS = 256;

class RowReader {
  readonly missing: readonly string[];
  readonly #fields: readonly string[];
  readonly #delimiter: number;
  readonly #table: AttemptTable;
  readonly #reading: Reading;
  readonly #visit: SacctOptions["visit"];
  readonly #time: TimeReader;
  readonly #columns: Readonly<Record<string, number>>;
  readonly #freeText: readonly number[];
  /** Start of each field of the row being read; one more holds the end. */
  readonly #starts: Int32Array;
  readonly #timeColumns: readonly Column<(typeof TIME_FIELDS)[number]["column"]>[];
  readonly #textColumns: readonly Column<(typeof TEXT_FIELDS)[number]["column"]>[];
  /** By the code of the text, so that each spelling is read once. */
  readonly #states: number[] = [];
  #lastState = 0;
  readonly #resources: { gpus: number; nodes: number | undefined }[] = [];
  #lastResources = 0;
  #firstLocal: number | undefined;
  #firstZoned: number | undefined;

  constructor({ fields, delimiter }: Header, table: AttemptTable, reading: Reading, options: SacctOptions) {
    this.#fields = fields;
    this.#delimiter = delimiter;
    this.#table = table;
    this.#reading = reading;
    this.#visit = options.visit;
    this.#time = new TimeReader(new WallClock(options.timeZone));
    this.#columns = Object.fromEntries(fields.map((field, index) => [field, index]));
    this.#timeColumns = present(TIME_FIELDS, this.#columns);
    this.#textColumns = present(TEXT_FIELDS, this.#columns);
    this.#freeText = FREE_TEXT.map((field) => this.#columns[field]).filter((index) => index !== undefined);
    this.#starts = new Int32Array(fields.length + EXTRA_FIELDS + 1);
    this.missing = SACCT_FIELDS.filter((field) => !(field in this.#columns));
  }

  read(bytes: Buffer, start: number, end: number, line: number): void {
    const wanted = this.#fields.length;
    let count = this.#split(bytes, start, end);
    if (count === wanted + 1 && this.#starts[wanted] === end) count = wanted;
    if (count < wanted) {
      const shown = decode(bytes, start, end);
      this.#reading.skip(
        "fewer fields than the header (cut short, or another delimiter)",
        line,
        shown,
        `${wanted} fields`,
      );
      return;
    }
    if (count > wanted && !this.#realign(bytes, count)) {
      this.#reading.skip(
        "more fields than the header, and no free text explains them",
        line,
        decode(bytes, start, end),
        `${wanted} fields`,
      );
      return;
    }
    if (count > wanted) this.#reading.mend("a delimiter inside free text", line, decode(bytes, start, end));
    this.#row(bytes, line);
  }

  /** What can only be said after the last row. */
  finish(): void {
    if (this.#firstLocal !== undefined && this.#firstZoned !== undefined) {
      const line = Math.max(this.#firstLocal, this.#firstZoned);
      this.#reading.mend("times with a zone and times without one in the same log", line, "");
    }
  }

  #split(bytes: Buffer, start: number, end: number): number {
    const starts = this.#starts;
    const delimiter = this.#delimiter;
    let count = 1;
    starts[0] = start;
    for (let i = start; i < end; i++) {
      if (bytes[i] !== delimiter) continue;
      if (count === starts.length - 1) return Number.POSITIVE_INFINITY;
      starts[count++] = i + 1;
    }
    starts[count] = end + 1;
    return count;
  }

  /**
   * Gives the fields too many to the free-text field that leaves every typed field readable. Where several do, the
   * one most likely to hold a pipe (the command line, then comments) is taken.
   */
  #realign(bytes: Buffer, count: number): boolean {
    if (!Number.isFinite(count)) return false;
    const surplus = count - this.#fields.length;
    const split = this.#starts.slice(0, count + 1);
    for (const field of this.#freeText) {
      for (let i = 0; i <= this.#fields.length; i++) this.#starts[i] = split[i <= field ? i : i + surplus]!;
      if (this.#readable(bytes)) return true;
    }
    return false;
  }

  #readable(bytes: Buffer): boolean {
    const field = (name: string) => this.#text(bytes, name);
    const id = field("JobIDRaw") ?? field("JobID");
    if (id === undefined || !parseJobId(id) || !parseState(field("State")!)) return false;
    return ["Submit", "Eligible", "Start", "End"].every((name) => {
      const text = field(name);
      return text === undefined || new TimeReader(new WallClock()).text(text) !== MALFORMED;
    });
  }

  #text(bytes: Buffer, field: string): string | undefined {
    const index = this.#columns[field];
    return index === undefined
      ? undefined
      : decode(bytes, this.#starts[index]!, this.#starts[index + 1]! - 1);
  }

  #row(bytes: Buffer, line: number): void {
    const { JobIDRaw, JobID } = this.#columns;
    const starts = this.#starts;
    const idColumn = (JobIDRaw ?? JobID)!;
    const plainId = wholeNumber(bytes, starts[idColumn]!, starts[idColumn + 1]! - 1);
    let job = plainId;
    if (plainId < 0) {
      const id = parseJobId(decode(bytes, starts[idColumn]!, starts[idColumn + 1]! - 1));
      if (!id) {
        this.#reading.skip(
          "the job id cannot be read",
          line,
          this.#whole(bytes),
          "a number, 12_3 or 12.batch",
        );
        return;
      }
      if (id.isStep) {
        this.#reading.pass("job step");
        return;
      }
      job = Number(id.base);
    }
    const state = this.#state(bytes);
    if (state === UNREADABLE) {
      this.#reading.skip("the state is unknown", line, this.#whole(bytes), "one of Slurm's job states");
      return;
    }

    const table = this.#table;
    const row = table.append();
    table.job[row] = job;
    table.line[row] = line;
    table.state[row] = state;
    if (!this.#times(bytes, row, line)) {
      table.removeLast();
      return;
    }
    this.#arrayTask(bytes, row);
    this.#texts(bytes, row);
    this.#size(bytes, row);
    const priority = this.#columns.Priority;
    if (priority !== undefined) {
      const value = wholeNumber(bytes, starts[priority]!, starts[priority + 1]! - 1);
      if (value >= 0) table.priority[row] = value;
    }
    const exit = this.#columns.ExitCode;
    // Almost every job ends with 0:0.
    if (exit !== undefined && bytes.compare(ZERO_EXIT, 0, 3, starts[exit]!, starts[exit + 1]! - 1) !== 0) {
      const status = parseExitCode(this.#text(bytes, "ExitCode")!);
      table.exitCode[row] = status.code;
      table.signal[row] = status.signal;
    }
    if (this.#visit && !this.#visit(table, row)) {
      table.removeLast();
      this.#reading.kept++;
    }
  }

  #whole(bytes: Buffer): string {
    return decode(bytes, this.#starts[0]!, this.#starts[this.#fields.length]! - 1);
  }

  /** The code of the row's state, or `UNREADABLE`. */
  #state(bytes: Buffer): number {
    const index = this.#columns.State!;
    const { texts } = this.#table;
    const text = texts.codeOfBytes(
      bytes,
      this.#starts[index]!,
      this.#starts[index + 1]! - 1,
      this.#lastState,
    );
    this.#lastState = text;
    let state = this.#states[text];
    if (state === undefined) {
      const parsed = parseState(texts.text(text));
      state = parsed === undefined ? UNREADABLE : STATE_CODE[parsed];
      this.#states[text] = state;
    }
    return state;
  }

  #times(bytes: Buffer, row: number, line: number): boolean {
    const table = this.#table;
    const starts = this.#starts;
    const { zoned, local } = this.#time;
    for (const { field, index, column } of this.#timeColumns) {
      const seconds = this.#time.field(bytes, starts[index]!, starts[index + 1]! - 1);
      if (seconds === MALFORMED) {
        this.#reading.skip(
          `${field} is not a time`,
          line,
          this.#whole(bytes),
          "2026-11-22T20:05:26, Unknown or None",
        );
        return false;
      }
      table[column][row] = seconds;
    }
    if (this.#time.zoned > zoned) this.#firstZoned ??= line;
    if (this.#time.local > local) this.#firstLocal ??= line;

    const elapsed = this.#columns.ElapsedRaw;
    const start = table.start[row]!;
    const end = table.end[row]!;
    if (elapsed !== undefined) {
      const raw = wholeNumber(bytes, starts[elapsed]!, starts[elapsed + 1]! - 1);
      table.elapsedSeconds[row] = raw >= 0 ? raw : parseDuration(this.#text(bytes, "ElapsedRaw")!);
      if (this.#columns.End === undefined) table.end[row] = start + table.elapsedSeconds[row]!;
    } else if (end >= start) {
      table.elapsedSeconds[row] = end - start;
    }
    const shift = end - start - table.elapsedSeconds[row]!;
    // A clock change, or an end in another zone, shows as whole quarters of an hour between the two accounts.
    if (elapsed !== undefined && shift !== 0 && shift % 900 === 0 && !this.#suspended(bytes)) {
      table.end[row] = start + table.elapsedSeconds[row]!;
      this.#reading.mend(
        "End differs from Start + Elapsed by whole quarter hours (a clock change or a second time zone): Elapsed is used",
        line,
        this.#whole(bytes),
      );
      return true;
    }
    if (end < start) {
      this.#reading.skip("End is before Start", line, this.#whole(bytes), "End at or after Start");
      return false;
    }
    return true;
  }

  #suspended(bytes: Buffer): boolean {
    const text = this.#text(bytes, "Suspended");
    return text !== undefined && parseDuration(text) > 0;
  }

  #arrayTask(bytes: Buffer, row: number): void {
    const index = this.#columns.JobID;
    if (index === undefined) return;
    const start = this.#starts[index]!;
    const end = this.#starts[index + 1]! - 1;
    if (wholeNumber(bytes, start, end) >= 0) return;
    const id = parseJobId(decode(bytes, start, end));
    if (!id?.inArray) return;
    this.#table.arrayJob[row] = Number(id.base);
    this.#table.arrayTask[row] = id.arrayTask ?? -1;
  }

  #texts(bytes: Buffer, row: number): void {
    const table = this.#table;
    for (const { index, column } of this.#textColumns) {
      const start = this.#starts[index]!;
      const end = this.#starts[index + 1]! - 1;
      if (start < end) {
        const codes = table[column];
        codes[row] = table.texts.codeOfBytes(bytes, start, end, row === 0 ? 0 : codes[row - 1]);
      }
    }
    const index = this.#columns.TimelimitRaw;
    if (index === undefined) return;
    const minutes = wholeNumber(bytes, this.#starts[index]!, this.#starts[index + 1]! - 1);
    table.timeLimitSeconds[row] =
      minutes >= 0 ? minutes * 60 : parseDuration(this.#text(bytes, "TimelimitRaw")!);
  }

  #size(bytes: Buffer, row: number): void {
    const table = this.#table;
    const allocated = this.#resourceCounts(bytes, "AllocTRES");
    // A job that never started has only what it asked for.
    const resources =
      allocated?.gpus || allocated?.nodes ? allocated : this.#resourceCounts(bytes, "ReqTRES");
    table.accelerators[row] = resources?.gpus ?? 0;
    const index = this.#columns.AllocNodes;
    const nodes =
      index === undefined ? -1 : wholeNumber(bytes, this.#starts[index]!, this.#starts[index + 1]! - 1);
    table.nodes[row] = nodes > 0 ? nodes : (resources?.nodes ?? 1);
  }

  #resourceCounts(bytes: Buffer, field: string): { gpus: number; nodes: number | undefined } | undefined {
    const index = this.#columns[field];
    if (index === undefined) return undefined;
    const [start, end] = [this.#starts[index]!, this.#starts[index + 1]! - 1];
    const code = this.#table.texts.codeOfBytes(bytes, start, end, this.#lastResources);
    this.#lastResources = code;
    let counts = this.#resources[code];
    if (!counts) {
      const text = this.#table.texts.text(code);
      counts = { gpus: gpusOf(text), nodes: countOf(text, "node") };
      this.#resources[code] = counts;
    }
    return counts;
  }
}

const ZERO_EXIT = Buffer.from("0:0");
const UNREADABLE = -1;
const TIME_FIELDS = [
  { field: "Submit", column: "submit" },
  { field: "Eligible", column: "eligible" },
  { field: "Start", column: "start" },
  { field: "End", column: "end" },
] as const;
const TEXT_FIELDS = [
  { field: "JobName", column: "name" },
  { field: "User", column: "user" },
  { field: "Account", column: "account" },
  { field: "Partition", column: "partition" },
  { field: "QOS", column: "qos" },
  { field: "Comment", column: "comment" },
  { field: "NodeList", column: "nodeList" },
  { field: "FailedNode", column: "failedNode" },
] as const;

/** A field that the log has: where it stands in a row, and the column of the table that it fills. */
interface Column<C extends string> {
  readonly field: string;
  readonly column: C;
  readonly index: number;
}

function present<C extends string>(
  fields: readonly { readonly field: string; readonly column: C }[],
  columns: Readonly<Record<string, number>>,
): Column<C>[] {
  return fields.flatMap(({ field, column }) => {
    const index = columns[field];
    return index === undefined ? [] : [{ field, column, index }];
  });
}

/** A plain whole number, or -1 where the field is anything else. */
function wholeNumber(bytes: Buffer, start: number, end: number): number {
  if (start === end || end - start > 15) return -1;
  let value = 0;
  for (let i = start; i < end; i++) {
    const digit = bytes[i]! - 48;
    if (digit < 0 || digit > 9) return -1;
    value = value * 10 + digit;
  }
  return value;
}
