/**
 * Reads `sacct --json`, `squeue --json` and `sinfo --json` of Slurm 22.05 (states as words, plain numbers) and of
 * current releases (states as arrays, numbers as `{set, infinite, number}`), an object at a time.
 */
import { z } from "zod";
import type { Supervision } from "../../core/index.ts";
import { type AttemptFields, AttemptTable } from "../attempts.ts";
import { parseState, type State } from "../states.ts";
import { countOf, gpusOf } from "./fields.ts";
import { forEachJsonItem } from "./json-items.ts";
import { type LogSource, sourceName } from "./lines.ts";
import { Reading, type ReadingOptions } from "./reading.ts";
import type { AttemptLog } from "./sacct.ts";

/** A number, plain or wrapped; unset, infinite and null are absent. */
const numeric = z
  .union([
    z.number(),
    z.null(),
    z.object({ set: z.boolean(), infinite: z.boolean().optional(), number: z.number() }),
  ])
  .transform((value) => {
    if (value === null || typeof value === "number") return value ?? undefined;
    return value.set && value.infinite !== true ? value.number : undefined;
  });
/** One word or a list whose first is the base state. */
const words = z.union([z.string(), z.array(z.string())]).transform((value) => [value].flat());
const text = z.union([z.string(), z.null()]).transform((value) => value ?? "");
const exitCode = z.object({
  return_code: numeric.optional(),
  signal: z.object({ id: numeric.optional(), signal_id: numeric.optional() }).partial().optional(),
});
const resource = z.object({ type: z.string(), name: text.optional(), count: numeric.optional() });

const accountedJob = z.object({
  job_id: z.number(),
  name: text.optional(),
  user: text.optional(),
  account: text.optional(),
  partition: text.optional(),
  qos: text.optional(),
  nodes: text.optional(),
  allocation_nodes: numeric.optional(),
  priority: numeric.optional(),
  failed_node: text.optional(),
  comment: z.object({ job: text.optional() }).optional(),
  array: z.object({ job_id: z.number().optional(), task_id: numeric.optional() }).optional(),
  exit_code: exitCode.optional(),
  state: z.object({ current: words }),
  time: z.object({
    submission: numeric.optional(),
    eligible: numeric.optional(),
    start: numeric.optional(),
    end: numeric.optional(),
    elapsed: numeric.optional(),
    limit: numeric.optional(),
  }),
  tres: z
    .object({ allocated: z.array(resource).optional(), requested: z.array(resource).optional() })
    .optional(),
});

/** Reads the `jobs` of `sacct --json`. Objects that are no job are skipped and counted, by line. */
export async function readSacctJson(
  source: LogSource,
  options: ReadingOptions & Supervision & { into?: AttemptTable | undefined } = {},
): Promise<AttemptLog> {
  return readJobs(source, options, (item) => {
    const job = accountedJob.safeParse(item);
    if (!job.success) return z.prettifyError(job.error);
    return accounted(job.data);
  });
}

function accounted(job: z.output<typeof accountedJob>): AttemptFields | string {
  const state = baseState(job.state.current);
  if (!state) return `the state ${job.state.current.join(",")}`;
  const gpus = (resources: readonly z.output<typeof resource>[] | undefined) =>
    resources?.find(({ type, name }) => type === "gres" && name?.split(":")[0] === "gpu")?.count;
  const count = (type: string) => job.tres?.allocated?.find((entry) => entry.type === type)?.count;
  const { submission, eligible, start, end, elapsed, limit } = job.time;
  return {
    job: String(job.job_id),
    state,
    arrayJob: job.array?.job_id ? String(job.array.job_id) : undefined,
    arrayTask: job.array?.job_id ? job.array.task_id : undefined,
    name: job.name ?? "",
    user: job.user ?? "",
    account: job.account ?? "",
    partition: job.partition ?? "",
    qos: job.qos ?? "",
    comment: job.comment?.job ?? "",
    submit: time(submission),
    eligible: time(eligible),
    start: time(start),
    end: time(end),
    elapsedSeconds: elapsed ?? Number.NaN,
    timeLimitSeconds: (limit ?? Number.NaN) * 60,
    nodes: job.allocation_nodes || count("node") || 1,
    accelerators: gpus(job.tres?.allocated) ?? gpus(job.tres?.requested) ?? 0,
    nodeList: job.nodes === "None assigned" ? "" : (job.nodes ?? ""),
    exitCode: job.exit_code?.return_code ?? 0,
    signal: job.exit_code?.signal?.id ?? job.exit_code?.signal?.signal_id ?? 0,
    priority: job.priority ?? Number.NaN,
    failedNode: job.failed_node || undefined,
  };
}

