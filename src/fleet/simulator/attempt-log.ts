/** A simulation's attempts as the rows that readers of real logs make, so that the same analyses take them. */
import { type AttemptFields, AttemptTable } from "../attempts.ts";
import { foldNodeList } from "../nodelist.ts";

/** What a simulation knows of an attempt that ended; nodes by number. */
export interface SimulatedAttempt
  extends Pick<
    AttemptFields,
    "state" | "submit" | "eligible" | "start" | "end" | "timeLimitSeconds" | "priority" | "accelerators"
  > {
  readonly job: number;
  readonly nodes: Int32Array;
  readonly failedNode: number | undefined;
}

const nodeName = (node: number): string => `n${node}`;

export class AttemptLog {
  readonly table = new AttemptTable();

  constructor() {
    this.table.sources.push("simulation");
  }

  add({ job, nodes, failedNode, ...attempt }: SimulatedAttempt): void {
    this.table.add({
      ...attempt,
      // Slurm's ids begin with 1.
      job: String(job + 1),
      nodes: nodes.length,
      nodeList: foldNodeList(Array.from(nodes, nodeName)),
      failedNode: failedNode === undefined ? undefined : nodeName(failedNode),
    });
  }
}
