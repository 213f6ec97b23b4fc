/** One summary of a model: what a command line or a report prints about it. */

import type { Architecture } from "./architecture.ts";
import { type CacheBytes, cacheBytes } from "./cache.ts";
import { type TrainingFlops, trainingFlops } from "./flops.ts";
import { PRIMITIVES, type Primitive, printLayers } from "./notation.ts";
import { operators, operatorTotals } from "./operators.ts";
import {
  type LayerParameters,
  layerCounts,
  layerParameters,
  type ParameterCount,
  parameters,
} from "./parameters.ts";
import { BF16, decodePass, type Precision } from "./pass.ts";

export interface ModelSummary {
  readonly name?: string;
  /** The canonical layer string. */
  readonly pattern: string;
  readonly width: number;
  readonly depth: number;
  readonly layers: readonly {
    readonly primitive: Primitive;
    readonly description: string;
    readonly count: number;
    readonly parameters: LayerParameters;
  }[];
  readonly parameters: ParameterCount;
  readonly weightBytes: number;
  readonly context: number;
  /** Of one sample of `context` tokens. */
  readonly training: TrainingFlops;
  readonly trainingFlopsPerToken: number;
  /** Of one sequence of `context` tokens. */
  readonly cache: CacheBytes;
  /** One decoding step of one sequence at the end of the context. */
  readonly decode: { readonly flops: number; readonly bytesMoved: number };
}

/** What `a` is and costs at `context` tokens and `precision` (bf16 unless told). */
export function describe(
  a: Architecture,
  { context, precision = BF16 }: { context: number; precision?: Precision },
): ModelSummary {
  const counts = parameters(a);
  const training = trainingFlops(a, context);
  const step = operatorTotals(operators(a, decodePass(1, context - 1, precision)));
  return {
    ...(a.name === undefined ? {} : { name: a.name }),
    pattern: printLayers(a.layers),
    width: a.width,
    depth: a.layers.length,
    layers: [...layerCounts(a.layers)].map(([primitive, count]) => ({
      primitive,
      description: PRIMITIVES[primitive],
      count,
      parameters: layerParameters(a, primitive),
    })),
    parameters: counts,
    weightBytes: counts.total * precision.weights,
    context,
    training,
    trainingFlopsPerToken: training.total / context,
    cache: cacheBytes(a, context, precision.cache),
    decode: {
      flops: step.flops,
      bytesMoved: step.weightBytes + step.activationBytes + step.cacheBytes + step.writtenBytes,
    },
  };
}
