/** Flags that hold quantities, read the way a brief is; a wrong one is an `InputError` that names the flag. */
import {
  InputError,
  parseQuantity,
  printedUnit,
  QuantityError,
  type QuantityOptions,
} from "../core/index.ts";

/** The quantity behind `path` in `symbol`'s unit. With `least` and `most`, values beyond are refused. */
export function quantityFlag(
  path: string,
  text: string,
  symbol: string,
  {
    least = Number.NEGATIVE_INFINITY,
    most = Number.POSITIVE_INFINITY,
    ...options
  }: QuantityOptions & { least?: number; most?: number } = {},
): number {
  let value: number;
  try {
    value = parseQuantity(text, symbol, options);
  } catch (error) {
    if (!(error instanceof QuantityError)) throw error;
    throw new InputError({
      place: { path },
      found: `"${text}"`,
      expected: `a quantity in ${symbol}: ${error.message}`,
    });
  }
  if (value >= least && value <= most) return value;
  const bound = value < least ? `at least ${least}` : `at most ${most}`;
  throw new InputError({
    place: { path },
    found: `"${text}"`,
    expected: `${bound} ${printedUnit(symbol)}`.trim(),
  });
}
