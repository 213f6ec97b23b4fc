import { expect, it } from "vitest";
import { Sampler } from "../core/index.ts";
import { rephrasedEffect } from "./rephrased.ts";

const inside = { parameters: 1e9, tokens: 1e11 };

// arXiv:2510.01631 abstract: 5 to 10 times faster to the same loss with a third rephrased.
it("gives a third of rephrased text the printed 5 to 10 times, as one named input", () => {
  const sampler = new Sampler(1);
  const { tokenMultiplier, bestShare, limits } = rephrasedEffect(sampler, { share: 0.33, ...inside });
  const { low, high } = tokenMultiplier!.interval();
  expect(low).toBeCloseTo(5, 1);
  expect(high).toBeCloseTo(10, 1);
  expect(bestShare).toBe(0.3);
  expect(tokenMultiplier!.basis).toBe("published");
  expect(limits).toHaveLength(2);
  expect(sampler.inputs.map(({ name }) => name)).toEqual(["scaling-laws/rephrased/speed-up"]);
});

it("answers nothing where nothing is published", () => {
  for (const share of [0.1, 0.29, 0.8, 1]) {
    const { tokenMultiplier, limits } = rephrasedEffect(new Sampler(1), { share, ...inside });
    expect(tokenMultiplier).toBeUndefined();
    expect(limits.at(-1)).toContain("nothing is published");
  }
});

it("leaves natural data at its own worth", () => {
  expect(rephrasedEffect(new Sampler(1), { share: 0, ...inside }).tokenMultiplier!.value()).toBe(1);
});

it("says when the size or the tokens lie outside what was trained", () => {
  const { limits } = rephrasedEffect(new Sampler(1), { share: 0.33, parameters: 6e9, tokens: 4e11 });
  expect(limits).toContain("2.0 times outside the sizes trained");
  expect(limits).toContain("2.0 times outside the tokens trained");
});
