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

/** A written quantity: `low` equals `high` where it is one number. */
export interface Range {
  readonly low: number;
  readonly high: number;
}

/** `12 kWh`, `150..575 kg`, or a bare number in `symbol`'s unit; never negative. */
export function quantity(symbol: string) {
  return z
    .union([z.string(), z.number()], { error: `a quantity in ${symbol}, such as "12 ${symbol}"` })
    .transform((text, context): Range => {
      try {
        const range = parseRange(withUnitOnBothEnds(String(text)), symbol);
        if (range.low >= 0) return range;
        context.addIssue({ code: "custom", message: `a quantity of 0 or more, in ${symbol}` });
      } catch (error) {
        if (!(error instanceof QuantityError)) throw error;
        context.addIssue({ code: "custom", message: `a quantity in ${symbol} (${error.message})` });
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

/** A written number as it is; a written range by its geometric middle, as the central 90 %. */
export function draw<S extends string>(
  sampler: Sampler,
  name: string,
  { low, high }: Range,
  symbol: S,
  basis: Basis | undefined,
  source: string,
) {
  const sources = [{ id: source, title: "ledger" }];
  if (low === high) return Estimate.exact(low, symbol, { basis: basis ?? "given", sources });
  const middle = low > 0 ? Math.sqrt(low * high) : (low + high) / 2;
  return sampler.draw(name, intervalQuantile(low, middle, high), symbol, {
    basis: basis ?? "assumed",
    sources,
  });
}
