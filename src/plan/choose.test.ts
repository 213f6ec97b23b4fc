import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { DRAWS, Estimate, InputError } from "../core/index.ts";
import { OBJECTIVES, type Objective } from "./brief.ts";
import {
  type Constraint,
  choose,
  chooseFreely,
  chooseOne,
  frontOf,
  meets,
  noPlan,
  withoutConstraint,
} from "./choose.ts";
import { Upstream } from "./decision.ts";
import type { Design, Sketch } from "./designs.ts";

type Values = Readonly<Record<Objective, number>>;

const UNITS: Readonly<Record<Objective, string>> = {
  loss: "nat",
  days: "day",
  cost: "USD",
  carbon: "kgCO2e",
  energy: "kWh",
};

const sketchOf = (values: Partial<Values>): Sketch => ({
  steps: [],
  values: { loss: 1, days: 1, cost: 1, carbon: 1, energy: 1, ...values },
});

/** Draws between half and one and a half times the sketched value, evenly: the q quantile is (0.5 + q) of it. */
const factors = Float64Array.from({ length: DRAWS }, (_, i) => 0.5 + (i + 0.5) / DRAWS);
const designs = new WeakMap<Sketch, Design>();
const weigh = (sketch: Sketch): Design => {
  let design = designs.get(sketch);
  if (!design) {
    const outcomes = Object.fromEntries(
      OBJECTIVES.map((objective) => [
        objective,
        // Sketches are in base units, and so are these.
        Estimate.fromDraws(
          factors.map((factor) => factor * sketch.values[objective]),
          UNITS[objective],
          { basis: "assumed", sources: [] },
        ).times(1 / Estimate.exact(1, UNITS[objective]).value()),
      ]),
    ) as unknown as Design["outcomes"];
    design = { choices: Upstream.none, outcomes };
    designs.set(sketch, design);
  }
  return design;
};

/** A limit in base units. */
const limit = (objective: Objective, value: number, confidence = 0.9): Constraint => ({
  objective,
  limit: value / Estimate.exact(1, UNITS[objective]).value(),
  unit: UNITS[objective],
  confidence,
  place: { file: "brief.yaml", line: OBJECTIVES.indexOf(objective) + 1, path: `constraints.${objective}` },
});

/** Few different values, so that ties are common. */
const value = fc.integer({ min: 1, max: 6 });
const sketches = fc
  .array(fc.record({ loss: value, days: value, cost: value, carbon: value, energy: value }), {
    minLength: 1,
    maxLength: 40,
  })
  .map((list) => list.map(sketchOf));
const objectives = fc.uniqueArray(fc.constantFrom(...OBJECTIVES), { minLength: 1, maxLength: 5 });
const limits = fc
  .uniqueArray(fc.tuple(fc.constantFrom(...OBJECTIVES), fc.double({ min: 0.5, max: 10, noNaN: true })), {
    maxLength: 3,
    selector: ([objective]) => objective,
  })
  .chain((pairs) =>
    fc
      .constantFrom(0.5, 0.7, 0.9, 0.99)
      .map((confidence) => pairs.map(([objective, bound]) => limit(objective, bound, confidence))),
  );

const key = (sketch: Sketch, chosen: readonly Objective[]) => chosen.map((o) => sketch.values[o]).join();
const betters = (a: Sketch, b: Sketch, chosen: readonly Objective[]) =>
  chosen.every((o) => a.values[o] <= b.values[o]) && chosen.some((o) => a.values[o] < b.values[o]);

describe("the Pareto front", () => {
  it("is what comparing every pair leaves, with one of equals", () => {
    fc.assert(
      fc.property(sketches, objectives, (all, chosen) => {
        const front = frontOf(all, chosen);
        const byPairs = all.filter((a) => !all.some((b) => betters(b, a, chosen)));
        expect(front.map((sketch) => key(sketch, chosen)).sort()).toEqual(
          [...new Set(byPairs.map((sketch) => key(sketch, chosen)))].sort(),
        );
        for (const sketch of front) expect(all).toContain(sketch);
      }),
    );
  });
});

describe("the compromise", () => {
  it("is the best where there is one objective", () => {
    fc.assert(
      fc.property(sketches, fc.constantFrom(...OBJECTIVES), (all, objective) => {
        expect(chooseFreely(all, [objective]).values[objective]).toBe(
          Math.min(...all.map(({ values }) => values[objective])),
        );
      }),
    );
  });

  it("does not depend on the units of the objectives, nor on their zero", () => {
    // Powers of two and whole numbers, so that scaling rounds nothing.
    const scale = fc.constantFrom(0.25, 0.5, 2, 1024);
    fc.assert(
      fc.property(
        sketches,
        objectives,
        fc.tuple(scale, scale, scale, scale, scale),
        value,
        (all, chosen, by, shift) => {
          const scaled = all.map(({ values }) =>
            sketchOf(Object.fromEntries(OBJECTIVES.map((o, i) => [o, values[o] * by[i]! + shift])) as Values),
          );
          expect(scaled.indexOf(chooseFreely(scaled, chosen))).toBe(all.indexOf(chooseFreely(all, chosen)));
        },
      ),
    );
  });

  it("takes the middle of a front that bends towards the ideal point", () => {
    const [a, knee, b] = [
      { loss: 1, cost: 100 },
      { loss: 2, cost: 20 },
      { loss: 9, cost: 10 },
    ].map(sketchOf);
    expect(chooseFreely([a!, knee!, b!], ["loss", "cost"])).toBe(knee);
    expect(chooseFreely([a!, knee!, b!], ["loss"])).toBe(a);
  });
});

