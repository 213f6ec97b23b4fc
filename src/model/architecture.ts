/**
 * A model as data: a width, a list of layers, and the settings of each primitive. It knows nothing of costs.
 *
 * Every architecture carries settings for every primitive, so that a search may swap one layer for another without
 * inventing dimensions; the settings of a primitive that no layer uses price nothing.
 */

import { attentionDimensions, checkArchitecture, requireDimensions, ssmDimensions } from "./check.ts";
import { type Primitive, parseLayers } from "./notation.ts";

export interface AttentionSettings {
  /** Query heads. */
  readonly heads: number;
  /** Key and value heads; divides `heads`. */
  readonly kvHeads: number;
  /** Channels of one query or key head. */
  readonly headDim: number;
  /** Channels of one value head; equal to `headDim` but in the intra-layer hybrid. */
  readonly valueDim: number;
  /** Base of the rotary position embedding, or null for none. */
  readonly ropeTheta: number | null;
  readonly qkvBias: boolean;
  readonly outputBias: boolean;
  /** RMSNorm of each query and key head before the product (Qwen3). */
  readonly qkNorm: boolean;
}

export interface WindowSettings extends AttentionSettings {
  /** Most recent tokens that a token sees, itself included. */
  readonly window: number;
  /** First tokens of the sequence that stay visible for ever (attention sink). */
  readonly sink: number;
}

/** Mamba-2 (SSD), arXiv:2405.21060. */
export interface SsmSettings {
  /** Channels inside the mixer, d_ssm; `headDim` divides it. */
  readonly innerWidth: number;
  readonly headDim: number;
  /** State channels N of every inner channel. */
  readonly stateSize: number;
  /** Groups of heads that share B and C; divides the number of heads. */
  readonly groups: number;
  /** Taps of the causal depthwise convolution. */
  readonly convWidth: number;
  readonly convBias: boolean;
  readonly projectionBias: boolean;
  /** RMSNorm after the gate, before the output projection. */
  readonly gatedNorm: boolean;
}

export interface FeedForwardSettings {
  readonly hidden: number;
  /** Two input projections, one through SiLU (SwiGLU); otherwise one. */
  readonly gated: boolean;
  readonly bias: boolean;
}

export interface ExpertSettings {
  readonly experts: number;
  /** Routed experts that one token visits. */
  readonly active: number;
  /** Hidden channels of one routed expert. */
  readonly hidden: number;
  /** Experts that every token visits. */
  readonly shared: number;
  readonly sharedHidden: number;
  /** A learnt sigmoid gate on the shared experts' output (Qwen2-MoE). */
  readonly sharedGate: boolean;
}

/** The intra-layer hybrid and its five axes of choice, arXiv:2510.04800 §3 and Table 18. */
export interface HybridSettings {
  readonly attention: AttentionSettings;
  readonly ssm: SsmSettings;
  /** A norm on each branch's output, before the projection. */
  readonly norm: "group" | "none";
  /** A learnt vector on each branch, a learnt scalar on the second branch, or nothing. */
  readonly scale: "none" | "vector" | "scalar";
  readonly fusion: "difference" | "add" | "concatenate";
  /** `shared`: the state-space branch takes the attention's values instead of an input projection of its own. */
  readonly values: "separate" | "shared";
  /** `separate`: a projection per branch before the fusion; `joint`: one after it. */
  readonly output: "separate" | "joint";
}

export interface Architecture {
  readonly name?: string;
  readonly vocabulary: number;
  /** Channels of the residual stream, d_model. */
  readonly width: number;
  readonly layers: readonly Primitive[];
  readonly attention: AttentionSettings;
  readonly window: WindowSettings;
  readonly ssm: SsmSettings;
  readonly feedForward: FeedForwardSettings;
  readonly experts: ExpertSettings;
  readonly hybrid: HybridSettings;
  /** One matrix serves as embedding and as output head. */
  readonly tiedEmbeddings: boolean;
  /** The norm before each layer and after the last: `rms` has a weight a channel, `layer` a weight and a bias. */
  readonly norm: "rms" | "layer";
}

/** What `architecture` takes beside layers and width; all that is left out follows the published family. */
export interface ArchitectureSettings {
  readonly name?: string | undefined;
  readonly vocabulary?: number;
  readonly attention?: Partial<AttentionSettings>;
  readonly window?: Partial<WindowSettings>;
  readonly ssm?: Partial<SsmSettings>;
  readonly feedForward?: Partial<FeedForwardSettings>;
  readonly experts?: Partial<ExpertSettings>;
  readonly hybrid?: Partial<Omit<HybridSettings, "attention" | "ssm">> & {
    readonly attention?: Partial<AttentionSettings>;
    readonly ssm?: Partial<SsmSettings>;
  };
  readonly tiedEmbeddings?: boolean;
  readonly norm?: Architecture["norm"];
}

