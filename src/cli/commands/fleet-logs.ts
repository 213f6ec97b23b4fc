/** Flags of commands that read a cluster's logs, and the reading itself. */
import type { Command } from "commander";
import type { ClusterLog, FailureColumns, LogKind, RunIdentity } from "../../fleet/index.ts";
import { FlagError, progressLine, wholeNumber } from "../output.ts";

export interface LogFlags {
  readonly events: string[];
  readonly controller: string[];
  readonly xid: string[];
  readonly columns?: FailureColumns;
  readonly timeZone?: string;
  readonly year?: number;
  readonly strict?: boolean;
}

/** Which logs there are, for help texts. */
export const LOGS_HELP = `
LOG is any of these, told apart by their first lines, plain or .gz, in any number:
  jobs    sacct --parsable2 or --json, squeue --json, jobcomp/filetxt, scontrol show jobs, SWF, and the
          published traces of Acme, Helios and Philly
  nodes   sacctmgr --parsable2 show event, sinfo --json, slurmctld.log, LANL's and Grid'5000's failures, and any
          other CSV of failures with --columns node=HOST,start=BEGAN,end=ENDED,category=KIND
  GPUs    kernel logs with NVRM Xid lines, DCGM metrics
The more kinds, the more is known: sacct alone does not say which node failed. The best sacct is
  sacct -a -X -D --parsable2 -S START -E END --format=JobIDRaw,JobID,JobName,User,Account,Partition,QOS,Submit,Eligible,Start,End,ElapsedRaw,TimelimitRaw,AllocNodes,NodeList,AllocTRES,State,ExitCode,Priority,Comment
Lines that cannot be read are counted and named; --strict stops at the first.`;

/** For commands that are about logs. */
export function withLogFlags(command: Command): Command {
  return withReadingFlags(command.argument("<log...>", "logs of one cluster, of any kind"));
}

/** How logs are read, wherever they come from. */
export function withReadingFlags(command: Command): Command {
  return command
    .option("--events <file...>", "a log of node events, whatever its first lines look like", [])
    .option("--controller <file...>", "a slurmctld.log, likewise", [])
    .option("--xid <file...>", "a kernel log, likewise", [])
    .option("--columns <mapping>", "which columns of a CSV of failures hold node, start, …", failureColumns)
    .option("--time-zone <name>", "where times without a zone were written, such as Europe/Paris")
    .option("--year <number>", "year of syslog's times, which have none", wholeNumber("--year", 1970))
    .option("--strict", "stop at the first line that cannot be read");
}

/** Reads logs. What was skipped or mended is said on standard error. */
export async function readLogs(files: readonly string[], flags: LogFlags): Promise<ClusterLog> {
  const { readClusterLog } = await import("../../fleet/index.ts");
  const kinds = new Map<string, LogKind>([
    ...flags.events.map((file) => [file, "node events"] as const),
    ...flags.controller.map((file) => [file, "slurmctld"] as const),
    ...flags.xid.map((file) => [file, "gpu errors"] as const),
  ]);
  const log = await readClusterLog([...files, ...kinds.keys()], {
    kinds,
    failureColumns: flags.columns,
    timeZone: flags.timeZone,
    year: flags.year,
    strict: flags.strict,
    progress: progressLine(),
  });
  for (const reading of log.readings) {
    if (reading.skippedRows > 0 || reading.mended.length > 0) {
      process.stderr.write(`${reading.sentences().slice(1).join("\n")}\n`);
    }
  }
  return log;
}

/** The logs of a command that can do without: undefined where none is given. */
export async function readLogsGiven(
  files: readonly string[],
  flags: LogFlags,
): Promise<ClusterLog | undefined> {
  const given = [files, flags.events, flags.controller, flags.xid].some(({ length }) => length > 0);
  return given ? readLogs(files, flags) : undefined;
}

const FAILURE_COLUMNS = ["node", "start", "end", "category", "reason"] as const;

/** `node=host,start=began`: what each column of a failure table is called. */
function failureColumns(text: string): FailureColumns {
  const pairs = text.split(",").map((pair) => pair.split("=", 2).map((part) => part.trim()));
  const known = pairs.every(
    ([role, column]) =>
      FAILURE_COLUMNS.some((name) => name === role) && column !== undefined && column !== "",
  );
  const { node, start, ...rest }: Partial<Record<string, string>> = Object.fromEntries(pairs);
  if (known && node !== undefined && start !== undefined) return { node, start, ...rest };
  throw new FlagError(
    { path: "--columns" },
    `"${text}"`,
    `node=COLUMN,start=COLUMN and, where there are any, ${FAILURE_COLUMNS.slice(2).join(", ")} likewise`,
  );
}

/** `job`, `name`, `array` or `comment`: what joins attempts to one run. */
export function runIdentity(text: string): RunIdentity {
  switch (text) {
    case "job":
    case "array":
    case "comment":
      return { by: text };
    case "name":
      return { by: text, maxGapSeconds: 86_400 };
    default:
      throw new FlagError({ path: "--runs-by" }, `"${text}"`, "job, name, array or comment");
  }
}
