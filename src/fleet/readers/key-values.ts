/**
 * Reads Slurm's `Key=value` texts: `scontrol show jobs` (in blocks or `--oneliner`) and the `jobcomp/filetxt` log, which
 * a cluster without an accounting database has.
 */
import type { Supervision } from "../../core/index.ts";
import { AttemptTable } from "../attempts.ts";
import { OPEN_STATES, parseState } from "../states.ts";
import { decode } from "../texts.ts";
import { countOf, gpusOf, parseExitCode } from "./fields.ts";
import { forEachLine, type LogSource, sourceName } from "./lines.ts";
import { Reading, type ReadingOptions } from "./reading.ts";
import type { AttemptLog } from "./sacct.ts";
import { MALFORMED, parseDuration, TimeReader, WallClock } from "./times.ts";

const KEYS = [
  "JobId",
  "ArrayJobId",
  "ArrayTaskId",
  "JobName",
  "Name",
  "UserId",
  "GroupId",
  "Priority",
  "Account",
  "QOS",
  "JobState",
  "Reason",
  "ExitCode",
  "DerivedExitCode",
  "RunTime",
  "TimeLimit",
  "SubmitTime",
  "EligibleTime",
  "AccrueTime",
  "StartTime",
  "EndTime",
  "Partition",
  "ExcNodeList",
  "ReqNodeList",
  "NodeList",
  "BatchHost",
  "NumNodes",
  "NodeCnt",
  "NumCPUs",
  "ProcCnt",
  "TRES",
  "Tres",
  "AllocTRES",
  "ReqTRES",
  "Socks/Node",
  "Command",
  "WorkDir",
  "Comment",
  "StdErr",
  "ReservationName",
  "FailedNode",
  "TresPerNode",
];
/** Keys whose values may hold spaces and equal signs (commands do): only another known key ends them. */
const FREE_TEXT = new Set(["JobName", "Name", "Command", "WorkDir", "Comment", "StdErr"]);
const KEY = new RegExp(`(?:^|\\s)(${KEYS.map((key) => key.replace("/", "\\/")).join("|")})=`, "g");

/** The pairs of one record. */
export function parseKeyValues(text: string): Record<string, string> {
  const found = [...text.matchAll(KEY)];
  return Object.fromEntries(
    found.map((match, i) => {
      const key = match[1]!;
      const rest = text.slice(match.index + match[0].length, found[i + 1]?.index ?? text.length);
      const value = FREE_TEXT.has(key) ? rest.trim() : rest.split(/\s/, 1)[0]!;
      return [key, value === "(null)" ? "" : value];
    }),
  );
}

/**
 * Reads records that begin with `JobId=`. A job completion record in state PENDING that has an end is an attempt that
 * was requeued. Exclusions (`ExcNodeList`) are returned, since they are a sign of what users think of a node.
 */
export async function readKeyValues(
  source: LogSource,
  options: ReadingOptions &
    Supervision & { timeZone?: string | undefined; into?: AttemptTable | undefined } = {},
): Promise<AttemptLog & { exclusions: { job: string; nodeList: string }[] }> {
  const file = sourceName(source);
  const reading = new Reading(file, options);
  const attempts = options.into ?? new AttemptTable();
  attempts.sources.push(file);
  const time = new TimeReader(new WallClock(options.timeZone));
  const exclusions: { job: string; nodeList: string }[] = [];
  let record: string[] = [];
  let recordLine = 0;

  const finish = () => {
    if (record.length === 0) return;
    const whole = record.join(" ");
    const pairs = parseKeyValues(whole);
    record = [];
    const problem = add(pairs, recordLine);
    if (problem) reading.skip(problem, recordLine, whole, "JobId, JobState, StartTime and EndTime of a job");
  };
  const add = (pairs: Record<string, string>, line: number): string | undefined => {
    const times = ["SubmitTime", "EligibleTime", "StartTime", "EndTime"].map((key) =>
      time.text(pairs[key] ?? ""),
    );
    const [submit, eligible, start, end] = times as [number, number, number, number];
    const state = parseState(pairs.JobState ?? "");
    if (!/^\d+$/.test(pairs.JobId ?? "")) return "the job id cannot be read";
    if (!state) return "the state is unknown";
    if (times.includes(MALFORMED)) return "a time cannot be read";
    if (end < start) return "End is before Start";
    if (pairs.ExcNodeList) exclusions.push({ job: pairs.JobId!, nodeList: pairs.ExcNodeList });
    const resources = pairs.AllocTRES || pairs.TRES || pairs.Tres || pairs.ReqTRES || "";
    const exit = parseExitCode(pairs.ExitCode ?? "");
    const limit = pairs.TimeLimit ?? "";
    // Only the completion log counts nodes as NodeCnt; in scontrol the end of an open job is the scheduler's guess.
    const completed = pairs.NodeCnt !== undefined;
    const open = !completed && OPEN_STATES.has(state);
    // A job that was cancelled while it waited never had a node; scontrol gives it its end for a start.
    const started = completed || (pairs.NodeList !== "" && state !== "PENDING");
    attempts.add({
      job: pairs.JobId!,
      state: completed && state === "PENDING" ? "REQUEUED" : state,
      arrayJob: pairs.ArrayJobId,
      arrayTask: /^\d+$/.test(pairs.ArrayTaskId ?? "") ? Number(pairs.ArrayTaskId) : undefined,
      name: pairs.JobName ?? pairs.Name ?? "",
      user: (pairs.UserId ?? "").replace(/\(\d+\)$/, ""),
      account: pairs.Account ?? "",
      partition: pairs.Partition ?? "",
      qos: pairs.QOS ?? "",
      comment: pairs.Comment ?? "",
      submit,
      eligible,
      start: started ? start : Number.NaN,
      end: open ? Number.NaN : end,
      elapsedSeconds: pairs.RunTime ? parseDuration(pairs.RunTime) : Number.NaN,
      // The completion log has minutes, scontrol hours:minutes:seconds.
      timeLimitSeconds: /^\d+$/.test(limit) ? Number(limit) * 60 : parseDuration(limit),
      nodes: Number.parseInt(pairs.NumNodes ?? pairs.NodeCnt ?? "", 10) || countOf(resources, "node") || 1,
      accelerators: gpusOf(resources),
      nodeList: pairs.NodeList ?? "",
      exitCode: exit.code,
      signal: exit.signal,
      priority: pairs.Priority ? Number(pairs.Priority) : Number.NaN,
      failedNode: pairs.FailedNode || undefined,
      line,
    });
    reading.kept++;
    return undefined;
  };

  reading.lines = await forEachLine(
    source,
    (bytes, start, end, line) => {
      const text = decode(bytes, start, end);
      if (text.startsWith("JobId=")) {
        finish();
        record = [text];
        recordLine = line;
      } else if (text.trim() === "") finish();
      else if (record.length > 0) record.push(text.trim());
      else reading.skip("not part of a record", line, text, "a line that begins with JobId=");
    },
    (line) => reading.skip("the line is longer than 1 MiB", line, "", "Key=value pairs"),
    options,
  );
  finish();
  return { attempts, reading, missing: [], exclusions };
}
