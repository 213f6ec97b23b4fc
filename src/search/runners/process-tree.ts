/**
 * Ending everything that an evaluation started. A child is put into a process group of its own and marked by an
 * environment variable; its descendants inherit the mark even where they leave the group or their parent dies, so
 * they are found in /proc (Linux). Elsewhere only the group is ended.
 */
import { readdirSync, readFileSync } from "node:fs";

/** The variable that marks the processes of one evaluation. */
export const MARK = "TERRARIUM_EVALUATION";

/** Kills the group of `leader` and every process that carries `mark`, until none is left. */
export function killTree(leader: number, mark: string): void {
  // A process that forks while it is being killed leaves a child behind: look again until nothing is found.
  for (let round = 0; round < 20; round++) {
    kill(-leader);
    const left = marked(mark);
    if (left.length === 0) return;
    for (const pid of left) kill(pid);
  }
}

/** The live processes that carry `mark`; none where there is no /proc. */
export function marked(mark: string): number[] {
  const wanted = `${MARK}=${mark}`;
  const found: number[] = [];
  let entries: string[];
  try {
    entries = readdirSync("/proc");
  } catch {
    return found;
  }
  for (const entry of entries) {
    if (!/^\d+$/.test(entry)) continue;
    try {
      if (readFileSync(`/proc/${entry}/environ`, "latin1").split("\0").includes(wanted)) {
        if (!readFileSync(`/proc/${entry}/stat`, "latin1").includes(") Z ")) found.push(Number(entry));
      }
    } catch {
      // Gone meanwhile, or another user's: not ours to kill.
    }
  }
  return found;
}

function kill(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // Gone already.
  }
}
