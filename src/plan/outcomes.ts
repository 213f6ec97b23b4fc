/** What a design comes to: the figures that objectives and constraints are about. */
import type { AnyEstimate } from "../core/index.ts";
import type { Objective } from "./brief.ts";
import type { Upstream } from "./decision.ts";
import { checkpoint } from "./decisions/checkpoint.ts";
import { cluster } from "./decisions/cluster.ts";
import { data } from "./decisions/data.ts";
import { region } from "./decisions/region.ts";

export type Outcomes = Readonly<Record<Objective, AnyEstimate>>;

/** Of the training run; serving is reported beside it, since it goes on for as long as the model is used. */
export function outcomesOf(choices: Upstream): Outcomes {
  const { accelerators, price } = choices.get(cluster);
  const { wallClock } = choices.get(checkpoint);
  const { energy, total } = choices.get(region);
  return {
    loss: choices.get(data).loss,
    days: wallClock,
    cost: accelerators.times(price).times(wallClock),
    carbon: total,
    energy,
  };
}
