/**
 * One part of a candidate. Each part is laid on the unit interval by cells: a part with n levels owns n cells of equal
 * width, and a level is encoded as its cell's centre. So a uniform (or Sobol) point decodes to every level equally
 * often, and decode(encode(value)) is the value.
 */
import { InputError, suggest } from "../../core/index.ts";

export type Value = number | string | boolean;

interface Conditional {
  /** The part exists only where an earlier part has one of these values. */
  readonly when?: { readonly parameter: string; readonly is: readonly Value[] } | undefined;
}

export type Parameter = Conditional &
  (
    | {
        readonly kind: "real";
        readonly low: number;
        readonly high: number;
        readonly scale?: "linear" | "log" | undefined;
      }
    | {
        readonly kind: "integer";
        readonly low: number;
        readonly high: number;
        readonly scale?: "linear" | "log" | undefined;
      }
    /** Ordered levels: neighbours in the list are alike. */
    | { readonly kind: "ordered"; readonly values: readonly Value[] }
    /** Unordered levels: any two differ as much as any other two. */
    | { readonly kind: "choice"; readonly values: readonly Value[] }
    /** `length` letters, each from `alphabet` (one character a letter). */
    | { readonly kind: "string"; readonly alphabet: string; readonly length: number }
  );

/** One coordinate of an encoded candidate. A string has one a letter, every other part has one. */
export interface Dimension {
  readonly parameter: string;
  readonly kind: "numeric" | "categorical";
  /** How many values the coordinate can take; `Infinity` for a real. */
  readonly levels: number;
}

/** Throws an `InputError` naming the parameter when its definition makes no sense. */
export function checkParameter(
  name: string,
  parameter: Parameter,
  earlier: Readonly<Record<string, Parameter>>,
): void {
  const wrong = (part: string, found: unknown, expected: string): InputError =>
    new InputError({
      place: { path: `space.${name}.${part}` },
      found: JSON.stringify(found) ?? "nothing",
      expected,
    });
  switch (parameter.kind) {
    case "real":
    case "integer": {
      const { low, high, scale } = parameter;
      const whole = parameter.kind === "integer";
      if (!Number.isFinite(low) || (whole && !Number.isInteger(low)))
        throw wrong("low", low, whole ? "a whole number" : "a finite number");
      if (!Number.isFinite(high) || (whole && !Number.isInteger(high)) || high < low)
        throw wrong("high", high, `${whole ? "a whole number" : "a finite number"} not under low (${low})`);
      if (scale === "log" && low <= 0) throw wrong("low", low, "more than 0, because the scale is log");
      break;
    }
    case "ordered":
    case "choice":
      if (parameter.values.length === 0 || new Set(parameter.values).size !== parameter.values.length)
        throw wrong("values", parameter.values, "at least one value, none of them twice");
      break;
    case "string":
      if (parameter.alphabet === "" || new Set(parameter.alphabet).size !== [...parameter.alphabet].length)
        throw wrong("alphabet", parameter.alphabet, "at least one letter, none of them twice");
      if (!Number.isInteger(parameter.length) || parameter.length < 1)
        throw wrong("length", parameter.length, "a whole number of at least 1");
      break;
  }
  if (parameter.when && !(parameter.when.parameter in earlier)) {
    throw new InputError({
      place: { path: `space.${name}.when.parameter` },
      found: `"${parameter.when.parameter}"`,
      expected: "a parameter that is defined before this one",
      remedy: suggest(parameter.when.parameter, Object.keys(earlier)),
    });
  }
}

export function dimensionsOf(name: string, parameter: Parameter): Dimension[] {
  switch (parameter.kind) {
    case "real":
      return [{ parameter: name, kind: "numeric", levels: parameter.low === parameter.high ? 1 : Infinity }];
    case "integer":
      return [{ parameter: name, kind: "numeric", levels: parameter.high - parameter.low + 1 }];
    case "ordered":
      return [{ parameter: name, kind: "numeric", levels: parameter.values.length }];
    case "choice":
      return [{ parameter: name, kind: "categorical", levels: parameter.values.length }];
    case "string": {
      const levels = [...parameter.alphabet].length;
      return Array.from({ length: parameter.length }, () => ({
        parameter: name,
        kind: "categorical",
        levels,
      }));
    }
  }
}

