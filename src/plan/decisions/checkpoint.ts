/** How often to save, given how often the cluster fails: and with that, how long the run takes. */
import { type AnyEstimate, type DimensionOf, Estimate, formatNumber } from "../../core/index.ts";
import { ettr, mttf, optimalIntervalExact, requeueWait } from "../../fleet/index.ts";
import type { Decision, Upstream } from "../decision.ts";
import type { Problem } from "../problem.ts";
import { figures } from "../tables.ts";
import { cluster } from "./cluster.ts";
import { data } from "./data.ts";
import { model } from "./model.ts";

type Time = Estimate<DimensionOf<"s">>;

export interface CheckpointOption {
  readonly intervalSeconds: number;
}

export interface CheckpointChoice extends CheckpointOption {
  readonly mttf: Time;
  readonly write: Time;
  readonly restart: Time;
  /** Wait for nodes before a restart. */
  readonly queue: Time;
  /** Time of the steps alone. */
  readonly productive: Time;
  readonly ettr: Estimate<DimensionOf<"1">>;
  /** From the first start to the last step, failures and all. */
  readonly wallClock: Time;
  readonly warning: string | undefined;
}

const MINUTE = 60;
/** Intervals that people use, to compare the optimum with. */
const USUAL_SECONDS = [15 * MINUTE, 60 * MINUTE];

export const checkpoint: Decision<CheckpointOption, CheckpointChoice> = {
  id: "checkpoint",
  title: "Checkpoints",
  question: "How often to save?",

  options(problem, upstream) {
    // A setting is one number, so the medians decide it; how it fares under every draw is what follows from it.
    const failuresPerSecond =
      problem.failureRate.rate.value("1/node/s") * upstream.get(cluster).nodes.value();
    const optimum = optimalIntervalExact(failuresPerSecond, writeTime(problem, upstream).value("s"));
    return [
      { intervalSeconds: roundInterval(optimum) },
      ...USUAL_SECONDS.map((intervalSeconds) => ({ intervalSeconds })),
    ];
  },

  evaluate({ intervalSeconds }, problem, upstream) {
    const { nodes, step } = upstream.get(cluster);
    const { sampler, failureRate, open } = problem;
    const table = figures("checkpoints");
    const productive = upstream.get(data).tokens.over(step.throughput);
    const write = writeTime(problem, upstream);
    const restart = table.estimate(sampler, "restart", "time", "s");
    const assumedQueue = table.estimate(sampler, "restart", "queue", "s");
    const queue = open.log ? requeueWait(sampler, open.log, assumedQueue) : assumedQueue;
    const expected = ettr({
      failureRate: failureRate.rate,
      nodes,
      checkpointInterval: Estimate.exact(intervalSeconds, "s"),
      restart,
      queue,
      checkpointWrite: write,
      productive,
    });
    return {
      intervalSeconds,
      mttf: mttf(failureRate.rate, nodes),
      write,
      restart,
      queue,
      productive,
      ettr: expected.ettr,
      wallClock: productive.over(expected.ettr),
      warning: expected.warning,
    };
  },

  label: ({ intervalSeconds }) => `every ${formatNumber(intervalSeconds / MINUTE)} min`,

  explain(choice, { failureRate, open }) {
    const figures: Record<string, AnyEstimate> = {
      "failure rate of a node": failureRate.rate.shownIn("1/node/day"),
      "mean time to failure": choice.mttf,
      "checkpoint write": choice.write,
      "wait for nodes before a restart": choice.queue,
      "productive time": choice.productive,
      "effective training time ratio (ETTR)": choice.ettr.shownIn("%"),
      "wall-clock time": choice.wallClock,
    };
    const basis = open.log
      ? `the log's ${open.log.failures.failures} node failures in ${formatNumber(open.log.failures.nodeDays)} node-days and the published clusters ${failureRate.prior.clusters.join(", ")}`
      : `the published clusters ${failureRate.prior.clusters.join(", ")}`;
    return {
      why: `The failure rate is that of ${basis}. The optimal interval weighs the time that writing takes against the work that a failure loses; ETTR is the share of wall-clock time that makes progress.`,
      figures,
      notes: [...(open.log?.notes ?? []), failureRate.disagreement, choice.warning].filter(
        (note) => note !== undefined,
      ),
    };
  },
};

/** Blocking write of weights and optimiser state, each accelerator writing its share. */
function writeTime({ sampler }: Problem, upstream: Upstream): Time {
  const table = figures("checkpoints");
  const bytes = table.estimate(sampler, "checkpoint", "bytes per parameter", "B");
  const bandwidth = table.estimate(sampler, "checkpoint", "write bandwidth", "B/s/accelerator");
  return bytes
    .times(upstream.get(model).parameters)
    .over(bandwidth.times(upstream.get(cluster).accelerators));
}

/** Two digits are enough for a setting, and make it one that a person would write down. */
function roundInterval(seconds: number): number {
  const minutes = seconds / MINUTE;
  const digit = 10 ** (Math.floor(Math.log10(minutes)) - 1);
  return Math.max(Math.round(minutes / digit) * digit, 0.1) * MINUTE;
}
