/**
 * A cluster in simulated time: nodes fail and are repaired, alone or with their rack or switch; jobs queue, start as a
 * gang, write checkpoints, fail, are requeued after a hold-off, and preempt lower priorities; a blocked job at the head
 * of the queue has a reservation that backfill respects. Everything is decided by the seed.
 *
 * What it does not know: the network, the time of day, users who react, jobs that change size.
 */
import FlatQueue from "flatqueue";
import { InputError, RandomStream } from "../../core/index.ts";
import { AttemptTable } from "../attempts.ts";
import { foldNodeList } from "../nodelist.ts";
import { STATE_CODE, type State } from "../states.ts";
import type { SimulatedJobs } from "./jobs.ts";
import { drawLifetime } from "./lifetimes.ts";
import { NodePool } from "./nodes.ts";
import { JobQueue } from "./queue.ts";
import type {
  FailureDomain,
  SchedulingPolicy,
  SimulatedCluster,
  SimulationOptions,
  SimulationResult,
} from "./scenario.ts";
import { chooseVictims } from "./victims.ts";

/** Productive over wall-clock time of a finished job: the measured ETTR of the paper. */
export function simulatedEttr(jobs: SimulatedJobs, result: SimulationResult, job: number): number {
  return jobs.workSeconds[job]! / (result.queueSeconds[job]! + result.runningSeconds[job]!);
}

