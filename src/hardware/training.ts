/**
 * One optimiser step of a training run on N accelerators: how it is laid out, what it needs in memory, how long it takes.
 *
 * A step is k microsteps of forward and backward pass, the exchange of gradients, and the AdamW update. The backward pass
 * costs twice the forward pass, and once more what it computes again. Weights and gradients travel while layers compute,
 * so only what does not fit beside the computation counts, and at least one layer's share of it; the all-reduces of tensor
 * parallelism count in full; a pipeline of p stages with v chunks each idles (p - 1) / (v k) of its compute time
 * (arXiv:2104.04473 §2.2). Compute time is divided by the step efficiency, which is fitted to published runs and stands
 * for all that rooflines of single operators leave out.
 *
 * Not modelled: context and expert parallelism, transfers between pipeline stages.
 */
import { type Dimensionless, Estimate, InputError, type Sampler } from "../core/index.ts";
import { type Architecture, operators, trainingPass } from "../model/index.ts";
import type { Accelerator } from "./accelerators.ts";
import { allReduceCost, collectiveSeconds, gatherCost, interconnect } from "./collectives.ts";
import { programEfficiency } from "./efficiencies.ts";
import {
  activationBytes,
  GRADIENT_BYTES,
  RECOMPUTATIONS,
  type Recomputation,
  recomputed,
  type Sharding,
  STATE_BYTES,
  stateBytes,
  trainingFootprint,
  WEIGHT_BYTES,
} from "./memory.ts";
import { averagePower, type PowerPerAccelerator } from "./power.ts";
import {
  operatorTime,
  roofline,
  rooflineSeconds,
  rooflineTerms,
  tensorParallelPart,
  type Work,
} from "./roofline.ts";

/** Tokens of one optimiser step where the caller does not say: Llama 2's four million (arXiv:2307.09288 §2.2). */
export const DEFAULT_BATCH_TOKENS = 2 ** 22;

const DEEPEST_PIPELINE = 16;

export interface TrainingWorkload {
  readonly architecture: Architecture;
  /** Tokens of one sequence. */
  readonly context: number;
  /** Tokens of one optimiser step, over all accelerators. Default `DEFAULT_BATCH_TOKENS`. */
  readonly batchTokens?: number;
}

/** How a step is laid out. tensor x pipeline x data accelerators work; others that were given stand idle. */
export interface TrainingLayout {
  readonly tensorParallel: number;
  readonly pipelineParallel: number;
  readonly dataParallel: number;
  /** Sequences of one replica's microstep. */
  readonly microbatch: number;
  readonly microsteps: number;
  readonly sharding: Sharding;
  readonly recomputation: Recomputation;
  /** What it needs on each accelerator. */
  readonly memoryBytes: number;
}

interface Plan {
  readonly accelerators: number;
  readonly layout: TrainingLayout;
  readonly memory: Estimate<{ information: 1; accelerators: -1 }>;
}

/** `fits` is false where no layout fits the memory; `layout` is then the one that comes nearest. */
export type TrainingStep =
  | (Plan & { readonly fits: false })
  | (Plan & {
      readonly fits: true;
      readonly time: Estimate<{ time: 1 }>;
      readonly throughput: Estimate<{ tokens: 1; time: -1 }>;
      /** Forward FLOPs x 3, head included and attention causal, over the dense bf16 peak of all accelerators given. */
      readonly modelFlopsUtilisation: Estimate<Dimensionless>;
      /** Time in which accelerators wait: for the network, for each other, for the pipeline to fill. */
      readonly waiting: Estimate<{ time: 1 }>;
      /** Mean over the step and the accelerators given. */
      readonly power: PowerPerAccelerator;
    });

/**
 * Prepares `workload` on accelerators `a` and returns the function that says what a step takes on `count` of them.
 * Prepare once and ask for many counts: what does not depend on the count is reckoned only once. The layout is the one
 * with the shortest step at the medians of all inputs; using half of the accelerators is among the choices. Pipelines are
 * tried where weights, gradients and optimiser state exceed a node.
 * @throws InputError where the batch is less than a sequence, or the count is not a whole number.
 */
