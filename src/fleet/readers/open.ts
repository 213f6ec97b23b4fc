/** Tells what kind of log a file is by its first bytes, and reads any number of them as one cluster's log. */
import { InputError, type Supervision } from "../../core/index.ts";
import { AttemptTable } from "../attempts.ts";
import type { NodeEvent, Signal } from "../events.ts";
import { dropRepeats } from "../repeats.ts";
import { readDcgmMetrics, readXidLog } from "./gpu-errors.ts";
import { readKeyValues } from "./key-values.ts";
import { forEachChunk, type LogSource, sourceName } from "./lines.ts";
import {
  type FailureColumns,
  KNOWN_FAILURE_COLUMNS,
  readFailureTable,
  readNodeEvents,
  signalsOfEvents,
} from "./node-events.ts";
import type { Reading, ReadingOptions } from "./reading.ts";
import { readSacct, SACCT_COMMAND } from "./sacct.ts";
import { type NodeInfo, readNodesJson, readSacctJson, readSqueueJson } from "./slurm-json.ts";
import { type FailedNode, type Preemption, readControllerLog } from "./slurmctld.ts";
import { csvTraceOf, readCsvTrace, readPhilly, readSwf } from "./traces.ts";

export const LOG_KINDS = [
  "sacct",
  "sacct json",
  "squeue json",
  "nodes json",
  "node events",
  "key values",
  "slurmctld",
  "gpu errors",
  "dcgm metrics",
  "job trace",
  "philly",
  "swf",
  "failure table",
] as const;
export type LogKind = (typeof LOG_KINDS)[number];

/** Enough for a header, and for the first messages of a log. */
const PEEK_BYTES = 64 * 1024;

/**
 * The kind of log that `text`, the first kilobytes of a file, begins. Undefined where nothing fits. A CSV whose header
 * has the columns of `failureColumns` is a failure table.
 */
