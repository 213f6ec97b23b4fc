/**
 * The law for given exponents, which is linear in E, A and B: its weighted least squares under E, A, B >= 0, and a step of
 * the exponents from there.
 */
import { nnls } from "../core/index.ts";
import type { Coefficients } from "./chinchilla.ts";
import { type Run, requireRuns } from "./run.ts";

export interface Exponents {
  readonly alpha: number;
  readonly beta: number;
}

/** Exponents that the grids try; what is published lies between 0.15 and 0.7. */
export const EXPONENTS = [0.1, 0.2, 0.35, 0.5, 0.8] as const;
/** The most that one step changes the logarithm of an exponent. */
const LONGEST_STEP = 0.5;

/** Weighted least squares in E, A and B for given exponents. Logarithms are centred, so that A and B are near the loss. */
export class SeparableProblem {
  readonly #lnN: Float64Array;
  readonly #lnD: Float64Array;
  readonly #loss: Float64Array;
  readonly #group: Int32Array;
  readonly #weight: Float64Array;
  readonly #centreN: number;
  readonly #centreD: number;
  readonly #tied: boolean;
  readonly #groups: number;
  readonly #floors: number;
  /** N^-alpha and D^-beta of each run at the exponents that were solved last, then the residuals there. */
  readonly #x: Float64Array;
  readonly #y: Float64Array;
  readonly #residual: Float64Array;
  readonly #normal: Float64Array;
  readonly #solution: Float64Array;
  /** 1 for each coefficient that is not held at its bound of 0. */
  readonly #free: Uint8Array;
  /** Whether `#normal` holds the Cholesky factor of the normal equations of the free coefficients. */
  #factored = false;

  constructor(groups: readonly (readonly Run[])[], floors: "shared" | "each", tied: boolean) {
    const runs = groups.flat();
    requireRuns(groups, tied ? 4 : 5);
    this.#tied = tied;
    this.#lnN = Float64Array.from(runs, (run) => Math.log(run.parameters));
    this.#lnD = Float64Array.from(runs, (run) => Math.log(run.tokens));
    this.#loss = Float64Array.from(runs, (run) => run.loss);
    this.#group = Int32Array.from(groups.flatMap((group, g) => group.map(() => g)));
    this.#weight = new Float64Array(runs.length).fill(1);
    this.#centreN = centre(this.#lnN);
    this.#centreD = centre(this.#lnD);
    this.#groups = groups.length;
    this.#floors = floors === "shared" ? 1 : groups.length;
    this.#x = new Float64Array(runs.length);
    this.#y = new Float64Array(runs.length);
    this.#residual = new Float64Array(runs.length);
    const unknowns = this.#floors + 2 * groups.length;
    this.#normal = new Float64Array(unknowns * unknowns);
    this.#solution = new Float64Array(unknowns);
    this.#free = new Uint8Array(unknowns);
  }

  bestOnGrid(): Exponents {
    let best = { alpha: 0, beta: 0, value: Number.POSITIVE_INFINITY };
    for (const alpha of EXPONENTS) {
      for (const beta of this.#tied ? [alpha] : EXPONENTS) {
        const value = this.squares({ alpha, beta });
        if (value < best.value) best = { alpha, beta, value };
      }
    }
    return best;
  }