/**
 * The architecture of `layers` (a pattern or a list) at `width`. What `settings` leaves out is that of
 * arXiv:2510.04800 Table 8 and §3: heads of 64 channels, up to 8 key-value heads, SwiGLU of 4 x width (its 1B rule), d_ssm
 * 2 x width with state 128 and convolution 4, a window of 512 + 64, the final intra-layer recipe at half size, eight
 * experts of half the hidden size with one active and one shared, the Llama-3 vocabulary, tied embeddings.
 * @throws InputError naming every setting that does not fit.
 */
export function architecture(
  layers: string | readonly Primitive[],
  width: number,
  settings: ArchitectureSettings = {},
): Architecture {
  const list = typeof layers === "string" ? parseLayers(layers) : [...layers];
  requireDimensions([["width", width]]);

  const headDim = settings.attention?.headDim ?? defaultHeadDim(width);
  const heads = settings.attention?.heads ?? Math.max(1, Math.floor(width / headDim));
  const attention: AttentionSettings = {
    heads,
    kvHeads: largestDivisor(heads, 8),
    headDim,
    valueDim: headDim,
    ropeTheta: 500_000,
    qkvBias: false,
    outputBias: false,
    qkNorm: false,
    ...settings.attention,
  };
  const window: WindowSettings = {
    ...attention,
    ropeTheta: attention.ropeTheta === null ? null : 10_000,
    window: 512,
    sink: 64,
    ...settings.window,
  };
  const innerWidth = settings.ssm?.innerWidth ?? 2 * width;
  const ssm: SsmSettings = {
    innerWidth,
    headDim: largestDivisor(innerWidth, 128),
    stateSize: 128,
    groups: 1,
    convWidth: 4,
    convBias: true,
    projectionBias: false,
    gatedNorm: true,
    ...settings.ssm,
  };
  // The other primitives are derived from these two: checked first, so that one mistake is told once.
  requireDimensions([...attentionDimensions("attention", attention), ...ssmDimensions("ssm", ssm)]);

  const feedForward = { hidden: 4 * width, gated: true, bias: false, ...settings.feedForward };
  const expertHidden = Math.ceil(feedForward.hidden / 2);
  const experts: ExpertSettings = {
    experts: 8,
    active: 1,
    hidden: expertHidden,
    shared: 1,
    sharedHidden: settings.experts?.hidden ?? expertHidden,
    sharedGate: false,
    ...settings.experts,
  };
  const result: Architecture = {
    ...(settings.name === undefined ? {} : { name: settings.name }),
    vocabulary: settings.vocabulary ?? 128_256,
    width,
    layers: list,
    attention,
    window,
    ssm,
    feedForward,
    experts,
    hybrid: halfSizeHybrid(width, attention, ssm, settings.hybrid),
    tiedEmbeddings: settings.tiedEmbeddings ?? true,
    norm: settings.norm ?? "rms",
  };
  checkArchitecture(result);
  return result;
}

/** The parts of a primitive that mix tokens. `span` is the most keys that a token sees, where a window bounds it. */
export interface Mixers {
  readonly attention?: AttentionSettings;
  readonly span?: number;
  readonly ssm?: SsmSettings;
}

/** The mixers of one layer of kind `primitive`; none for feed-forward and experts. */
export function mixers(a: Architecture, primitive: Primitive): Mixers {
  switch (primitive) {
    case "A":
      return { attention: a.attention };
    case "W":
      return { attention: a.window, span: a.window.window + a.window.sink };
    case "S":
      return { ssm: a.ssm };
    case "H":
      return { attention: a.hybrid.attention, ssm: a.hybrid.ssm };
    case "F":
    case "E":
      return {};
  }
}

/** Both primitives at half size, the values widened to the full width, and the recipe that came out best (Table 18). */
function halfSizeHybrid(
  width: number,
  attention: AttentionSettings,
  ssm: SsmSettings,
  settings: ArchitectureSettings["hybrid"],
): HybridSettings {
  const heads = settings?.attention?.heads ?? Math.max(1, Math.floor(attention.heads / 2));
  const innerWidth = settings?.ssm?.innerWidth ?? Math.max(1, Math.floor(ssm.innerWidth / 2));
  return {
    norm: "group",
    scale: "none",
    fusion: "difference",
    values: "separate",
    output: "separate",
    ...settings,
    attention: {
      ...attention,
      heads,
      kvHeads: largestDivisor(heads, Math.max(1, Math.floor(attention.kvHeads / 2))),
      valueDim: width % heads === 0 ? width / heads : attention.valueDim,
      ...settings?.attention,
    },
    ssm: {
      ...ssm,
      innerWidth,
      headDim: innerWidth % ssm.headDim === 0 ? ssm.headDim : largestDivisor(innerWidth, ssm.headDim),
      // The group norm stands where Mamba-2 has its own: after the gate, before the output projection.
      gatedNorm: false,
      ...settings?.ssm,
    },
  };
}

/** Heads of 64 channels; smaller powers of two where a narrow width would have fewer than four heads. */
function defaultHeadDim(width: number): number {
  return [64, 32, 16, 8, 4, 2].find((dim) => width % dim === 0 && width / dim >= 4) ?? 1;
}

function largestDivisor(of: number, most: number): number {
  for (let divisor = Math.min(of, most); divisor > 1; divisor--) if (of % divisor === 0) return divisor;
  return 1;
}