export function logKindOf(text: string, failureColumns?: FailureColumns): LogKind | undefined {
  const lines = text.replace(/^\ufeff/, "").split(/\r?\n/);
  const first = lines.find((line) => line.trim() !== "") ?? "";
  if (/^[[{]/.test(first.trim()) && !/^\[\d{4}-/.test(first) && !/^\[[A-Z][a-z]{2} /.test(first)) {
    if (/"jobid"\s*:/.test(text)) return "philly";
    if (/"allocation_nodes"\s*:/.test(text) || /"association"\s*:/.test(text)) return "sacct json";
    if (/"job_state"\s*:/.test(text) || /"accrue_time"\s*:/.test(text)) return "squeue json";
    return /"nodes"\s*:\s*\[/.test(text) ? "nodes json" : undefined;
  }
  if (/\bNodeName\|/.test(first) && /TimeStart/.test(first)) return "node events";
  if (/\b(JobID|JobIDRaw)\b/i.test(first) && /\bState\b/i.test(first)) return "sacct";
  if (first.startsWith("JobId=")) return "key values";
  if (/^\[\d{4}-\d{2}-\d{2}T[^\]]+\] /.test(first) && !text.includes("NVRM: Xid")) return "slurmctld";
  if (text.includes("NVRM: Xid")) return "gpu errors";
  if (/^(# (HELP|TYPE) )?DCGM_/m.test(text)) return "dcgm metrics";
  if (first.startsWith(";") || /^\s*\d+(\s+-?\d+(\.\d+)?){17}\s*$/.test(first)) return "swf";
  if (failureColumnsOf(first, failureColumns)) return "failure table";
  return csvTraceOf(csvHeader(first)) ? "job trace" : undefined;
}

function csvHeader(line: string): string[] {
  return line
    .replace(/^\ufeff/, "")
    .split(",")
    .map((name) => name.replace(/^"|"$/g, "").trim());
}

/** The mapping that fits a header: the one that was given, or that of a published log. */
function failureColumnsOf(line: string, given: FailureColumns | undefined): FailureColumns | undefined {
  const header = csvHeader(line);
  return [...(given ? [given] : []), ...Object.values(KNOWN_FAILURE_COLUMNS)].find(({ node, start }) =>
    [node, start].flat().every((column) => header.includes(column)),
  );
}

/** Everything that is known of a cluster from its logs. */
export interface ClusterLog {
  readonly attempts: AttemptTable;
  readonly events: NodeEvent[];
  readonly signals: Signal[];
  readonly preemptions: Preemption[];
  readonly failedNodes: FailedNode[];
  readonly nodes: NodeInfo[];
  /** Distinct jobs that excluded a node when they were submitted. */
  readonly exclusions: { job: string; nodeList: string }[];
  readonly readings: Reading[];
  /** Kinds of logs that were read; a report says what the others would add. */
  readonly kinds: Set<LogKind>;
  /** Fields that the accounting log lacks. */
  readonly missing: string[];
}

/** A log of attempts that no file holds, such as a simulation's, with whatever else is known. */
export function clusterLog(attempts: AttemptTable, parts: Partial<ClusterLog> = {}): ClusterLog {
  return {
    attempts,
    events: [],
    signals: [],
    preemptions: [],
    failedNodes: [],
    nodes: [],
    exclusions: [],
    readings: [],
    kinds: new Set(),
    missing: [],
    ...parts,
  };
}

export interface ClusterLogOptions extends ReadingOptions, Supervision {
  readonly timeZone?: string | undefined;
  /** Year of syslog's times. */
  readonly year?: number | undefined;
  /** Node of kernel messages that name none. */
  readonly node?: string | undefined;
  /** Kinds that are known of some sources: the first lines of a kernel log may not tell. */
  readonly kinds?: ReadonlyMap<LogSource, LogKind> | undefined;
  /** What the columns of a failure table of one's own hold. */
  readonly failureColumns?: FailureColumns | undefined;
}

/** Reads the given logs, each of whatever kind it is. Throws an `InputError` on one that is of no kind known. */
export async function readClusterLog(
  sources: readonly LogSource[],
  options: ClusterLogOptions = {},
): Promise<ClusterLog> {
  const log = clusterLog(new AttemptTable());
  for (const source of sources) {
    const head = await peek(source);
    const kind = options.kinds?.get(source) ?? logKindOf(head, options.failureColumns);
    if (!kind) {
      throw new InputError({
        place: { file: sourceName(source), ...(head === "" ? {} : { line: 1 }) },
        found: head === "" ? "an empty file" : `"${head.split("\n", 1)[0]!.slice(0, 100)}"`,
        expected: `a log of one of these kinds: ${LOG_KINDS.join(", ")}`,
        remedy: `for jobs, run ${SACCT_COMMAND}; of a CSV of failures, say which columns hold node, start, end and category`,
      });
    }
    log.kinds.add(kind);
    await readInto(log, source, kind, head, options);
  }
  // Each reader has dropped its own repeats; two logs of attempts may repeat each other.
  if (log.attempts.sources.length > 1) dropRepeats(log.attempts);
  const events = distinctEvents(log.events);
  return { ...log, events, signals: [...log.signals, ...signalsOfEvents(events)] };
}

/** Two logs that tell of the same outage differ by the rounding of their times. */
const SAME_EVENT_SECONDS = 2;

function distinctEvents(events: readonly NodeEvent[]): NodeEvent[] {
  const sorted = [...events].sort((a, b) => a.start - b.start);
  const latest = new Map<string, NodeEvent>();
  return sorted.filter((event) => {
    const key = `${event.node}/${event.state}`;
    const before = latest.get(key);
    latest.set(key, event);
    return !before || event.start - before.start > SAME_EVENT_SECONDS;
  });
}

async function readInto(
  log: ClusterLog,
  source: LogSource,
  kind: LogKind,
  head: string,
  options: ClusterLogOptions,
): Promise<void> {
  const jobs = { ...options, into: log.attempts };
  switch (kind) {
    case "sacct": {
      const { reading, missing } = await readSacct(source, jobs);
      log.missing.push(...missing);
      log.readings.push(reading);
      return;
    }
    case "sacct json":
      log.readings.push((await readSacctJson(source, jobs)).reading);
      return;
    case "squeue json":
      log.readings.push((await readSqueueJson(source, jobs)).reading);
      return;
    case "job trace":
      log.readings.push((await readCsvTrace(source, jobs)).reading);
      return;
    case "philly":
      log.readings.push((await readPhilly(source, jobs)).reading);
      return;
    case "swf":
      log.readings.push((await readSwf(source, jobs)).reading);
      return;
    case "key values": {
      const { reading, exclusions } = await readKeyValues(source, jobs);
      log.exclusions.push(...exclusions);
      log.readings.push(reading);
      return;
    }
    case "nodes json": {
      const { nodes, reading } = await readNodesJson(source, options);
      log.nodes.push(...nodes);
      log.readings.push(reading);
      return;
    }
    case "slurmctld": {
      const { preemptions, failedNodes, events, reading } = await readControllerLog(source, options);
      log.preemptions.push(...preemptions);
      log.failedNodes.push(...failedNodes);
      log.events.push(...events);
      log.readings.push(reading);
      return;
    }
    case "node events":
    case "failure table": {
      const columns = failureColumnsOf(head.split(/\r?\n/, 1)[0]!, options.failureColumns);
      const { events, reading } = columns
        ? await readFailureTable(source, columns, options)
        : await readNodeEvents(source, options);
      log.events.push(...events);
      log.readings.push(reading);
      return;
    }
    case "gpu errors":
    case "dcgm metrics": {
      const read = kind === "gpu errors" ? readXidLog : readDcgmMetrics;
      const { signals, reading } = await read(source, options);
      log.signals.push(...signals);
      log.readings.push(reading);
    }
  }
}

async function peek(source: LogSource): Promise<string> {
  const enough = new AbortController();
  const pieces: Buffer[] = [];
  let length = 0;
  try {
    await forEachChunk(
      source,
      (chunk) => {
        pieces.push(Buffer.from(chunk.subarray(0, PEEK_BYTES)));
        length += chunk.length;
        if (length >= PEEK_BYTES) enough.abort();
      },
      { signal: enough.signal },
    );
  } catch (error) {
    if (!enough.signal.aborted) throw error;
  }
  return Buffer.concat(pieces).subarray(0, PEEK_BYTES).toString("latin1");
}