  /** Sets the weights to Huber's for the residuals that were computed last, and returns the Huber objective. */
  reweigh(delta: number): number {
    let objective = 0;
    for (let i = 0; i < this.#residual.length; i++) {
      const size = Math.abs(this.#residual[i]!);
      this.#weight[i] = size <= delta ? 1 : delta / size;
      objective += size <= delta ? size * size : delta * (2 * size - delta);
    }
    return objective;
  }

  /**
   * A damped Gauss-Newton step in the logarithms of the exponents (so that they stay positive), from where `squares` was
   * computed last. What E, A and B can absorb of the Jacobian is projected out.
   */
  step({ alpha, beta }: Exponents, damping: number): Exponents {
    const p = this.#solution.length;
    const absorbedA = new Float64Array(p);
    const absorbedB = new Float64Array(p);
    let [haa, hab, hbb, ga, gb] = [0, 0, 0, 0, 0];
    for (let i = 0; i < this.#loss.length; i++) {
      const g = this.#group[i]!;
      const e = this.#floors === 1 ? 0 : g;
      const a = this.#floors + 2 * g;
      const w = this.#weight[i]!;
      const x = this.#x[i]!;
      const y = this.#y[i]!;
      const ja = -alpha * (this.#lnN[i]! - this.#centreN) * this.#solution[a]! * x;
      const jb = -beta * (this.#lnD[i]! - this.#centreD) * this.#solution[a + 1]! * y;
      const r = this.#residual[i]!;
      absorbedA[e]! += w * ja;
      absorbedA[a]! += w * ja * x;
      absorbedA[a + 1]! += w * ja * y;
      absorbedB[e]! += w * jb;
      absorbedB[a]! += w * jb * x;
      absorbedB[a + 1]! += w * jb * y;
      haa += w * ja * ja;
      hab += w * ja * jb;
      hbb += w * jb * jb;
      ga += w * ja * r;
      gb += w * jb * r;
    }
    // |L^-1 v|^2 is v' (L L')^-1 v: what the linear part takes away.
    if (this.#factored) {
      for (let k = 0; k < p; k++) {
        absorbedA[k]! *= this.#free[k]!;
        absorbedB[k]! *= this.#free[k]!;
      }
      this.#forward(absorbedA);
      this.#forward(absorbedB);
      for (let k = 0; k < p; k++) {
        haa -= absorbedA[k]! * absorbedA[k]!;
        hab -= absorbedA[k]! * absorbedB[k]!;
        hbb -= absorbedB[k]! * absorbedB[k]!;
      }
    }
    const limited = (change: number) => Math.exp(Math.max(-LONGEST_STEP, Math.min(LONGEST_STEP, change)));
    if (this.#tied) {
      const curvature = (haa + 2 * hab + hbb) * (1 + damping);
      if (!(curvature > 0)) return { alpha, beta };
      const factor = limited(-(ga + gb) / curvature);
      return { alpha: alpha * factor, beta: alpha * factor };
    }
    const saa = haa * (1 + damping);
    const sbb = hbb * (1 + damping);
    const determinant = saa * sbb - hab * hab;
    if (!(determinant > 0)) {
      // A term that is held at 0 says nothing of its exponent: move the other one, which may set the term free.
      return {
        alpha: saa > 0 ? alpha * limited(-ga / saa) : alpha,
        beta: sbb > 0 ? beta * limited(-gb / sbb) : beta,
      };
    }
    return {
      alpha: alpha * limited((hab * gb - sbb * ga) / determinant),
      beta: beta * limited((hab * ga - saa * gb) / determinant),
    };
  }

  /** The weighted sum of squares left by the best E, A and B at `exponents`. */
  squares({ alpha, beta }: Exponents): number {
    const n = this.#loss.length;
    for (let i = 0; i < n; i++) {
      this.#x[i] = Math.exp(-alpha * (this.#lnN[i]! - this.#centreN));
      this.#y[i] = Math.exp(-beta * (this.#lnD[i]! - this.#centreD));
    }
    this.#free.fill(1);
    if (!(this.#factorNormalEquations() && this.#solveFactored())) this.#solveNonNegative();
    let total = 0;
    for (let i = 0; i < n; i++) {
      const g = this.#group[i]!;
      const a = this.#floors + 2 * g;
      const predicted =
        this.#solution[this.#floors === 1 ? 0 : g]! +
        this.#solution[a]! * this.#x[i]! +
        this.#solution[a + 1]! * this.#y[i]!;
      const residual = predicted - this.#loss[i]!;
      this.#residual[i] = residual;
      total += this.#weight[i]! * residual * residual;
    }
    return total;
  }

  fits(exponents: Exponents): Coefficients[] {
    this.squares(exponents);
    const { alpha, beta } = exponents;
    return Array.from({ length: this.#groups }, (_, g) => ({
      floor: this.#solution[this.#floors === 1 ? 0 : g]!,
      lnA: Math.log(this.#solution[this.#floors + 2 * g]!) + alpha * this.#centreN,
      alpha,
      lnB: Math.log(this.#solution[this.#floors + 2 * g + 1]!) + beta * this.#centreD,
      beta,
    }));
  }

  /**
   * Cholesky's method in place, over the coefficients that are free (the others get a row of the identity); false where
   * the system is singular.
   */
  #factorNormalEquations(): boolean {
    const p = this.#solution.length;
    const m = this.#normal.fill(0);
    const s = this.#solution.fill(0);
    this.#factored = false;
    for (let i = 0; i < this.#loss.length; i++) {
      const g = this.#group[i]!;
      const e = this.#floors === 1 ? 0 : g;
      const a = this.#floors + 2 * g;
      const b = a + 1;
      const w = this.#weight[i]!;
      const wx = w * this.#x[i]!;
      const wy = w * this.#y[i]!;
      const loss = this.#loss[i]!;
      m[e * p + e]! += w;
      m[a * p + e]! += wx;
      m[b * p + e]! += wy;
      m[a * p + a]! += wx * this.#x[i]!;
      m[b * p + a]! += wx * this.#y[i]!;
      m[b * p + b]! += wy * this.#y[i]!;
      s[e]! += w * loss;
      s[a]! += wx * loss;
      s[b]! += wy * loss;
    }
    for (let j = 0; j < p; j++) {
      if (this.#free[j]) continue;
      for (let k = 0; k < p; k++) m[Math.max(j, k) * p + Math.min(j, k)] = 0;
      m[j * p + j] = 1;
      s[j] = 0;
    }
    for (let j = 0; j < p; j++) {
      let diagonal = m[j * p + j]!;
      const whole = diagonal;
      for (let k = 0; k < j; k++) diagonal -= m[j * p + k]! ** 2;
      if (!(diagonal > 1e-13 * whole)) return false;
      const root = Math.sqrt(diagonal);
      m[j * p + j] = root;
      for (let i = j + 1; i < p; i++) {
        let value = m[i * p + j]!;
        for (let k = 0; k < j; k++) value -= m[i * p + k]! * m[j * p + k]!;
        m[i * p + j] = value / root;
      }
    }
    this.#factored = true;
    return true;
  }

  /** Solves for the coefficients; false where one comes out negative. */
  #solveFactored(): boolean {
    const s = this.#solution;
    const m = this.#normal;
    const p = s.length;
    this.#forward(s);
    for (let i = p - 1; i >= 0; i--) {
      for (let k = i + 1; k < p; k++) s[i]! -= m[k * p + i]! * s[k]!;
      s[i]! /= m[i * p + i]!;
    }
    return s.every((coefficient) => coefficient >= 0);
  }

  /** Solves L z = v in place. */
  #forward(v: Float64Array): void {
    const p = v.length;
    const m = this.#normal;
    for (let i = 0; i < p; i++) {
      for (let k = 0; k < i; k++) v[i]! -= m[i * p + k]! * v[k]!;
      v[i]! /= m[i * p + i]!;
    }
  }

  /** Solves under the bounds, and leaves the factor of what is free there, which is what a step projects out. */
  #solveNonNegative(): void {
    const rows = Array.from(this.#loss, (_, i) => {
      const row = new Array<number>(this.#solution.length).fill(0);
      const g = this.#group[i]!;
      const w = Math.sqrt(this.#weight[i]!);
      row[this.#floors === 1 ? 0 : g] = w;
      row[this.#floors + 2 * g] = w * this.#x[i]!;
      row[this.#floors + 2 * g + 1] = w * this.#y[i]!;
      return row;
    });
    const solution = nnls(
      rows,
      Array.from(this.#loss, (loss, i) => Math.sqrt(this.#weight[i]!) * loss),
    );
    for (const [j, coefficient] of solution.entries()) this.#free[j] = coefficient > 0 ? 1 : 0;
    this.#factorNormalEquations();
    this.#solution.set(solution);
  }
}

/** The mean: logarithms are centred on it, which takes the valley between A and alpha out of a search. */
export function centre(values: Float64Array): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
