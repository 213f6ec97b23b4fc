/**
 * Reads what happened to nodes: `sacctmgr --parsable2 show event`, and any table of failures as CSV with a mapping of
 * its columns (LANL's, a ticket system's export, a health checker's).
 */
import { Readable } from "node:stream";
import { parse } from "csv-parse";
import { InputError, type Supervision, suggest } from "../../core/index.ts";
import { isOutage, type NodeEvent, type Signal } from "../events.ts";
import { symptomOf, taxonomy } from "../taxonomy.ts";
import { decode } from "../texts.ts";
import { bytesOf, forEachLine, type LogSource, sourceName } from "./lines.ts";
import { Reading, type ReadingOptions } from "./reading.ts";
import { MALFORMED, TimeReader, WallClock } from "./times.ts";

export const SACCTMGR_COMMAND =
  "sacctmgr --parsable2 show event Start=START End=END format=NodeName,TimeStart,TimeEnd,State,Reason,User";

export interface EventOptions extends ReadingOptions, Supervision {
  readonly timeZone?: string | undefined;
}

export interface EventLog {
  readonly events: NodeEvent[];
  readonly reading: Reading;
}

/** Reads node events of Slurm's accounting. Rows of the whole cluster (no node) are passed over. */
export async function readNodeEvents(source: LogSource, options: EventOptions = {}): Promise<EventLog> {
  const file = sourceName(source);
  const reading = new Reading(file, options);
  const time = new TimeReader(new WallClock(options.timeZone));
  const events: NodeEvent[] = [];
  let columns: Record<string, number> | undefined;
  let width = 0;
  reading.lines = await forEachLine(
    source,
    (bytes, start, end, line) => {
      const text = decode(bytes, start, end);
      if (text.trim() === "") return reading.pass("blank line");
      const fields = text.split("|");
      if (!columns) {
        columns = eventColumns(fields, file, line);
        width = fields.length;
        return;
      }
      if (fields.length < width) {
        return reading.skip("fewer fields than the header", line, text, `${width} fields`);
      }
      // Only the reason is free text: what is too much belongs to it.
      const surplus = fields.length - width;
      if (surplus > 0 && columns.Reason !== undefined) {
        fields.splice(
          columns.Reason,
          surplus + 1,
          fields.slice(columns.Reason, columns.Reason + surplus + 1).join("|"),
        );
        reading.mend("a delimiter inside the reason", line, text);
      }
      const field = (name: string) => fields[columns![name] ?? -1] ?? "";
      const node = field("NodeName");
      if (node === "") return reading.pass("event of the whole cluster");
      const [from, to] = [time.text(field("TimeStart")), time.text(field("TimeEnd"))];
      if (from === MALFORMED || to === MALFORMED || Number.isNaN(from)) {
        return reading.skip("a time cannot be read", line, text, "TimeStart and TimeEnd");
      }
      if (to < from)
        return reading.skip("TimeEnd is before TimeStart", line, text, "TimeEnd at or after TimeStart");
      const state = field("State");
      events.push({
        kind: "state",
        node,
        start: from,
        end: to,
        state: state.replace(/[*~#!%$@^-]+$/, ""),
        reason: field("Reason"),
        notResponding: state.includes("*"),
        file,
        line,
      });
    },
    (line) => reading.skip("the line is longer than 1 MiB", line, "", "a row of fields"),
    options,
  );
  if (!columns) {
    throw new InputError({
      place: { file },
      found: "an empty file",
      expected: "the output of sacctmgr show event",
      remedy: `run ${SACCTMGR_COMMAND}`,
    });
  }
  reading.kept = events.length;
  return { events, reading };
}

function eventColumns(names: readonly string[], file: string, line: number): Record<string, number> {
  const columns = Object.fromEntries(names.map((name, index) => [name, index]));
  for (const needed of ["NodeName", "TimeStart", "State"]) {
    if (needed in columns) continue;
    throw new InputError({
      place: { file, line },
      found: `a header without ${needed}`,
      expected: "NodeName, TimeStart, TimeEnd, State and Reason, separated by |",
      remedy: `run ${SACCTMGR_COMMAND}`,
    });
  }
  return columns;
}

/** Which columns of a CSV hold what. */
export interface FailureColumns {
  /** One column, or several whose values together name a node (a system and a number in it). */
  readonly node: string | readonly string[];
  readonly start: string;
  /** Left out: the failure is a moment. */
  readonly end?: string | undefined;
  readonly category?: string | undefined;
  readonly reason?: string | undefined;
  /** Columns of which at most one is filled, whose names are the categories (LANL's Hardware, Software, ...). */
  readonly oneOf?: readonly string[] | undefined;
}

/** Published failure logs whose header tells them. */
export const KNOWN_FAILURE_COLUMNS: Readonly<Record<string, FailureColumns>> = {
  LANL: {
    node: ["System", "nodenum"],
    start: "Prob Started",
    end: "Prob Fixed",
    oneOf: ["Facilities", "Hardware", "Human Error", "Network", "Undetermined", "Software"],
  },
  "Failure Trace Archive": { node: "node_name", start: "start", end: "stop", category: "reason" },
};

/**
 * Reads a table of failures as CSV. Throws an `InputError` on a column that is not there, with the nearest that is;
 * rows that cannot be read are skipped and counted.
 */
export async function readFailureTable(
  source: LogSource,
  columns: FailureColumns,
  options: EventOptions & { readonly delimiter?: string | undefined } = {},
): Promise<EventLog> {
  const file = sourceName(source);
  const reading = new Reading(file, options);
  const time = new TimeReader(new WallClock(options.timeZone));
  const events: NodeEvent[] = [];
  let checked = false;
  for await (const { record, line } of csvRecords(source, reading, options)) {
    options.signal?.throwIfAborted();
    if (!checked) {
      checkColumns(columns, Object.keys(record), file);
      checked = true;
    }
    const names = [columns.node].flat().map((column) => record[column] ?? "");
    const node = names.includes("") ? "" : names.join("/");
    const start = time.text(record[columns.start] ?? "");
    const end = columns.end === undefined ? start : time.text(record[columns.end] ?? "");
    const found = Object.values(record).join(",");
    if (node === "") reading.skip("the node has no name", line, found, `a value of ${columns.node}`);
    else if (Number.isNaN(start) || start === MALFORMED || end === MALFORMED) {
      reading.skip("a time cannot be read", line, found, `times in ${columns.start}`);
    } else if (end < start) {
      reading.skip("the end is before the start", line, found, "an end at or after the start");
    } else {
      const filled = columns.oneOf?.find((name) => (record[name] ?? "").trim() !== "");
      const category = columns.category === undefined ? filled : record[columns.category];
      const detail = filled === undefined ? undefined : record[filled];
      const reason = (columns.reason === undefined ? detail : record[columns.reason]) ?? "";
      events.push({
        kind: "failure",
        node,
        start,
        end,
        state: category || "failure",
        reason,
        notResponding: false,
        file,
        line,
      });
    }
    reading.lines = line;
  }
  reading.kept = events.length;
  return { events, reading };
}

function checkColumns(columns: FailureColumns, header: readonly string[], file: string): void {
  const wanted = [
    ...[columns.node].flat(),
    columns.start,
    columns.end,
    columns.category,
    columns.reason,
    ...(columns.oneOf ?? []),
  ];
  for (const name of wanted) {
    if (name === undefined || header.includes(name)) continue;
    throw new InputError({
      place: { file, line: 1 },
      found: `a header without "${name}"`,
      expected: "the columns that the mapping names",
      remedy: suggest(name, header),
    });
  }
}

/** The records of a CSV with a header; records that cannot be parsed are skipped and counted. */
export async function* csvRecords(
  source: LogSource,
  reading: Reading,
  { delimiter, signal }: { delimiter?: string | undefined; signal?: AbortSignal | undefined } = {},
): AsyncGenerator<{ record: Record<string, string>; line: number }> {
  const input = Readable.from(bytesOf(source));
  const parser = input.pipe(
    parse({
      columns: true,
      info: true,
      bom: true,
      trim: true,
      skip_empty_lines: true,
      relax_quotes: true,
      skip_records_with_error: true,
      delimiter: delimiter ?? ",",
    }),
  );
  input.on("error", (error: Error) => parser.destroy(error));
  // Told in the loop, where a strict reading may throw; inside the parser's event it could not be caught.
  const unreadable: { line: number; message: string }[] = [];
  parser.on("skip", (error) => {
    unreadable.push({ line: error?.lines ?? 0, message: error?.message ?? "" });
  });
  const tell = () => {
    for (const { line, message } of unreadable.splice(0)) {
      reading.skip("the row does not fit the header", line, message, "as many fields as the header");
    }
  };
  try {
    for await (const { record, info } of parser as AsyncIterable<CsvRecord>) {
      signal?.throwIfAborted();
      tell();
      yield { record, line: info.lines };
    }
    tell();
  } catch (error) {
    if (error instanceof InputError || signal?.aborted) throw error;
    throw new InputError({
      place: { file: reading.file },
      found: (error as Error).message,
      expected: "a CSV file with a header",
    });
  }
}

interface CsvRecord {
  readonly record: Record<string, string>;
  readonly info: { readonly lines: number };
}

/**
 * The signals that node events give: every outage whose reason or category tells of a symptom, every lost heartbeat, and
 * every other row of a table of failures.
 */
export function signalsOfEvents(events: readonly NodeEvent[]): Signal[] {
  return events.flatMap((event) => {
    if (!isOutage(event)) return [];
    const told = symptomOf(event.reason) ?? (event.kind === "failure" ? symptomOf(event.state) : undefined);
    const lost = event.notResponding ? taxonomy().get("Node heartbeat lost") : undefined;
    const failed = event.kind === "failure" ? taxonomy().get("Node failure") : undefined;
    const symptom = told?.symptom ?? lost ?? failed;
    if (!symptom) return [];
    return [
      {
        node: event.node,
        time: event.start,
        symptom: symptom.name,
        detail: `${event.state}: ${event.reason}`,
        xid: told?.xid?.code,
        critical: told?.xid?.critical ?? symptom.critical,
        file: event.file,
        line: event.line,
      },
    ];
  });
}
