/**
 * A and W: grouped-query attention over all earlier tokens, or over a window of them and the first few (attention sink,
 * arXiv:2309.17453), as in arXiv:2510.04800 §2.
 */
import {
  add,
  attention,
  cachedAttention,
  cast,
  concatenate,
  equal,
  float32,
  type KeysAndValues,
  matmul,
  range,
  reshape,
  rmsNorm,
  rotate,
  type Specs,
  slice,
  split,
  type Tensor,
  transpose,
} from "../../engine/index.ts";
import type { AttentionSettings } from "../../model/index.ts";
import {
  type Grown,
  type Kept,
  type Layer,
  matrix,
  ones,
  type Tensors,
  type Weight,
  zeros,
} from "./layer.ts";
import type { Segment } from "./segment.ts";

/** How far a layer looks back, where not over everything. */
export interface Span {
  readonly window: number;
  readonly sink: number;
}

/** Attention with its output projection. */
export function attentionLayer(
  width: number,
  settings: AttentionSettings,
  residualScale: number,
  span?: Span,
): Layer {
  const attended = settings.heads * settings.valueDim;
  const mixer = attentionMixer(width, settings, span);
  return {
    weights: [
      ...mixer.weights,
      matrix("output", attended, width, residualScale),
      ...(settings.outputBias ? [zeros("output_bias", width)] : []),
    ],
    cache: mixer.cache,
    apply(weights, x, segment, cache) {
      const { mixed, cache: next } = mixer.apply(weights, x, segment, cache);
      const output = matmul(mixed, weights.output!);
      return {
        output: settings.outputBias ? add(output, weights.output_bias!) : output,
        ...(next && { cache: next }),
      };
    },
  };
}

export interface AttentionResult {
  /** The heads side by side, [batch, time, heads * valueDim]. */
  readonly mixed: Tensor;
  /** The values of this segment, one for each query head, in the same layout. */
  readonly values: Tensor;
  readonly cache?: Kept;
}

export interface AttentionMixer {
  readonly weights: readonly Weight[];
  readonly cache: Layer["cache"];
  apply(weights: Tensors, x: Tensor, segment: Segment, cache?: Tensors): AttentionResult;
}

/** Attention up to, not including, its output projection: what the intra-layer hybrid shares with A and W. */
export function attentionMixer(width: number, settings: AttentionSettings, span?: Span): AttentionMixer {
  const { heads, kvHeads, headDim, valueDim, ropeTheta, qkvBias, qkNorm } = settings;
  const channels = [heads * headDim, kvHeads * headDim, kvHeads * valueDim];
  const projected = channels.reduce((total, part) => total + part, 0);

  const position = (x: Tensor, segment: Segment): Tensor => {
    if (ropeTheta === null) return x;
    const { cosine, sine } = segment.rotation(ropeTheta, headDim);
    return rotate(x, cosine, sine);
  };

  return {
    weights: [
      matrix("qkv", width, projected),
      ...(qkvBias ? [zeros("qkv_bias", projected)] : []),
      ...(qkNorm ? [ones("query_norm", headDim), ones("key_norm", headDim)] : []),
    ],

    cache(batch, capacity) {
      const kept = (length: number, name: string): Specs => ({
        [`${name}keys`]: float32([batch, kvHeads, length, headDim]),
        [`${name}values`]: float32([batch, kvHeads, length, valueDim]),
      });
      if (!span) return kept(capacity, "");
      return { ...(span.sink > 0 ? kept(span.sink, "sink_") : {}), ...kept(span.window, "") };
    },

    apply(weights, x, segment, cache) {
      const raw = matmul(x, weights.qkv!);
      const all = qkvBias ? add(raw, weights.qkv_bias!) : raw;
      const [q, k, v] = split(all, 2, channels) as [Tensor, Tensor, Tensor];
      const normed = (part: Tensor, norm: string): Tensor => (qkNorm ? rmsNorm(part, weights[norm]!) : part);
      const query = position(toHeads(normed(perHead(q, heads), "query_norm")), segment);
      const key = position(toHeads(normed(perHead(k, kvHeads), "key_norm")), segment);
      const value = toHeads(perHead(v, kvHeads));

      const now = { keys: key, values: value };
      if (cache && !span) {
        const projected = concatenate([fromHeads(query), fromHeads(key), v], 2);
        const { read, written } = cachedAttention(
          projected,
          heads,
          { keys: cache.keys!, values: cache.values! },
          segment.start!,
        );
        const grown = (part: "keys" | "values"): Grown => ({
          rows: now[part],
          axis: 2,
          at: segment.start!,
          whole: written[part],
        });
        return {
          mixed: read,
          values: repeatHeads(v, heads, kvHeads),
          cache: { keys: grown("keys"), values: grown("values") },
        };
      }
      const seen = cache && span ? behind(now, cache, segment, span) : { ...now, next: undefined };
      const mask = span ? segment.windowed(span.window, span.sink) : segment.causal();
      const mixed = fromHeads(attention(query, seen.keys, seen.values, { mask }));
      return {
        mixed,
        values: repeatHeads(v, heads, kvHeads),
        ...(seen.next && { cache: seen.next }),
      };
    },
  };
}

