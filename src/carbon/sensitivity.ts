/** What a figure is most sensitive to: each uncertain input at both ends of its 90 % interval, one at a time. */
import { type AnyEstimate, Sampler } from "../core/index.ts";

export interface Sensitivity {
  /** What it is of. */
  readonly figure: string;
  /** Of the three values of a swing. */
  readonly unit: string;
  /** Of the figure with every input at its median. */
  readonly atMedian: number;
  /** Largest first; inputs that move nothing are left out. */
  readonly swings: readonly {
    /** Name under which it is drawn. */
    readonly input: string;
    /** Its median and 90 % interval. */
    readonly range: string;
    readonly atLow: number;
    readonly atHigh: number;
  }[];
}

/** Works a figure out with all inputs at their medians but one, which stands at its 5 % and its 95 % quantile. */
export function sensitivity(
  figure: string,
  estimateOf: (sampler: Sampler) => AnyEstimate,
  seed: number,
): Sensitivity {
  const drawn = new Sampler(seed);
  const { unit } = estimateOf(drawn).summary();
  const at = (input: string, probability: number) =>
    estimateOf(new Sampler(seed, (name) => (name === input ? probability : 0.5))).value(unit);
  const swings = drawn.inputs
    .map(({ name, estimate }) => ({
      input: name,
      range: String(estimate),
      atLow: at(name, 0.05),
      atHigh: at(name, 0.95),
    }))
    .filter(({ atLow, atHigh }) => Math.abs(atHigh - atLow) > 1e-9 * Math.abs(atLow));
  const width = (swing: (typeof swings)[number]) => Math.abs(swing.atHigh - swing.atLow);
  return { figure, unit, atMedian: at("", 0.5), swings: swings.sort((a, b) => width(b) - width(a)) };
}
