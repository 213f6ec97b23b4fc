/**
 * Units and their algebra, checked twice: by the compiler where a unit is written in the code (power times time is
 * energy, seconds plus kilograms does not compile) and at run time where it is read from a file.
 *
 * A dimension is a set of exponents over the base quantities below; a unit is a dimension and its size in base units.
 */
import { InputError, type Place, suggest } from "./errors.ts";

/** Base quantities and the base unit of each. Accelerators, nodes, tokens and requests are counted, so they have one. */
export const BASE_UNITS = {
  time: "s",
  energy: "J",
  carbon: "kgCO2e",
  money: "USD",
  operations: "FLOP",
  information: "B",
  tokens: "token",
  accelerators: "accelerator",
  nodes: "node",
  requests: "request",
  entropy: "nat",
  area: "cm2",
} as const;

export type Base = keyof typeof BASE_UNITS;
type Exponent = -3 | -2 | -1 | 0 | 1 | 2 | 3;
export type Dimension = { readonly [B in Base]?: Exponent };
/** A plain number: a ratio, a share, a count of nothing in particular. */
// biome-ignore lint/complexity/noBannedTypes: a dimension without any base is exactly the empty object type
export type Dimensionless = {};

// Type-level integers: an exponent e is a tuple of length e + 3, so that adding is concatenation.
type Offset = {
  "-3": [];
  "-2": [0];
  "-1": [0, 0];
  "0": [0, 0, 0];
  "1": [0, 0, 0, 0];
  "2": [0, 0, 0, 0, 0];
  "3": [0, 0, 0, 0, 0, 0];
};
type FromOffset = [never, never, never, -3, -2, -1, 0, 1, 2, 3, never, never, never];
type Sum<A extends Exponent, B extends Exponent> = FromOffset[[
  ...Offset[`${A}`],
  ...Offset[`${B}`],
]["length"] &
  keyof FromOffset];
type Negated<A extends Exponent> = { "-3": 3; "-2": 2; "-1": 1; "0": 0; "1": -1; "2": -2; "3": -3 }[`${A}`];
type ExponentOf<D, B> = B extends keyof D ? (D[B] extends Exponent ? D[B] : 0) : 0;
type WithoutZeros<D> = { readonly [B in keyof D as D[B] extends 0 ? never : B]: D[B] };

/** The dimension of a product: `Product<Power, Time>` is `Energy`. */
export type Product<D extends Dimension, E extends Dimension> = WithoutZeros<{
  readonly [B in keyof D | keyof E]: Sum<ExponentOf<D, B>, ExponentOf<E, B>>;
}>;
export type Inverse<D extends Dimension> = { readonly [B in keyof D]: Negated<ExponentOf<D, B>> };
export type Quotient<D extends Dimension, E extends Dimension> = Product<D, Inverse<E>>;

interface UnitDefinition {
  readonly scale: number;
  readonly dimension: Dimension;
}

const HOUR = 3600;
const DAY = 24 * HOUR;

/** Every unit that a file, a flag or the code may name; compound units are written `kgCO2e/kWh`, `USD/accelerator/h`. */
export const UNITS = {
  "1": { scale: 1, dimension: {} },
  "%": { scale: 0.01, dimension: {} },

  ns: { scale: 1e-9, dimension: { time: 1 } },
  us: { scale: 1e-6, dimension: { time: 1 } },
  ms: { scale: 1e-3, dimension: { time: 1 } },
  s: { scale: 1, dimension: { time: 1 } },
  min: { scale: 60, dimension: { time: 1 } },
  h: { scale: HOUR, dimension: { time: 1 } },
  day: { scale: DAY, dimension: { time: 1 } },
  year: { scale: 365.25 * DAY, dimension: { time: 1 } },

  pJ: { scale: 1e-12, dimension: { energy: 1 } },
  J: { scale: 1, dimension: { energy: 1 } },
  Wh: { scale: HOUR, dimension: { energy: 1 } },
  kWh: { scale: 1e3 * HOUR, dimension: { energy: 1 } },
  MWh: { scale: 1e6 * HOUR, dimension: { energy: 1 } },
  GWh: { scale: 1e9 * HOUR, dimension: { energy: 1 } },
  W: { scale: 1, dimension: { energy: 1, time: -1 } },
  kW: { scale: 1e3, dimension: { energy: 1, time: -1 } },
  MW: { scale: 1e6, dimension: { energy: 1, time: -1 } },

  gCO2e: { scale: 1e-3, dimension: { carbon: 1 } },
  kgCO2e: { scale: 1, dimension: { carbon: 1 } },
  tCO2e: { scale: 1e3, dimension: { carbon: 1 } },

  USD: { scale: 1, dimension: { money: 1 } },

  FLOP: { scale: 1, dimension: { operations: 1 } },
  GFLOP: { scale: 1e9, dimension: { operations: 1 } },
  TFLOP: { scale: 1e12, dimension: { operations: 1 } },
  PFLOP: { scale: 1e15, dimension: { operations: 1 } },
  EFLOP: { scale: 1e18, dimension: { operations: 1 } },

  B: { scale: 1, dimension: { information: 1 } },
  kB: { scale: 1e3, dimension: { information: 1 } },
  MB: { scale: 1e6, dimension: { information: 1 } },
  GB: { scale: 1e9, dimension: { information: 1 } },
  TB: { scale: 1e12, dimension: { information: 1 } },
  KiB: { scale: 2 ** 10, dimension: { information: 1 } },
  MiB: { scale: 2 ** 20, dimension: { information: 1 } },
  GiB: { scale: 2 ** 30, dimension: { information: 1 } },
  TiB: { scale: 2 ** 40, dimension: { information: 1 } },

  token: { scale: 1, dimension: { tokens: 1 } },
  accelerator: { scale: 1, dimension: { accelerators: 1 } },
  node: { scale: 1, dimension: { nodes: 1 } },
  request: { scale: 1, dimension: { requests: 1 } },
  nat: { scale: 1, dimension: { entropy: 1 } },

  mm2: { scale: 1e-2, dimension: { area: 1 } },
  cm2: { scale: 1, dimension: { area: 1 } },
} as const satisfies Record<string, UnitDefinition>;

