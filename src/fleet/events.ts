/** What happened to nodes, as all readers of events give it. Times are seconds since 1970 UTC. */

/** A time in which a node was not as it should be. */
export interface NodeEvent {
  /** A row of a table of failures, or a state that Slurm gave the node. */
  readonly kind: "failure" | "state";
  readonly node: string;
  readonly start: number;
  /** NaN while it lasts. */
  readonly end: number;
  /** `DOWN`, `DRAIN`, ... without Slurm's flags; the category in other failure logs. */
  readonly state: string;
  readonly reason: string;
  /** Slurm's `*`: the node does not respond. */
  readonly notResponding: boolean;
  readonly file: string;
  readonly line: number;
}

/** One thing that was observed on a node at one moment: an XID, a link error, a failed health check. */
export interface Signal {
  readonly node: string;
  readonly time: number;
  /** A symptom of `data/taxonomy.csv`. */
  readonly symptom: string;
  /** What the log says. */
  readonly detail: string;
  /** NVIDIA's error number, where it is one. */
  readonly xid?: number | undefined;
  /** Which accelerator of the node: a PCI address or an index. */
  readonly accelerator?: string | undefined;
  /** Severe enough to take the node out of service at once. */
  readonly critical: boolean;
  readonly file: string;
  readonly line: number;
}

/**
 * Out of service and not by plan: any failure, whatever its table calls it, and the states of Slurm that take a node away
 * from jobs, except for maintenance.
 */
export function isOutage({ kind, state }: NodeEvent): boolean {
  return kind === "failure" || /^(DOWN|DRAIN|FAIL|ERROR|NO_RESPOND)/.test(state);
}
