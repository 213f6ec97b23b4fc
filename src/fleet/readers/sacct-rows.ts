/** One row of sacct's output at a time, from bytes into the table of attempts. Knows the fields, not the header's text. */
import type { AttemptTable } from "../attempts.ts";
import { parseState, STATE_CODE } from "../states.ts";
import { decode, recentCodes } from "../texts.ts";
import { countOf, type ExitStatus, gpusOf, parseExitCode, parseJobId } from "./fields.ts";
import type { Reading } from "./reading.ts";
import { type Header, RowSplitter } from "./row-splitter.ts";
import { Spellings } from "./spellings.ts";
import { MALFORMED, parseDuration, TimeReader, WallClock } from "./times.ts";

/** The first lines whose times carry a zone, and that have some without: a log with both mixes two conventions. */
export interface Zones {
  readonly local: number | undefined;
  readonly zoned: number | undefined;
}

export interface RowOptions {
  readonly timeZone?: string | undefined;
  /** Sees every row once; the row is let go when it returns false. */
  readonly visit?: ((table: AttemptTable, row: number) => boolean) | undefined;
}

export class RowReader {
  readonly fields: readonly string[];
  readonly #table: AttemptTable;
  readonly #reading: Reading;
  readonly #visit: RowOptions["visit"];
  readonly #time: TimeReader;
  readonly #columns: Readonly<Record<string, number>>;
  readonly #splitter: RowSplitter;
  /** Where the fields of the row at hand begin. */
  readonly #starts: Int32Array;
  readonly #timeColumns: readonly Column<(typeof TIME_FIELDS)[number]["column"], Float64Array>[];
  readonly #textColumns: readonly Column<(typeof TEXT_FIELDS)[number]["column"], Int32Array>[];
  readonly #states: Spellings<number>;
  readonly #resources: Spellings<{ gpus: number; nodes: number | undefined }>;
  readonly #exits: Spellings<ExitStatus>;
  #capacity = 0;
  #firstLocal: number | undefined;
  #firstZoned: number | undefined;

  constructor(header: Header, table: AttemptTable, reading: Reading, options: RowOptions) {
    const { fields } = header;
    this.fields = fields;
    this.#splitter = new RowSplitter(header);
    this.#starts = this.#splitter.starts;
    this.#table = table;
    this.#reading = reading;
    this.#visit = options.visit;
    this.#time = new TimeReader(new WallClock(options.timeZone));
    this.#columns = Object.fromEntries(fields.map((field, index) => [field, index]));
    this.#states = new Spellings(table.texts, (text) => {
      const state = parseState(text);
      return state === undefined ? UNREADABLE : STATE_CODE[state];
    });
    this.#resources = new Spellings(table.texts, (text) => ({
      gpus: gpusOf(text),
      nodes: countOf(text, "node"),
    }));
    this.#exits = new Spellings(table.texts, parseExitCode);
    this.#timeColumns = present(TIME_FIELDS, this.#columns, new Float64Array());
    this.#textColumns = present(TEXT_FIELDS, this.#columns, new Int32Array());
  }

  /** Reads a line: a row, or nothing at all. */
  line(bytes: Buffer, start: number, end: number, line: number): void {
    if (end === start) this.#reading.pass("blank line");
    else this.#read(bytes, start, end, line);
  }

  tooLong(line: number): void {
    this.#reading.skip("the line is longer than 1 MiB", line, "", "a row of fields");
  }

  get zones(): Zones {
    return { local: this.#firstLocal, zoned: this.#firstZoned };
  }

  #read(bytes: Buffer, start: number, end: number, line: number): void {
    const wanted = this.fields.length;
    let count = this.#splitter.split(bytes, start, end);
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
    if (count > wanted && !this.#splitter.realign(count, () => this.#readable(bytes))) {
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
      // Without JobIDRaw the tasks of an array and the parts of a heterogeneous job are told apart by their text.
      job = JobIDRaw === undefined ? this.#table.jobCode(this.#text(bytes, "JobID")!) : Number(id.base);
    }
    const stateColumn = this.#columns.State!;
    const state = this.#states.read(bytes, starts[stateColumn]!, starts[stateColumn + 1]! - 1);
    if (state === UNREADABLE) {
      this.#reading.skip("the state is unknown", line, this.#whole(bytes), "one of Slurm's job states");
      return;
    }

    const table = this.#table;
    const row = table.append();
    if (table.capacity !== this.#capacity) this.#columnsMoved();
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
    if (exit !== undefined) {
      const status = this.#exits.read(bytes, starts[exit]!, starts[exit + 1]! - 1);
      table.exitCode[row] = status.code;
      table.signal[row] = status.signal;
    }
    if (this.#visit && !this.#visit(table, row)) {
      table.removeLast();
      this.#reading.kept++;
    }
  }

  /** A table that grows has its columns elsewhere. They are held here since finding one by its name takes long. */
  #columnsMoved(): void {
    this.#capacity = this.#table.capacity;
    for (const field of this.#timeColumns) field.values = this.#table[field.column];
    for (const field of this.#textColumns) field.values = this.#table[field.column];
  }

  #whole(bytes: Buffer): string {
    return decode(bytes, this.#starts[0]!, this.#starts[this.fields.length]! - 1);
  }

  #times(bytes: Buffer, row: number, line: number): boolean {
    const table = this.#table;
    const starts = this.#starts;
    const { zoned, local } = this.#time;
    for (const { field, index, values } of this.#timeColumns) {
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
      values[row] = seconds;
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
    for (const { index, values, recent } of this.#textColumns) {
      const start = this.#starts[index]!;
      const end = this.#starts[index + 1]! - 1;
      if (start < end) values[row] = table.texts.codeOfBytes(bytes, start, end, recent);
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
    return this.#resources.read(bytes, this.#starts[index]!, this.#starts[index + 1]! - 1);
  }
}

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
interface Column<C extends string, V> {
  readonly field: string;
  readonly column: C;
  readonly index: number;
  values: V;
  /** The codes that a column of texts had last. */
  readonly recent: Int32Array;
}

function present<C extends string, V>(
  fields: readonly { readonly field: string; readonly column: C }[],
  columns: Readonly<Record<string, number>>,
  values: V,
): Column<C, V>[] {
  return fields.flatMap(({ field, column }) => {
    const index = columns[field];
    return index === undefined ? [] : [{ field, column, index, values, recent: recentCodes() }];
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
