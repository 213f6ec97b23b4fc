/** What the logs at hand cannot tell, and which log would. */
import type { NodeSets } from "./nodelist.ts";
import type { ClusterLog } from "./readers/open.ts";

/** A sentence for each thing that cannot be told. `requeuesSeen`: some run has a second attempt. */
export function unknowable(
  log: ClusterLog,
  unknownCulprits: number,
  nodes: NodeSets,
  requeuesSeen: boolean,
): string[] {
  const { attempts, kinds } = log;
  const says: string[] = [];
  const states = attempts.byState();
  const requeued = (states.REQUEUED ?? 0) + (states.PREEMPTED ?? 0) + (states.NODE_FAIL ?? 0);
  if (kinds.has("sacct") && !requeuesSeen && requeued === 0) {
    says.push(
      "No job has a second attempt: if sacct was run without --duplicates, every requeued attempt is hidden and failures are undercounted.",
    );
  }
  says.push(
    "Accounting does not see checkpoints: their interval, the time to write one and the time to restart are taken as given, and the work lost to an interruption is an interval, not a number.",
  );
  for (const field of new Set(log.missing)) {
    if (field === "Eligible") {
      says.push("Without the field Eligible the wait after a requeue cannot be told from its hold-off.");
    }
    if (field === "NodeList") says.push("Without the field NodeList nothing can be said of single nodes.");
  }
  if (!kinds.has("node events") && !kinds.has("slurmctld") && !kinds.has("failure table")) {
    says.push(
      `Accounting names the nodes of a job, not the one that failed (unknown for ${unknownCulprits} attempts): add sacctmgr show event, or slurmctld.log.`,
    );
  }
  if (!kinds.has("slurmctld") && (states.PREEMPTED ?? 0) > 0) {
    says.push(
      "Which job a preempted job made room for is inferred from times and nodes: slurmctld.log names it.",
    );
  }
  if (!kinds.has("gpu errors") && !kinds.has("dcgm metrics")) {
    says.push(
      "Without kernel logs or DCGM metrics, a FAILED job that the hardware ended looks like a bug of its user: hardware failures are a lower bound.",
    );
  }
  if (!kinds.has("key values")) {
    says.push("Which nodes users exclude is not in accounting: scontrol show jobs tells it for recent jobs.");
  }
  for (const [list, line] of [...nodes.malformed].slice(0, 3)) {
    says.push(`The node list "${list}" (line ${line}) cannot be read; its attempts count for no node.`);
  }
  return says;
}
