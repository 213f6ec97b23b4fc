/**
 * A search space: named parts, some of which exist only under a condition, and constraints that reject a candidate
 * before it is evaluated. Models and quasi-random points see it as [0, 1]^d through `encode` and `decode`.
 */
import { InputError, type RandomStream, suggest } from "../../core/index.ts";
import {
  allows,
  checkParameter,
  type Dimension,
  decodeValue,
  describeParameter,
  dimensionsOf,
  encodeValue,
  type Parameter,
  type Value,
} from "./parameter.ts";

/** A candidate of a `Space`: a value for each part that exists in it. */
export type Point = Readonly<Record<string, Value>>;

export interface Constraint {
  /** Said when a candidate is rejected: "area at most 32 mm2". */
  readonly name: string;
  holds(point: Point): boolean;
}

/** Draws before a space is said to be (nearly) empty. */
const MOST_DRAWS = 100_000;

export class Space {
  readonly parameters: Readonly<Record<string, Parameter>>;
  readonly constraints: readonly Constraint[];
  readonly dimensions: readonly Dimension[];
  readonly #offsets: ReadonlyMap<string, number>;

  /** Throws an `InputError` when a parameter's definition makes no sense. */
  constructor(parameters: Readonly<Record<string, Parameter>>, constraints: readonly Constraint[] = []) {
    const earlier: Record<string, Parameter> = {};
    const dimensions: Dimension[] = [];
    const offsets = new Map<string, number>();
    for (const [name, parameter] of Object.entries(parameters)) {
      checkParameter(name, parameter, earlier);
      offsets.set(name, dimensions.length);
      dimensions.push(...dimensionsOf(name, parameter));
      earlier[name] = parameter;
    }
    if (dimensions.length === 0)
      throw new InputError({
        place: { path: "space" },
        found: "no parameter",
        expected: "at least one parameter",
      });
    this.parameters = parameters;
    this.constraints = constraints;
    this.dimensions = dimensions;
    this.#offsets = offsets;
  }

  /** Whether the part exists in a candidate whose earlier parts are `point`'s. */
  #exists(parameter: Parameter, point: Point): boolean {
    const { when } = parameter;
    if (!when) return true;
    const value = point[when.parameter];
    return value !== undefined && when.is.includes(value);
  }

  /** Coordinates in [0, 1], one a dimension. Parts that `point` lacks get what `absent` returns, 0.5 unless given. */
  encode(point: Point, absent: () => number = () => 0.5): Float64Array {
    const unit = new Float64Array(this.dimensions.length);
    for (let i = 0; i < unit.length; i++) {
      const value = point[this.dimensions[i]!.parameter];
      if (value === undefined) unit[i] = absent();
    }
    for (const [name, parameter] of Object.entries(this.parameters)) {
      const value = point[name];
      if (value !== undefined) encodeValue(parameter, value, unit, this.#offsets.get(name)!);
    }
    return unit;
  }

  /** The candidate whose cell holds `unit`, without the parts that do not exist in it. Constraints may reject it. */
  decode(unit: Float64Array): Point {
    const point: Record<string, Value> = {};
    for (const [name, parameter] of Object.entries(this.parameters)) {
      if (this.#exists(parameter, point))
        point[name] = decodeValue(parameter, unit, this.#offsets.get(name)!);
    }
    return point;
  }

  /** The first constraint that `point` breaks. */
  violated(point: Point): Constraint | undefined {
    return this.constraints.find((constraint) => !constraint.holds(point));
  }

  /** Throws an `InputError` unless `candidate` has exactly the parts it should, each with an allowed value. */
  check(candidate: unknown): asserts candidate is Point {
    if (typeof candidate !== "object" || candidate === null)
      throw new InputError({
        place: { path: "candidate" },
        found: JSON.stringify(candidate) ?? "nothing",
        expected: `an object with ${Object.keys(this.parameters).join(", ")}`,
      });
    const point = candidate as Point;
    for (const [name, parameter] of Object.entries(this.parameters)) {
      const value = point[name];
      const exists = this.#exists(parameter, point);
      if (exists ? !allows(parameter, value) : value !== undefined)
        throw new InputError({
          place: { path: `candidate.${name}` },
          found: JSON.stringify(value) ?? "nothing",
          expected: exists ? describeParameter(parameter) : "nothing: its condition does not hold",
        });
    }
    const unknown = Object.keys(point).find((name) => !(name in this.parameters));
    if (unknown !== undefined)
      throw new InputError({
        place: { path: `candidate.${unknown}` },
        found: `"${unknown}"`,
        expected: "a parameter of the space",
        remedy: suggest(unknown, Object.keys(this.parameters)),
      });
  }

  /** The same text for the same candidate, whatever the order of its parts. */
  key(point: Point): string {
    return JSON.stringify(Object.keys(this.parameters).map((name) => point[name] ?? null));
  }

  /** A candidate that meets the constraints, each cell equally likely. Throws an `InputError` when none is found. */
  sample(random: RandomStream): Point {
    return this.firstThatHolds(() => this.decode(this.dimensionsUniform(random)));
  }

  /** The first draw that no constraint rejects. Throws an `InputError` naming the constraint that rejects the most. */
  firstThatHolds(draw: () => Point): Point {
    const rejections = new Map<string, number>();
    for (let i = 0; i < MOST_DRAWS; i++) {
      const point = draw();
      const violated = this.violated(point);
      if (!violated) return point;
      rejections.set(violated.name, (rejections.get(violated.name) ?? 0) + 1);
    }
    const [name, count] = [...rejections].sort((a, b) => b[1] - a[1])[0]!;
    throw new InputError({
      place: { path: "space.constraints" },
      found: `${MOST_DRAWS} draws, all rejected, ${count} of them by "${name}"`,
      expected: "constraints that some candidates meet",
      remedy: "loosen the constraint, or narrow the parameters to where it can hold",
    });
  }

  private dimensionsUniform(random: RandomStream): Float64Array {
    return Float64Array.from(this.dimensions, () => random.uniform());
  }

  /** The number of grid points (conditions and constraints not counted off); `Infinity` with a real parameter. */
  get gridSize(): number {
    return this.dimensions.reduce((product, { levels }) => product * levels, 1);
  }

  /** The grid point with the given index, `index` written in the mixed radix of the levels, first dimension slowest. */
  gridPoint(index: number): Float64Array {
    const unit = new Float64Array(this.dimensions.length);
    let rest = index;
    for (let i = unit.length - 1; i >= 0; i--) {
      const { levels } = this.dimensions[i]!;
      unit[i] = ((rest % levels) + 0.5) / levels;
      rest = Math.floor(rest / levels);
    }
    return unit;
  }

  toJSON(): { parameters: Readonly<Record<string, Parameter>>; constraints: string[] } {
    return { parameters: this.parameters, constraints: this.constraints.map(({ name }) => name) };
  }
}

/** The part that a coordinate belongs to; a string's letters are named by their place, from 1. */
export function dimensionName({ dimensions, parameters }: Space, index: number): string {
  const { parameter } = dimensions[index]!;
  if (parameters[parameter]!.kind !== "string") return parameter;
  const first = dimensions.findIndex((other) => other.parameter === parameter);
  return `${parameter}[${index - first + 1}]`;
}