/** Writes the coordinates of `value` at `offset`. `value` must belong to the parameter. */
export function encodeValue(parameter: Parameter, value: Value, into: Float64Array, offset: number): void {
  switch (parameter.kind) {
    case "real":
    case "integer": {
      const [low, high] = scaledRange(parameter);
      const at = parameter.scale === "log" ? Math.log(value as number) : (value as number);
      into[offset] = high === low ? 0.5 : (at - low) / (high - low);
      break;
    }
    case "ordered":
    case "choice":
      into[offset] = cellCentre(parameter.values.indexOf(value), parameter.values.length);
      break;
    case "string": {
      const letters = [...parameter.alphabet];
      [...(value as string)].forEach((letter, i) => {
        into[offset + i] = cellCentre(letters.indexOf(letter), letters.length);
      });
    }
  }
}

/** The value whose cell holds the coordinates at `offset`. Coordinates outside [0, 1] are brought to its edge. */
export function decodeValue(parameter: Parameter, unit: Float64Array, offset: number): Value {
  switch (parameter.kind) {
    case "real":
    case "integer": {
      const [low, high] = scaledRange(parameter);
      const at = low + Math.min(1, Math.max(0, unit[offset]!)) * (high - low);
      const value = parameter.scale === "log" ? Math.exp(at) : at;
      const near = parameter.kind === "integer" ? Math.round(value) : value;
      return Math.min(parameter.high, Math.max(parameter.low, near));
    }
    case "ordered":
    case "choice":
      return parameter.values[cellOf(unit[offset]!, parameter.values.length)]!;
    case "string": {
      const letters = [...parameter.alphabet];
      let text = "";
      for (let i = 0; i < parameter.length; i++) text += letters[cellOf(unit[offset + i]!, letters.length)]!;
      return text;
    }
  }
}

/** Whether `value` is one that the parameter allows. */
export function allows(parameter: Parameter, value: unknown): boolean {
  switch (parameter.kind) {
    case "real":
    case "integer":
      return (
        typeof value === "number" &&
        value >= parameter.low &&
        value <= parameter.high &&
        (parameter.kind === "real" || Number.isInteger(value))
      );
    case "ordered":
    case "choice":
      return parameter.values.includes(value as Value);
    case "string":
      return (
        typeof value === "string" &&
        [...value].length === parameter.length &&
        [...value].every((letter) => parameter.alphabet.includes(letter))
      );
  }
}

/** What `allows` accepts, in words. */
export function describeParameter(parameter: Parameter): string {
  switch (parameter.kind) {
    case "real":
      return `a number from ${parameter.low} to ${parameter.high}`;
    case "integer":
      return `a whole number from ${parameter.low} to ${parameter.high}`;
    case "ordered":
    case "choice":
      return `one of ${parameter.values.map((value) => JSON.stringify(value)).join(", ")}`;
    case "string":
      return `${parameter.length} letters of "${parameter.alphabet}"`;
  }
}

export function cellCentre(index: number, levels: number): number {
  return (index + 0.5) / levels;
}

export function cellOf(unit: number, levels: number): number {
  return Math.min(levels - 1, Math.max(0, Math.floor(unit * levels)));
}

/** The ends of the interval that [0, 1] stands for; half a step beyond the ends for integers, so cells are whole. */
function scaledRange(parameter: {
  kind: "real" | "integer";
  low: number;
  high: number;
  scale?: "linear" | "log" | undefined;
}): [number, number] {
  const margin = parameter.kind === "integer" ? 0.5 : 0;
  const ends: [number, number] = [parameter.low - margin, parameter.high + margin];
  return parameter.scale === "log" ? [Math.log(ends[0]), Math.log(ends[1])] : ends;
}
