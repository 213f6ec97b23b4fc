import { expect, test } from "vitest";
import { IGNORED } from "../batch.ts";
import { AccuracyTally, areaUnderAccuracyCurve, stepsToAccuracy } from "./score.ts";

test("accuracy by tokens, by classes and by rows", () => {
  const tally = new AccuracyTally(6);
  tally.add(Int32Array.of(0, 0, 1, 5), { targets: Int32Array.of(0, 0, 0, IGNORED), shape: [2, 2] });
  tally.add(Int32Array.of(2, 4), { targets: Int32Array.of(2, 3), shape: [1, 2] });
  expect(tally.tokens).toBeCloseTo(3 / 5, 12);
  // Recall of 0, 2 and 3 is 2/3, 1 and 0; 1 and 4 are predicted only and count as 0; 5 is nowhere scored.
  expect(tally.macro).toBeCloseTo((2 / 3 + 1) / 5, 12);
  expect(tally.rows).toBeCloseTo(1 / 3, 12);
});

test("a row without a scored token is not counted, and before any the scores are not numbers", () => {
  const tally = new AccuracyTally(2);
  tally.add(Int32Array.of(1), { targets: Int32Array.of(IGNORED), shape: [1, 1] });
  expect([tally.tokens, tally.macro, tally.rows]).toEqual([Number.NaN, Number.NaN, Number.NaN]);
  expect(() => tally.add(Int32Array.of(1, 1), { targets: Int32Array.of(1), shape: [1, 1] })).toThrow(
    RangeError,
  );
});

test("steps to an accuracy are those of the first point that has it, or censored at the end of the run", () => {
  const curve = [
    { step: 10, accuracy: 0.3 },
    { step: 20, accuracy: 0.96 },
    { step: 30, accuracy: 0.9 },
  ];
  expect(stepsToAccuracy(curve)).toEqual({ steps: 20, reached: true });
  expect(stepsToAccuracy(curve, 0.99)).toEqual({ steps: 30, reached: false });
  expect(() => stepsToAccuracy([])).toThrow(RangeError);
});

test("the area under the curve ranks runs that stopped early or never arrived", () => {
  const arrived = [{ step: 10, accuracy: 1 }];
  expect(areaUnderAccuracyCurve(arrived, 20)).toBeCloseTo((5 + 10) / 20, 12);
  expect(areaUnderAccuracyCurve([{ step: 20, accuracy: 0.5 }], 20)).toBeCloseTo(0.25, 12);
});
