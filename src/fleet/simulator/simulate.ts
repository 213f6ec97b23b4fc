/**
 * A cluster in simulated time: nodes fail and are repaired, alone or with their rack or switch; jobs queue, start as a
 * gang, write checkpoints, fail, are requeued after a hold-off, and preempt lower priorities; a blocked job at the head
 * of the queue has a reservation that backfill respects. Everything is decided by the seed.
 *
 * What it does not know: the network, the time of day, users who react, jobs that change size.
 */
import { RandomStream } from "../../core/index.ts";
import type { State } from "../states.ts";
import { AttemptLog } from "./attempt-log.ts";
import { EVENT, EventQueue } from "./events.ts";
import { limitOf, type SimulatedJobs } from "./jobs.ts";
import { Ledger, type Loss } from "./ledger.ts";
import { drawLifetime } from "./lifetimes.ts";
import { NodePool } from "./nodes.ts";
import { JobQueue } from "./queue.ts";
import {
  type FailureDomain,
  type ResolvedPolicy,
  refuseImpossibleJobs,
  resolvePolicy,
  type SchedulingPolicy,
  type SimulatedCluster,
  type SimulationOptions,
  type SimulationResult,
} from "./scenario.ts";
import { chooseVictims } from "./victims.ts";

/** A job that was refused the right to preempt asks again after a minute, as Slurm's scheduler comes round. */
const PREEMPT_RETRY_SECONDS = 60;

export function simulate(
  cluster: SimulatedCluster,
  jobs: SimulatedJobs,
  policy: SchedulingPolicy,
  options: SimulationOptions,
): SimulationResult {
  return new Simulation(cluster, jobs, policy, options).run();
}

const QUEUED = 1;
const RUNNING = 2;
const HELD = 3;
const DONE = 4;

class Simulation {
  readonly #cluster: SimulatedCluster;
  readonly #jobs: SimulatedJobs;
  readonly #options: SimulationOptions;
  readonly #policy: ResolvedPolicy;
  readonly #pool: NodePool;
  readonly #events = new EventQueue();
  readonly #failures: RandomStream;
  readonly #log: AttemptLog | undefined;
  readonly #ledger: Ledger;
  readonly #domains: readonly FailureDomain[];
  #now: number;

  // Jobs.
  readonly #state: Uint8Array;
  readonly #eligibleAt: Float64Array;
  readonly #submittedAt: Float64Array;
  readonly #startedAt: Float64Array;
  readonly #endsAt: Float64Array;
  readonly #afterFailure: Uint8Array;
  readonly #nodesOf = new Map<number, Int32Array>();
  readonly #restarts: Int32Array;
  readonly #endedAt: Float64Array;

  readonly #queue: JobQueue;
  // Running jobs of each priority, for preemption.
  readonly #running: Set<number>[];

  // The reservation of the first blocked job.
  #reserved = -1;
  #reservedFor = Number.POSITIVE_INFINITY;
  #preemptAgainAt = 0;
  readonly #scratch: Float64Array;

  // Nodes.
  readonly #failsAt: Float64Array;
  readonly #downUntil: Float64Array;
  readonly #downSince: Float64Array;

  // Sums.
  #finished = 0;
  #attempts = 0;
  #nodeFailures = 0;
  #domainFailures = 0;
  #interruptions = 0;
  #preemptions = 0;
  #secondOrder = 0;
  #downNodeSeconds = 0;