/** Keys and values with those of the window before them, and what the cache becomes. */
function behind(
  now: KeysAndValues,
  cache: Tensors,
  segment: Segment,
  span: Span,
): KeysAndValues & { next: Record<string, Tensor> } {
  const next: Record<string, Tensor> = {};
  const joined = (part: "keys" | "values"): Tensor => {
    const rows = now[part];
    const recent = cache[part]!;
    const both = concatenate([recent, rows], 2);
    next[part] = slice(both, 2, segment.time);
    if (span.sink === 0) return both;
    const first = cache[`sink_${part}`]!;
    next[`sink_${part}`] = add(first, firstRows(rows, span.sink, segment));
    return concatenate([first, both], 2);
  };
  return { keys: joined("keys"), values: joined("values"), next };
}

/** Those of `rows` whose positions are below `sink`, in their places [batch, heads, sink, width]; zeros elsewhere. */
function firstRows(rows: Tensor, sink: number, segment: Segment): Tensor {
  const place = reshape(range(sink), [sink, 1]);
  const at = reshape(add(range(segment.time), segment.start!), [1, segment.time]);
  return matmul(cast(equal(place, at), rows.dataType), rows);
}

/** [batch, time, heads * size] -> [batch, time, heads, size]. */
function perHead(x: Tensor, heads: number): Tensor {
  const [batch, time, channels] = x.shape as [number, number, number];
  return reshape(x, [batch, time, heads, channels / heads]);
}

/** [batch, time, heads, size] -> [batch, heads, time, size]. */
function toHeads(x: Tensor): Tensor {
  const [batch, time, heads, size] = x.shape as [number, number, number, number];
  // One head or one position: the elements stand as they should already.
  return heads === 1 || time === 1 ? reshape(x, [batch, heads, time, size]) : transpose(x, [0, 2, 1, 3]);
}

/** [batch, heads, time, size] -> [batch, time, heads * size]. */
function fromHeads(x: Tensor): Tensor {
  const [batch, heads, time, size] = x.shape as [number, number, number, number];
  const flat = heads === 1 || time === 1 ? x : transpose(x, [0, 2, 1, 3]);
  return reshape(flat, [batch, time, heads * size]);
}

/** Values of key-value heads repeated for each query head that reads them: [batch, time, heads * size]. */
function repeatHeads(values: Tensor, heads: number, kvHeads: number): Tensor {
  if (heads === kvHeads) return values;
  const [batch, time, channels] = values.shape as [number, number, number];
  const size = channels / kvHeads;
  const grouped = reshape(values, [batch, time, kvHeads, 1, size]);
  const copies = concatenate(
    Array.from({ length: heads / kvHeads }, () => grouped),
    3,
  );
  return reshape(copies, [batch, time, heads * size]);
}
