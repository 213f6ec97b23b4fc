/**
 * Evaluates on a Slurm cluster, through a folder that the controller and the nodes share. Each trial has a folder with
 * its task, log and result; trials that are asked for together go out as one job array. Jobs carry a name made of the
 * study's and the trial's numbers, so a controller that is started again finds the jobs that it left.
 *
 * A result file is what counts, and it is written whole: whichever attempt writes it, the trial is told once. A node's
 * failure or a preemption is not the candidate's fault: Slurm requeues the job, and where it does not we submit again.
 */
import { execFile } from "node:child_process";
import { chmodSync, existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { InputError } from "../../core/index.ts";
import type { Outcome } from "../study.ts";
import { type EvaluatorModule, HOST_FILE, HOST_NODE_ARGUMENTS, readResult, type Task } from "./host.ts";
import { MARK } from "./process-tree.ts";
import type { Evaluation, Runner } from "./runner.ts";
import { timedOut } from "./runner.ts";

export interface SlurmOptions {
  /** Folder that every node sees under the same path. */
  readonly folder: string;
  /** Begins the name of every job; one study's own. Letters, digits, `-` and `_`. */
  readonly jobName: string;
  /** Evaluations queued or running at once. */
  readonly workers: number;
  /** For `sbatch`, such as `--partition=gpu` or `--gpus=1`. */
  readonly submitArguments?: readonly string[] | undefined;
  /** Seconds between looks at the queue. Default 10; the queue is asked once for all trials. */
  readonly pollSeconds?: number | undefined;
  /** For Slurm's commands; default this process's. */
  readonly environment?: Readonly<Record<string, string | undefined>> | undefined;
  /** Node on the cluster's nodes; default this process's. */
  readonly node?: string | undefined;
}

/** Job arrays are limited (MaxArraySize is 1,001 unless configured): trials are numbered within thousands. */
const ARRAY_SIZE = 1000;
/** Trials asked for within this time go out together. */
const BATCH_MILLISECONDS = 100;
/** Looks at the queue after which a job that ended must have shown its result, on a slow shared folder. */
const LOOKS_FOR_RESULT = 6;
/** Submissions of one trial, beyond what Slurm requeues by itself. */
const MOST_SUBMISSIONS = 5;

const run = promisify(execFile);

interface Waiting {
  readonly trial: number;
  readonly limitSeconds: number | undefined;
  /** `24_7`: the job array and the place in it, once submitted or found. */
  job?: string | undefined;
  submissions: number;
  looksSinceEnd: number;
  readonly resolve: (outcome: Outcome) => void;
  readonly reject: (reason: unknown) => void;
}

export class SlurmRunner<C> implements Runner<C> {
  readonly workers: number;
  readonly durable = true;
  readonly #evaluator: EvaluatorModule;
  readonly #options: SlurmOptions;
  readonly #waiting = new Map<number, Waiting>();
  #timer: NodeJS.Timeout | undefined;
  #looking = false;
  #closed = false;

  constructor(evaluator: EvaluatorModule, options: SlurmOptions) {
    if (!/^[\w-]+$/.test(options.jobName))
      throw new InputError({
        place: { path: "jobName" },
        found: `"${options.jobName}"`,
        expected: "letters, digits, - and _",
      });
    this.#evaluator = evaluator;
    this.#options = options;
    this.workers = options.workers;
    mkdirSync(options.folder, { recursive: true });
  }

  evaluate(evaluation: Evaluation<C>, signal: AbortSignal): Promise<Outcome> {
    const { trial, limitSeconds } = evaluation;
    let forget = () => {};
    const outcome = new Promise<Outcome>((resolve, reject) => {
      signal.throwIfAborted();
      const folder = this.#trialFolder(trial);
      mkdirSync(folder, { recursive: true });
      const taskFile = join(folder, "task.json");
      const task: Task = { evaluator: this.#evaluator, evaluation };
      writeFileSync(`${taskFile}.new`, JSON.stringify(task));
      renameSync(`${taskFile}.new`, taskFile);
      const waiting: Waiting = { trial, limitSeconds, submissions: 0, looksSinceEnd: 0, resolve, reject };
      this.#waiting.set(trial, waiting);
      const cancel = () => this.#cancel(waiting, signal.reason);
      signal.addEventListener("abort", cancel, { once: true });
      forget = () => signal.removeEventListener("abort", cancel);
    });
    this.#look(BATCH_MILLISECONDS);
    return outcome.finally(() => forget());
  }

  /** Lets the jobs go on; what waits for them is rejected. */
  async close(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#timer);
    for (const { reject } of this.#waiting.values()) reject(new Error("the Slurm runner is closed"));
    this.#waiting.clear();
  }

  #trialFolder(trial: number): string {
    return join(this.#options.folder, String(trial));
  }

  #jobName(trial: number): string {
    return `${this.#options.jobName}-${Math.floor(trial / ARRAY_SIZE)}`;
  }

  async #command(program: string, ...parameters: string[]): Promise<string> {
    const env = { ...(this.#options.environment ?? process.env) };
    return (await run(program, parameters, { env, encoding: "utf8", maxBuffer: 1 << 28 })).stdout;
  }

  /** Looks at the queue after `milliseconds`, and again while anything waits. */
  #look(milliseconds: number): void {
    if (this.#closed || this.#looking) return;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(async () => {
      this.#looking = true;
      const before = new Set(this.#waiting.keys());
      try {
        await this.#lookNow();
      } catch (error) {
        // Slurm's own controller may be down for a while: jobs go on, and the next look may reach it.
        if ((error as NodeJS.ErrnoException).code === "ENOENT")
          this.#settleAll(({ reject }) => reject(missingSlurm(error as NodeJS.ErrnoException)));
      } finally {
        this.#looking = false;
      }
      const fresh = [...this.#waiting.keys()].some((trial) => !before.has(trial));
      const { pollSeconds = 10 } = this.#options;
      if (this.#waiting.size > 0) this.#look(fresh ? BATCH_MILLISECONDS : pollSeconds * 1000);
    }, milliseconds);
  }

  async #lookNow(): Promise<void> {
    for (const waiting of this.#waiting.values()) this.#takeResult(waiting);
    if (this.#waiting.size === 0) return;
    const queued = await this.#queued();
    const absent: Waiting[] = [];
    for (const waiting of this.#waiting.values()) {
      const job = queued.get(waiting.trial);
      if (job === undefined) absent.push(waiting);
      else {
        waiting.job = job;
        waiting.submissions ||= 1;
      }
    }
    const unknown = absent.filter((waiting) => !this.#takeResult(waiting));
    if (unknown.length === 0) return;
    const ended = await this.#accounted(unknown);
    const toSubmit: Waiting[] = [];
    for (const waiting of unknown) {
      if (this.#takeResult(waiting)) continue;
      const record = ended.get(waiting.trial);
      // A job that this controller submitted takes a moment to reach the accounting.
      if (!record) {
        if (waiting.job === undefined || ++waiting.looksSinceEnd > LOOKS_FOR_RESULT) toSubmit.push(waiting);
      } else this.#judge(waiting, record, toSubmit);
    }
    if (toSubmit.length > 0) await this.#submit(toSubmit);
  }

  /** Decides what a job that is no longer queued, and left no result, came to. */
  #judge(waiting: Waiting, { job, state, exitCode, seconds }: Accounted, toSubmit: Waiting[]): void {
    if (!ENDED.has(state)) return; // requeued this moment
    if (waiting.job === undefined) {
      waiting.job = job;
      waiting.submissions ||= 1;
    }
    if (NOT_THE_CANDIDATES_FAULT.has(state) && waiting.submissions < MOST_SUBMISSIONS) {
      toSubmit.push(waiting);
      return;
    }
    if (++waiting.looksSinceEnd < LOOKS_FOR_RESULT && state === "COMPLETED") return;
    const detail = { job, state, log: this.#logTail(waiting.trial) };
    if (state === "TIMEOUT" && waiting.limitSeconds !== undefined)
      this.#settle(waiting, { ...timedOut(waiting.limitSeconds), spent: { seconds }, detail });
    else {
      const exit = exitCode === "0:0" ? "" : ` with exit code ${exitCode.split(":")[0]}`;
      this.#settle(waiting, { failure: `job ${job} ended as ${state}${exit}`, spent: { seconds }, detail });
    }
  }

  #takeResult(waiting: Waiting): boolean {
    const outcome = readResult(join(this.#trialFolder(waiting.trial), "result.json"));
    if (outcome) this.#settle(waiting, outcome);
    return outcome !== undefined;
  }

  #settle(waiting: Waiting, outcome: Outcome): void {
    this.#waiting.delete(waiting.trial);
    waiting.resolve(outcome);
  }

  #settleAll(how: (waiting: Waiting) => void): void {
    const all = [...this.#waiting.values()];
    this.#waiting.clear();
    for (const waiting of all) how(waiting);
  }

  /** The jobs of waiting trials that Slurm still has, by trial. */
  async #queued(): Promise<Map<number, string>> {
    const names = new Set([...this.#waiting.keys()].map((trial) => this.#jobName(trial)));
    const text = await this.#command(
      "squeue",
      "--noheader",
      "--array",
      `--name=${[...names].join(",")}`,
      "--states=all",
      "--Format=ArrayJobID:|,ArrayTaskID:|,Name:|,State:|",
    );
    const jobs = new Map<number, string>();
    for (const line of text.split("\n")) {
      const [job, task, name, state] = line.split("|");
      const trial = this.#trialOf(name, task);
      if (trial !== undefined && !ENDED.has(state!)) jobs.set(trial, `${job}_${task}`);
    }
    return jobs;
  }

  /** The newest attempt at each of `trials` that Slurm's accounting knows of, by trial. */
  async #accounted(trials: readonly Waiting[]): Promise<Map<number, Accounted>> {
    const names = new Set(trials.map(({ trial }) => this.#jobName(trial)));
    const text = await this.#command(
      "sacct",
      "--noheader",
      "--allocations",
      "--parsable2",
      "--starttime=now-30days",
      `--name=${[...names].join(",")}`,
      "--format=JobID,JobName,State,ExitCode,ElapsedRaw",
    );
    const records = new Map<number, Accounted>();
    for (const line of text.split("\n")) {
      const [job, name, state, exitCode, elapsed] = line.split("|");
      const trial = this.#trialOf(name, job?.split("_")[1]);
      if (trial === undefined) continue;
      const record = {
        job: job!,
        state: state!.split(" ")[0]!,
        exitCode: exitCode!,
        seconds: Number(elapsed),
      };
      const known = records.get(trial);
      if (!known || Number.parseInt(record.job, 10) >= Number.parseInt(known.job, 10))
        records.set(trial, record);
    }
    return records;
  }

  #trialOf(name: string | undefined, task: string | undefined): number | undefined {
    const prefix = `${this.#options.jobName}-`;
    if (!name?.startsWith(prefix) || !/^\d+$/.test(task ?? "")) return undefined;
    return Number(name.slice(prefix.length)) * ARRAY_SIZE + Number(task);
  }

  async #submit(trials: readonly Waiting[]): Promise<void> {
    const arrays = new Map<string, Waiting[]>();
    for (const waiting of trials) {
      // Limits are Slurm's in whole minutes, a backstop: the host ends the evaluation at the second.
      const minutes = waiting.limitSeconds === undefined ? 0 : Math.ceil(waiting.limitSeconds / 60) + 1;
      const key = `${this.#jobName(waiting.trial)} ${minutes}`;
      arrays.set(key, [...(arrays.get(key) ?? []), waiting]);
    }
    for (const [key, members] of arrays) {
      const [name, minutes] = key.split(" ") as [string, string];
      const thousand = Number(name.slice(name.lastIndexOf("-") + 1));
      const job = (
        await this.#command(
          "sbatch",
          "--parsable",
          "--requeue",
          "--open-mode=append",
          `--job-name=${name}`,
          `--array=${members.map(({ trial }) => trial % ARRAY_SIZE).join(",")}`,
          `--output=${join(this.#options.folder, "job-%A_%a.log")}`,
          ...(minutes === "0" ? [] : [`--time=${minutes}`]),
          ...(this.#options.submitArguments ?? []),
          this.#script(thousand),
        )
      )
        .trim()
        .split(";")[0]!;
      for (const waiting of members) {
        waiting.job = `${job}_${waiting.trial % ARRAY_SIZE}`;
        waiting.submissions++;
        waiting.looksSinceEnd = 0;
        // Aborted while it was being submitted.
        if (!this.#closed && this.#waiting.get(waiting.trial) !== waiting)
          await this.#command("scancel", waiting.job);
      }
    }
  }

  /** The batch script of one thousand of trials. */
  #script(thousand: number): string {
    const file = join(this.#options.folder, `run-${thousand}.sh`);
    if (existsSync(file)) return file;
    const quote = (text: string) => `'${text.replaceAll("'", "'\\''")}'`;
    const node = [this.#options.node ?? process.execPath, ...HOST_NODE_ARGUMENTS, HOST_FILE]
      .map(quote)
      .join(" ");
    writeFileSync(
      file,
      `#!/bin/sh
trial=$((${thousand} * ${ARRAY_SIZE} + SLURM_ARRAY_TASK_ID))
folder=${quote(this.#options.folder)}/$trial
# Where to look for this trial's log; a requeued job says so again.
echo "job-\${SLURM_ARRAY_JOB_ID}_\${SLURM_ARRAY_TASK_ID}.log" > "$folder/log-name"
# Marks what the evaluation starts, so that the host can end it.
export ${MARK}="slurm-$SLURM_JOB_ID"
exec ${node} "$folder/task.json" "$folder/result.json"
`,
    );
    chmodSync(file, 0o755);
    return file;
  }

  #logTail(trial: number): string {
    try {
      const name = readFileSync(join(this.#trialFolder(trial), "log-name"), "utf8").trim();
      return readFileSync(join(this.#options.folder, name), "utf8").slice(-2000);
    } catch {
      return "";
    }
  }

  #cancel(waiting: Waiting, reason: unknown): void {
    if (!this.#waiting.delete(waiting.trial)) return;
    waiting.reject(reason);
    if (waiting.job !== undefined) this.#command("scancel", waiting.job).catch(() => {});
  }
}

interface Accounted {
  readonly job: string;
  readonly state: string;
  /** `code:signal`. */
  readonly exitCode: string;
  readonly seconds: number;
}

/** States that a job does not leave by itself. */
const ENDED = new Set([
  "BOOT_FAIL",
  "CANCELLED",
  "COMPLETED",
  "DEADLINE",
  "FAILED",
  "NODE_FAIL",
  "OUT_OF_MEMORY",
  "PREEMPTED",
  "REVOKED",
  "TIMEOUT",
]);

const NOT_THE_CANDIDATES_FAULT = new Set(["BOOT_FAIL", "NODE_FAIL", "PREEMPTED", "REVOKED"]);

function missingSlurm({ path }: NodeJS.ErrnoException): InputError {
  return new InputError({
    place: { path: "runner" },
    found: `no program "${path}"`,
    expected: "Slurm's commands on the PATH",
    remedy: "run on a submit host of the cluster, or use the process runner",
  });
}
