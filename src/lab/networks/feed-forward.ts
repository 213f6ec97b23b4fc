/** F: a feed-forward layer, gated (SwiGLU, arXiv:2002.05202) or not. */
import { add, matmul, multiply, silu, slice, type Tensor } from "../../engine/index.ts";
import type { FeedForwardSettings } from "../../model/index.ts";
import { type Layer, matrix, zeros } from "./layer.ts";

export function feedForwardLayer(
  width: number,
  { hidden, gated, bias }: FeedForwardSettings,
  residualScale: number,
): Layer {
  const inner = gated ? 2 * hidden : hidden;
  return {
    weights: [
      matrix("up", width, inner),
      ...(bias ? [zeros("up_bias", inner)] : []),
      matrix("down", hidden, width, residualScale),
      ...(bias ? [zeros("down_bias", width)] : []),
    ],
    cache: () => ({}),
    apply(weights, x, _segment, cache) {
      const projected = matmul(x, weights.up!);
      const biased = bias ? add(projected, weights.up_bias!) : projected;
      const output = matmul(gated ? gatedUnit(biased) : silu(biased), weights.down!);
      return {
        output: bias ? add(output, weights.down_bias!) : output,
        ...(cache && { cache: {} }),
      };
    },
  };
}

/** SiLU of the first half of the last axis times the second half. */
export function gatedUnit(x: Tensor): Tensor {
  const half = x.shape.at(-1)! / 2;
  return multiply(silu(slice(x, -1, 0, half)), slice(x, -1, half));
}
