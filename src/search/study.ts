/**
 * A study on disk: `study.json` says what was asked, `journal.jsonl` what happened. This class is the one writer of the
 * journal; it keeps the history in step with it, and knows nothing of who evaluates (see drive.ts, or use ask and
 * tell directly).
 */
import { closeSync, existsSync, fsyncSync, mkdirSync, openSync, renameSync, writeSync } from "node:fs";
import { join, resolve } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { InputError, type ProgressListener, RandomStream, readConfig } from "../core/index.ts";
import type { Spent, StudyEvent } from "./events.ts";
import { History, type Trial } from "./history.ts";
import { Journal, type JournalPosition } from "./journal.ts";
import { Lock } from "./lock.ts";
import { whyUnusable } from "./objectives.ts";
import type { Made } from "./operator.ts";
import type { Policy, Proposal } from "./policy.ts";
import { type StudyCommand, type StudyRequest, type StudySpec, specOf, specSchema } from "./spec.ts";
import { progressOf } from "./views/progress.ts";

/** Milliseconds from any fixed moment; never goes back. `() => performance.now()` in earnest, anything in tests. */
export type Clock = () => number;

/** What an evaluation came to. */
export interface Outcome {
  /** As the evaluator returned them; unusable ones make the trial a failed one. */
  readonly metrics?: Readonly<Record<string, unknown>> | undefined;
  readonly failure?: string | undefined;
  readonly spent?: Spent | undefined;
  /** Must be JSON. */
  readonly detail?: unknown;
}

export interface StudyOptions {
  readonly clock: Clock;
  /** Told each event once it is on disk and before it is acted on. */
  readonly onEvent?: ((event: StudyEvent) => void) | undefined;
  /** Told after each outcome how far the study is, and the best so far. */
  readonly progress?: ProgressListener | undefined;
}

/** Between two looks at a study that another process works on. */
const FOLLOW_MILLISECONDS = 500;

export class Study<C = unknown> {
  readonly folder: string;
  readonly spec: StudySpec;
  readonly history = new History<C>();
  /** What a person should know about how the study was opened: a recovered lock, an unfinished line. */
  readonly notices: readonly string[];
  readonly #lock: Lock;
  readonly #journal: Journal;
  readonly #options: StudyOptions;
  readonly #openedAt: number;
  readonly #secondsBefore: number;

  private constructor(folder: string, spec: StudySpec, options: StudyOptions) {
    this.folder = folder;
    this.spec = spec;
    this.#options = options;
    const { lock, notices } = Lock.take(folder);
    try {
      const opened = Journal.open(journalFile(folder), (event) => this.history.apply(event));
      this.#journal = opened.journal;
      this.notices = opened.notice === undefined ? notices : [...notices, opened.notice];
    } catch (error) {
      lock.release();
      throw error;
    }
    this.#lock = lock;
    this.#openedAt = options.clock();
    this.#secondsBefore = this.history.at;
  }

  /**
   * Opens the study in `folder` and locks it, starting it where the folder has none. Throws an `InputError` when
   * another process works on it, when its files are damaged, or when it was started with another request (the budget
   * apart: a new budget takes the place of the old one, so that a study can be continued).
   *
   * The running process's command is noted in `study.json`, so that `search resume` can run it again.
   */
  static open<C = unknown>(folder: string, request: StudyRequest, options: StudyOptions): Study<C> {
    const wanted: StudySpec = { ...specOf(request), command: thisCommand(folder) };
    mkdirSync(folder, { recursive: true });
    if (existsSync(specFile(folder))) requireSame(folder, readSpec(folder), wanted);
    const study = new Study<C>(folder, wanted, options);
    // Written under the lock; a crash before this line leaves a folder that is simply started again.
    writeWhole(specFile(folder), `${JSON.stringify(wanted, null, 2)}\n`);
    return study;
  }

  /** Seconds for which the study has been worked on, over all runs of the controller. */
  get elapsedSeconds(): number {
    return this.#secondsBefore + (this.#options.clock() - this.#openedAt) / 1000;
  }

  /** The stream for one purpose of one trial: the same numbers again after a restart. */
  random(purpose: "policy" | "operator" | "evaluation", trial: number): RandomStream {
    return new RandomStream(this.spec.seed).split(purpose).split(trial);
  }

  /** Asks for the policy's next trial and records it. */
  propose(policy: Policy<C>): Trial<C> | "wait" | "done" {
    const decision = policy.propose(this.history, this.random("policy", this.history.trials.length));
    return typeof decision === "string" ? decision : this.ask(decision);
  }

