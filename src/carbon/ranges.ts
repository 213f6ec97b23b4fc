/** Quantities as people write them in files and behind flags: one number, or a range that becomes draws. */
import { z } from "zod";
import {
  type Basis,
  Estimate,
  intervalQuantile,
  parseRange,
  QuantityError,
  type Sampler,
} from "../core/index.ts";

/** What a quantity can be at all, in its unit. */
export interface Bounds {
  readonly least: number;
  readonly most: number;
}

/** A written quantity: `low` equals `high` where it is one number. */
export interface Range extends Bounds {
  readonly low: number;
  readonly high: number;
}

/** `12 kWh`, `150..575 kg`, or a bare number in `symbol`'s unit; never negative. */
export function quantity(symbol: string) {
  return bounded(symbol, { least: 0, most: Number.POSITIVE_INFINITY }, "0 or more");
}

/** What something is divided by: a lifetime, a count of units. */
export function positive(symbol: string) {
  return bounded(symbol, { least: Number.MIN_VALUE, most: Number.POSITIVE_INFINITY }, "more than 0");
}

/** A whole over a part of it: PUE, a host factor. */
export function overhead() {
  return bounded("1", { least: 1, most: Number.POSITIVE_INFINITY }, "1 or more");
}

/** A part of a whole, not none of it. */
export function share() {
  return bounded("1", { least: Number.MIN_VALUE, most: 1 }, "more than 0 and at most 1");
}

function bounded(symbol: string, bounds: Bounds, words: string) {
  const what = symbol === "1" ? `a number, ${words}` : `a quantity of ${words}, in ${symbol}`;
  return z.union([z.string(), z.number()], { error: what }).transform((text, context): Range => {
    try {
      const range = parseRange(withUnitOnBothEnds(String(text)), symbol);
      if (range.low >= bounds.least && range.high <= bounds.most) return { ...range, ...bounds };
      context.addIssue({ code: "custom", message: what });
    } catch (error) {
      if (!(error instanceof QuantityError)) throw error;
      context.addIssue({ code: "custom", message: `${what} (${error.message})` });
    }
    return z.NEVER;
  });
}

/** In `150..575 kg` the unit stands for both ends. */
function withUnitOnBothEnds(text: string): string {
  const match =
    /^\s*(\d[\d.,_]*?(?:e[+-]?\d+)?)\s*\.\.\s*\d[\d.,_]*(?:e[+-]?\d+)?\s*(?!e[+-]?\d)([a-z$].*)$/i.exec(text);
  return match ? text.replace(match[1]!, `${match[1]} ${match[2]}`) : text;
}

/** A written number as it is; a written range by its geometric middle, as the central 90 %, within what it can be. */
export function draw<S extends string>(
  sampler: Sampler,
  name: string,
  { low, high, least, most }: Range,
  symbol: S,
  basis: Basis | undefined,
  source: string,
) {
  const sources = [{ id: source, title: "ledger" }];
  if (low === high) return Estimate.exact(low, symbol, { basis: basis ?? "given", sources });
  const middle = low > 0 ? Math.sqrt(low * high) : (low + high) / 2;
  const spread = intervalQuantile(low, middle, high);
  const within = (probability: number) => Math.min(most, Math.max(least, spread(probability)));
  return sampler.draw(name, within, symbol, { basis: basis ?? "assumed", sources });
}
