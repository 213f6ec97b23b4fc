/**
 * `Estimate`: a figure that a person may act on. It is a seeded vector of draws in base units with a dimension, a
 * basis and its sources. Arithmetic works draw by draw, so inputs that are correlated stay correlated; the result's
 * basis is the weakest of its inputs and its sources are theirs.
 */
import { quickselect } from "simple-statistics";
import { formatEstimate } from "./display.ts";
import {
  type Dimension,
  type Dimensionless,
  type DimensionOf,
  dimensionText,
  invertDimension,
  multiplyDimensions,
  type Product,
  type Quotient,
  sameDimension,
  type Unit,
  unit,
} from "./units.ts";

/** Draws an uncertain estimate holds. An exact one holds a single draw, which stands for all of them. */
export const DRAWS = 1000;

/**
 * How a figure is known, strongest first. `given` is a choice or a requirement (512 accelerators), which is exact and
 * so never weakens what is computed from it.
 */
export const BASES = ["given", "measured", "fitted", "published", "assumed"] as const;
export type Basis = (typeof BASES)[number];

/** Where a figure comes from: a publication, a file of the user's, a measurement of ours. */
export interface Source {
  /** Unique and stable: the key in `data/sources.csv`, or the path of a file. */
  readonly id: string;
  readonly title: string;
  /** Table, equation, page, line or command. */
  readonly where?: string | undefined;
  readonly year?: number | undefined;
}

export interface Evidence {
  readonly basis: Basis;
  readonly sources: readonly Source[];
}

export const GIVEN: Evidence = { basis: "given", sources: [] };

/** The figure as plain data, for JSON and reports: median and 90 % interval in `unit`. */
export interface EstimateSummary {
  readonly value: number;
  readonly low: number;
  readonly high: number;
  readonly unit: string;
  readonly basis: Basis;
  readonly sources: readonly string[];
}

/** An estimate of whatever dimension, for code that prints, stores or draws it. */
// biome-ignore lint/suspicious/noExplicitAny: the class is invariant in its dimension, so no other type holds them all
export type AnyEstimate = Estimate<any>;

export class Estimate<D extends Dimension = Dimension> {
  /** Makes the class invariant in `D`: seconds are not assignable to metres nor to "seconds per kilogram". */
  declare readonly _dimension: (dimension: D) => D;

  readonly dimension: Dimension;
  /** In base units; length 1 (exact) or `DRAWS`. */
  readonly draws: Float64Array;
  readonly basis: Basis;
  readonly sources: readonly Source[];
  /** The unit to print in; chosen by size where undefined. */
  readonly displayUnit: Unit | undefined;
  #quantiles: Map<number, number> | undefined;

  private constructor(dimension: Dimension, draws: Float64Array, evidence: Evidence, displayUnit?: Unit) {
    this.dimension = dimension;
    this.draws = draws;
    this.basis = evidence.basis;
    this.sources = evidence.sources;
    this.displayUnit = displayUnit;
  }

  /** A figure without uncertainty: a choice, a requirement, or a constant whose spread does not matter. */
  static exact<S extends string>(
    value: number,
    symbol: S,
    evidence: Evidence = GIVEN,
  ): Estimate<DimensionOf<S>> {
    const { dimension, scale } = unit(symbol);
    return new Estimate(dimension, Float64Array.of(value * scale), evidence);
  }

  /** From draws in `symbol`'s unit; there must be one or `DRAWS` of them, in the order that all estimates share. */
  static fromDraws<S extends string>(
    draws: ArrayLike<number>,
    symbol: S,
    evidence: Evidence,
  ): Estimate<DimensionOf<S>> {
    const { dimension, scale } = unit(symbol);
    const scaled = new Float64Array(draws.length);
    for (let i = 0; i < scaled.length; i++) scaled[i] = draws[i]! * scale;
    return Estimate.#checked(dimension, scaled, evidence);
  }

  /**
   * A formula applied draw by draw, for what arithmetic cannot say (a maximum, an exponential). `formula` receives the
   * inputs in base units and returns the result in `symbol`'s unit.
   */
  static combine<S extends string, const I extends readonly AnyEstimate[]>(
    inputs: I,
    symbol: S,
    formula: (...values: { [K in keyof I]: number }) => number,
  ): Estimate<DimensionOf<S>> {
    const { dimension, scale } = unit(symbol);
    const length = inputs.some((input) => input.draws.length > 1) ? DRAWS : 1;
    const draws = new Float64Array(length);
    const values = new Array<number>(inputs.length);
    for (let i = 0; i < length; i++) {
      for (let j = 0; j < inputs.length; j++) {
        const column = inputs[j]!.draws;
        values[j] = column[column.length === 1 ? 0 : i]!;
      }
      draws[i] = formula(...(values as { [K in keyof I]: number })) * scale;
    }
    return Estimate.#checked(dimension, draws, weakest(inputs));
  }

