/** A language model that computes, from the description in `model/`: embedding, layers with pre-norms, final norm, head. */
import { InputError } from "../../core/index.ts";
import {
  add,
  gather,
  initialNormal,
  layerNorm,
  matmul,
  type ParameterSpec,
  rmsNorm,
  type Specs,
  sizeOf,
  type Tensor,
} from "../../engine/index.ts";
import { type Architecture, type AttentionSettings, mixers, type Primitive } from "../../model/index.ts";
import { attentionLayer } from "./attention.ts";
import { BALANCE, expertLayer } from "./experts.ts";
import { feedForwardLayer } from "./feed-forward.ts";
import { hybridLayer } from "./hybrid.ts";
import {
  INITIALISATION,
  type Initialisation,
  type Kept,
  type Layer,
  ones,
  prefixed,
  type Tensors,
  within,
  zeros,
} from "./layer.ts";
import { Segment } from "./segment.ts";
import { ssmLayer } from "./ssm.ts";

export interface NetworkResult {
  /** After the final norm, [batch, time, width]. */
  readonly hidden: Tensor;
  /** What every layer keeps, under the names of `cache`; present where a cache was given. */
  readonly cache?: Kept;
  /** Tokens that went to each expert [experts], by the name of the balancing bias that answers to it. */
  readonly loads: Tensors;
}

export interface Network {
  readonly architecture: Architecture;
  readonly parameters: readonly ParameterSpec[];
  /** What `batch` sequences of up to `capacity` tokens keep between passes. */
  cache(batch: number, capacity: number): Specs;
  /** tokens int32 [batch, time] through all layers; a sequence that starts here. */
  forward(parameters: Tensors, tokens: Tensor): NetworkResult;
  /** The next tokens int32 [batch, time] of sequences of which `cache` has seen `start` (int32 [1]) tokens. */
  advance(
    parameters: Tensors,
    tokens: Tensor,
    start: Tensor,
    cache: Tensors,
    capacity: number,
  ): NetworkResult;
  /** Logits [..., vocabulary] of what `forward` and `advance` return as hidden. */
  logits(parameters: Tensors, hidden: Tensor): Tensor;
}

/** Names that tell layers of different primitives apart, so that equal layers at equal places start with equal values. */
const NAMES: Readonly<Record<Primitive, string>> = {
  A: "attention",
  W: "window_attention",
  S: "ssm",
  H: "hybrid",
  F: "feed_forward",
  E: "experts",
};

/**
 * The network of `architecture`. Its trained parameters number exactly `parameters(architecture).total`; the balancing
 * biases of experts come on top and are not trained.
 * @throws InputError for rotary embeddings of heads with an odd number of channels, which have no pairs to turn.
 */
export function network(architecture: Architecture, options: Partial<Initialisation> = {}): Network {
  const initialisation = { ...INITIALISATION, ...options };
  const { width, vocabulary, tiedEmbeddings, norm } = architecture;
  requireEvenHeads(architecture);
  const layers = architecture.layers.map((primitive, index) => ({
    name: `layers.${index}.${NAMES[primitive]}`,
    norm: `layers.${index}.norm`,
    layer: layerOf(architecture, primitive, initialisation),
  }));

  const normWeights = (name: string): ParameterSpec[] => [
    ones(`${name}.weight`, width),
    ...(norm === "layer" ? [zeros(`${name}.bias`, width)] : []),
  ];
  const normalise = (p: Tensors, name: string, x: Tensor): Tensor =>
    norm === "layer"
      ? layerNorm(x, p[`${name}.weight`]!, p[`${name}.bias`]!)
      : rmsNorm(x, p[`${name}.weight`]!);

  const run = (p: Tensors, tokens: Tensor, segment: Segment, cache?: Tensors): NetworkResult => {
    let x = gather(p.embedding!, tokens);
    let next: Kept = {};
    const loads: Record<string, Tensor> = {};
    for (const { name, norm: normName, layer } of layers) {
      const own = cache && within(cache, name);
      const result = layer.apply(within(p, name), normalise(p, normName, x), segment, own);
      x = add(x, result.output);
      if (result.load) loads[`${name}.${BALANCE}`] = result.load;
      if (result.cache) next = { ...next, ...prefixed(name, result.cache) };
    }
    return { hidden: normalise(p, "norm", x), loads, ...(cache && { cache: next }) };
  };

  return {
    architecture,
    parameters: [
      {
        name: "embedding",
        shape: [vocabulary, width],
        initial: initialNormal(initialisation.embedding ?? (tiedEmbeddings ? width ** -0.5 : 0.3)),
        decay: true,
      },
      ...layers.flatMap(({ name, norm: normName, layer }) => [
        ...normWeights(normName),
        ...layer.weights.map((weight) => ({ ...weight, name: `${name}.${weight.name}` })),
      ]),
      ...normWeights("norm"),
      ...(tiedEmbeddings
        ? []
        : [{ name: "head", shape: [width, vocabulary], initial: initialNormal(width ** -0.5), decay: true }]),
    ],
    cache: (batch, capacity) =>
      Object.assign({}, ...layers.map(({ name, layer }) => prefixed(name, layer.cache(batch, capacity)))),
    forward(p, tokens) {
      const [batch, time] = tokens.shape as [number, number];
      return run(p, tokens, new Segment({ batch, time, dataType: p.embedding!.dataType }));
    },
    advance(p, tokens, start, cache, capacity) {
      const [batch, time] = tokens.shape as [number, number];
      const dataType = p.embedding!.dataType;
      return run(p, tokens, new Segment({ batch, time, dataType, start, capacity }), cache);
    },
    logits: (p, hidden) =>
      tiedEmbeddings ? matmul(hidden, p.embedding!, { transposeSecond: true }) : matmul(hidden, p.head!),
  };
}

/** Trained parameters of a network. */
export function parameterCount({ parameters }: Pick<Network, "parameters">): number {
  return parameters.reduce((total, { shape, trained = true }) => total + (trained ? sizeOf(shape) : 0), 0);
}

function layerOf(a: Architecture, primitive: Primitive, initialisation: Initialisation): Layer {
  const residualScale = a.layers.length ** -0.5;
  switch (primitive) {
    case "A":
      return attentionLayer(a.width, a.attention, residualScale);
    case "W":
      return attentionLayer(a.width, a.window, residualScale, a.window);
    case "S":
      return ssmLayer(a.width, a.ssm, residualScale, initialisation);
    case "H":
      return hybridLayer(a.width, a.hybrid, residualScale, initialisation);
    case "F":
      return feedForwardLayer(a.width, a.feedForward, residualScale);
    case "E":
      return expertLayer(a.width, a.experts, residualScale);
  }
}

function requireEvenHeads(a: Architecture): void {
  const odd = ({ ropeTheta, headDim }: AttentionSettings): boolean => ropeTheta !== null && headDim % 2 !== 0;
  for (const primitive of new Set(a.layers)) {
    const { attention } = mixers(a, primitive);
    if (!attention || !odd(attention)) continue;
    throw new InputError({
      place: { path: "headDim" },
      found: String(attention.headDim),
      expected: "an even number of channels a head, which rotary embeddings turn in pairs",
      remedy: "take a width that gives even heads, or set ropeTheta to null",
    });
  }
}
