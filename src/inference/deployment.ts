/**
 * A model on accelerators, ready to serve: what fits in memory, and how long a prompt and a token take. Every operator is
 * timed by the roofline; a decoding step is taken to be captured in one graph, so that the host's launches cost nothing.
 * Under tensor parallelism each layer ends in one all-reduce.
 */
import { type Dimensionless, Estimate, InputError, type Sampler } from "../core/index.ts";
import {
  type Accelerator,
  allReduceCost,
  collectiveSeconds,
  type Format,
  interconnect,
  operatorTime,
  programEfficiency,
  type Roofline,
  roofline,
  tensorParallelPart,
} from "../hardware/index.ts";
import {
  type Architecture,
  cacheBytes,
  decodePass,
  type Operator,
  operators,
  type Pass,
  parameters,
  prefillPass,
} from "../model/index.ts";

/**
 * Weight formats. `bytes` of one weight, scales included; `computes`: the format that products run in. int8 and int4 are
 * weight-only; int4 has an fp16 scale and zero point for each group of 32; w8a8 has activations of int8 too.
 */
export const WEIGHT_FORMATS = {
  bf16: { bytes: 2, computes: "bf16" },
  fp8: { bytes: 1, computes: "fp8" },
  int8: { bytes: 1, computes: "bf16" },
  int4: { bytes: 0.5 + 4 / 32, computes: "bf16" },
  w8a8: { bytes: 1, computes: "int8" },
} as const satisfies Record<string, { bytes: number; computes: Format }>;
export type WeightFormat = keyof typeof WEIGHT_FORMATS;

export interface DeploymentOptions {
  readonly architecture: Architecture;
  readonly accelerator: Accelerator;
  /** Accelerators of one replica, all in one node. Default: the fewest, by powers of two, that hold the weights. */
  readonly tensorParallel?: number | undefined;
  /** Default bf16, or w8a8 on an accelerator that computes in int8 alone. */
  readonly weights?: WeightFormat;
  /** Bytes of one cached element. Default 2. */
  readonly cacheElementBytes?: number;
}

export class Deployment {
  readonly architecture: Architecture;
  readonly accelerator: Accelerator;
  readonly tensorParallel: number;
  readonly weights: WeightFormat;
  readonly #cacheElementBytes: number;
  readonly #sampler: Sampler;
  readonly #prefill: Roofline;
  readonly #decode: Roofline;

