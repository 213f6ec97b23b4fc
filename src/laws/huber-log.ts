/** Fits of L(N, D) = E + A / N^alpha + B / D^beta by the Huber loss of ln L, as arXiv:2203.15556 §3.3 has it. */
import { lbfgs } from "../core/index.ts";
import type { Coefficients } from "./chinchilla.ts";
import { type Run, requireRuns } from "./run.ts";
import { centre, EXPONENTS, SeparableProblem } from "./separable-problem.ts";

export interface HuberLogOptions {
  /** Residuals of ln L beyond this count linearly. */
  readonly delta?: number;
  /** Fits to start from; without them, variable projection's answer at each point of a grid of exponents. */
  readonly starts?: readonly Coefficients[];
}

/**
 * The fit that minimises the sum (a mean would stop the search early, the published error) over runs of
 * Huber_delta(LSE(a - alpha ln N, b - beta ln D, e) - ln L), by L-BFGS from several starts (arXiv:2203.15556 §3.3,
 * arXiv:2404.10102 §3). The objective is in squared units of ln L.
 */
export function huberLog(
  runs: readonly Run[],
  { delta = 1e-3, starts }: HuberLogOptions = {},
): { fit: Coefficients; objective: number } {
  requireRuns([runs], 5);
  const n = runs.length;
  const lnLoss = Float64Array.from(runs, (run) => Math.log(run.loss));
  const lnN = Float64Array.from(runs, (run) => Math.log(run.parameters));
  const lnD = Float64Array.from(runs, (run) => Math.log(run.tokens));
  const [centreN, centreD] = [centre(lnN), centre(lnD)];
  // In units of delta, and with centred logarithms, which take the valley between A and alpha out of the search.
  const objective = ([a, alpha, b, beta, e]: readonly number[]) => {
    let value = 0;
    const gradient = [0, 0, 0, 0, 0];
    const floor = Math.exp(e!);
    for (let i = 0; i < n; i++) {
      const u = lnN[i]! - centreN;
      const v = lnD[i]! - centreD;
      const x = Math.exp(a! - alpha! * u);
      const y = Math.exp(b! - beta! * v);
      const total = floor + x + y;
      const residual = (Math.log(total) - lnLoss[i]!) / delta;
      const size = Math.abs(residual);
      value += size <= 1 ? (residual * residual) / 2 : size - 0.5;
      const slope = Math.max(-1, Math.min(1, residual)) / (delta * total);
      gradient[0]! += slope * x;
      gradient[1]! -= slope * x * u;
      gradient[2]! += slope * y;
      gradient[3]! -= slope * y * v;
      gradient[4]! += slope * floor;
    }
    return { value, gradient };
  };
  let best: { x: readonly number[]; value: number } | undefined;
  for (const start of starts ?? gridOfStarts(runs)) {
    const minimum = lbfgs(
      objective,
      [
        start.lnA - start.alpha * centreN,
        start.alpha,
        start.lnB - start.beta * centreD,
        start.beta,
        Math.log(start.floor),
      ],
      { gradientTolerance: 1e-5, maxIterations: 2000 },
    );
    if (!best || minimum.value < best.value) best = minimum;
  }
  const [a, alpha, b, beta, e] = best!.x as [number, number, number, number, number];
  const fit = { floor: Math.exp(e), lnA: a + alpha * centreN, alpha, lnB: b + beta * centreD, beta };
  return { fit, objective: best!.value * delta * delta };
}

/** For each pair of exponents of the grid, the best E, A and B that are all above zero. */
function gridOfStarts(runs: readonly Run[]): Coefficients[] {
  const problem = new SeparableProblem([runs], "shared", false);
  return EXPONENTS.flatMap((alpha) =>
    EXPONENTS.map((beta) => {
      const [fit] = problem.fits({ alpha, beta });
      const least = Math.log(0.01);
      return {
        ...fit!,
        floor: Math.max(fit!.floor, 0.01),
        lnA: Math.max(fit!.lnA, least),
        lnB: Math.max(fit!.lnB, least),
      };
    }),
  );
}
