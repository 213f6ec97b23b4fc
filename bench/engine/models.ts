/** The networks of this bench, written directly on the engine's operations; models.py is the same in PyTorch. */

import {
  add,
  causalAttention,
  causalConvolution,
  causalMask,
  crossEntropy,
  cumulativeSum,
  exp,
  fill,
  gather,
  initialConstant,
  initialNormal,
  initialUniform,
  layerNorm,
  matmul,
  multiply,
  type ParameterSpec,
  productOverRows,
  reshape,
  rmsNorm,
  silu,
  slice,
  softplus,
  split,
  stack,
  subtract,
  type Tensor,
  transpose,
} from "../../src/engine/index.ts";

export interface Sizes {
  readonly kind: "transformer" | "mamba2";
  readonly layers: number;
  readonly width: number;
  readonly heads: number;
  readonly batch: number;
  readonly length: number;
}

export const VOCABULARY = 256;
export const MODELS: Readonly<Record<string, Sizes>> = {
  "transformer-0.9M": { kind: "transformer", layers: 4, width: 128, heads: 4, batch: 8, length: 256 },
  "mamba2-0.5M": { kind: "mamba2", layers: 4, width: 128, heads: 8, batch: 8, length: 256 },
  "transformer-10.9M": { kind: "transformer", layers: 6, width: 384, heads: 6, batch: 8, length: 256 },
};

/** Of Mamba-2: state, chunk and convolution. */
const STATE = 32;
const CHUNK = 64;
const TAPS = 4;

type Named = Readonly<Record<string, Tensor>>;

export function parametersOf({ kind, layers, width, heads, length }: Sizes): ParameterSpec[] {
  const matrix = (name: string, rows: number, columns: number, scale = rows ** -0.5): ParameterSpec => ({
    name,
    shape: [rows, columns],
    initial: initialNormal(scale),
    decay: true,
  });
  const vector = (name: string, size: number, initial = initialConstant(1)): ParameterSpec => ({
    name,
    shape: [size],
    initial,
    decay: false,
  });
  const norm = (name: string): ParameterSpec[] => [
    vector(`${name}.weight`, width),
    ...(kind === "transformer" ? [vector(`${name}.bias`, width, initialConstant(0))] : []),
  ];
  const inner = 2 * width;
  const layer = (i: number): ParameterSpec[] =>
    kind === "transformer"
      ? [
          ...norm(`${i}.norm1`),
          matrix(`${i}.qkv`, width, 3 * width),
          matrix(`${i}.out`, width, width),
          ...norm(`${i}.norm2`),
          matrix(`${i}.up`, width, 4 * width),
          matrix(`${i}.down`, 4 * width, width),
        ]
      : [
          ...norm(`${i}.norm`),
          matrix(`${i}.in`, width, 2 * inner + 2 * STATE + heads),
          { ...matrix(`${i}.conv`, TAPS, inner + 2 * STATE), decay: false },
          vector(`${i}.convBias`, inner + 2 * STATE, initialConstant(0)),
          vector(`${i}.dtBias`, heads, initialUniform(-5, -2)),
          vector(`${i}.aLog`, heads, initialUniform(0, 2)),
          vector(`${i}.d`, heads),
          vector(`${i}.gateNorm`, inner),
          matrix(`${i}.out`, inner, width),
        ];
  return [
    matrix("embedding", VOCABULARY, width, 0.3),
    ...(kind === "transformer" ? [matrix("positions", length, width, 0.3)] : []),
    ...Array.from({ length: layers }, (_, i) => layer(i)).flat(),
    ...norm("norm"),
    matrix("head", width, VOCABULARY),
  ];
}

const normOf = (p: Named, name: string, x: Tensor): Tensor => {
  const bias = p[`${name}.bias`];
  return bias ? layerNorm(x, p[`${name}.weight`]!, bias) : rmsNorm(x, p[`${name}.weight`]!);
};

/** [batch, time, heads * size] -> [batch, heads, time, size], and back. */
const toHeads = (x: Tensor, heads: number): Tensor => {
  const [batch, time, width] = x.shape as [number, number, number];
  return transpose(reshape(x, [batch, time, heads, width / heads]), [0, 2, 1, 3]);
};
const fromHeads = (x: Tensor): Tensor => {
  const [batch, heads, time, size] = x.shape as [number, number, number, number];
  return reshape(transpose(x, [0, 2, 1, 3]), [batch, time, heads * size]);
};

function transformerLayer(p: Named, i: number, x: Tensor, heads: number): Tensor {
  const width = x.shape[2]!;
  const qkv = matmul(normOf(p, `${i}.norm1`, x), p[`${i}.qkv`]!);
  const [q, k, v] = split(qkv, 2, [width, width, width]).map((part) => toHeads(part, heads)) as [
    Tensor,
    Tensor,
    Tensor,
  ];
  const mixed = add(x, matmul(fromHeads(causalAttention(q, k, v)), p[`${i}.out`]!));
  const hidden = silu(matmul(normOf(p, `${i}.norm2`, mixed), p[`${i}.up`]!));
  return add(mixed, matmul(hidden, p[`${i}.down`]!));
}

