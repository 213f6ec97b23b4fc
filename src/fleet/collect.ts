/**
 * Takes the logs of the Slurm cluster that this machine belongs to, with commands that only read. Asks accounting once
 * and in one piece, since Slurm's manual warns against asking it in a loop.
 */
import { spawn } from "node:child_process";
import { createWriteStream } from "node:fs";
import { mkdir, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import { InputError, type Supervision } from "../core/index.ts";
import { SACCT_FIELDS } from "./readers/sacct.ts";

/** Runs a command and writes what it prints to `file`; tells whether it succeeded and what it complained of. */
export type CommandRunner = (
  command: string,
  args: readonly string[],
  file: string,
  signal: AbortSignal | undefined,
) => Promise<{ readonly ok: boolean; readonly complaint: string }>;

export interface CollectOptions extends Supervision {
  /** Folder to write to; made if it is not there. */
  readonly into: string;
  /** What Slurm's `--starttime` takes: `2026-10-01`, `now-30days`. */
  readonly from: string;
  /** Default `now`. */
  readonly to?: string | undefined;
  readonly run?: CommandRunner | undefined;
}

export interface Collected {
  /** Files that `readClusterLog` takes. */
  readonly files: readonly string[];
  /** What was not to be had, and why. */
  readonly missing: readonly { readonly command: string; readonly complaint: string }[];
}

/** Collects attempts, node events, nodes and jobs in the controller's memory. Throws an `InputError` without `sacct`. */
export async function collectSlurm(options: CollectOptions): Promise<Collected> {
  const { into, from, to = "now", run = spawned, progress, signal } = options;
  await mkdir(into, { recursive: true });
  const window = [`--starttime=${from}`, `--endtime=${to}`];
  const sacct = ["--allusers", "--allocations", "--duplicates", "--parsable2", ...window];
  const wanted: { file: string; command: string; args: string[] }[] = [
    { file: "sacct.psv", command: "sacct", args: [...sacct, `--format=${SACCT_FIELDS.join(",")}`] },
    {
      file: "sacctmgr-events.psv",
      command: "sacctmgr",
      args: [
        "--parsable2",
        "show",
        "event",
        `Start=${from}`,
        `End=${to}`,
        "format=NodeName,TimeStart,TimeEnd,State,Reason,User",
      ],
    },
    { file: "sinfo.json", command: "sinfo", args: ["--json"] },
    { file: "scontrol-jobs.txt", command: "scontrol", args: ["--oneliner", "show", "jobs"] },
  ];
  const files: string[] = [];
  const missing: { command: string; complaint: string }[] = [];
  for (const [index, { file, command, args }] of wanted.entries()) {
    progress?.({ activity: `running ${command}`, done: index, total: wanted.length, unit: "commands" });
    const path = join(into, file);
    const { ok, complaint } = await run(command, args, path, signal);
    const empty =
      ok &&
      (await stat(path).then(
        ({ size }) => size === 0,
        () => true,
      ));
    if (ok && !empty) files.push(path);
    else {
      await rm(path, { force: true });
      missing.push({
        command: `${command} ${args.join(" ")}`,
        complaint: ok ? "it printed nothing" : complaint,
      });
      if (command === "sacct") {
        throw new InputError({
          found: `sacct failed: ${complaint || "it printed nothing"}`,
          expected: "a machine with Slurm's commands and an accounting database",
          remedy: "run this on a login node, or give files: the jobcomp/filetxt log needs no database",
        });
      }
    }
  }
  return { files, missing };
}

const spawned: CommandRunner = async (command, args, file, signal) => {
  const child = spawn(command, args, { stdio: ["ignore", "pipe", "pipe"], signal });
  const complaints: Buffer[] = [];
  child.stderr.on("data", (chunk: Buffer) => complaints.push(chunk));
  const ended = new Promise<{ ok: boolean; complaint: string }>((resolve) => {
    child.on("error", (error) => resolve({ ok: false, complaint: error.message }));
    child.on("close", (code) => {
      resolve({ ok: code === 0, complaint: Buffer.concat(complaints).toString().trim().slice(0, 500) });
    });
  });
  // A command that cannot be started closes its output too, so the copy ends either way.
  await pipeline(child.stdout, createWriteStream(file)).catch(() => {});
  signal?.throwIfAborted();
  return ended;
};