  /** Records a new trial. */
  ask(proposal: Proposal): Trial<C> {
    const trial = this.history.trials.length;
    const { operator, parents, candidate, note } = proposal;
    this.#record({
      event: "ask",
      trial,
      at: this.elapsedSeconds,
      operator,
      parents,
      ...(candidate === undefined ? {} : { candidate }),
      ...(note === undefined ? {} : { note }),
    });
    return this.history.trial(trial);
  }

  /** Records the candidate that an operator made for a trial. */
  make(trial: number, { candidate, spent, detail }: Made<C>): void {
    this.#record({
      event: "make",
      trial,
      at: this.elapsedSeconds,
      candidate,
      ...(spent === undefined ? {} : { spent }),
      ...(detail === undefined ? {} : { detail }),
    });
  }

  /** Records that a trial's evaluation is about to begin. Does nothing when it has begun before. */
  start(trial: number): void {
    if (this.history.trial(trial).state !== "running")
      this.#record({ event: "start", trial, at: this.elapsedSeconds });
  }

  /**
   * Records what a trial came to; unusable metrics make it a failed one. Telling again is ignored, so that a caller
   * that is not sure whether its word arrived may repeat it. Returns whether this was the first time.
   */
  tell(trial: number, outcome: Outcome): boolean {
    const { state } = this.history.trial(trial);
    if (state === "complete" || state === "failed") return false;
    const { metrics, spent, detail } = outcome;
    const failure =
      outcome.failure ?? (metrics ? whyUnusable(this.spec, metrics) : "the evaluation returned no metrics");
    this.#record({
      event: "tell",
      trial,
      at: this.elapsedSeconds,
      ...(failure === undefined ? { metrics: metrics as Record<string, number> } : { failure }),
      ...(spent === undefined ? {} : { spent }),
      ...(detail === undefined ? {} : { detail }),
    });
    return true;
  }

  /** Lets another process work on the study. Nothing needs to be written: the journal is complete at every moment. */
  close(): void {
    this.#journal.close();
    this.#lock.release();
  }

  /**
   * Both the history and the journal see the event as it reads in the journal, so that a candidate which does not
   * survive JSON is found out now and not at the next replay.
   */
  #record(event: StudyEvent): void {
    const asRead = JSON.parse(JSON.stringify(event)) as StudyEvent;
    this.history.apply(asRead); // throws, before anything is written, on an event that cannot follow
    this.#journal.append(asRead);
    this.#options.onEvent?.(asRead);
    if (asRead.event === "tell") this.#options.progress?.(progressOf(this));
  }
}

/** A study as it stands on disk, read without a lock: also while another process works on it. */
export function readStudy<C = unknown>(
  folder: string,
): { spec: StudySpec; history: History<C>; notices: string[] } {
  const spec = readSpec(folder);
  const history = new History<C>();
  const notice = existsSync(journalFile(folder))
    ? Journal.read(journalFile(folder), (event) => history.apply(event)).notice
    : undefined;
  return { spec, history, notices: notice === undefined ? [] : [notice] };
}

/** Tells `progress` of a study that another process works on, until none does or `signal` is aborted. */
export async function followStudy(
  folder: string,
  progress: ProgressListener,
  signal: AbortSignal,
): Promise<void> {
  const spec = readSpec(folder);
  const history = new History();
  let position: JournalPosition | undefined;
  while (!signal.aborted) {
    // Asked for before reading, so that the last events of a process that ends are seen.
    const atWork = Lock.isTaken(folder);
    if (existsSync(journalFile(folder)))
      ({ position } = Journal.read(journalFile(folder), (event) => history.apply(event), position));
    progress(progressOf({ spec, history }));
    if (!atWork) return;
    await pause(FOLLOW_MILLISECONDS, undefined, { signal }).catch(() => {});
  }
}

function thisCommand(folder: string): StudyCommand {
  const { execPath, execArgv, argv } = process;
  return { line: [execPath, ...execArgv, ...argv.slice(1)], from: process.cwd(), study: resolve(folder) };
}

function specFile(folder: string): string {
  return join(folder, "study.json");
}

function journalFile(folder: string): string {
  return join(folder, "journal.jsonl");
}

function readSpec(folder: string): StudySpec {
  return readConfig(specFile(folder), specSchema, "a study's description (study.json)").value;
}

function requireSame(folder: string, kept: StudySpec, wanted: StudySpec): void {
  for (const part of Object.keys(kept) as (keyof StudySpec)[]) {
    if (part === "budget" || part === "command") continue;
    const [old, fresh] = [JSON.stringify(kept[part]), JSON.stringify(wanted[part])];
    if (old !== fresh)
      throw new InputError({
        place: { file: specFile(folder), path: part },
        found: `${fresh}, but the study was started with ${old}`,
        expected: `the same ${part} as the study was started with`,
        remedy: "give the old value again, or another folder for a new study",
      });
  }
}

/** The whole text or nothing, also after a crash. */
function writeWhole(file: string, text: string): void {
  const descriptor = openSync(`${file}.new`, "w");
  writeSync(descriptor, text);
  fsyncSync(descriptor);
  closeSync(descriptor);
  renameSync(`${file}.new`, file);
}