export type UnitSymbol = keyof typeof UNITS;
type SymbolDimension<S> = S extends UnitSymbol ? (typeof UNITS)[S]["dimension"] : never;
type Denominators<S extends string> = S extends `${infer Head}/${infer Rest}`
  ? Product<SymbolDimension<Head>, Denominators<Rest>>
  : SymbolDimension<S>;
/** The dimension that a unit expression such as `"gCO2e/kWh"` has; `never` (a compile error) for an unknown symbol. */
export type DimensionOf<S extends string> = S extends `${infer Head}/${infer Rest}`
  ? Quotient<SymbolDimension<Head>, Denominators<Rest>>
  : SymbolDimension<S>;

export interface Unit<D extends Dimension = Dimension> {
  readonly symbol: string;
  readonly dimension: D;
  /** How many base units one of this unit is. */
  readonly scale: number;
}

const parsed = new Map<string, Unit>();

/** The unit called `symbol`: one of `UNITS`, or several joined by `/` (all after the first divide). */
export function unit<S extends string>(symbol: S): Unit<DimensionOf<S>> {
  let known = parsed.get(symbol);
  if (!known) {
    known = parseUnit(symbol);
    parsed.set(symbol, known);
  }
  return known as Unit<DimensionOf<S>>;
}

/** Reads a unit from a person's input. Throws an `InputError` that names the unknown symbol. */
export function parseUnit(symbol: string, place?: Place): Unit {
  const parts = symbol.split("/").map((part) => part.trim());
  let scale = 1;
  let dimension: Dimension = {};
  for (const [index, part] of parts.entries()) {
    const definition: UnitDefinition | undefined = Object.hasOwn(UNITS, part)
      ? UNITS[part as UnitSymbol]
      : undefined;
    if (!definition) {
      throw new InputError({
        place,
        found: `the unit "${part}"${parts.length > 1 ? ` in "${symbol}"` : ""}`,
        expected: "a unit that is known here",
        remedy: suggest(part, Object.keys(UNITS)),
      });
    }
    scale = index === 0 ? definition.scale : scale / definition.scale;
    dimension =
      index === 0
        ? definition.dimension
        : multiplyDimensions(dimension, invertDimension(definition.dimension));
  }
  return { symbol, scale, dimension };
}

// Arithmetic on estimates asks for the same few products over and over.
const products = new WeakMap<Dimension, WeakMap<Dimension, Dimension>>();
const inverses = new WeakMap<Dimension, Dimension>();

/** The dimension of a product. The same two objects give the same object, so that most comparisons are by identity. */
export function multiplyDimensions(a: Dimension, b: Dimension): Dimension {
  let row = products.get(a);
  if (!row) {
    row = new WeakMap();
    products.set(a, row);
  }
  let product = row.get(b);
  if (!product) {
    product = addExponents(a, b);
    row.set(b, product);
  }
  return product;
}

function addExponents(a: Dimension, b: Dimension): Dimension {
  const result: Partial<Record<Base, Exponent>> = { ...a };
  for (const base of Object.keys(b) as Base[]) {
    const exponent = (result[base] ?? 0) + b[base]!;
    if (exponent === 0) delete result[base];
    else result[base] = exponent as Exponent;
  }
  return result;
}

/** The dimension of the reciprocal; the same object for the same object. */
export function invertDimension(a: Dimension): Dimension {
  let inverse = inverses.get(a);
  if (!inverse) {
    inverse = Object.fromEntries(Object.entries(a).map(([base, exponent]) => [base, -exponent])) as Dimension;
    inverses.set(a, inverse);
  }
  return inverse;
}

export function sameDimension(a: Dimension, b: Dimension): boolean {
  return a === b || dimensionText(a) === dimensionText(b);
}

/** A canonical text of a dimension, `energy time^-1`; equal texts mean equal dimensions. Empty for plain numbers. */
export function dimensionText(dimension: Dimension): string {
  return (Object.keys(BASE_UNITS) as Base[])
    .filter((base) => dimension[base] !== undefined)
    .map((base) => (dimension[base] === 1 ? base : `${base}^${dimension[base]}`))
    .join(" ");
}

/** The unit expression of a dimension in base units, `J/s`, for dimensions that have no better-known unit. */
export function baseUnitText(dimension: Dimension): string {
  const factors = (sign: 1 | -1) =>
    (Object.keys(BASE_UNITS) as Base[]).flatMap((base) =>
      Array<string>(Math.max(0, sign * (dimension[base] ?? 0))).fill(BASE_UNITS[base]),
    );
  const above = factors(1);
  const below = factors(-1);
  return [above.length > 0 ? above.join("·") : "1", ...below].join("/");
}
