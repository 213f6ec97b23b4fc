/**
 * H: the intra-layer hybrid (arXiv:2510.04800 §3): attention and Mamba-2 side by side on the same input, and five choices
 * of how they come together (its Table 18): a norm on each branch, a scale, the fusion, shared or separate values, one
 * output projection or two.
 */
import {
  add,
  concatenate,
  initialConstant,
  matmul,
  multiply,
  rmsNorm,
  subtract,
  type Tensor,
} from "../../engine/index.ts";
import type { HybridSettings } from "../../model/index.ts";
import { attentionMixer } from "./attention.ts";
import {
  type Initialisation,
  type Layer,
  matrix,
  ones,
  prefixed,
  type Tensors,
  vector,
  type Weight,
  within,
  zeros,
} from "./layer.ts";
import { ssmMixer } from "./ssm.ts";

const BRANCHES = ["attention", "ssm"] as const;

export function hybridLayer(
  width: number,
  settings: HybridSettings,
  residualScale: number,
  initialisation: Initialisation,
): Layer {
  const attention = attentionMixer(width, settings.attention);
  const ssm = ssmMixer(width, settings.ssm, initialisation, settings.values === "separate");
  const channels = {
    attention: settings.attention.heads * settings.attention.valueDim,
    ssm: settings.ssm.innerWidth,
  };
  const biased = { attention: settings.attention.outputBias, ssm: settings.ssm.projectionBias };

  const fuse = (weights: Tensors, attended: Tensor, scanned: Tensor): Tensor => {
    const second = settings.scale === "scalar" ? multiply(attended, weights.scale!) : attended;
    switch (settings.fusion) {
      case "difference":
        return subtract(scanned, second);
      case "add":
        return add(scanned, second);
      case "concatenate":
        return concatenate([scanned, second], 2);
    }
  };

  return {
    weights: [
      ...under("attention", attention.weights),
      ...under("ssm", ssm.weights),
      ...BRANCHES.flatMap((branch) => [
        ...(settings.norm === "group" ? [ones(`${branch}.branch_norm`, channels[branch])] : []),
        ...(settings.scale === "vector" ? [ones(`${branch}.branch_scale`, channels[branch])] : []),
      ]),
      // On the second branch of the fusion, the attention (Differential Transformer's scalar, started at 1: our choice).
      ...(settings.scale === "scalar" ? [vector("scale", 1, initialConstant(1))] : []),
      ...(settings.output === "joint"
        ? [
            matrix(
              "output",
              settings.fusion === "concatenate" ? channels.attention + channels.ssm : channels.attention,
              width,
              residualScale,
            ),
          ]
        : BRANCHES.flatMap((branch) => [
            matrix(`${branch}.output`, channels[branch], width, residualScale),
            ...(biased[branch] ? [zeros(`${branch}.output_bias`, width)] : []),
          ])),
    ],

    cache: (batch, capacity) => ({
      ...prefixed("attention", attention.cache(batch, capacity)),
      ...prefixed("ssm", ssm.cache(batch, capacity)),
    }),

    apply(weights, x, segment, cache) {
      const attended = attention.apply(
        within(weights, "attention"),
        x,
        segment,
        cache && within(cache, "attention"),
      );
      const scanned = ssm.apply(
        within(weights, "ssm"),
        x,
        segment,
        cache && within(cache, "ssm"),
        settings.values === "shared" ? attended.values : undefined,
      );
      const finished = (branch: (typeof BRANCHES)[number], mixed: Tensor): Tensor => {
        const normed = settings.norm === "group" ? rmsNorm(mixed, weights[`${branch}.branch_norm`]!) : mixed;
        const scaled =
          settings.scale === "vector" ? multiply(normed, weights[`${branch}.branch_scale`]!) : normed;
        if (settings.output === "joint") return scaled;
        const output = matmul(scaled, weights[`${branch}.output`]!);
        return biased[branch] ? add(output, weights[`${branch}.output_bias`]!) : output;
      };
      const fused = fuse(weights, finished("attention", attended.mixed), finished("ssm", scanned.mixed));
      return {
        output: settings.output === "joint" ? matmul(fused, weights.output!) : fused,
        ...(attended.cache &&
          scanned.cache && {
            cache: { ...prefixed("attention", attended.cache), ...prefixed("ssm", scanned.cache) },
          }),
      };
    },
  };
}

function under(prefix: string, weights: readonly Weight[]): Weight[] {
  return weights.map((weight) => ({ ...weight, name: `${prefix}.${weight.name}` }));
}