  constructor(
    cluster: SimulatedCluster,
    jobs: SimulatedJobs,
    policy: SchedulingPolicy,
    options: SimulationOptions,
  ) {
    refuseImpossibleJobs(cluster, jobs);
    this.#cluster = cluster;
    this.#jobs = jobs;
    this.#options = options;
    this.#policy = resolvePolicy(policy);
    const stream = new RandomStream(options.seed);
    this.#failures = stream.split("failures");
    this.#pool = new NodePool(cluster.nodes, cluster.acceleratorsPerNode ?? 8, stream.split("placement"));
    this.#domains = cluster.domains ?? [];
    this.#log = options.log ? new AttemptLog() : undefined;
    this.#ledger = new Ledger(jobs, this.#policy);
    const count = jobs.submitSeconds.length;
    const floats = () => new Float64Array(count);
    this.#state = new Uint8Array(count);
    this.#eligibleAt = floats();
    this.#submittedAt = floats();
    this.#startedAt = floats();
    this.#endsAt = floats();
    this.#afterFailure = new Uint8Array(count);
    this.#restarts = new Int32Array(count);
    this.#endedAt = floats().fill(Number.NaN);
    this.#queue = new JobQueue(jobs.priority);
    this.#running = Array.from({ length: this.#queue.classes }, () => new Set());
    this.#scratch = new Float64Array(cluster.nodes);
    this.#failsAt = new Float64Array(cluster.nodes);
    this.#downUntil = new Float64Array(cluster.nodes);
    this.#downSince = new Float64Array(cluster.nodes);
    this.#now = count > 0 ? jobs.submitSeconds[0]! : 0;
  }

