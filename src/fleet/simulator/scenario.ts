/** What a simulation is given and what it returns. */
import { InputError, type Supervision } from "../../core/index.ts";
import type { AttemptTable } from "../attempts.ts";
import type { SimulatedJobs } from "./jobs.ts";
import type { Lifetime } from "./lifetimes.ts";

/** Nodes that fail together. */
export interface FailureDomain {
  readonly name: string;
  readonly nodes: readonly number[];
  readonly failure: Lifetime;
  readonly repair: Lifetime;
}

export interface SimulatedCluster {
  readonly nodes: number;
  /** Default 8. */
  readonly acceleratorsPerNode?: number | undefined;
  /** Time from a node's repair to its next failure. */
  readonly failure: Lifetime;
  readonly repair: Lifetime;
  /** Nodes that fail more often: how many times as often. */
  readonly lemons?: ReadonlyMap<number, number> | undefined;
  readonly domains?: readonly FailureDomain[] | undefined;
}

export interface SchedulingPolicy {
  /** Default one hour; infinite: no checkpoints. */
  readonly checkpointIntervalSeconds?: number | undefined;
  /** Default 0. */
  readonly checkpointWriteSeconds?: number | undefined;
  /** Default 5 minutes. */
  readonly restartSeconds?: number | undefined;
  /** Between an interruption and becoming eligible again. Default Slurm's 121 s. */
  readonly requeueHoldSeconds?: number | undefined;
  /** May a job preempt lower priorities? Default false. */
  readonly preempt?: boolean | undefined;
  /** A job cannot be preempted before it has run so long. Default 2 hours, as on the clusters of the paper. */
  readonly preemptExemptSeconds?: number | undefined;
  /** How many queued jobs are looked at beyond the first that is blocked. Default 100; 0: strictly first come. */
  readonly backfillDepth?: number | undefined;
}

export type ResolvedPolicy = Required<{ [K in keyof SchedulingPolicy]: NonNullable<SchedulingPolicy[K]> }>;

/** A policy with the defaults of what it leaves out. */
export function resolvePolicy(policy: SchedulingPolicy): ResolvedPolicy {
  return {
    checkpointIntervalSeconds: policy.checkpointIntervalSeconds ?? 3600,
    checkpointWriteSeconds: policy.checkpointWriteSeconds ?? 0,
    restartSeconds: policy.restartSeconds ?? 300,
    requeueHoldSeconds: policy.requeueHoldSeconds ?? 121,
    preempt: policy.preempt ?? false,
    preemptExemptSeconds: policy.preemptExemptSeconds ?? 7200,
    backfillDepth: policy.backfillDepth ?? 100,
  };
}

/** A job that no number of free nodes can hold would wait for ever: throws an `InputError`. */
export function refuseImpossibleJobs(
  { nodes, acceleratorsPerNode = 8 }: SimulatedCluster,
  { accelerators }: SimulatedJobs,
): void {
  const largest = accelerators.reduce((most, size) => Math.max(most, size), 0);
  if (largest <= nodes * acceleratorsPerNode) return;
  throw new InputError({
    found: `a job of ${largest} accelerators`,
    expected: `at most the ${nodes * acceleratorsPerNode} of the cluster`,
  });
}

export interface SimulationOptions extends Supervision {
  readonly seed: number;
  /** Stop at this time, with jobs still running. Default: when all jobs are done. */
  readonly untilSeconds?: number | undefined;
  /** Keep every attempt as a row of a table that the readers' analyses take. Default false. */
  readonly log?: boolean | undefined;
}

/** Accelerator-hours, by what became of them. */
export interface SimulatedHours {
  readonly productive: number;
  readonly restart: number;
  readonly checkpointWrite: number;
  /** Thrown away by failures of nodes. */
  readonly lostToFailures: number;
  /** Thrown away by preemptions for jobs that were starting again after a failure. */
  readonly lostToRestarts: number;
  /** Thrown away by all other preemptions. */
  readonly lostToPreemptions: number;
  readonly down: number;
  readonly idle: number;
}

export interface SimulationResult {
  readonly endSeconds: number;
  readonly finished: number;
  readonly attempts: number;
  readonly nodeFailures: number;
  readonly domainFailures: number;
  readonly interruptions: number;
  readonly preemptions: number;
  /** Preemptions by jobs that were starting again after a failure. */
  readonly secondOrderPreemptions: number;
  readonly hours: SimulatedHours;
  /** Of each job: time eligible and waiting, time running, interruptions, and when it ended (NaN: it did not). */
  readonly queueSeconds: Float64Array;
  readonly runningSeconds: Float64Array;
  readonly restarts: Int32Array;
  readonly endedAt: Float64Array;
  readonly log: AttemptTable | undefined;
}