  static #checked<D extends Dimension>(
    dimension: Dimension,
    draws: Float64Array,
    evidence: Evidence,
  ): Estimate<D> {
    if (draws.length !== 1 && draws.length !== DRAWS) {
      throw new RangeError(`an estimate has 1 or ${DRAWS} draws, not ${draws.length}`);
    }
    // A plain loop, since every operation passes here: a callback for each draw costs more than the operation itself.
    for (let i = 0; i < draws.length; i++) {
      if (Number.isNaN(draws[i]))
        throw new RangeError(`draw ${i} of an estimate in ${named(dimension)} is NaN`);
    }
    return new Estimate<D>(dimension, draws, evidence);
  }

  plus(other: Estimate<D>): Estimate<D> {
    return this.#sameDimension(other, "add", KERNELS.add);
  }

  minus(other: Estimate<D>): Estimate<D> {
    return this.#sameDimension(other, "subtract", KERNELS.subtract);
  }

  /** The larger of the two, draw by draw. */
  atLeast(other: Estimate<D>): Estimate<D> {
    return this.#sameDimension(other, "compare", KERNELS.larger);
  }

  /** The smaller of the two, draw by draw. */
  atMost(other: Estimate<D>): Estimate<D> {
    return this.#sameDimension(other, "compare", KERNELS.smaller);
  }

  times<E extends Dimension>(other: Estimate<E>): Estimate<Product<D, E>>;
  times(factor: number): Estimate<D>;
  times(other: AnyEstimate | number): AnyEstimate {
    if (typeof other === "number") return this.#scaled(other);
    return this.#drawwise(other, multiplyDimensions(this.dimension, other.dimension), KERNELS.multiply);
  }

  over<E extends Dimension>(other: Estimate<E>): Estimate<Quotient<D, E>>;
  over(divisor: number): Estimate<D>;
  over(other: AnyEstimate | number): AnyEstimate {
    if (typeof other === "number") return this.#scaled(1 / other);
    return this.#drawwise(
      other,
      multiplyDimensions(this.dimension, invertDimension(other.dimension)),
      KERNELS.divide,
    );
  }

  /** The same figure printed in `symbol`'s unit, which must have the same dimension. */
  shownIn(symbol: string): Estimate<D> {
    return new Estimate<D>(this.dimension, this.draws, this, this.#compatible(symbol));
  }

  /** The same draws with other evidence: for a model's result that is weaker than the inputs it was computed from. */
  withEvidence(evidence: Evidence): Estimate<D> {
    return new Estimate<D>(this.dimension, this.draws, weakest([this, evidence]), this.displayUnit);
  }

  /** The `probability` quantile in `symbol`'s unit (linear interpolation between order statistics, type 7). */
  quantile(probability: number, symbol?: string): number {
    let value = this.#quantiles?.get(probability);
    if (value === undefined) {
      value = quantileOf(this.draws, probability);
      this.#quantiles ??= new Map();
      this.#quantiles.set(probability, value);
    }
    return symbol === undefined ? value : value / this.#compatible(symbol).scale;
  }

  /** The value that is printed: the median, in `symbol`'s unit or in base units. */
  value(symbol?: string): number {
    return this.quantile(0.5, symbol);
  }

  mean(symbol?: string): number {
    const sum = this.draws.reduce((total, draw) => total + draw, 0) / this.draws.length;
    return symbol === undefined ? sum : sum / this.#compatible(symbol).scale;
  }

  /** The central interval that holds `level` of the draws. */
  interval(symbol?: string, level = 0.9): { low: number; high: number } {
    return {
      low: this.quantile((1 - level) / 2, symbol),
      high: this.quantile((1 + level) / 2, symbol),
    };
  }

  /** The share of draws for which `holds` is true, given each in base units. */
  probability(holds: (value: number) => boolean): number {
    return this.draws.reduce((count, draw) => count + (holds(draw) ? 1 : 0), 0) / this.draws.length;
  }

  get isExact(): boolean {
    return this.draws.length === 1;
  }

  summary(): EstimateSummary {
    const shown = formatEstimate(this);
    return {
      value: this.value(shown.unit.symbol),
      ...this.interval(shown.unit.symbol),
      unit: shown.unit.symbol,
      basis: this.basis,
      sources: this.sources.map((source) => source.id),
    };
  }

  toJSON(): EstimateSummary {
    return this.summary();
  }

  /** `12.3 days [10.1, 15.2]`. */
  toString(): string {
    return formatEstimate(this).text;
  }

  #compatible(symbol: string): Unit {
    const target = unit(symbol) as Unit;
    if (!sameDimension(target.dimension, this.dimension)) {
      throw new TypeError(`cannot show ${named(this.dimension)} in ${symbol} (${named(target.dimension)})`);
    }
    return target;
  }

  #sameDimension(other: Estimate<D>, verb: string, kernel: Kernel): Estimate<D> {
    if (!sameDimension(this.dimension, other.dimension)) {
      throw new TypeError(`cannot ${verb} ${named(this.dimension)} and ${named(other.dimension)}`);
    }
    return this.#drawwise(other, this.dimension, kernel);
  }

  #scaled(factor: number): Estimate<D> {
    return Estimate.#checked(
      this.dimension,
      this.draws.map((draw) => draw * factor),
      this,
    );
  }

  #drawwise(other: AnyEstimate, dimension: Dimension, kernel: Kernel): AnyEstimate {
    const draws = new Float64Array(Math.max(this.draws.length, other.draws.length));
    kernel(this.draws, this.draws.length === 1 ? 0 : 1, other.draws, other.draws.length === 1 ? 0 : 1, draws);
    return Estimate.#checked(dimension, draws, weakest([this, other]));
  }
}