  run(): SimulationResult {
    const { submitSeconds } = this.#jobs;
    const until = this.#options.untilSeconds ?? Number.POSITIVE_INFINITY;
    const count = submitSeconds.length;
    const begin = this.#now;
    for (let node = 0; node < this.#cluster.nodes; node++) this.#nextFailure(node, this.#now);
    for (const domain of this.#domains.keys()) this.#nextDomainFailure(domain, this.#now);
    let arrival = 0;
    let steps = 0;
    while (this.#finished < count) {
      const nextArrival = arrival < count ? submitSeconds[arrival]! : Number.POSITIVE_INFINITY;
      const time = Math.min(nextArrival, this.#events.nextTime);
      if (time > until || time === Number.POSITIVE_INFINITY) break;
      this.#now = time;
      // Everything that happens at one moment happens before anything is scheduled.
      while (arrival < count && submitSeconds[arrival] === time) {
        this.#submittedAt[arrival] = time;
        this.#enqueue(arrival++, false);
      }
      while (this.#events.nextTime === time) this.#handle(this.#events.pop());
      if (this.#queue.length > 0) this.#schedule();
      if (++steps % 65_536 === 0) {
        this.#options.signal?.throwIfAborted();
        this.#options.progress?.({
          activity: "simulating",
          done: this.#finished,
          total: count,
          unit: "jobs",
        });
      }
    }
    if (this.#finished < count && until < Number.POSITIVE_INFINITY) this.#now = until;
    return this.#result(begin);
  }

  #handle({ kind, subject }: ReturnType<EventQueue["pop"]>): void {
    switch (kind) {
      case EVENT.jobEnds:
        // A job that was interrupted since has another end.
        if (this.#state[subject] === RUNNING && this.#endsAt[subject] === this.#now) this.#finish(subject);
        return;
      case EVENT.jobEligible:
        if (this.#state[subject] === HELD) this.#enqueue(subject, true);
        return;
      case EVENT.nodeFails:
        if (this.#failsAt[subject] !== this.#now) return;
        this.#nodeFailures++;
        this.#fail(subject, drawLifetime(this.#cluster.repair, this.#failures));
        return;
      case EVENT.nodeReturns:
        if (this.#downUntil[subject] === this.#now && !this.#pool.up[subject]) this.#restore(subject);
        return;
      case EVENT.domainFails: {
        const domain = this.#domains[subject]!;
        this.#domainFailures++;
        const repair = drawLifetime(domain.repair, this.#failures);
        for (const node of domain.nodes) this.#fail(node, repair);
        this.#nextDomainFailure(subject, this.#now + repair);
        return;
      }
      case EVENT.wake:
        return;
    }
  }

  // --- nodes ---

  #nextFailure(node: number, from: number): void {
    const factor = this.#cluster.lemons?.get(node) ?? 1;
    this.#failsAt[node] = from + drawLifetime(this.#cluster.failure, this.#failures) / factor;
    this.#events.push(EVENT.nodeFails, node, this.#failsAt[node]!);
  }

  #nextDomainFailure(domain: number, from: number): void {
    const at = from + drawLifetime(this.#domains[domain]!.failure, this.#failures);
    this.#events.push(EVENT.domainFails, domain, at);
  }

  #fail(node: number, repairSeconds: number): void {
    if (this.#pool.up[node]) {
      for (const job of [...this.#pool.jobsOn[node]!]) {
        this.#interrupt(job, "NODE_FAIL", "lostToFailures", node);
        this.#interruptions++;
      }
      this.#pool.takeDown(node);
      this.#downSince[node] = this.#now;
      this.#reserved = -1;
    }
    const back = this.#now + repairSeconds;
    // Of two repairs the longer decides; the node's own clock starts again when it is back.
    if (back <= this.#downUntil[node]!) return;
    this.#downUntil[node] = back;
    this.#failsAt[node] = Number.NaN;
    this.#events.push(EVENT.nodeReturns, node, back);
  }

  #restore(node: number): void {
    this.#downNodeSeconds += this.#now - this.#downSince[node]!;
    this.#pool.bringUp(node);
    this.#nextFailure(node, this.#now);
  }

  // --- jobs ---

  #enqueue(job: number, front: boolean): void {
    this.#state[job] = QUEUED;
    this.#eligibleAt[job] = this.#now;
    this.#queue.add(job, front);
  }

  #start(job: number): void {
    this.#queue.remove(job);
    this.#state[job] = RUNNING;
    this.#attempts++;
    this.#startedAt[job] = this.#now;
    this.#ledger.queueSeconds[job]! += this.#now - this.#eligibleAt[job]!;
    this.#endsAt[job] = this.#now + this.#ledger.secondsToRun(job);
    const until = Math.max(this.#endsAt[job]!, this.#now + limitOf(this.#jobs, job));
    this.#nodesOf.set(job, this.#pool.allocate(job, this.#jobs.accelerators[job]!, until));
    this.#running[this.#queue.classOf(job)]!.add(job);
    this.#events.push(EVENT.jobEnds, job, this.#endsAt[job]!);
  }

  /** Frees the nodes of an attempt that ended, and logs it. */
  #release(job: number, state: State, failedNode?: number): void {
    const nodes = this.#nodesOf.get(job)!;
    this.#nodesOf.delete(job);
    this.#running[this.#queue.classOf(job)]!.delete(job);
    this.#pool.release(job, nodes, this.#jobs.accelerators[job]!);
    this.#log?.add({
      job,
      state,
      nodes,
      failedNode,
      submit: this.#submittedAt[job],
      eligible: this.#eligibleAt[job],
      start: this.#startedAt[job],
      end: this.#now,
      timeLimitSeconds: limitOf(this.#jobs, job),
      priority: this.#jobs.priority[job],
      accelerators: this.#jobs.accelerators[job],
    });
  }

  #finish(job: number): void {
    this.#ledger.complete(job, this.#now - this.#startedAt[job]!);
    this.#release(job, "COMPLETED");
    this.#state[job] = DONE;
    this.#endedAt[job] = this.#now;
    this.#finished++;
  }

  /** Ends an attempt before its time and requeues the job. What it throws away is booked under `loss`. */
  #interrupt(job: number, state: "NODE_FAIL" | "PREEMPTED", loss: Loss, failedNode?: number): void {
    this.#ledger.lose(loss, this.#ledger.interrupt(job, this.#now - this.#startedAt[job]!));
    this.#release(job, state, failedNode);
    this.#restarts[job]!++;
    this.#afterFailure[job] = state === "NODE_FAIL" ? 1 : 0;
    this.#state[job] = HELD;
    this.#submittedAt[job] = this.#now;
    this.#events.push(EVENT.jobEligible, job, this.#now + this.#policy.requeueHoldSeconds);
  }

  // --- scheduling ---

  /** Starts what can start, in order of priority and then of arrival; then fills in behind the first blocked job. */
  #schedule(): void {
    let blocked = -1;
    let looked = 0;
    for (let list = 0; list < this.#queue.classes; list++) {
      let job = this.#queue.first(list);
      while (job >= 0) {
        const next = this.#queue.after(job);
        if (blocked < 0) {
          if (this.#pool.fits(this.#jobs.accelerators[job]!) || this.#preemptFor(job, list)) this.#start(job);
          else {
            blocked = job;
            this.#reserve(job);
          }
        } else {
          if (++looked > this.#policy.backfillDepth || this.#pool.freeAccelerators === 0) return;
          this.#backfill(job);
        }
        job = next;
      }
    }
  }

  #backfill(job: number): void {
    const done =
      this.#now +
      Math.max(limitOf(this.#jobs, job), this.#policy.restartSeconds + this.#jobs.workSeconds[job]!);
    if (done <= this.#reservedFor && this.#pool.fits(this.#jobs.accelerators[job]!)) this.#start(job);
  }

  #reserve(job: number): void {
    if (this.#reserved === job && this.#reservedFor > this.#now) return;
    this.#reserved = job;
    const whole = Math.max(1, this.#pool.wholeNodes(this.#jobs.accelerators[job]!));
    this.#reservedFor = this.#pool.emptyAt(whole, this.#scratch);
  }

  /** Running jobs below a class that may be preempted: the lowest class first, in it the latest started first. */
  *#preemptible(list: number): Generator<number> {
    for (let lower = this.#queue.classes - 1; lower > list; lower--) {
      yield* [...this.#running[lower]!]
        .filter((job) => this.#now - this.#startedAt[job]! >= this.#policy.preemptExemptSeconds)
        .sort((a, b) => this.#startedAt[b]! - this.#startedAt[a]! || b - a);
    }
  }

  /** Frees room for a job by preempting lower priorities, the lowest and the latest started first; all or none. */
  #preemptFor(job: number, list: number): boolean {
    if (!this.#policy.preempt || list === this.#queue.classes - 1) return false;
    if (this.#now < this.#preemptAgainAt && this.#reserved === job) return false;
    const victims = chooseVictims(
      this.#preemptible(list),
      this.#jobs.accelerators,
      this.#nodesOf,
      this.#pool,
      this.#jobs.accelerators[job]!,
    );
    if (!victims) {
      this.#preemptAgainAt = this.#now + PREEMPT_RETRY_SECONDS;
      this.#events.push(EVENT.wake, 0, this.#preemptAgainAt);
      return false;
    }
    for (const victim of victims) {
      const restarting = this.#afterFailure[job] === 1;
      this.#interrupt(victim, "PREEMPTED", restarting ? "lostToRestarts" : "lostToPreemptions");
      this.#preemptions++;
      if (restarting) this.#secondOrder++;
    }
    return true;
  }

  #result(begin: number): SimulationResult {
    const { queueSeconds, runningSeconds } = this.#ledger;
    for (let job = 0; job < this.#state.length; job++) {
      if (this.#state[job] === RUNNING) {
        // What it has not saved yet is neither productive nor lost.
        this.#ledger.interrupt(job, this.#now - this.#startedAt[job]!);
        this.#release(job, "RUNNING");
      } else if (this.#state[job] === QUEUED) queueSeconds[job]! += this.#now - this.#eligibleAt[job]!;
    }
    for (let node = 0; node < this.#cluster.nodes; node++) {
      if (!this.#pool.up[node]) this.#downNodeSeconds += this.#now - this.#downSince[node]!;
    }
    const perNode = this.#pool.acceleratorsPerNode;
    return {
      endSeconds: this.#now,
      finished: this.#finished,
      attempts: this.#attempts,
      nodeFailures: this.#nodeFailures,
      domainFailures: this.#domainFailures,
      interruptions: this.#interruptions,
      preemptions: this.#preemptions,
      secondOrderPreemptions: this.#secondOrder,
      hours: this.#ledger.hours(
        this.#pool.count * perNode * (this.#now - begin),
        this.#downNodeSeconds * perNode,
      ),
      queueSeconds,
      runningSeconds,
      restarts: this.#restarts,
      endedAt: this.#endedAt,
      log: this.#log?.table,
    };
  }
}
