/** Where to run: which grid's electricity, and the carbon and energy that follow. */

import {
  acceleratorEmbodied,
  type GridIntensity,
  givenIntensity,
  gridIntensity,
  hostFactor,
  hourlySpread,
  powerUsageEffectiveness,
  type RunCarbon,
  runCarbon,
  serverLifetime,
  serverUtilisation,
} from "../../carbon/index.ts";
import { type AnyEstimate, type DimensionOf, Estimate } from "../../core/index.ts";
import type { Decision } from "../decision.ts";
import type { Grid } from "../problem.ts";
import { checkpoint } from "./checkpoint.ts";
import { cluster } from "./cluster.ts";

export interface RegionChoice extends RunCarbon {
  readonly grid: GridIntensity;
  readonly pue: Estimate<DimensionOf<"1">>;
}

export const region: Decision<Grid, RegionChoice> = {
  id: "region",
  title: "Region",
  question: "On which grid?",

  options: ({ open }) => open.grids,

  evaluate({ name, given }, problem, upstream) {
    const { sampler, brief } = problem;
    const { accelerator, accelerators, step } = upstream.get(cluster);
    const grid = problem.once(problem, `grid ${name}`, () =>
      given === undefined
        ? gridIntensity(sampler, name)
        : givenIntensity(Estimate.exact(given, "gCO2e/kWh"), {}, brief.file),
    );
    const pue = powerUsageEffectiveness(sampler, "hyperscale");
    const carbon = runCarbon({
      accelerators,
      wallClock: upstream.get(checkpoint).wallClock,
      power: step.power,
      hostFactor: hostFactor(sampler),
      pue,
      intensity: grid.intensity,
      embodied: acceleratorEmbodied(sampler, accelerator.name),
      lifetime: serverLifetime(sampler),
      utilisation: serverUtilisation(sampler),
    });
    return { grid, pue, ...carbon };
  },

  label: ({ name }) => name,

  explain({ grid, pue, energy, operational, embodied, total }) {
    const figures: Record<string, AnyEstimate> = {
      "carbon intensity": grid.intensity,
      PUE: pue,
      energy,
      "operational carbon": operational,
      "embodied carbon": embodied,
      "carbon in all": total,
    };
    const hours = grid.provenance.origin === "given" ? undefined : hourlySpread(grid.zone);
    return {
      why: `Energy at the meter times the grid's ${grid.signal}, ${grid.accounting}-based, ${grid.boundary} intensity; embodied carbon by the share of the servers' working life that the run takes.`,
      figures,
      notes: [
        grid.note === "" ? undefined : grid.note,
        hours &&
          `the hours of a year in ${grid.zone} range from ${hours.low} to ${hours.high} gCO2e/kWh (5 % to 95 %): choosing the hours to run in can move operational carbon by as much`,
      ].filter((note) => note !== undefined),
    };
  },
};
