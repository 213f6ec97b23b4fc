/**
 * The table of attempts that every reader of job logs fills: one row for each time a job was scheduled, in columns of
 * numbers so that ten million rows fit in a gigabyte. A requeued job has one row for each attempt, under the same id.
 */
import { STATE_CODE, STATES, type State } from "./states.ts";
import { Texts } from "./texts.ts";

/** One attempt as an object. Times are seconds since 1970 UTC; NaN where the log has none. */
export interface Attempt {
  readonly job: string;
  /** Array job and task (`12` and `1` of `12_1`); undefined outside arrays. */
  readonly arrayJob: string | undefined;
  readonly arrayTask: number | undefined;
  readonly name: string;
  readonly user: string;
  readonly account: string;
  readonly partition: string;
  readonly qos: string;
  readonly comment: string;
  readonly submit: number;
  readonly eligible: number;
  readonly start: number;
  readonly end: number;
  /** Time that the attempt ran, suspension excluded. */
  readonly elapsedSeconds: number;
  /** Requested limit; NaN where there is none. */
  readonly timeLimitSeconds: number;
  readonly nodes: number;
  readonly accelerators: number;
  readonly nodeList: string;
  readonly state: State;
  readonly exitCode: number;
  readonly signal: number;
  readonly priority: number;
  /** The node that failed, where the log itself says so (Slurm 26 and up, slurmctld's log). */
  readonly failedNode: string | undefined;
}

/** An attempt as a reader knows it: whatever its log says. */
export type AttemptFields = Pick<Attempt, "job" | "state"> & {
  readonly [Field in Exclude<keyof Attempt, "job" | "state">]?: Attempt[Field] | undefined;
} & { readonly line?: number | undefined };

const FLOAT_COLUMNS = [
  "submit",
  "eligible",
  "start",
  "end",
  "elapsedSeconds",
  "timeLimitSeconds",
  "priority",
] as const;
const TEXT_COLUMNS = [
  "name",
  "user",
  "account",
  "partition",
  "qos",
  "comment",
  "nodeList",
  "failedNode",
] as const;
const COUNT_COLUMNS = ["nodes", "accelerators", "exitCode", "signal", "arrayTask", "line"] as const;

type FloatColumn = (typeof FLOAT_COLUMNS)[number];
type TextColumn = (typeof TEXT_COLUMNS)[number];
type CountColumn = (typeof COUNT_COLUMNS)[number];

/** A table as plain data, which threads can hand to each other. */
export interface AttemptColumns {
  readonly length: number;
  readonly columns: Readonly<Record<(typeof ALL_COLUMNS)[number], Float64Array | Int32Array | Uint8Array>>;
  /** What the codes of the text columns stand for. */
  readonly texts: readonly string[];
}

/** Attempts in columns. Text columns hold codes of the table's dictionary. */
export class AttemptTable {
  /** Dictionary of all text columns. */
  readonly texts = new Texts();
  /** Files or systems the attempts come from. */
  readonly sources: string[] = [];
  #length = 0;
  #capacity = 1024;
  /** Rows before this one hold what was written to them or what is absent; it goes ahead of the length in steps. */
  #blank = 0;
  #index: JobIndex | undefined;

  /** Numeric ids as themselves; others as -1 - (code of the text). */
  job = new Float64Array(1024);
  arrayJob = new Float64Array(1024);
  state = new Uint8Array(1024);

  submit = new Float64Array(1024);
  eligible = new Float64Array(1024);
  start = new Float64Array(1024);
  end = new Float64Array(1024);
  elapsedSeconds = new Float64Array(1024);
  timeLimitSeconds = new Float64Array(1024);
  priority = new Float64Array(1024);

  name = new Int32Array(1024);
  user = new Int32Array(1024);
  account = new Int32Array(1024);
  partition = new Int32Array(1024);
  qos = new Int32Array(1024);
  comment = new Int32Array(1024);
  nodeList = new Int32Array(1024);
  failedNode = new Int32Array(1024);

  nodes = new Int32Array(1024);
  accelerators = new Int32Array(1024);
  exitCode = new Int32Array(1024);
  signal = new Int32Array(1024);
  arrayTask = new Int32Array(1024);
  /** Line of the log, 0 where it has no lines. */
  line = new Int32Array(1024);

  /** Rows that there is room for; the columns are other arrays when it has changed. */
  get capacity(): number {
    return this.#capacity;
  }

  get length(): number {
    return this.#length;
  }

  /** The rows by job; made at the first asking, and again where rows came or went since. */
  get index(): JobIndex {
    this.#index ??= new JobIndex(this);
    return this.#index;
  }

