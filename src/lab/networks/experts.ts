/**
 * E: a mixture of experts with a sigmoid router, shared experts and balancing without an auxiliary loss
 * (arXiv:2408.15664; arXiv:2510.04800 appendix L): a bias an expert is added to its score when experts are chosen, not
 * when they are weighed, and after each step moves up by a fixed amount where the expert had fewer tokens than the mean,
 * down where it had more.
 *
 * Shapes are static here, so every expert computes every token and the gates of those not chosen are 0: exact, and
 * experts / active times the work that the model's FLOPs count.
 */
import {
  add,
  divide,
  initialConstant,
  initialNormal,
  matmul,
  multiply,
  oneHot,
  reshape,
  sigmoid,
  stopGradient,
  sum,
  type Tensor,
  topIndices,
} from "../../engine/index.ts";
import type { ExpertSettings } from "../../model/index.ts";
import { gatedUnit } from "./feed-forward.ts";
import { type Layer, matrix, vector } from "./layer.ts";

/** The parameter that balances the load. It is no weight of the model: it is neither counted nor trained. */
export const BALANCE = "balance";

/** What a balancing bias moves by in a step (arXiv:2510.04800 appendix L). */
export const BALANCE_STEP = 1e-3;

export function expertLayer(width: number, settings: ExpertSettings, residualScale: number): Layer {
  const { experts, active, hidden, shared, sharedHidden, sharedGate } = settings;
  const together = shared * sharedHidden;
  return {
    weights: [
      matrix("router", width, experts),
      { ...vector(BALANCE, experts, initialConstant(0)), trained: false },
      // All experts' gates, then all experts' values: one product computes them all.
      matrix("up", width, 2 * experts * hidden),
      {
        ...matrix("down", experts * hidden, width),
        initial: initialNormal(residualScale * hidden ** -0.5),
      },
      ...(shared > 0
        ? [
            matrix("shared_up", width, 2 * together),
            matrix("shared_down", together, width, residualScale),
            ...(sharedGate ? [matrix("shared_gate", width, 1)] : []),
          ]
        : []),
    ],
    cache: () => ({}),
    apply(weights, x, { batch, time }, cache) {
      const scores = sigmoid(matmul(x, weights.router!));
      const chosen = chosenExperts(add(stopGradient(scores), weights[BALANCE]!), active);
      const gates = gatesOf(multiply(scores, chosen), active);
      const hiddenStates = reshape(gatedUnit(matmul(x, weights.up!)), [batch, time, experts, hidden]);
      const weighed = multiply(hiddenStates, reshape(gates, [batch, time, experts, 1]));
      const routed = matmul(reshape(weighed, [batch, time, experts * hidden]), weights.down!);
      const load = sum(chosen, [0, 1]);
      const kept = cache && { cache: {} };
      if (shared === 0) return { output: routed, load, ...kept };
      const common = matmul(gatedUnit(matmul(x, weights.shared_up!)), weights.shared_down!);
      const gate = sharedGate ? sigmoid(matmul(x, weights.shared_gate!)) : undefined;
      return { output: add(routed, gate ? multiply(common, gate) : common), load, ...kept };
    },
  };
}

/** 1 for the `active` experts with the highest scores, 0 for the others: [batch, time, experts]. */
function chosenExperts(scores: Tensor, active: number): Tensor {
  return sum(oneHot(topIndices(scores, active), scores.shape.at(-1)!, scores.dataType), 2);
}

/** One expert is weighed by its own score; several by their scores' shares, as in DeepSeek-V3 (arXiv:2412.19437). */
function gatesOf(scores: Tensor, active: number): Tensor {
  return active === 1 ? scores : divide(scores, add(sum(scores, -1, { keepAxes: true }), 1e-20));
}