/** `out[i] = a[i * aStep] op b[i * bStep]`, where a step of 0 repeats an exact value. */
type Kernel = (a: Float64Array, aStep: 0 | 1, b: Float64Array, bStep: 0 | 1, out: Float64Array) => void;

// One loop an operation: a shared loop with a callback is several times slower, and planning is made of these.
const KERNELS = {
  add: (a, aStep, b, bStep, out) => {
    for (let i = 0; i < out.length; i++) out[i] = a[i * aStep]! + b[i * bStep]!;
  },
  subtract: (a, aStep, b, bStep, out) => {
    for (let i = 0; i < out.length; i++) out[i] = a[i * aStep]! - b[i * bStep]!;
  },
  multiply: (a, aStep, b, bStep, out) => {
    for (let i = 0; i < out.length; i++) out[i] = a[i * aStep]! * b[i * bStep]!;
  },
  divide: (a, aStep, b, bStep, out) => {
    for (let i = 0; i < out.length; i++) out[i] = a[i * aStep]! / b[i * bStep]!;
  },
  larger: (a, aStep, b, bStep, out) => {
    for (let i = 0; i < out.length; i++) out[i] = Math.max(a[i * aStep]!, b[i * bStep]!);
  },
  smaller: (a, aStep, b, bStep, out) => {
    for (let i = 0; i < out.length; i++) out[i] = Math.min(a[i * aStep]!, b[i * bStep]!);
  },
} satisfies Record<string, Kernel>;

/** A plain number that is exact. */
export function exactly(value: number, evidence: Evidence = GIVEN): Estimate<Dimensionless> {
  return Estimate.exact(value, "1", evidence);
}

/** The sum of one or more estimates. */
export function sum<D extends Dimension>(first: Estimate<D>, ...rest: readonly Estimate<D>[]): Estimate<D> {
  return rest.reduce((total, estimate) => total.plus(estimate), first);
}

/** The evidence of what is computed from `inputs`: the weakest basis, and every source once, in order. */
export function weakest(inputs: readonly Evidence[]): Evidence {
  let basis: Basis = "given";
  for (const input of inputs) if (BASES.indexOf(input.basis) > BASES.indexOf(basis)) basis = input.basis;
  const first = inputs[0];
  // Chains of arithmetic mostly meet the same sources again: keep the list, and its identity, where nothing is new.
  if (inputs.every((input) => input.sources === first!.sources || input.sources.length === 0)) {
    return { basis, sources: first!.sources };
  }
  return { basis, sources: inputs.map((input) => input.sources).reduce(union) };
}

// The same lists are merged again for every design that a planner weighs.
const unions = new WeakMap<readonly Source[], WeakMap<readonly Source[], readonly Source[]>>();

function union(a: readonly Source[], b: readonly Source[]): readonly Source[] {
  let row = unions.get(a);
  if (!row) {
    row = new WeakMap();
    unions.set(a, row);
  }
  let merged = row.get(b);
  if (!merged) {
    merged = [...new Map([...a, ...b].map((source) => [sourceKey(source), source])).values()];
    row.set(b, merged);
  }
  return merged;
}

/** Type-7 quantile by selection: planners ask for one or two of each of thousands of estimates, never for all. */
function quantileOf(draws: Float64Array, probability: number): number {
  if (draws.length === 1) return draws[0]!;
  const position = probability * (draws.length - 1);
  const k = Math.floor(position);
  scratch.set(draws);
  quickselect(scratch as unknown as number[], k);
  const below = scratch[k]!;
  if (position === k) return below;
  let above = Number.POSITIVE_INFINITY;
  for (let i = k + 1; i < scratch.length; i++) if (scratch[i]! < above) above = scratch[i]!;
  return below === above ? below : below + (position - k) * (above - below);
}

const scratch = new Float64Array(DRAWS);

function named(dimension: Dimension): string {
  return dimensionText(dimension) || "a plain number";
}

function sourceKey(source: Source): string {
  return source.where === undefined ? source.id : `${source.id}\u0000${source.where}`;
}
