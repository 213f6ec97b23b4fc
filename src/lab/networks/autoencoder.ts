/**
 * MAD's backbone for compression (arXiv:2403.17844, mad-lab): only the state at the last position is kept, and a decoder
 * rebuilds every position from it and a sinusoidal position: three times norm and projection, with GELU between.
 */
import {
  add,
  constant,
  gelu,
  matmul,
  type ParameterSpec,
  rmsNorm,
  slice,
  type Tensor,
} from "../../engine/index.ts";
import { matrix, ones, type Tensors } from "./layer.ts";

export interface Decoder {
  readonly parameters: readonly ParameterSpec[];
  /** Logits [batch, time, vocabulary] from hidden [batch, time, width]. */
  logits(parameters: Tensors, hidden: Tensor): Tensor;
}

export function autoencoderDecoder(width: number, vocabulary: number): Decoder {
  const outputs = [width, width, vocabulary];
  return {
    parameters: outputs.flatMap((size, i) => [
      ones(`decoder.${i}.norm`, width),
      matrix(`decoder.${i}.weight`, width, size),
    ]),
    logits(p, hidden) {
      const time = hidden.shape[1]!;
      const state = slice(hidden, 1, time - 1);
      let x = add(state, positions(time, width, hidden));
      outputs.forEach((_, i) => {
        const projected = matmul(rmsNorm(x, p[`decoder.${i}.norm`]!), p[`decoder.${i}.weight`]!);
        x = i === outputs.length - 1 ? projected : gelu(projected);
      });
      return x;
    },
  };
}

/** Sines in the even channels, cosines in the odd ones, at wavelengths from 2 pi to 10,000 x 2 pi (arXiv:1706.03762). */
function positions(time: number, width: number, like: Tensor): Tensor {
  const elements = Array.from({ length: time * width }, (_, i) => {
    const [at, channel] = [Math.floor(i / width), i % width];
    const angle = at * 10_000 ** (-(channel - (channel % 2)) / width);
    return channel % 2 === 0 ? Math.sin(angle) : Math.cos(angle);
  });
  return constant(like.dataType === "float64" ? Float64Array.from(elements) : Float32Array.from(elements), [
    time,
    width,
  ]);
}