function mambaLayer(p: Named, i: number, x: Tensor, heads: number): Tensor {
  const [batch, length, width] = x.shape as [number, number, number];
  const inner = 2 * width;
  const size = inner / heads;
  const chunks = length / CHUNK;
  const projected = matmul(normOf(p, `${i}.norm`, x), p[`${i}.in`]!);
  const [gate, xbc, dtRaw] = split(projected, 2, [inner, inner + 2 * STATE, heads]) as [
    Tensor,
    Tensor,
    Tensor,
  ];
  const convolved = silu(add(causalConvolution(xbc, p[`${i}.conv`]!), p[`${i}.convBias`]!));
  const [u, b, c] = split(convolved, 2, [inner, STATE, STATE]) as [Tensor, Tensor, Tensor];
  const dt = softplus(add(dtRaw, p[`${i}.dtBias`]!));
  const a = multiply(dt, multiply(exp(p[`${i}.aLog`]!), -1));
  const perHead = (t: Tensor): Tensor => reshape(t, [batch, length, heads, 1]);
  const values = multiply(reshape(u, [batch, length, heads, size]), perHead(dt));

  // Within a chunk: (L * C B^T) X, with L shared by all channels of a head and C B^T by all heads.
  const cut = (t: Tensor): Tensor => reshape(t, [batch, chunks, CHUNK, ...t.shape.slice(2)]);
  const total = cumulativeSum(transpose(cut(a), [0, 1, 3, 2]), 3);
  const differences = subtract(
    reshape(total, [batch, chunks, heads, CHUNK, 1]),
    reshape(total, [batch, chunks, heads, 1, CHUNK]),
  );
  const decay = exp(add(differences, causalMask(CHUNK, CHUNK)));
  const scores = matmul(cut(c), cut(b), { transposeSecond: true });
  const weights = multiply(decay, reshape(scores, [batch, chunks, 1, CHUNK, CHUNK]));
  const within = transpose(matmul(weights, transpose(cut(values), [0, 1, 3, 2, 4])), [0, 1, 3, 2, 4]);

  // What each chunk adds to the state, and the state that each starts from.
  const end = slice(total, 3, CHUNK - 1);
  const byTime = (t: Tensor): Tensor => reshape(transpose(t, [0, 1, 3, 2]), [batch, chunks, CHUNK, heads, 1]);
  const toEnd = multiply(cut(values), byTime(exp(subtract(end, total))));
  const written = productOverRows(reshape(toEnd, [batch, chunks, CHUNK, inner]), cut(b));
  let state = fill(0, [batch, heads, size, STATE]);
  const starts: Tensor[] = [];
  for (let chunk = 0; chunk < chunks; chunk++) {
    starts.push(state);
    if (chunk === chunks - 1) break;
    const kept = reshape(exp(slice(end, 1, chunk, chunk + 1)), [batch, heads, 1, 1]);
    const added = reshape(slice(written, 1, chunk, chunk + 1), [batch, heads, size, STATE]);
    state = add(multiply(state, kept), added);
  }
  const start = reshape(stack(starts, 1), [batch, chunks, inner, STATE]);
  const carried = reshape(matmul(cut(c), start, { transposeSecond: true }), [
    batch,
    chunks,
    CHUNK,
    heads,
    size,
  ]);
  const y = add(within, multiply(carried, byTime(exp(total))));

  const skip = multiply(reshape(u, [batch, length, heads, size]), reshape(p[`${i}.d`]!, [heads, 1]));
  const mixed = reshape(add(reshape(y, [batch, length, heads, size]), skip), [batch, length, inner]);
  return add(x, matmul(rmsNorm(multiply(mixed, silu(gate)), p[`${i}.gateNorm`]!), p[`${i}.out`]!));
}

/** Logits [batch, length, vocabulary] for tokens [batch, length]. */
export function network(p: Named, tokens: Tensor, sizes: Sizes): Tensor {
  let x = gather(p.embedding!, tokens);
  if (p.positions) x = add(x, p.positions);
  for (let i = 0; i < sizes.layers; i++) {
    x =
      sizes.kind === "transformer"
        ? transformerLayer(p, i, x, sizes.heads)
        : mambaLayer(p, i, x, sizes.heads);
  }
  return matmul(normOf(p, "norm", x), p.head!);
}

export function losses(p: Named, tokens: Tensor, targets: Tensor, sizes: Sizes): Tensor {
  return crossEntropy(network(p, tokens, sizes), targets).losses;
}
