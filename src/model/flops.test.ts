import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { architecture } from "./architecture.ts";
import { attendedPairs, tokensForBudget, trainingFlops, trainingFlopsPerToken } from "./flops.ts";
import { layerParameters } from "./parameters.ts";

describe("attendedPairs", () => {
  it("counts what a loop over the tokens counts", () => {
    const few = fc.integer({ min: 0, max: 60 });
    fc.assert(
      fc.property(few, few, fc.integer({ min: 1, max: 60 }), (position, newTokens, span) => {
        let pairs = 0;
        for (let t = position; t < position + newTokens; t++) pairs += Math.min(t + 1, span);
        expect(attendedPairs(position, newTokens, span)).toBe(pairs);
      }),
    );
  });

  it("is the closed form of arXiv:2510.04800 Table 1", () => {
    expect(attendedPairs(0, 8192)).toBe((8192 * 8193) / 2);
    expect(attendedPairs(0, 8192, 576)).toBe(576 * (577 / 2 + (8192 - 576)));
  });
});

describe("trainingFlops", () => {
  it("is 6 N D and each block's own term, for a whole 1B mixture of primitives", () => {
    const a = architecture("AF WF SF", 2048);
    const L = 8192;
    const weights = ["A", "W", "S", "F", "F", "F"] as const;
    const parameters = weights.reduce((sum, p) => sum + layerParameters(a, p).primitive, 0);
    const attention = 12 * 2048 * ((L * (L + 1)) / 2);
    const window = 12 * 2048 * 576 * (577 / 2 + (L - 576));
    const scan = 3 * L * (9 * 4096 * 128 + 2 * 4096);
    expect(trainingFlops(a, L)).toEqual({
      parameters: 6 * parameters * L,
      attention: attention + window,
      scan,
      total: 6 * parameters * L + attention + window + scan,
      head: 6 * 128_256 * 2048 * L,
    });
  });

  it("counts of a mixture of experts only those that a token visits", () => {
    const dense = architecture("F", 512, { feedForward: { hidden: 2048 } });
    const sparse = architecture("E", 512, { experts: { experts: 8, active: 1, hidden: 2048, shared: 0 } });
    const router = 512 * 8;
    expect(trainingFlopsPerToken(sparse, 128) - trainingFlopsPerToken(dense, 128)).toBe(6 * router);
  });

  it("gives back the tokens whose FLOPs it was asked for", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 65_536 }),
        fc.double({ min: 1e3, max: 1e14, noNaN: true }),
        (context, tokens) => {
          const a = architecture("AFSF", 256);
          const budget = tokens * trainingFlopsPerToken(a, context);
          expect(tokensForBudget(a, budget, context) / tokens).toBeCloseTo(1, 12);
        },
      ),
    );
  });

  it.each([0, -1, Number.NaN, Number.POSITIVE_INFINITY])("refuses a budget of %d", (flops) => {
    expect(() => tokensForBudget(architecture("AF", 64), flops, 128)).toThrow("positive number of FLOPs");
  });
});