const queuedJob = z.object({
  job_id: z.number(),
  name: text.optional(),
  user_name: text.optional(),
  account: text.optional(),
  partition: text.optional(),
  qos: text.optional(),
  comment: text.optional(),
  nodes: text.optional(),
  node_count: numeric.optional(),
  priority: numeric.optional(),
  failed_node: text.optional(),
  array_job_id: numeric.optional(),
  array_task_id: numeric.optional(),
  job_state: words,
  submit_time: numeric.optional(),
  eligible_time: numeric.optional(),
  start_time: numeric.optional(),
  end_time: numeric.optional(),
  time_limit: numeric.optional(),
  tres_alloc_str: text.optional(),
  tres_req_str: text.optional(),
  excluded_nodes: text.optional(),
});

/** Reads the `jobs` of `squeue --json`: the latest attempt of each job that the controller still remembers. */
export async function readSqueueJson(
  source: LogSource,
  options: ReadingOptions & Supervision & { into?: AttemptTable | undefined } = {},
): Promise<AttemptLog> {
  return readJobs(source, options, (item) => {
    const parsed = queuedJob.safeParse(item);
    if (!parsed.success) return z.prettifyError(parsed.error);
    const job = parsed.data;
    const state = baseState(job.job_state);
    if (!state) return `the state ${job.job_state.join(",")}`;
    const resources = job.tres_alloc_str || job.tres_req_str || "";
    const start = time(job.start_time);
    return {
      job: String(job.job_id),
      state,
      arrayJob: job.array_job_id ? String(job.array_job_id) : undefined,
      arrayTask: job.array_job_id ? job.array_task_id : undefined,
      name: job.name ?? "",
      user: job.user_name ?? "",
      account: job.account ?? "",
      partition: job.partition ?? "",
      qos: job.qos ?? "",
      comment: job.comment ?? "",
      submit: time(job.submit_time),
      eligible: time(job.eligible_time),
      // A pending job's start and end are the scheduler's guess.
      start: state === "PENDING" ? Number.NaN : start,
      end: state === "PENDING" || state === "RUNNING" ? Number.NaN : time(job.end_time),
      timeLimitSeconds: (job.time_limit ?? Number.NaN) * 60,
      nodes: job.node_count || countOf(resources, "node") || 1,
      accelerators: gpusOf(resources),
      nodeList: job.nodes ?? "",
      priority: job.priority ?? Number.NaN,
      failedNode: job.failed_node || undefined,
    };
  });
}

/** A node as the controller sees it now. */
export interface NodeInfo {
  readonly name: string;
  readonly states: readonly string[];
  readonly reason: string;
  readonly accelerators: number;
  readonly partitions: readonly string[];
}

const node = z.object({
  name: z.string(),
  state: words,
  state_flags: z.array(z.string()).optional(),
  reason: text.optional(),
  gres: text.optional(),
  tres: text.optional(),
  partitions: z.array(z.string()).optional(),
});

/** Reads the `nodes` of `sinfo --json` (22.05) or `scontrol show nodes --json` (later). */
export async function readNodesJson(
  source: LogSource,
  options: ReadingOptions & Supervision = {},
): Promise<{ nodes: NodeInfo[]; reading: Reading }> {
  const reading = new Reading(sourceName(source), options);
  const nodes: NodeInfo[] = [];
  reading.lines = await forEachJsonItem(
    source,
    (item, line, key) => {
      if (key !== "nodes") return;
      const parsed = node.safeParse(item);
      if (!parsed.success) {
        reading.skip("not a node", line, z.prettifyError(parsed.error), "a node of sinfo --json");
        return;
      }
      const { name, state, state_flags = [], reason = "", gres, tres, partitions = [] } = parsed.data;
      const states = [...state, ...state_flags].map((word) => word.toUpperCase());
      nodes.push({ name, states, reason, accelerators: gpusOf(tres ?? gres ?? ""), partitions });
    },
    options,
  );
  reading.kept = nodes.length;
  return { nodes, reading };
}

async function readJobs(
  source: LogSource,
  options: ReadingOptions & Supervision & { into?: AttemptTable | undefined },
  convert: (item: unknown) => AttemptFields | string,
): Promise<AttemptLog> {
  const file = sourceName(source);
  const reading = new Reading(file, options);
  const attempts = options.into ?? new AttemptTable();
  attempts.sources.push(file);
  reading.lines = await forEachJsonItem(
    source,
    (item, line, key) => {
      if (key !== "jobs" && key !== "") return;
      const attempt = convert(item);
      if (typeof attempt === "string") {
        reading.skip("not a job", line, attempt.split("\n")[0]!, "a job of sacct --json or squeue --json");
      } else if ((attempt.end ?? Number.NaN) < (attempt.start ?? Number.NaN)) {
        reading.skip("End is before Start", line, `job ${attempt.job}`, "End at or after Start");
      } else {
        attempts.add({ ...attempt, line });
        reading.kept++;
      }
    },
    options,
  );
  return { attempts, reading, missing: [] };
}

function baseState(states: readonly string[]): State | undefined {
  return states.map(parseState).find((state) => state !== undefined);
}

/** Slurm writes 0 for a time that it does not have. */
function time(seconds: number | undefined): number {
  return seconds ? seconds : Number.NaN;
}