  /** @throws InputError where the weights do not fit, or the accelerators do not share a node. */
  constructor(sampler: Sampler, options: DeploymentOptions) {
    const { architecture, accelerator, cacheElementBytes = 2 } = options;
    const weights = options.weights ?? (computesOnlyInt8(accelerator) ? "w8a8" : "bf16");
    this.architecture = architecture;
    this.accelerator = accelerator;
    this.weights = weights;
    this.#cacheElementBytes = cacheElementBytes;
    this.#sampler = sampler;
    this.tensorParallel = options.tensorParallel ?? this.#fewest();
    this.#checkParallelism();

    const format = WEIGHT_FORMATS[weights].computes;
    this.#prefill = roofline(sampler, accelerator, format);
    this.#decode = {
      ...this.#prefill,
      memoryEfficiency: programEfficiency(sampler, "decoding", "memory efficiency", "1"),
      overhead: programEfficiency(sampler, "decoding", "kernel overhead", "s"),
    };
  }

  /** Bytes of all weights, over all accelerators of the replica. */
  get weightBytes(): number {
    return parameters(this.architecture).total * WEIGHT_FORMATS[this.weights].bytes;
  }

  /** Sequences of `context` tokens whose cache fits beside the weights; 0 where not even one does. */
  largestBatch(context: number): number {
    const { attention, window, state } = cacheBytes(this.architecture, context, this.#cacheElementBytes);
    const heads = Math.min(this.tensorParallel, this.architecture.attention.kvHeads);
    const each = (attention + window) / heads + state / this.tensorParallel;
    return Math.floor((this.#usableBytes - this.weightBytes / this.tensorParallel) / each);
  }

  /** Time to first token of `batch` prompts that are alone on the replica: prefill of all their tokens. */
  prefillTime(batch: number, promptTokens: number): Estimate<{ time: 1 }> {
    return this.#passTime(prefillPass(batch, promptTokens, this.#elementBytes), this.#prefill, "collective");
  }

  /** Time per output token: one decoding step of `batch` sequences with `position` tokens each behind them. */
  stepTime(batch: number, position: number): Estimate<{ time: 1 }> {
    return this.#passTime(decodePass(batch, position, this.#elementBytes), this.#decode, "one-shot");
  }

  /** Output tokens a second of one accelerator in steady decoding at `batch` and `position`. */
  decodeThroughput(batch: number, position: number): Estimate<{ tokens: 1; time: -1; accelerators: -1 }> {
    return Estimate.exact(batch / this.tensorParallel, "token/accelerator").over(
      this.stepTime(batch, position),
    );
  }

  get #elementBytes(): Pass["precision"] {
    return { weights: WEIGHT_FORMATS[this.weights].bytes, activations: 2, cache: this.#cacheElementBytes };
  }

  get #usableBytes(): number {
    const share = programEfficiency(this.#sampler, "memory", "usable share", "1").value();
    return share * this.accelerator.memoryBytes;
  }

  #passTime(pass: Pass, on: Roofline, reduction: "collective" | "one-shot"): Estimate<{ time: 1 }> {
    const rows = tensorParallelPart(
      this.architecture,
      operators(this.architecture, pass),
      this.tensorParallel,
      false,
    );
    const time = this.#operatorTime(rows, on);
    if (this.tensorParallel === 1) return time;
    const bytes = pass.batch * pass.newTokens * this.architecture.width * pass.precision.activations;
    return time.plus(this.#allReduceTime(bytes, reduction));
  }

  /** Quantised products read their weights at a further share of the bandwidth. */
  #operatorTime(rows: readonly Operator[], on: Roofline): Estimate<{ time: 1 }> {
    if (this.weights !== "int8" && this.weights !== "int4") return operatorTime(rows, on);
    const share: Estimate<Dimensionless> = programEfficiency(
      this.#sampler,
      "decoding",
      `${this.weights} weight efficiency`,
      "1",
    );
    const products = rows.filter((row) => row.kind === "matmul");
    const others = rows.filter((row) => row.kind !== "matmul");
    const quantised = { ...on, memoryEfficiency: on.memoryEfficiency.times(share) };
    return operatorTime(products, quantised).plus(operatorTime(others, on));
  }

  /** All-reduces of one pass. A small message goes to all at once, for which the latency was fitted apart. */
  #allReduceTime(bytes: number, kind: "collective" | "one-shot"): Estimate<{ time: 1 }> {
    const { linkRate, linkLatency, networkRate, networkLatency } = interconnect(
      this.#sampler,
      this.accelerator,
    );
    const latency =
      kind === "one-shot"
        ? programEfficiency(this.#sampler, "decoding", "all-reduce latency", "s")
        : linkLatency;
    const group = { size: this.tensorParallel, perNode: this.tensorParallel };
    const cost = allReduceCost(bytes, this.architecture.layers.length, group);
    return Estimate.combine([linkRate, latency, networkRate, networkLatency], "s", (...rates) =>
      collectiveSeconds(cost, ...rates),
    );
  }

  #fewest(): number {
    for (let ways = 1; ways <= this.accelerator.acceleratorsPerNode; ways *= 2) {
      if (this.weightBytes / ways < this.#usableBytes) return ways;
    }
    return this.accelerator.acceleratorsPerNode;
  }

  #checkParallelism(): void {
    const { acceleratorsPerNode, name } = this.accelerator;
    const ways = this.tensorParallel;
    if (!(Number.isSafeInteger(ways) && ways >= 1 && ways <= acceleratorsPerNode)) {
      throw new InputError({
        place: { path: "tensorParallel" },
        found: String(ways),
        expected: `a whole number from 1 to the ${acceleratorsPerNode} accelerators of a ${name} node`,
      });
    }
    if (this.weightBytes / ways >= this.#usableBytes) {
      const gigabytes = (bytes: number) => `${(bytes / 1e9).toFixed(1)} GB`;
      throw new InputError({
        place: { path: "tensorParallel" },
        found: `${gigabytes(this.weightBytes / ways)} of weights on each of ${ways} x ${name}`,
        expected: `less than the ${gigabytes(this.#usableBytes)} that are usable`,
        remedy:
          "use more accelerators a replica (up to a node), smaller weights (fp8, int4) or larger memory",
      });
    }
  }
}

function computesOnlyInt8({ peakFlopsPerSecond: peaks }: Accelerator): boolean {
  return Object.keys(peaks).join() === "int8";
}
