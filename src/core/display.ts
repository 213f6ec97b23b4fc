/** How figures are written for people: a unit that suits the size, digits that suit the interval. */
import type { Estimate } from "./estimate.ts";
import { baseUnitText, type Dimension, dimensionText, type Unit, unit } from "./units.ts";

/** Units to choose from by size, smallest first, for each dimension that has better names than its base unit. */
const LADDERS: Readonly<Record<string, readonly string[]>> = Object.fromEntries(
  [
    ["ns", "us", "ms", "s", "min", "h", "day"],
    ["J", "Wh", "kWh", "MWh", "GWh"],
    ["W", "kW", "MW"],
    ["gCO2e", "kgCO2e", "tCO2e"],
    ["B", "KiB", "MiB", "GiB", "TiB"],
    ["MiB/accelerator", "GiB/accelerator"],
    ["GB/s", "TB/s"],
    ["TFLOP/s", "PFLOP/s", "EFLOP/s"],
    ["GFLOP/token", "TFLOP/token"],
    ["gCO2e/kWh"],
    ["USD/accelerator/h"],
    ["kgCO2e/accelerator"],
    ["W/accelerator"],
    ["token/s"],
    ["token/s/accelerator"],
    ["1/node/day"],
    ["kgCO2e/year", "tCO2e/year"],
    ["USD/h"],
  ].map((ladder) => [dimensionText(unit(ladder[0]!).dimension as Dimension), ladder]),
);

/** Units whose printed name differs from the symbol in files. */
const PRINTED: Readonly<Record<string, string>> = {
  "1": "",
  "1/node/day": "per node-day",
  us: "µs",
  day: "days",
  token: "tokens",
  accelerator: "accelerators",
  node: "nodes",
  request: "requests",
  nat: "nats",
};

/** The unit to print values around `magnitude` (in base units) in. */
export function displayUnit(dimension: Dimension, magnitude: number): Unit {
  const ladder = LADDERS[dimensionText(dimension)] ?? [baseUnitText(dimension)];
  const units = ladder.map((symbol) => unit(symbol) as Unit);
  return units.findLast(({ scale }) => Math.abs(magnitude) >= scale) ?? units[0]!;
}

/** `kgCO2e` as printed; `day` becomes `days`, a plain number nothing. */
export function printedUnit(symbol: string): string {
  return PRINTED[symbol] ?? symbol;
}

export interface FormattedEstimate {
  /** `12.3 days [10.1, 15.2]`; without brackets where the figure is exact. */
  readonly text: string;
  /** `12.3 days`. */
  readonly value: string;
  /** `10.1 to 15.2 days`; empty where the figure is exact. */
  readonly interval: string;
  readonly unit: Unit;
}

export function formatEstimate<D extends Dimension>(estimate: Estimate<D>): FormattedEstimate {
  const shown = estimate.displayUnit ?? displayUnit(estimate.dimension, estimate.value());
  const name = printedUnit(shown.symbol);
  const withUnit = (text: string) => (name === "" ? text : name === "%" ? `${text} %` : `${text} ${name}`);
  const value = formatNumber(estimate.value() / shown.scale);
  if (estimate.isExact) return { text: withUnit(value), value: withUnit(value), interval: "", unit: shown };
  const { low, high } = estimate.interval();
  const [lowText, highText] = [formatNumber(low / shown.scale), formatNumber(high / shown.scale)];
  return {
    text: `${withUnit(value)} [${lowText}, ${highText}]`,
    value: withUnit(value),
    interval: withUnit(`${lowText} to ${highText}`),
    unit: shown,
  };
}

/** Three significant digits, `1.2 k`, `40 M`, `1.5 B` and `2 T` above ten thousand, powers of ten beyond those. */
export function formatNumber(value: number, digits = 3): string {
  if (!Number.isFinite(value)) return value > 0 ? "∞" : value < 0 ? "-∞" : "not a number";
  const size = Math.abs(value);
  if (size === 0) return "0";
  for (const [scale, suffix] of [
    [1e12, " T"],
    [1e9, " B"],
    [1e6, " M"],
    [1e3, " k"],
  ] as const) {
    if (size >= scale * (scale === 1e3 ? 10 : 0.99995) && size < 1e15)
      return plain(value / scale, digits) + suffix;
  }
  if (size >= 1e15 || size < 1e-4) return value.toExponential(digits - 1).replace("e+", "e");
  return plain(value, digits);
}

function plain(value: number, digits: number): string {
  const size = Math.abs(value);
  const decimals = Math.max(0, digits - 1 - Math.floor(Math.log10(size)));
  const text = value.toFixed(Math.min(decimals, 8));
  return text.includes(".") ? text.replace(/\.?0+$/, "") : text;
}
