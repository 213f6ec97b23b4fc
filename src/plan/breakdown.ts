/** Where the time and the carbon of a plan go. */
import type { AnyEstimate } from "../core/index.ts";
import type { Upstream } from "./decision.ts";
import { checkpoint } from "./decisions/checkpoint.ts";
import { cluster } from "./decisions/cluster.ts";
import { region } from "./decisions/region.ts";
import type { SourceList } from "./figures.ts";
import type { Breakdown } from "./plan-schema.ts";

export function breakdownsOf(choices: Upstream, collect: SourceList): Breakdown[] {
  const { productive, wallClock, write, intervalSeconds } = choices.get(checkpoint);
  const { step } = choices.get(cluster);
  const { operational, embodied } = choices.get(region);
  const waiting = productive.times(step.waiting.over(step.time));
  const saving = write.times(productive.value("s") / intervalSeconds);
  const breakdown = (
    title: string,
    unit: string,
    parts: Readonly<Record<string, AnyEstimate>>,
  ): Breakdown => ({
    title,
    unit,
    parts: Object.entries(parts).map(([name, estimate]) => collect.figure(name, estimate.shownIn(unit))),
  });
  return [
    breakdown("Where the time goes", "h", {
      computing: productive.minus(waiting),
      "waiting for the network": waiting,
      "writing checkpoints": saving,
      "failures, restarts and lost work": wallClock
        .minus(productive)
        .minus(saving)
        .atLeast(wallClock.times(0)),
    }),
    breakdown("Where the carbon comes from", "kgCO2e", {
      "operational, from electricity": operational,
      "embodied, from making the servers": embodied,
    }),
  ];
}
