/**
 * What becomes of every accelerator-hour of a simulated cluster, and of every job's time. An attempt restarts, trains,
 * and saves each interval; one that is cut short keeps what its last finished checkpoint holds.
 */
import type { SimulatedJobs } from "./jobs.ts";
import type { SimulatedHours } from "./scenario.ts";

/** What an attempt that is cut short throws away is booked under. */
export type Loss = "lostToFailures" | "lostToRestarts" | "lostToPreemptions";

export interface Habits {
  readonly checkpointIntervalSeconds: number;
  readonly checkpointWriteSeconds: number;
  readonly restartSeconds: number;
}

export class Ledger {
  readonly #jobs: SimulatedJobs;
  readonly #habits: Habits;
  /** Of each job: work that is saved, time eligible and waiting, time running. */
  readonly #progress: Float64Array;
  readonly queueSeconds: Float64Array;
  readonly runningSeconds: Float64Array;
  // Accelerator-seconds.
  #productive = 0;
  #restarting = 0;
  #writing = 0;
  readonly #lost: Record<Loss, number> = { lostToFailures: 0, lostToRestarts: 0, lostToPreemptions: 0 };

  constructor(jobs: SimulatedJobs, habits: Habits) {
    this.#jobs = jobs;
    this.#habits = habits;
    const count = jobs.submitSeconds.length;
    this.#progress = new Float64Array(count);
    this.queueSeconds = new Float64Array(count);
    this.runningSeconds = new Float64Array(count);
  }

  /** How long an attempt that starts now will run if nothing ends it: restart, what is left of the work, checkpoints. */
  secondsToRun(job: number): number {
    const { restartSeconds: u0, checkpointIntervalSeconds: dt, checkpointWriteSeconds: w } = this.#habits;
    return u0 + (this.#jobs.workSeconds[job]! - this.#progress[job]!) * (1 + w / dt);
  }

  /** Books an attempt that ran to its end. */
  complete(job: number, ranSeconds: number): void {
    const { restartSeconds: u0, checkpointIntervalSeconds: dt, checkpointWriteSeconds: w } = this.#habits;
    const left = this.#jobs.workSeconds[job]! - this.#progress[job]!;
    this.#book(job, ranSeconds, Math.min(ranSeconds, u0), left, (left * w) / dt);
  }

  /** Books an attempt that was cut short. Returns the work that is thrown away, in accelerator-seconds. */
  interrupt(job: number, ranSeconds: number): number {
    const { restartSeconds: u0, checkpointIntervalSeconds: dt, checkpointWriteSeconds: w } = this.#habits;
    const left = this.#jobs.workSeconds[job]! - this.#progress[job]!;
    const trained = Math.max(0, ranSeconds - u0);
    const checkpoints = Math.floor(trained / (dt + w));
    const saved = checkpoints === 0 ? 0 : Math.min(left, checkpoints * dt);
    const written = checkpoints * w;
    this.#book(job, ranSeconds, Math.min(ranSeconds, u0), saved, written);
    return Math.max(0, trained - saved - written) * this.#jobs.accelerators[job]!;
  }

  lose(kind: Loss, acceleratorSeconds: number): void {
    this.#lost[kind] += acceleratorSeconds;
  }

  /** The account of a cluster that had `all` accelerator-seconds, of which nodes were down for `down`. */
  hours(all: number, down: number): SimulatedHours {
    const hours = (acceleratorSeconds: number) => acceleratorSeconds / 3600;
    let running = 0;
    for (const [job, seconds] of this.runningSeconds.entries()) {
      running += seconds * this.#jobs.accelerators[job]!;
    }
    return {
      productive: hours(this.#productive),
      restart: hours(this.#restarting),
      checkpointWrite: hours(this.#writing),
      lostToFailures: hours(this.#lost.lostToFailures),
      lostToRestarts: hours(this.#lost.lostToRestarts),
      lostToPreemptions: hours(this.#lost.lostToPreemptions),
      down: hours(down),
      idle: hours(all - down - running),
    };
  }

  #book(job: number, ran: number, restart: number, saved: number, written: number): void {
    const size = this.#jobs.accelerators[job]!;
    this.runningSeconds[job]! += ran;
    this.#progress[job]! += saved;
    this.#productive += saved * size;
    this.#restarting += restart * size;
    this.#writing += written * size;
  }
}
