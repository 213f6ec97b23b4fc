/**
 * Quantities as people write them in a brief or behind a flag: `40B tokens`, `21 days`, `under 500 ms`, `0.5B..3B`,
 * `1.5M USD`, `up to 4`. Read against a unit, so that kilograms where days belong are refused.
 */
import { dimensionText, parseUnit, UNITS, type Unit, unit } from "./units.ts";

const MAGNITUDES: Readonly<Record<string, number>> = { k: 1e3, K: 1e3, M: 1e6, B: 1e9, G: 1e9, T: 1e12 };
/** Lengths of text are counted in powers of two by custom: a 32k context holds 32,768 tokens. */
const BINARY_MAGNITUDES: Readonly<Record<string, number>> = { k: 2 ** 10, K: 2 ** 10, M: 2 ** 20 };

const SYNONYMS: Readonly<Record<string, string>> = {
  tokens: "token",
  days: "day",
  d: "day",
  hours: "h",
  hour: "h",
  hr: "h",
  minutes: "min",
  minute: "min",
  seconds: "s",
  second: "s",
  weeks: "week",
  years: "year",
  $: "USD",
  usd: "USD",
  dollars: "USD",
  t: "tCO2e",
  kg: "kgCO2e",
  accelerators: "accelerator",
  gpus: "accelerator",
  GPUs: "accelerator",
  nodes: "node",
  requests: "request",
};

export interface QuantityOptions {
  /** `k` and `M` are 1,024 and 1,048,576, as in lengths of text. */
  readonly binary?: boolean;
}

/** Thrown by the readers below; the caller knows the place and turns it into an `InputError`. */
export class QuantityError extends Error {
  override readonly name = "QuantityError";
}

/** A number in `symbol`'s unit. A bare number is taken to be in that unit. Throws a `QuantityError`. */
export function parseQuantity(text: string | number, symbol: string, options: QuantityOptions = {}): number {
  if (typeof text === "number") return checked(text, String(text));
  const match = /^\s*\$?\s*([+-]?(?:\d[\d_,]*\.?\d*|\.\d+)(?:e[+-]?\d+)?)\s*(.*?)\s*$/i.exec(text);
  if (!match) throw new QuantityError(`not a number: "${text}"`);
  const value = checked(Number(match[1]!.replace(/[_,]/g, "")), text);
  let rest = match[2]!;
  const magnitudes = options.binary ? BINARY_MAGNITUDES : MAGNITUDES;
  let factor = 1;
  const [letter] = rest;
  const known = (name: string) =>
    Object.hasOwn(UNITS, name.split("/")[0]!.trim()) || Object.hasOwn(SYNONYMS, name);
  // A magnitude is one letter that stands alone or before the unit: "2M", "40B tokens", "1.5MUSD", but not "min".
  if (letter !== undefined && Object.hasOwn(magnitudes, letter) && (rest.length === 1 || !known(rest))) {
    factor = magnitudes[letter]!;
    rest = rest.slice(1).trim();
  }
  return value * factor * conversion(rest, symbol, text);
}

export interface QuantityRange {
  readonly low: number;
  readonly high: number;
}

/**
 * `0.5B..3B`, `350..420 W` (the unit and magnitude of the end hold for a bare beginning), or one quantity, which is both
 * ends. Throws a `QuantityError`.
 */
export function parseRange(
  text: string | number,
  symbol: string,
  options: QuantityOptions = {},
): QuantityRange {
  if (typeof text === "number") return { low: checked(text, String(text)), high: text };
  const parts = text.split("..");
  if (parts.length > 2) throw new QuantityError(`more than one ".." in "${text}"`);
  const [first, last = first] = parts as [string, string?];
  const bare = /^\s*[+-]?[\d_,.]+(?:e[+-]?\d+)?\s*$/i.test(first);
  const suffix =
    /[^\d\s_,.+-].*$/.exec(last.replace(/^\s*\$?\s*[+-]?[\d_,.]+(?:e[+-]?\d+)?/i, ""))?.[0] ?? "";
  const low = parseQuantity(bare ? `${first}${suffix}` : first, symbol, options);
  const high = parseQuantity(last, symbol, options);
  if (high < low) throw new QuantityError(`the range runs backwards: ${text}`);
  return { low, high };
}

/** A quantity behind `under`, `below`, `up to`, `at most` or `<`, or bare: an upper limit either way. */
export function parseLimit(text: string | number, symbol: string, options: QuantityOptions = {}): number {
  if (typeof text === "number") return parseQuantity(text, symbol, options);
  const over = /^\s*(over|above|at least|>=?)\s*/i.exec(text);
  if (over) throw new QuantityError(`a lower limit ("${over[1]}") where only an upper one has a meaning`);
  return parseQuantity(text.replace(/^\s*(under|below|up to|at most|within|<=?)\s*/i, ""), symbol, options);
}

function conversion(written: string, symbol: string, text: string): number {
  if (written === "") return 1;
  const target = unit(symbol) as Unit;
  const week = /^weeks?$/.test(written);
  const name = week ? "day" : (SYNONYMS[written] ?? written);
  let source: Unit;
  try {
    source = parseUnit(name);
  } catch {
    throw new QuantityError(`the unit "${written}" of "${text}" is not known`);
  }
  if (dimensionText(source.dimension) !== dimensionText(target.dimension)) {
    throw new QuantityError(`"${text}" is in ${written}, which cannot be read in ${symbol}`);
  }
  return (source.scale / target.scale) * (week ? 7 : 1);
}

function checked(value: number, text: string): number {
  if (!Number.isFinite(value)) throw new QuantityError(`not a finite number: "${text}"`);
  return value;
}