const JOB_END = 0;
const ELIGIBLE = 1;
const NODE_FAILS = 2;
const NODE_RETURNS = 3;
const DOMAIN_FAILS = 4;
const WAKE = 5;
const KINDS = 8;

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
  readonly #policy: Required<{ [K in keyof SchedulingPolicy]: NonNullable<SchedulingPolicy[K]> }>;
  readonly #pool: NodePool;
  readonly #events = new FlatQueue<number>();
  readonly #failures: RandomStream;
  readonly #log: AttemptTable | undefined;
  readonly #domains: readonly FailureDomain[];
  #now: number;

  // Jobs.
  readonly #state: Uint8Array;
  readonly #progress: Float64Array;
  readonly #eligibleAt: Float64Array;
  readonly #submittedAt: Float64Array;
  readonly #startedAt: Float64Array;
  readonly #endsAt: Float64Array;
  readonly #afterFailure: Uint8Array;
  readonly #nodesOf = new Map<number, Int32Array>();
  readonly #queueSeconds: Float64Array;
  readonly #runningSeconds: Float64Array;
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
  #productive = 0;
  #restarting = 0;
  #writing = 0;
  #lostToFailures = 0;
  #lostToRestarts = 0;
  #lostToPreemptions = 0;
  #downNodeSeconds = 0;

  constructor(
    cluster: SimulatedCluster,
    jobs: SimulatedJobs,
    policy: SchedulingPolicy,
    options: SimulationOptions,
  ) {
    this.#cluster = cluster;
    this.#jobs = jobs;
    this.#options = options;
    this.#policy = {
      checkpointIntervalSeconds: policy.checkpointIntervalSeconds ?? 3600,
      checkpointWriteSeconds: policy.checkpointWriteSeconds ?? 0,
      restartSeconds: policy.restartSeconds ?? 300,
      requeueHoldSeconds: policy.requeueHoldSeconds ?? 121,
      preempt: policy.preempt ?? false,
      preemptExemptSeconds: policy.preemptExemptSeconds ?? 7200,
      backfillDepth: policy.backfillDepth ?? 100,
    };
    const stream = new RandomStream(options.seed);
    this.#failures = stream.split("failures");
    this.#pool = new NodePool(cluster.nodes, cluster.acceleratorsPerNode ?? 8, stream.split("placement"));
    this.#domains = cluster.domains ?? [];
    this.#log = options.log ? new AttemptTable() : undefined;
    this.#log?.sources.push("simulation");
    const count = jobs.submitSeconds.length;
    const floats = () => new Float64Array(count);
    this.#state = new Uint8Array(count);
    this.#progress = floats();
    this.#eligibleAt = floats();
    this.#submittedAt = floats();
    this.#startedAt = floats();
    this.#endsAt = floats();
    this.#afterFailure = new Uint8Array(count);
    this.#queueSeconds = floats();
    this.#runningSeconds = floats();
    this.#restarts = new Int32Array(count);
    this.#endedAt = floats().fill(Number.NaN);
    this.#queue = new JobQueue(jobs.priority);
    this.#running = Array.from({ length: this.#queue.classes }, () => new Set());
    this.#scratch = new Float64Array(cluster.nodes);
    this.#failsAt = new Float64Array(cluster.nodes);
    this.#downUntil = new Float64Array(cluster.nodes);
    this.#downSince = new Float64Array(cluster.nodes);
    this.#now = count > 0 ? jobs.submitSeconds[0]! : 0;
    this.#refuseImpossible();
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
      const nextEvent = this.#events.peekValue() ?? Number.POSITIVE_INFINITY;
      const time = Math.min(nextArrival, nextEvent);
      if (time > until || time === Number.POSITIVE_INFINITY) break;
      this.#now = time;
      // Everything that happens at one moment happens before anything is scheduled.
      while (arrival < count && submitSeconds[arrival] === time) {
        this.#submittedAt[arrival] = time;
        this.#enqueue(arrival++, false);
      }
      while (this.#events.peekValue() === time) this.#handle(this.#events.pop()!);
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

  /** A job that no number of free nodes can hold would wait for ever. */
  #refuseImpossible(): void {
    const { nodes, acceleratorsPerNode = 8 } = this.#cluster;
    const largest = this.#jobs.accelerators.reduce((most, size) => Math.max(most, size), 0);
    if (largest > nodes * acceleratorsPerNode) {
      throw new InputError({
        found: `a job of ${largest} accelerators`,
        expected: `at most the ${nodes * acceleratorsPerNode} of the cluster`,
      });
    }
  }

  #handle(event: number): void {
    const kind = event % KINDS;
    const index = (event - kind) / KINDS;
    switch (kind) {
      case JOB_END:
        // A job that was interrupted since has another end.
        if (this.#state[index] === RUNNING && this.#endsAt[index] === this.#now) this.#finish(index);
        return;
      case ELIGIBLE:
        if (this.#state[index] === HELD) this.#enqueue(index, true);
        return;
      case NODE_FAILS:
        if (this.#failsAt[index] !== this.#now) return;
        this.#nodeFailures++;
        this.#fail(index, drawLifetime(this.#cluster.repair, this.#failures));
        return;
      case NODE_RETURNS:
        if (this.#downUntil[index] === this.#now && !this.#pool.up[index]) this.#restore(index);
        return;
      case DOMAIN_FAILS: {
        const domain = this.#domains[index]!;
        this.#domainFailures++;
        const repair = drawLifetime(domain.repair, this.#failures);
        for (const node of domain.nodes) this.#fail(node, repair);
        this.#nextDomainFailure(index, this.#now + repair);
        return;
      }
      case WAKE:
        return;
    }
  }

  // --- nodes ---

  #nextFailure(node: number, from: number): void {
    const factor = this.#cluster.lemons?.get(node) ?? 1;
    this.#failsAt[node] = from + drawLifetime(this.#cluster.failure, this.#failures) / factor;
    if (this.#failsAt[node]! < Number.POSITIVE_INFINITY) {
      this.#events.push(node * KINDS + NODE_FAILS, this.#failsAt[node]!);
    }
  }

  #nextDomainFailure(domain: number, from: number): void {
    const at = from + drawLifetime(this.#domains[domain]!.failure, this.#failures);
    if (at < Number.POSITIVE_INFINITY) this.#events.push(domain * KINDS + DOMAIN_FAILS, at);
  }

  #fail(node: number, repairSeconds: number): void {
    if (this.#pool.up[node]) {
      for (const job of [...this.#pool.jobsOn[node]!]) this.#interrupt(job, "NODE_FAIL", node);
      this.#pool.takeDown(node);
      this.#downSince[node] = this.#now;
      this.#reserved = -1;
    }
    const back = this.#now + repairSeconds;
    // Of two repairs the longer decides; the node's own clock starts again when it is back.
    if (back <= this.#downUntil[node]!) return;
    this.#downUntil[node] = back;
    this.#failsAt[node] = Number.NaN;
    if (back < Number.POSITIVE_INFINITY) this.#events.push(node * KINDS + NODE_RETURNS, back);
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

  #limit(job: number): number {
    return this.#jobs.limitSeconds?.[job] ?? 2 * this.#jobs.workSeconds[job]!;
  }

  #start(job: number): void {
    const { restartSeconds: u0, checkpointIntervalSeconds: dt, checkpointWriteSeconds: w } = this.#policy;
    this.#queue.remove(job);
    this.#state[job] = RUNNING;
    this.#attempts++;
    this.#startedAt[job] = this.#now;
    this.#queueSeconds[job]! += this.#now - this.#eligibleAt[job]!;
    const remaining = this.#jobs.workSeconds[job]! - this.#progress[job]!;
    this.#endsAt[job] = this.#now + u0 + remaining * (1 + w / dt);
    const until = Math.max(this.#endsAt[job]!, this.#now + this.#limit(job));
    this.#nodesOf.set(job, this.#pool.allocate(job, this.#jobs.accelerators[job]!, until));
    this.#running[this.#queue.classOf(job)]!.add(job);
    this.#events.push(job * KINDS + JOB_END, this.#endsAt[job]!);
  }

  /** Ends the attempt: frees its nodes and books its time. Returns the work that was thrown away, accelerator-seconds. */
  #stop(job: number, state: State, completed: boolean, failedNode = -1): number {
    const { restartSeconds: u0, checkpointIntervalSeconds: dt, checkpointWriteSeconds: w } = this.#policy;
    const size = this.#jobs.accelerators[job]!;
    const ran = this.#now - this.#startedAt[job]!;
    this.#runningSeconds[job]! += ran;
    const restart = Math.min(ran, u0);
    const trained = Math.max(0, ran - u0);
    let saved = this.#jobs.workSeconds[job]! - this.#progress[job]!;
    let written = (saved * w) / dt;
    if (!completed) {
      const checkpoints = Math.floor(trained / (dt + w));
      saved = checkpoints === 0 ? 0 : Math.min(saved, checkpoints * dt);
      written = checkpoints * w;
    }
    this.#progress[job]! += saved;
    this.#productive += saved * size;
    this.#restarting += restart * size;
    this.#writing += written * size;
    const nodes = this.#nodesOf.get(job)!;
    this.#nodesOf.delete(job);
    this.#running[this.#queue.classOf(job)]!.delete(job);
    this.#pool.release(job, nodes, size);
    if (this.#log) this.#record(this.#log, job, state, nodes, failedNode);
    return Math.max(0, trained - saved - written) * size;
  }

  #finish(job: number): void {
    this.#stop(job, "COMPLETED", true);
    this.#state[job] = DONE;
    this.#endedAt[job] = this.#now;
    this.#finished++;
  }

  #interrupt(job: number, state: "NODE_FAIL" | "PREEMPTED", failedNode = -1): number {
    const lost = this.#stop(job, state, false, failedNode);
    if (state === "NODE_FAIL") {
      this.#interruptions++;
      this.#lostToFailures += lost;
    }
    this.#restarts[job]!++;
    this.#afterFailure[job] = state === "NODE_FAIL" ? 1 : 0;
    this.#state[job] = HELD;
    this.#submittedAt[job] = this.#now;
    this.#events.push(job * KINDS + ELIGIBLE, this.#now + this.#policy.requeueHoldSeconds);
    return lost;
  }

  #record(log: AttemptTable, job: number, state: State, nodes: Int32Array, failedNode: number): void {
    const row = log.append();
    log.job[row] = job + 1;
    log.state[row] = STATE_CODE[state];
    log.submit[row] = this.#submittedAt[job]!;
    log.eligible[row] = this.#eligibleAt[job]!;
    log.start[row] = this.#startedAt[job]!;
    log.end[row] = this.#now;
    log.elapsedSeconds[row] = this.#now - this.#startedAt[job]!;
    log.timeLimitSeconds[row] = this.#limit(job);
    log.priority[row] = this.#jobs.priority[job]!;
    log.nodes[row] = nodes.length;
    log.accelerators[row] = this.#jobs.accelerators[job]!;
    log.nodeList[row] = log.texts.code(foldNodeList(Array.from(nodes, (node) => `n${node}`)));
    log.failedNode[row] = failedNode < 0 ? 0 : log.texts.code(`n${failedNode}`);
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
      this.#now + Math.max(this.#limit(job), this.#policy.restartSeconds + this.#jobs.workSeconds[job]!);
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
      this.#events.push(WAKE, this.#preemptAgainAt);
      return false;
    }
    for (const victim of victims) {
      const lost = this.#interrupt(victim, "PREEMPTED");
      this.#preemptions++;
      if (this.#afterFailure[job]) {
        this.#secondOrder++;
        this.#lostToRestarts += lost;
      } else this.#lostToPreemptions += lost;
    }
    return true;
  }

  #result(begin: number): SimulationResult {
    for (let job = 0; job < this.#state.length; job++) {
      if (this.#state[job] === RUNNING) this.#stop(job, "RUNNING", false);
      else if (this.#state[job] === QUEUED) this.#queueSeconds[job]! += this.#now - this.#eligibleAt[job]!;
    }
    for (let node = 0; node < this.#cluster.nodes; node++) {
      if (!this.#pool.up[node]) this.#downNodeSeconds += this.#now - this.#downSince[node]!;
    }
    const hours = (acceleratorSeconds: number) => acceleratorSeconds / 3600;
    const all = this.#pool.count * this.#pool.acceleratorsPerNode * (this.#now - begin);
    const down = this.#downNodeSeconds * this.#pool.acceleratorsPerNode;
    let running = 0;
    for (let job = 0; job < this.#state.length; job++) {
      running += this.#runningSeconds[job]! * this.#jobs.accelerators[job]!;
    }
    return {
      endSeconds: this.#now,
      finished: this.#finished,
      attempts: this.#attempts,
      nodeFailures: this.#nodeFailures,
      domainFailures: this.#domainFailures,
      interruptions: this.#interruptions,
      preemptions: this.#preemptions,
      secondOrderPreemptions: this.#secondOrder,
      hours: {
        productive: hours(this.#productive),
        restart: hours(this.#restarting),
        checkpointWrite: hours(this.#writing),
        lostToFailures: hours(this.#lostToFailures),
        lostToRestarts: hours(this.#lostToRestarts),
        lostToPreemptions: hours(this.#lostToPreemptions),
        down: hours(down),
        idle: hours(all - down - running),
      },
      queueSeconds: this.#queueSeconds,
      runningSeconds: this.#runningSeconds,
      restarts: this.#restarts,
      endedAt: this.#endedAt,
      log: this.#log,
    };
  }
}
