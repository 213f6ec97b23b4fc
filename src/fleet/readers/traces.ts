/**
 * Reads published job traces, told apart by their headers: Acme (InternLM), Helios, Philly, Alibaba's GPU pods of 2023,
 * and the Standard Workload Format. Philly keeps every attempt of a job; the others keep the last.
 */
import { z } from "zod";
import { InputError, type Supervision } from "../../core/index.ts";
import { type AttemptFields, AttemptTable } from "../attempts.ts";
import { parseState, type State } from "../states.ts";
import { decode } from "../texts.ts";
import { forEachJsonItem } from "./json-items.ts";
import { forEachLine, type LogSource, sourceName } from "./lines.ts";
import { csvRecords } from "./node-events.ts";
import { Reading, type ReadingOptions } from "./reading.ts";
import type { AttemptLog } from "./sacct.ts";
import { MALFORMED, TimeReader, WallClock } from "./times.ts";

export interface TraceOptions extends ReadingOptions, Supervision {
  readonly timeZone?: string | undefined;
  readonly into?: AttemptTable | undefined;
}

/** What a trace says of a job; its reader checks that there is an id and a state. */
type TraceRow = { readonly [Field in keyof AttemptFields]?: AttemptFields[Field] | undefined };

interface CsvTrace {
  /** Columns that no other trace has together. */
  readonly columns: readonly string[];
  convert(row: Readonly<Record<string, string>>, time: TimeReader): TraceRow;
}

const count = (text: string | undefined): number => Math.max(0, Math.round(Number(text) || 0));

const CSV_TRACES: Readonly<Record<string, CsvTrace>> = {
  Acme: {
    columns: ["job_id", "gpu_num", "type", "state", "submit_time", "gpu_time"],
    convert: (row, time) => ({ ...schedulerRow(row, time), name: row.type ?? "" }),
  },
  Helios: {
    columns: ["job_id", "vc", "gpu_num", "node_num", "state", "submit_time", "queue"],
    convert: (row, time) => ({ ...schedulerRow(row, time), partition: row.vc ?? "" }),
  },
  "Alibaba GPU 2023": {
    columns: ["name", "num_gpu", "gpu_milli", "pod_phase", "creation_time", "deletion_time"],
    convert: (row) => ({
      job: row.name ?? "",
      state: parseState(row.pod_phase ?? ""),
      qos: row.qos ?? "",
      submit: seconds(row.creation_time),
      eligible: seconds(row.creation_time),
      start: seconds(row.scheduled_time),
      end: seconds(row.deletion_time),
      accelerators: count(row.num_gpu),
    }),
  },
};

function schedulerRow(row: Readonly<Record<string, string>>, time: TimeReader): TraceRow {
  return {
    job: row.job_id ?? "",
    state: parseState(row.state ?? ""),
    user: row.user ?? "",
    submit: time.text(row.submit_time ?? ""),
    eligible: time.text(row.submit_time ?? ""),
    start: time.text(row.start_time ?? ""),
    end: time.text(row.end_time ?? ""),
    nodes: Math.max(1, count(row.node_num)),
    accelerators: count(row.gpu_num),
  };
}

/** Alibaba's times are seconds from the trace's own beginning. */
function seconds(text: string | undefined): number {
  return text === undefined || text === "" ? Number.NaN : Number(text);
}

/** The trace that a CSV header belongs to, or undefined. */
export function csvTraceOf(header: readonly string[]): string | undefined {
  return Object.keys(CSV_TRACES).find((name) =>
    CSV_TRACES[name]!.columns.every((column) => header.includes(column)),
  );
}

/** Reads a trace in CSV. Throws an `InputError` on a header of no trace that is known. */
export async function readCsvTrace(source: LogSource, options: TraceOptions = {}): Promise<AttemptLog> {
  const { attempts, reading } = start(source, options);
  const time = new TimeReader(new WallClock(options.timeZone));
  let trace: CsvTrace | undefined;
  for await (const { record, line } of csvRecords(source, reading, options)) {
    if (!trace) {
      const name = csvTraceOf(Object.keys(record));
      if (name === undefined) {
        throw new InputError({
          place: { file: reading.file, line: 1 },
          found: `the columns ${Object.keys(record).slice(0, 12).join(", ")}`,
          expected: `the header of a trace: ${Object.keys(CSV_TRACES).join(", ")}`,
        });
      }
      trace = CSV_TRACES[name]!;
    }
    keep(attempts, reading, trace.convert(record, time), line, Object.values(record).join(","));
    reading.lines = line;
  }
  return { attempts, reading, missing: [] };
}

const phillyJob = z.object({
  jobid: z.string(),
  status: z.string(),
  vc: z.string().optional(),
  user: z.string().optional(),
  submitted_time: z.string(),
  attempts: z.array(
    z.object({
      start_time: z.string().nullish(),
      end_time: z.string().nullish(),
      detail: z.array(z.object({ ip: z.string(), gpus: z.array(z.string()) })).optional(),
    }),
  ),
});

