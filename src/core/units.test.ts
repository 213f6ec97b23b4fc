import fc from "fast-check";
import { describe, expect, expectTypeOf, it } from "vitest";
import { InputError } from "./errors.ts";
import {
  baseUnitText,
  type Dimension,
  type DimensionOf,
  dimensionText,
  invertDimension,
  multiplyDimensions,
  type Product,
  parseUnit,
  type Quotient,
  UNITS,
  unit,
} from "./units.ts";

const dimension = fc.constantFrom(...Object.values(UNITS).map((u) => u.dimension as Dimension));

describe("the algebra of dimensions", () => {
  it("commutes, and a dimension times its inverse is a plain number", () => {
    fc.assert(
      fc.property(dimension, dimension, (a, b) => {
        expect(dimensionText(multiplyDimensions(a, b))).toBe(dimensionText(multiplyDimensions(b, a)));
        expect(multiplyDimensions(a, invertDimension(a))).toEqual({});
      }),
    );
  });

  it("is known to the compiler", () => {
    expectTypeOf<Product<DimensionOf<"W">, DimensionOf<"h">>>().toEqualTypeOf<DimensionOf<"kWh">>();
    expectTypeOf<Quotient<DimensionOf<"gCO2e">, DimensionOf<"kWh">>>().toEqualTypeOf<
      DimensionOf<"gCO2e/kWh">
    >();
    expectTypeOf<DimensionOf<"USD/accelerator/h">>().toEqualTypeOf<{
      readonly money: 1;
      readonly accelerators: -1;
      readonly time: -1;
    }>();
    expectTypeOf<DimensionOf<"furlong">>().toEqualTypeOf<never>();
  });
});

describe("unit", () => {
  it("multiplies the scales of a compound", () => {
    expect(unit("gCO2e/kWh").scale).toBeCloseTo(1e-3 / 3.6e6, 20);
    expect(unit("USD/accelerator/h").scale).toBeCloseTo(1 / 3600, 15);
    expect(unit("TFLOP/s").scale).toBe(1e12);
  });

  it("writes base units for what has no name", () => {
    expect(baseUnitText(unit("gCO2e/kWh").dimension)).toBe("kgCO2e/J");
    expect(baseUnitText({})).toBe("1");
  });

  it("names the unknown symbol and what is near it", () => {
    expect(() => parseUnit("USD/acelerator/h", { file: "data.csv", line: 7 })).toThrow(InputError);
    expect(() =>
      parseUnit("USD/acelerator/h", { file: "data.csv", line: 7 }),
    ).toThrowErrorMatchingInlineSnapshot(`
      [InputError: data.csv:7
        found     the unit "acelerator" in "USD/acelerator/h"
        expected  a unit that is known here
        to mend   did you mean "accelerator"?]
    `);
  });
});
