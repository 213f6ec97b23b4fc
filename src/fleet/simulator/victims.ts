/** Which running jobs to preempt so that another fits: all that are needed and no more, or none. */
import type { NodePool } from "./nodes.ts";

/**
 * Takes candidates in their order until a job of `size` accelerators fits, then lets go those that turn out not to be
 * needed. Undefined where all candidates together do not make room.
 */
export function chooseVictims(
  candidates: Iterable<number>,
  accelerators: Int32Array,
  nodesOf: ReadonlyMap<number, Int32Array>,
  pool: NodePool,
  size: number,
): number[] | undefined {
  const whole = pool.wholeNodes(size);
  const full = pool.acceleratorsPerNode;
  // What would be free on each node that a victim holds, and how many nodes that makes empty or roomy.
  const free = new Map<number, number>();
  let empty = pool.empty;
  let roomy = 0;
  const give = (victim: number, sign: 1 | -1) => {
    const returned = sign * Math.min(accelerators[victim]!, full);
    for (const node of nodesOf.get(victim)!) {
      const before = free.get(node) ?? pool.free[node]!;
      const after = before + returned;
      free.set(node, after);
      empty += Number(after >= full) - Number(before >= full);
      roomy += Number(after >= size) - Number(before >= size);
    }
  };
  const enough = () => (whole > 0 ? empty >= whole : roomy > 0);

  const chosen: number[] = [];
  for (const victim of candidates) {
    give(victim, 1);
    chosen.push(victim);
    if (enough()) break;
  }
  if (!enough()) return undefined;
  return chosen.filter((victim) => {
    give(victim, -1);
    if (enough()) return false;
    give(victim, 1);
    return true;
  });
}