/** Reads Philly's `cluster_job_log`: one row for each attempt; all but the last were requeued. */
export async function readPhilly(source: LogSource, options: TraceOptions = {}): Promise<AttemptLog> {
  const { attempts, reading } = start(source, options);
  const time = new TimeReader(new WallClock(options.timeZone));
  reading.lines = await forEachJsonItem(
    source,
    (item, line) => {
      const parsed = phillyJob.safeParse(item);
      if (!parsed.success) {
        reading.skip(
          "not a job",
          line,
          z.prettifyError(parsed.error).split("\n")[0]!,
          "a job of Philly's log",
        );
        return;
      }
      const { jobid, status, vc = "", user = "", submitted_time, attempts: tries } = parsed.data;
      let submit = time.text(submitted_time);
      for (const [index, attempt] of tries.entries()) {
        const end = time.text(attempt.end_time ?? "");
        const nodes = attempt.detail ?? [];
        keep(
          attempts,
          reading,
          {
            job: jobid,
            state: index < tries.length - 1 ? "REQUEUED" : parseState(status),
            user,
            partition: vc,
            submit,
            eligible: submit,
            start: time.text(attempt.start_time ?? ""),
            end,
            nodes: Math.max(1, nodes.length),
            accelerators: nodes.reduce((sum, { gpus }) => sum + gpus.length, 0),
            nodeList: nodes.map(({ ip }) => ip).join(","),
          },
          line,
          jobid,
        );
        submit = end;
      }
    },
    options,
  );
  return { attempts, reading, missing: [] };
}

/** Status codes of the Standard Workload Format; 2 to 4 are parts of a job that was checkpointed. */
const SWF_STATES: Readonly<Record<string, State>> = {
  "0": "FAILED",
  "1": "COMPLETED",
  "2": "REQUEUED",
  "3": "COMPLETED",
  "4": "FAILED",
  "5": "CANCELLED",
  "-1": "UNKNOWN",
};

/** Reads the Standard Workload Format: 18 columns, `;` comments, times from `UnixStartTime` where the header has it. */
export async function readSwf(source: LogSource, options: TraceOptions = {}): Promise<AttemptLog> {
  const { attempts, reading } = start(source, options);
  let origin = 0;
  reading.lines = await forEachLine(
    source,
    (bytes, from, to, line) => {
      const text = decode(bytes, from, to).trim();
      if (text === "") return reading.pass("blank line");
      if (text.startsWith(";")) {
        origin = Number(/UnixStartTime:\s*(\d+)/.exec(text)?.[1] ?? origin);
        return reading.pass("comment");
      }
      const fields = text.split(/\s+/);
      const numbers = fields.map(Number);
      if (fields.length < 18 || numbers.some(Number.isNaN)) {
        return reading.skip("not 18 numbers", line, text, "the 18 columns of the Standard Workload Format");
      }
      const known = (index: number) => (numbers[index]! < 0 ? Number.NaN : numbers[index]!);
      const submit = origin + known(1);
      const begin = submit + known(2);
      keep(
        attempts,
        reading,
        {
          job: fields[0]!,
          state: SWF_STATES[fields[10]!],
          user: fields[11] === "-1" ? "" : fields[11]!,
          name: fields[13] === "-1" ? "" : fields[13]!,
          qos: fields[14] === "-1" ? "" : fields[14]!,
          partition: fields[15] === "-1" ? "" : fields[15]!,
          submit,
          eligible: submit,
          start: begin,
          end: begin + known(3),
          nodes: Math.max(1, numbers[4]!),
          timeLimitSeconds: known(8),
        },
        line,
        text,
      );
    },
    (line) => reading.skip("the line is longer than 1 MiB", line, "", "18 numbers"),
    options,
  );
  return { attempts, reading, missing: [] };
}

function start(source: LogSource, options: TraceOptions): { attempts: AttemptTable; reading: Reading } {
  const attempts = options.into ?? new AttemptTable();
  attempts.sources.push(sourceName(source));
  return { attempts, reading: new Reading(sourceName(source), options) };
}

function keep(
  attempts: AttemptTable,
  reading: Reading,
  attempt: TraceRow,
  line: number,
  found: string,
): void {
  const { job, state } = attempt;
  const times = [attempt.submit, attempt.start, attempt.end];
  if (!job) reading.skip("the job has no id", line, found, "an id");
  else if (!state) reading.skip("the state is unknown", line, found, "a state of the trace's scheduler");
  else if (times.includes(MALFORMED)) reading.skip("a time cannot be read", line, found, "times");
  else if (attempt.end! < attempt.start!)
    reading.skip("End is before Start", line, found, "End at or after Start");
  else {
    attempts.add({ ...attempt, job, state, line });
    reading.kept++;
  }
}
