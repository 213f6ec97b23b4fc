/**
 * The Chinchilla law of loss, L(N, D) = E + A / N^alpha + B / D^beta (arXiv:2203.15556 equation 2), with coefficients that
 * are uncertain jointly. Along the valley of a fit A and alpha move together and hardly change the loss, so a law keeps
 * whole fits as equally likely rows, and no coefficient is ever drawn alone.
 */
import {
  type AnyEstimate,
  type DimensionOf,
  Estimate,
  type Evidence,
  InputError,
  type Sampler,
  weakest,
} from "../core/index.ts";

/** One fit. N counts parameters, D tokens. */
export interface Coefficients {
  /** E, which neither size nor data remove; nats a token. */
  readonly floor: number;
  readonly lnA: number;
  readonly alpha: number;
  readonly lnB: number;
  readonly beta: number;
}

/** What the runs behind a law spanned: lowest and highest of each. */
export interface FittedRange {
  readonly parameters: readonly [low: number, high: number];
  readonly tokens: readonly [low: number, high: number];
}

export interface ScalingLaw {
  /** Stable; the law is drawn as the input `laws/<name>`. */
  readonly name: string;
  /** Equally likely fits (bootstrap resamples). A single one is taken as exact. */
  readonly fits: readonly Coefficients[];
  readonly range: FittedRange;
  readonly evidence: Evidence;
}

export type Nats = Estimate<DimensionOf<"nat">>;
export type Tokens = Estimate<DimensionOf<"token">>;
export type Flops = Estimate<DimensionOf<"FLOP">>;
export type Count = Estimate<DimensionOf<"1">>;

/** L(N, D) of one fit, nats a token. */
export function lossAt(fit: Coefficients, parameters: number, tokens: number): number {
  return (
    fit.floor +
    Math.exp(fit.lnA - fit.alpha * Math.log(parameters)) +
    Math.exp(fit.lnB - fit.beta * Math.log(tokens))
  );
}

/** FLOPs a parameter and token, the convention behind every published optimum (arXiv:2203.15556 appendix F). */
export const CHINCHILLA_FLOPS = 6;

/**
 * The parameters and tokens that minimise the loss at `flops` = 6 N D: N = G (C/6)^a and D = (C/6)^(1-a) / G with
 * a = beta / (alpha + beta) and G = (alpha A / (beta B))^(1 / (alpha + beta)) (arXiv:2203.15556 equation 4).
 */
export function computeOptimum(fit: Coefficients, flops: number): { parameters: number; tokens: number } {
  const { alpha, beta } = fit;
  const lnG = (Math.log(alpha / beta) + fit.lnA - fit.lnB) / (alpha + beta);
  const lnProduct = Math.log(flops / CHINCHILLA_FLOPS);
  const lnParameters = lnG + (beta / (alpha + beta)) * lnProduct;
  return { parameters: Math.exp(lnParameters), tokens: Math.exp(lnProduct - lnParameters) };
}

/**
 * Draws one of `rows`, equally likely, as the single input `name`. The input's value is `key(row)` in nats, by which the
 * rows are ranked: pinned at 5 % it is the row whose key is the 5 % quantile. One row alone is exact and is no input.
 */
export function drawRow<T>(
  name: string,
  rows: readonly T[],
  key: (row: T) => number,
  evidence: Evidence,
  sampler: Sampler,
): readonly T[] {
  if (rows.length === 1) return rows;
  const { ranked, byKey } = ranking(rows, key);
  const quantile = (p: number) => ranked[Math.min(ranked.length - 1, Math.floor(p * ranked.length))]!.key;
  return Array.from(sampler.draw(name, quantile, "nat", evidence).draws, (drawn) => byKey.get(drawn)!);
}

interface Ranking<T> {
  readonly ranked: readonly { readonly row: T; readonly key: number }[];
  readonly byKey: ReadonlyMap<number, T>;
}

// A sensitivity analysis draws the same rows under many samplers; they are ranked once.
const rankings = new WeakMap<readonly unknown[], Ranking<unknown>>();

function ranking<T>(rows: readonly T[], key: (row: T) => number): Ranking<T> {
  let known = rankings.get(rows) as Ranking<T> | undefined;
  if (!known) {
    const ranked = rows.map((row) => ({ row, key: key(row) })).sort((a, b) => a.key - b.key);
    known = { ranked, byKey: new Map(ranked.map((entry) => [entry.key, entry.row])) };
    rankings.set(rows, known);
  }
  return known;
}

/** Fits by coefficient: entry i of each column belongs to draw i, as in every `Estimate`; one entry stands for all. */
type Columns = { readonly [C in keyof Coefficients]: Float64Array };

/** A law whose fits have been drawn. */
export class DrawnLaw {
  readonly #columns: Columns;
  readonly #evidence: Evidence;
  /** E + A / N^alpha at the size that was asked for last: a planner varies the tokens of one size many times. */
  #atSize: { readonly parameters: number; readonly terms: Float64Array } | undefined;

  private constructor(columns: Columns, evidence: Evidence) {
    this.#columns = columns;
    this.#evidence = evidence;
  }

