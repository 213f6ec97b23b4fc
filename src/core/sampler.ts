/**
 * `Sampler`: where uncertain inputs are drawn. Each has a name, and asking for the same name twice gives the same
 * draws, so that every part of a computation that uses an input moves with it. The draws are the quantiles at evenly
 * spaced probabilities in an order shuffled by the name's own random stream: a published interval is reproduced
 * exactly, and 1000 draws say what many more random ones would.
 */
import { type AnyEstimate, DRAWS, Estimate, type Evidence } from "./estimate.ts";
import { RandomStream } from "./random.ts";
import type { Quantile } from "./statistics.ts";
import type { DimensionOf } from "./units.ts";

/** An uncertain input that has been drawn, as a sensitivity analysis needs it. */
export interface Input {
  readonly name: string;
  readonly estimate: AnyEstimate;
}

export class Sampler {
  readonly seed: number;
  readonly #stream: RandomStream;
  readonly #pin: (name: string) => number | undefined;
  readonly #inputs = new Map<string, Input>();

  /**
   * `pin` fixes inputs at one probability of their distribution: at 0.5 all stand at their medians, and a tornado chart
   * moves one of them to 0.05 and 0.95. Undefined leaves an input drawn.
   */
  constructor(seed: number, pin: (name: string) => number | undefined = () => undefined) {
    this.seed = seed;
    this.#stream = new RandomStream(seed).split("inputs");
    this.#pin = pin;
  }

  /** The input called `name`, distributed by `quantile` in `symbol`'s unit. */
  draw<S extends string>(
    name: string,
    quantile: Quantile,
    symbol: S,
    evidence: Evidence,
  ): Estimate<DimensionOf<S>> {
    const known = this.#inputs.get(name);
    if (known) return known.estimate;
    const pin = this.#pin(name);
    const estimate =
      pin === undefined
        ? Estimate.fromDraws(Float64Array.from(this.probabilities(name), quantile), symbol, evidence)
        : Estimate.exact(quantile(pin), symbol, evidence);
    this.#inputs.set(name, { name, estimate });
    return estimate;
  }

  /** `DRAWS` evenly spaced probabilities in the order of the stream called `name`; for inputs drawn jointly. */
  probabilities(name: string): Float64Array {
    const probabilities = Float64Array.from({ length: DRAWS }, (_, i) => (i + 0.5) / DRAWS);
    return this.#stream.split(name).shuffle(probabilities);
  }

  /** Every uncertain input drawn so far, in the order of first use. */
  get inputs(): readonly Input[] {
    return [...this.#inputs.values()];
  }
}
