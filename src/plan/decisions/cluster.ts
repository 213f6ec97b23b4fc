/** On which accelerators, and on how many. */
import { type AnyEstimate, type DimensionOf, Estimate, formatNumber, InputError } from "../../core/index.ts";
import {
  type Accelerator,
  rentalPrice,
  type TrainingLayout,
  type TrainingStep,
  trainingSteps,
} from "../../hardware/index.ts";
import type { Architecture } from "../../model/index.ts";
import { type Decision, Impossible } from "../decision.ts";
import type { Problem } from "../problem.ts";
import { model } from "./model.ts";

export interface ClusterOption {
  readonly accelerator: Accelerator;
  readonly count: number;
}

export interface ClusterChoice extends ClusterOption {
  readonly accelerators: Estimate<DimensionOf<"accelerator">>;
  readonly nodes: Estimate<DimensionOf<"node">>;
  readonly step: Extract<TrainingStep, { fits: true }>;
  readonly price: Estimate<DimensionOf<"USD/accelerator/h">>;
}

export const cluster: Decision<ClusterOption, ClusterChoice> = {
  id: "cluster",
  title: "Cluster",
  question: "On which accelerators, and on how many?",

  options: ({ open }) =>
    open.accelerators.flatMap((accelerator) => open.counts.map((count) => ({ accelerator, count }))),

  evaluate({ accelerator, count }, problem, upstream) {
    const { architecture } = upstream.get(model);
    const stepOn = problem.once(architecture, `steps on ${accelerator.name}`, () =>
      stepsOn(accelerator, architecture, problem),
    );
    const step = stepOn(count);
    if (!step.fits) {
      return new Impossible(
        `${count} x ${accelerator.name} cannot hold the training state of ${upstream.get(model).name}, ${formatNumber(upstream.get(model).parameters)} parameters: ${step.memory} are needed, ${Estimate.exact(accelerator.memoryBytes, "B/accelerator")} are there`,
        ["cluster", "count"],
        "lower model.size, raise cluster.count, or choose another accelerator",
      );
    }
    const price = problem.brief.cluster?.price;
    return {
      accelerator,
      count,
      accelerators: Estimate.exact(count, "accelerator"),
      nodes: Estimate.exact(Math.ceil(count / accelerator.acceleratorsPerNode), "node"),
      step,
      price:
        price === undefined
          ? rentalPrice(problem.sampler, accelerator)
          : Estimate.exact(price, "USD/accelerator/h"),
    };
  },

  label: ({ accelerator, count }) => `${count} x ${accelerator.name}`,

  explain({ accelerator, count, step, price }, problem) {
    const figures: Record<string, AnyEstimate> = {
      "model FLOP utilisation": step.modelFlopsUtilisation.shownIn("%"),
      throughput: step.throughput,
      "step time": step.time,
      "waiting for the network in a step": step.waiting,
      "memory needed": step.memory,
      "power of an accelerator": step.power,
      price,
    };
    const whole = Math.max(...problem.open.counts);
    return {
      why: `${count === whole ? "The whole cluster" : `${count} of the ${whole} accelerators`}, each replica ${layoutText(step.layout)}. Step time is a roofline of every operator, divided by the efficiency that published runs reach, with the exchange of gradients that computation cannot hide.`,
      figures,
      notes:
        accelerator.acceleratorsPerNode === 8 || problem.open.log === undefined
          ? []
          : [
              `failure rates are of nodes of 8; a node of ${accelerator.name} holds ${accelerator.acceleratorsPerNode}`,
            ],
    };
  },
};

function stepsOn(accelerator: Accelerator, architecture: Architecture, { sampler, brief, open }: Problem) {
  try {
    return trainingSteps(sampler, accelerator, { architecture, context: open.context });
  } catch (error) {
    if (!(error instanceof InputError)) throw error;
    const place = brief.placeOf(["model", "context"]);
    throw new InputError(
      error.problems.map(({ found }) => ({
        place,
        found: `a context of ${open.context} tokens`,
        expected: `at most the ${found} of an optimiser step`,
        remedy: "shorten model.context",
      })),
    );
  }
}

function layoutText({ tensorParallel, microbatch, sharding, recomputation }: TrainingLayout): string {
  const parts = [
    tensorParallel === 1 ? "on one accelerator" : `split over ${tensorParallel} accelerators`,
    `${microbatch} ${microbatch === 1 ? "sequence" : "sequences"} at a time`,
    sharding === "all" ? "weights, gradients and optimiser state sharded" : "optimiser state sharded",
    recomputation === "full" ? "activations recomputed" : "activations kept",
  ];
  return parts.join(", ");
}