  /** `fits` has one entry a draw, or a single one that stands for all. */
  static of(fits: readonly Coefficients[], evidence: Evidence): DrawnLaw {
    const column = (name: keyof Coefficients) => Float64Array.from(fits, (fit) => fit[name]);
    return new DrawnLaw(
      {
        floor: column("floor"),
        lnA: column("lnA"),
        alpha: column("alpha"),
        lnB: column("lnB"),
        beta: column("beta"),
      },
      evidence,
    );
  }

  /** The same law with `nats` added to the loss: an effect, or the scatter of a set-up. */
  plus(nats: Nats): DrawnLaw {
    const length = Math.max(this.#columns.floor.length, nats.draws.length);
    const column = (values: Float64Array) =>
      values.length === length ? values : new Float64Array(length).fill(values[0]!);
    const shift = column(nats.draws);
    return new DrawnLaw(
      {
        floor: column(this.#columns.floor).map((value, i) => value + shift[i]!),
        lnA: column(this.#columns.lnA),
        alpha: column(this.#columns.alpha),
        lnB: column(this.#columns.lnB),
        beta: column(this.#columns.beta),
      },
      weakest([this.#evidence, nats]),
    );
  }

  /** Loss after `tokens` of fresh (or effective) data, nats a token. */
  loss(parameters: number, tokens: number | Tokens): Nats {
    requirePositive("parameters", parameters);
    if (typeof tokens !== "number") {
      return this.#drawwise(tokens, "nat", (fit, d) => lossAt(fit, parameters, d));
    }
    const lnD = Math.log(requirePositive("tokens", tokens));
    const { lnB, beta } = this.#columns;
    const sizes = this.#sizeTerms(parameters);
    const draws = new Float64Array(sizes.length);
    for (let i = 0; i < draws.length; i++) draws[i] = sizes[i]! + Math.exp(lnB[i]! - beta[i]! * lnD);
    return Estimate.fromDraws(draws, "nat", this.#evidence);
  }

  /** Parameters and tokens that minimise the loss at a budget of 6 N D, and that loss. */
  computeOptimum(budget: number | Flops): { parameters: Count; tokens: Tokens; loss: Nats } {
    const flops =
      typeof budget === "number" ? Estimate.exact(requirePositive("budget", budget), "FLOP") : budget;
    return {
      parameters: this.#drawwise(flops, "1", (fit, c) => computeOptimum(fit, c).parameters),
      tokens: this.#drawwise(flops, "token", (fit, c) => computeOptimum(fit, c).tokens),
      loss: this.#drawwise(flops, "nat", (fit, c) => {
        const best = computeOptimum(fit, c);
        return lossAt(fit, best.parameters, best.tokens);
      }),
    };
  }

  #sizeTerms(parameters: number): Float64Array {
    if (this.#atSize?.parameters === parameters) return this.#atSize.terms;
    const lnN = Math.log(parameters);
    const { floor, lnA, alpha } = this.#columns;
    const terms = floor.map((value, i) => value + Math.exp(lnA[i]! - alpha[i]! * lnN));
    this.#atSize = { parameters, terms };
    return terms;
  }

  #drawwise<S extends string>(
    input: AnyEstimate,
    symbol: S,
    formula: (fit: Coefficients, value: number) => number,
  ): Estimate<DimensionOf<S>> {
    const { floor, lnA, alpha, lnB, beta } = this.#columns;
    const values = input.draws;
    const draws = new Float64Array(Math.max(values.length, floor.length));
    for (let draw = 0; draw < draws.length; draw++) {
      const i = floor.length === 1 ? 0 : draw;
      const fit = { floor: floor[i]!, lnA: lnA[i]!, alpha: alpha[i]!, lnB: lnB[i]!, beta: beta[i]! };
      draws[draw] = formula(fit, values[values.length === 1 ? 0 : draw]!);
    }
    return Estimate.fromDraws(draws, symbol, weakest([input, this.#evidence]));
  }
}

/** How far outside `range` a query lies: each a factor of at least 1, which is 1 inside. */
export interface Reach {
  readonly parameters: number;
  readonly tokens: number;
}

export function reach(range: FittedRange, parameters: number, tokens: number): Reach {
  const beyond = ([low, high]: FittedRange["tokens"], value: number) =>
    Math.max(1, value / high, low / value);
  return { parameters: beyond(range.parameters, parameters), tokens: beyond(range.tokens, tokens) };
}

/** What `runs` span. */
export function rangeOf(runs: readonly { parameters: number; tokens: number }[]): FittedRange {
  const span = (values: number[]): readonly [number, number] => [Math.min(...values), Math.max(...values)];
  return {
    parameters: span(runs.map((run) => run.parameters)),
    tokens: span(runs.map((run) => run.tokens)),
  };
}

/** Draws a law, its fits ranked by the loss at the largest size and token count of its runs. Call once for a sampler and evaluate the result as often as needed. */
export function drawLaw(law: ScalingLaw, sampler: Sampler): DrawnLaw {
  const key = (fit: Coefficients) => lossAt(fit, law.range.parameters[1], law.range.tokens[1]);
  return DrawnLaw.of(drawRow(`laws/${law.name}`, law.fits, key, law.evidence, sampler), law.evidence);
}

function requirePositive(path: string, value: number): number {
  if (value > 0 && Number.isFinite(value)) return value;
  throw new InputError({
    place: { path },
    found: String(value),
    expected: `a positive number of ${path === "budget" ? "FLOPs" : path}`,
  });
}