export function trainingSteps(
  sampler: Sampler,
  a: Accelerator,
  workload: TrainingWorkload,
): (count: number) => TrainingStep {
  const { architecture, context, batchTokens = DEFAULT_BATCH_TOKENS } = workload;
  if (!(batchTokens >= context)) {
    throw new InputError({
      place: { path: "batchTokens" },
      found: `${batchTokens} tokens`,
      expected: `at least one sequence of ${context} tokens`,
      remedy: "raise the global batch or shorten the context",
    });
  }
  const sequences = Math.round(batchTokens / context);
  const depth = architecture.layers.length;
  const footprint = trainingFootprint(architecture);
  const machine = roofline(sampler, a);
  const { linkRate, linkLatency, networkRate, networkLatency } = interconnect(sampler, a);
  const stepEfficiency = programEfficiency(sampler, "training", "step efficiency", "1");
  const rates = [machine.memoryEfficiency, linkRate, linkLatency, networkRate, networkLatency] as const;
  const medians = rates.map((rate) => rate.value()) as [number, number, number, number, number];
  const machineMedians = [
    machine.computeEfficiency.value(),
    machine.memoryEfficiency.value(),
    machine.overhead.value(),
  ] as const;

  const usable = programEfficiency(sampler, "memory", "usable share", "1").value() * a.memoryBytes;
  const needsPipeline = stateBytes(footprint, "states", 1, 1, 1) > usable * a.acceleratorsPerNode;
  const modelFlops =
    3 * sequences * sum(operators(architecture, trainingPass(1, context)), (row) => row.count * row.flops);

  const whole = memoised((microbatch: number) => operators(architecture, trainingPass(microbatch, context)));
  const part = memoised((microbatch: number, ways: number) =>
    tensorParallelPart(architecture, whole(microbatch), ways, true),
  );
  /** Bytes kept for the backward pass grow with the microbatch in proportion. */
  const keptBytes = memoised((ways: number, recomputation: Recomputation) =>
    activationBytes(architecture, part(1, ways), recomputation, context, ways),
  );
  /** What one microstep computes: forward and backward pass and what runs again, of all pipeline stages. */
  const microstepWork = memoised((microbatch: number, ways: number, recomputation: Recomputation): Work[] => {
    const rows = part(microbatch, ways);
    return [...rows.map((row) => ({ ...row, count: 3 * row.count })), ...recomputed(rows, recomputation)];
  });
  const microstepTime = memoised((microbatch: number, ways: number, recomputation: Recomputation) =>
    operatorTime(microstepWork(microbatch, ways, recomputation), machine).over(stepEfficiency),
  );
  const microstepMedian = memoised(
    (microbatch: number, ways: number, recomputation: Recomputation) =>
      rooflineSeconds(
        rooflineTerms(microstepWork(microbatch, ways, recomputation), machine),
        ...machineMedians,
      ) / stepEfficiency.value(),
  );

  /** Seconds of a step, and those in which kernels run, as functions of one microstep's seconds and the rates. */
  const stepSeconds = (l: TrainingLayout) => {
    const stageLayers = depth / l.pipelineParallel;
    const replicas = { size: l.dataParallel, perNode: Math.max(1, a.acceleratorsPerNode / l.tensorParallel) };
    const parameters = footprint.parameters / l.tensorParallel / l.pipelineParallel;
    const gather = gatherCost(parameters * WEIGHT_BYTES, stageLayers, replicas);
    const scatter = gatherCost(parameters * GRADIENT_BYTES, stageLayers, replicas);
    const exchanges = l.sharding === "all" ? l.microsteps : 1;

    // Each layer ends in one all-reduce forward and one backward, and one more where it runs again.
    const reductions = allReduceCost(
      l.microbatch * context * architecture.width * 2,
      l.microsteps * stageLayers * (l.recomputation === "full" ? 3 : 2),
      { size: l.tensorParallel, perNode: l.tensorParallel },
    );
    const chunks = Math.max(1, Math.floor(stageLayers / 2));
    const bubble = (l.pipelineParallel - 1) / (chunks * l.microsteps);
    const updateSeconds =
      ((GRADIENT_BYTES + 2 * STATE_BYTES + WEIGHT_BYTES) * parameters) /
      l.dataParallel /
      a.memoryBytesPerSecond;

    const regather = l.sharding === "all" ? 1 : 0;

    const busy = (microstepSeconds: number, memoryEfficiency: number) =>
      (l.microsteps * microstepSeconds) / l.pipelineParallel + updateSeconds / memoryEfficiency;
    const total = (
      microstepSeconds: number,
      memoryEfficiency: number,
      linkRate: number,
      linkLatency: number,
      networkRate: number,
      networkLatency: number,
    ) => {
      const microstep = microstepSeconds / l.pipelineParallel;
      const gathering = collectiveSeconds(gather, linkRate, linkLatency, networkRate, networkLatency);
      const scattering = collectiveSeconds(scatter, linkRate, linkLatency, networkRate, networkLatency);
      const returning = scattering + regather * gathering;
      return (
        busy(microstepSeconds, memoryEfficiency) * (1 + bubble) +
        exchanges * Math.max(gathering - microstep / 3, gathering / stageLayers) +
        exchanges * Math.max(returning - (2 * microstep) / 3, returning / stageLayers) +
        collectiveSeconds(reductions, linkRate, linkLatency, networkRate, networkLatency)
      );
    };
    return { busy, total };
  };

  const layouts = function* (count: number): Generator<TrainingLayout> {
    const widest = Math.min(count, a.acceleratorsPerNode, architecture.attention.heads);
    const deepest = needsPipeline ? Math.min(count, DEEPEST_PIPELINE, depth) : 1;
    for (let tensorParallel = 1; tensorParallel <= widest; tensorParallel *= 2) {
      spreading: for (let pipelineParallel = 1; pipelineParallel <= deepest; pipelineParallel *= 2) {
        const parts = tensorParallel * pipelineParallel;
        if (parts > count) break;
        const dataParallel = Math.min(Math.floor(count / parts), sequences);
        const share = Math.ceil(sequences / dataParallel);
        const shardings: readonly Sharding[] =
          dataParallel > 1 && pipelineParallel === 1 ? ["states", "all"] : ["states"];
        for (const sharding of shardings) {
          const states = stateBytes(footprint, sharding, parts, tensorParallel, dataParallel);
          for (const recomputation of RECOMPUTATIONS) {
            const kept = keptBytes(tensorParallel, recomputation);
            // A stage holds as many microbatches as there are stages before the first comes back.
            const needed = (microbatch: number) =>
              states + kept * microbatch * Math.min(1, Math.ceil(share / microbatch) / pipelineParallel);
            const largest = largestPower(share, (microbatch) => needed(microbatch) <= usable);
            // A larger microbatch is slower only where it lengthens a pipeline's bubble or leaves a microstep half full.
            const smallest = pipelineParallel > 1 || share % largest > 0 ? 1 : largest;
            for (let microbatch = smallest; microbatch <= largest; microbatch *= 2) {
              yield {
                tensorParallel,
                pipelineParallel,
                dataParallel,
                microbatch,
                microsteps: Math.ceil(share / microbatch),
                sharding,
                recomputation,
                memoryBytes: needed(microbatch),
              };
            }
            // Where all of a replica's sequences fit at once, computing again or sharding more can only cost time.
            if (2 * largest > share && needed(largest) <= usable) {
              if (recomputation === "none") continue spreading;
              break;
            }
          }
        }
      }
    }
  };

  interface Choice {
    readonly layout: TrainingLayout;
    /** Infinite where the layout does not fit. */
    readonly seconds: number;
  }
  const better = (x: Choice | undefined, y: Choice): Choice =>
    x && (x.seconds < y.seconds || (x.seconds === y.seconds && x.layout.memoryBytes <= y.layout.memoryBytes))
      ? x
      : y;
  const choose = memoised((count: number): Choice => {
    let best: Choice | undefined;
    for (const layout of layouts(count)) {
      let seconds = Number.POSITIVE_INFINITY;
      if (layout.memoryBytes <= usable) {
        const { microbatch, tensorParallel, recomputation } = layout;
        seconds = stepSeconds(layout).total(
          microstepMedian(microbatch, tensorParallel, recomputation),
          ...medians,
        );
      }
      best = better(best, { layout, seconds });
    }
    return count > 1 ? better(best, choose(Math.floor(count / 2))) : best!;
  });

  return (count) => {
    if (!Number.isSafeInteger(count) || count < 1) {
      throw new InputError({
        place: { path: "accelerators" },
        found: String(count),
        expected: "a whole number of accelerators, at least 1",
      });
    }
    const { layout, seconds: medianSeconds } = choose(count);
    const memory = Estimate.exact(layout.memoryBytes, "B/accelerator", a.evidence);
    if (!Number.isFinite(medianSeconds)) return { fits: false, accelerators: count, layout, memory };

    const { microbatch, tensorParallel, pipelineParallel, dataParallel, recomputation } = layout;
    const microstep = microstepTime(microbatch, tensorParallel, recomputation);
    const seconds = stepSeconds(layout);
    const time = Estimate.combine([microstep, ...rates], "s", seconds.total);
    const busy = memoised(() => Estimate.combine([microstep, machine.memoryEfficiency], "s", seconds.busy));
    const working = (tensorParallel * pipelineParallel * dataParallel) / count;
    const power = memoised(() => averagePower(sampler, a, "training", busy().over(time).times(working)));
    return {
      fits: true,
      accelerators: count,
      layout,
      memory,
      time,
      get throughput() {
        return Estimate.exact(sequences * context, "token").over(time);
      },
      get modelFlopsUtilisation() {
        return Estimate.exact(modelFlops / (count * machine.flopsPerSecond), "s").over(time);
      },
      get waiting() {
        return time.minus(busy());
      },
      get power() {
        return power();
      },
    };
  };
}

function sum<T>(items: readonly T[], term: (item: T) => number): number {
  return items.reduce((total, item) => total + term(item), 0);
}

/** The largest power of two up to `most` such that it and all smaller ones hold; 1 where none does. */
function largestPower(most: number, holds: (power: number) => boolean): number {
  let power = 1;
  while (2 * power <= most && holds(2 * power)) power *= 2;
  return power;
}

/** `f`, computed once for each combination of arguments. */
function memoised<A extends readonly (string | number)[], R>(f: (...args: A) => R): (...args: A) => R {
  const known = new Map<string, R>();
  return (...args) => {
    const key = args.join("/");
    let result = known.get(key);
    if (result === undefined) {
      result = f(...args);
      known.set(key, result);
    }
    return result;
  };
}