  /** Makes room for `rows` rows in all, for a reader that knows about how many there will be. */
  reserve(rows: number): void {
    if (rows > this.#capacity) this.#resize(rows);
  }

  /** Adds an empty row and returns its number; the caller sets its columns. */
  append(): number {
    if (this.#length === this.#capacity) this.#resize(2 * this.#capacity);
    if (this.#length === this.#blank) this.#blankAhead();
    this.#index = undefined;
    return this.#length++;
  }

  /** Adds an attempt given as an object; what is left out is absent. For readers that are not in a hurry. */
  add(attempt: AttemptFields): number {
    const row = this.append();
    this.job[row] = this.jobCode(attempt.job);
    this.state[row] = STATE_CODE[attempt.state];
    if (attempt.arrayJob !== undefined) this.arrayJob[row] = this.jobCode(attempt.arrayJob);
    if (attempt.arrayTask !== undefined) this.arrayTask[row] = attempt.arrayTask;
    for (const column of FLOAT_COLUMNS) this[column][row] = attempt[column] ?? Number.NaN;
    for (const column of TEXT_COLUMNS) this[column][row] = this.texts.code(attempt[column] ?? "");
    this.nodes[row] = attempt.nodes ?? 1;
    this.accelerators[row] = attempt.accelerators ?? 0;
    this.exitCode[row] = attempt.exitCode ?? 0;
    this.signal[row] = attempt.signal ?? 0;
    this.line[row] = attempt.line ?? 0;
    if (Number.isNaN(this.elapsedSeconds[row]!)) {
      this.elapsedSeconds[row] = this.end[row]! - this.start[row]!;
    }
    return row;
  }

  /** The columns themselves, not a copy: the table must not be used after they were handed on. */
  toColumns(): AttemptColumns {
    const columns = Object.fromEntries(ALL_COLUMNS.map((column) => [column, this[column]]));
    return { length: this.#length, columns: columns as AttemptColumns["columns"], texts: this.texts.all() };
  }

  /** Adds the rows of another table; `lines` is added to their lines. */
  appendColumns({ length, columns, texts }: AttemptColumns, lines: number): void {
    const first = this.#length;
    if (first + length > this.#capacity) this.#resize(first + length);
    const codes = Int32Array.from(texts, (text) => this.texts.code(text));
    this.#length += length;
    this.#blank = Math.max(this.#blank, this.#length);
    this.#index = undefined;
    const textColumns: ReadonlySet<string> = new Set(TEXT_COLUMNS);
    for (const column of ALL_COLUMNS) {
      const [from, to] = [columns[column], this[column]];
      if (textColumns.has(column)) {
        for (let row = 0; row < length; row++) to[first + row] = codes[from[row]!]!;
      } else if (column === "job" || column === "arrayJob") {
        for (let row = 0; row < length; row++) {
          const id = from[row]!;
          to[first + row] = id < 0 ? -1 - codes[-1 - id]! : id;
        }
      } else if (column === "line") {
        for (let row = 0; row < length; row++) to[first + row] = from[row]! + lines;
      } else to.set(from.subarray(0, length), first);
    }
  }

  /** Takes back the last row. */
  removeLast(): void {
    this.#length--;
    this.#index = undefined;
    for (const column of ALL_COLUMNS) this[column][this.#length] = absent(column);
  }

  jobCode(id: string): number {
    return /^\d{1,15}$/.test(id) ? Number(id) : -1 - this.texts.code(id);
  }

  jobText(code: number): string {
    return code >= 0 ? String(code) : this.texts.text(-1 - code);
  }

  stateOf(row: number): State {
    return STATES[this.state[row]!]!;
  }

  is(row: number, state: State): boolean {
    return this.state[row] === STATE_CODE[state];
  }

  row(row: number): Attempt {
    const text = (column: TextColumn) => this.texts.text(this[column][row]!);
    const count = (column: CountColumn) => this[column][row]!;
    const float = (column: FloatColumn) => this[column][row]!;
    const inArray = !Number.isNaN(this.arrayJob[row]!);
    return {
      job: this.jobText(this.job[row]!),
      arrayJob: inArray ? this.jobText(this.arrayJob[row]!) : undefined,
      arrayTask: count("arrayTask") < 0 ? undefined : count("arrayTask"),
      name: text("name"),
      user: text("user"),
      account: text("account"),
      partition: text("partition"),
      qos: text("qos"),
      comment: text("comment"),
      submit: float("submit"),
      eligible: float("eligible"),
      start: float("start"),
      end: float("end"),
      elapsedSeconds: float("elapsedSeconds"),
      timeLimitSeconds: float("timeLimitSeconds"),
      nodes: count("nodes"),
      accelerators: count("accelerators"),
      nodeList: text("nodeList"),
      state: this.stateOf(row),
      exitCode: count("exitCode"),
      signal: count("signal"),
      priority: float("priority"),
      failedNode: text("failedNode") || undefined,
    };
  }

  /** All rows as objects; for small tables and tests. */
  rows(): Attempt[] {
    return Array.from({ length: this.#length }, (_, row) => this.row(row));
  }

  /** Attempts by state, for the states that occur. */
  byState(): Partial<Record<State, number>> {
    const counts = new Float64Array(STATES.length);
    for (let row = 0; row < this.#length; row++) counts[this.state[row]!]!++;
    return Object.fromEntries(
      STATES.map((state, code) => [state, counts[code]!]).filter(([, count]) => count !== 0),
    );
  }

  /** Keeps the rows for which `keep` holds, in order. Returns how many were removed. */
  filter(keep: (row: number) => boolean): number {
    let to = 0;
    for (let from = 0; from < this.#length; from++) {
      if (!keep(from)) continue;
      if (to !== from) {
        for (const column of ALL_COLUMNS) this[column][to] = this[column][from]!;
      }
      to++;
    }
    const removed = this.#length - to;
    while (this.#length > to) this.removeLast();
    return removed;
  }

  /** Texts and counts are 0 where nothing writes to them; times have no such value, and a task may be number 0. */
  #blankAhead(): void {
    const from = this.#blank;
    this.#blank = Math.min(from + BLANK_ROWS, this.#capacity);
    for (const column of ALL_COLUMNS) {
      if (absent(column) !== 0) this[column].fill(absent(column), from, this.#blank);
    }
  }

  #resize(capacity: number): void {
    this.#capacity = capacity;
    const resized = <A extends Float64Array | Int32Array | Uint8Array>(column: A, larger: A): A => {
      larger.set(column);
      return larger;
    };
    this.state = resized(this.state, new Uint8Array(capacity));
    for (const column of ["job", "arrayJob", ...FLOAT_COLUMNS] as const) {
      this[column] = resized(this[column], new Float64Array(capacity));
    }
    for (const column of [...TEXT_COLUMNS, ...COUNT_COLUMNS] as const) {
      this[column] = resized(this[column], new Int32Array(capacity));
    }
  }
}

const ALL_COLUMNS = [
  "job",
  "arrayJob",
  "state",
  ...FLOAT_COLUMNS,
  ...TEXT_COLUMNS,
  ...COUNT_COLUMNS,
] as const;

/** Rows that are made blank at a time: filling is faster than writing row by row, and all of them ahead would cost memory. */
const BLANK_ROWS = 1 << 14;

const TIMES_AND_IDS: ReadonlySet<string> = new Set(["arrayJob", ...FLOAT_COLUMNS]);

/** What a column holds where the log says nothing. */
function absent(column: (typeof ALL_COLUMNS)[number]): number {
  if (TIMES_AND_IDS.has(column)) return Number.NaN;
  return column === "arrayTask" ? -1 : 0;
}

/** The rows of each job in the order of the table: a chain from the last row of a job to its first. */
export class JobIndex {
  readonly #table: AttemptTable;
  /** Row + 1 of the last attempt in each slot. */
  readonly #slots: Int32Array;
  /** The lowest id, where ids are so close together that each has a slot of its own; else NaN, and slots are hashed. */
  readonly #lowest: number;
  /** The row before this one that has the same job, or -1. */
  readonly previous: Int32Array;

  constructor(table: AttemptTable) {
    this.#table = table;
    let [low, high] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
    for (let row = 0; row < table.length; row++) {
      const job = table.job[row]!;
      if (job < low) low = job;
      if (job > high) high = job;
    }
    const close = high - low < 4 * table.length;
    this.#lowest = close ? low : Number.NaN;
    let size = 16;
    while (size < (close ? high - low + 1 : table.length * 2)) size *= 2;
    this.#slots = new Int32Array(size);
    this.previous = new Int32Array(table.length);
    for (let row = 0; row < table.length; row++) {
      const slot = this.#slot(table.job[row]!);
      this.previous[row] = this.#slots[slot]! - 1;
      this.#slots[slot] = row + 1;
    }
  }

  /** The last row of a job, or -1 where the table has none. */
  last(job: number): number {
    return (this.#slots[this.#slot(job)] ?? 0) - 1;
  }

  /** The rows of a job, first to last. */
  rowsOf(job: number): number[] {
    const rows: number[] = [];
    for (let row = this.last(job); row >= 0; row = this.previous[row]!) rows.push(row);
    return rows.reverse();
  }

  #slot(job: number): number {
    if (!Number.isNaN(this.#lowest)) return job - this.#lowest;
    const mask = this.#slots.length - 1;
    const low = job | 0;
    for (let slot = (Math.imul(low ^ (low >>> 15), 0x2c1b3c6d) >>> 4) & mask; ; slot = (slot + 1) & mask) {
      const row = this.#slots[slot]! - 1;
      if (row < 0 || this.#table.job[row] === job) return slot;
    }
  }
}