describe("constraints", () => {
  it("hold for the choice and all of its front with the probability that was asked for", () => {
    fc.assert(
      fc.property(sketches, objectives, limits, (all, chosen, constraints) => {
        const found = choose(all, chosen, constraints, weigh);
        const meeting = all.filter((sketch) => constraints.every((c) => meets(weigh(sketch), c)));
        expect(found !== undefined).toBe(meeting.length > 0);
        if (!found) return;
        expect(found.front).toContain(found.sketch);
        for (const sketch of found.front) {
          for (const { objective, limit: bound, unit, confidence } of constraints) {
            const estimate = weigh(sketch).outcomes[objective];
            const inBase = bound * Estimate.exact(1, unit).value();
            expect(estimate.probability((v) => v <= inBase)).toBeGreaterThanOrEqual(confidence - 1 / DRAWS);
          }
          expect(meeting.some((other) => betters(other, sketch, chosen))).toBe(false);
        }
      }),
    );
  });

  it("are met by the one choice for an alternative exactly where some design meets them", () => {
    fc.assert(
      fc.property(sketches, objectives, limits, (all, chosen, constraints) => {
        const sketch = chooseOne(all, chosen, constraints, weigh);
        const meeting = all.filter((other) => constraints.every((c) => meets(weigh(other), c)));
        if (sketch) expect(meeting).toContain(sketch);
        else expect(meeting).toEqual([]);
      }),
    );
  });

  it("bind where the choice without them breaks them, and only there", () => {
    fc.assert(
      fc.property(sketches, objectives, limits, (all, chosen, constraints) => {
        if (!choose(all, chosen, constraints, weigh)) return;
        for (const left of constraints) {
          const others = constraints.filter((constraint) => constraint !== left);
          const freed = weigh(choose(all, chosen, others, weigh)!.sketch);
          const found = withoutConstraint(left, all, chosen, constraints, weigh);
          expect(found).toBe(meets(freed, left) ? undefined : freed);
        }
      }),
      { numRuns: 400 },
    );
  });
});

describe("why there is no plan", () => {
  const said = (all: readonly Sketch[], constraints: readonly Constraint[]) => {
    expect(choose(all, ["loss"], constraints, weigh)).toBeUndefined();
    return noPlan(all, constraints, weigh);
  };

  it("names each limit that nothing meets, and what is the least", () => {
    const error = said(
      [sketchOf({ cost: 100 }), sketchOf({ cost: 200 })],
      [limit("cost", 100), limit("loss", 2)],
    );
    expect(error.message).toMatchInlineSnapshot(`
      "brief.yaml:3  constraints.cost
        found     cost under 100 USD
        expected  a limit that one of 2 designs meets with probability 0.9: the one with the least cost stays under 140 USD
        to mend   raise the limit, widen what the brief leaves open, or lower constraints.confidence"
    `);
  });

  it("names two limits that nothing meets together", () => {
    const error = said(
      [sketchOf({ loss: 1, cost: 100 }), sketchOf({ loss: 2, cost: 10 })],
      [limit("days", 5), limit("loss", 1.5), limit("cost", 50)],
    );
    expect(error.message).toMatchInlineSnapshot(`
      "brief.yaml:3  constraints.cost
        found     cost under 50 USD together with loss under 1.5 nats
        expected  limits that one design meets at once, each with probability 0.9: with loss under 1.5 nats, the design with the least cost stays under 140 USD
        to mend   raise one of the two (loss under 1.5 nats is constraints.loss, line 1), or widen what the brief leaves open"
    `);
  });

  it("says so where any two can be met but not all three", () => {
    const error = said(
      [
        sketchOf({ loss: 1, cost: 1, days: 9 }),
        sketchOf({ loss: 1, cost: 9, days: 1 }),
        sketchOf({ loss: 9, cost: 1, days: 1 }),
      ],
      [limit("loss", 2), limit("cost", 2), limit("days", 2)],
    );
    expect(error.message).toMatchInlineSnapshot(`
      "brief.yaml:1  constraints.loss
        found     loss under 2 nats, cost under 2 USD, days under 2.31e-5 days
        expected  limits that one design meets at once; any two of these can be met, but not all
        to mend   raise or leave out one of them"
    `);
  });

  it("always has a place and a remedy, and blames no limit that can be met alone", () => {
    fc.assert(
      fc.property(sketches, limits, (all, constraints) => {
        if (choose(all, ["loss"], constraints, weigh)) return;
        const error = noPlan(all, constraints, weigh);
        expect(error).toBeInstanceOf(InputError);
        const unmeetable = constraints.filter((c) => !all.some((sketch) => meets(weigh(sketch), c)));
        if (unmeetable.length > 0) {
          expect(error.problems.map(({ place }) => place)).toEqual(unmeetable.map(({ place }) => place));
        }
        for (const { place, remedy } of error.problems) {
          expect(place?.line).toBeDefined();
          expect(remedy).toBeDefined();
        }
      }),
    );
  });
});
