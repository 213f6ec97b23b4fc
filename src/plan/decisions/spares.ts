/** How many nodes to keep ready, so that a failure is followed by a restart and not by a wait for a repair. */
import { type AnyEstimate, type Dimensionless, type DimensionOf, Estimate } from "../../core/index.ts";
import { repairTime, sparesNeeded } from "../../fleet/index.ts";
import type { Decision } from "../decision.ts";
import { figures } from "../tables.ts";
import { cluster } from "./cluster.ts";

/** Of moments at which no more nodes are away than stand ready. */
export interface SparesOption {
  readonly level: number;
}

export interface SparesChoice extends SparesOption {
  readonly repair: Estimate<DimensionOf<"s">>;
  readonly spares: Estimate<Dimensionless>;
}

export const spares: Decision<SparesOption, SparesChoice> = {
  id: "spares",
  title: "Spare nodes",
  question: "How many nodes to keep ready?",

  beside: true,

  options: () => [{ level: 0.99 }],

  evaluate({ level }, { sampler, failureRate, open }, upstream) {
    const assumed = figures("checkpoints").estimate(sampler, "restart", "repair", "s");
    const repair = open.log ? repairTime(open.log, assumed) : assumed;
    const { nodes } = upstream.get(cluster);
    return {
      level,
      repair,
      spares: Estimate.combine([failureRate.rate, nodes, repair], "1", (rate, count, away) =>
        sparesNeeded(count, rate, away, level),
      ),
    };
  },

  label: ({ level }) => `enough ${100 * level} times of 100`,

  explain({ repair, spares: needed, level }, { open }) {
    const shown: Record<string, AnyEstimate> = {
      "nodes to keep ready": needed,
      "time that a failed node is away": repair,
    };
    return {
      why: `With so many, no more nodes are away than stand ready at ${100 * level} moments of 100 (a binomial count of nodes under repair), and a restart does not wait for one.`,
      figures: shown,
      notes: [
        "spare nodes are beside the accelerators that train: they are in no cost and no carbon here",
        ...(open.log !== undefined && open.log.repair === undefined
          ? [
              "the log tells of no outage of a node that ended: sacctmgr show event would give its time to repair",
            ]
          : []),
      ],
    };
  },
};
