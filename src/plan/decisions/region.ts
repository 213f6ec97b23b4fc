/** Where to run: which grid's electricity, and the carbon and energy that follow. */

import {
  acceleratorEmbodied,
  type GridIntensity,
  gridIntensity,
  hostFactor,
  hourlySpread,
  powerUsageEffectiveness,
  type RunCarbon,
  runCarbon,
  serverLifetime,
  serverUtilisation,
} from "../../carbon/index.ts";
import type { AnyEstimate, DimensionOf, Estimate } from "../../core/index.ts";
import type { Decision } from "../decision.ts";
import { checkpoint } from "./checkpoint.ts";
import { cluster } from "./cluster.ts";

export interface RegionChoice extends RunCarbon {
  readonly zone: string;
  readonly grid: GridIntensity;
  readonly pue: Estimate<DimensionOf<"1">>;
}

export const region: Decision<string, RegionChoice> = {
  id: "region",
  title: "Region",
  question: "On which grid?",

  options: ({ open }) => open.zones,

  evaluate(zone, problem, upstream) {
    const { sampler } = problem;
    const { accelerator, accelerators, step } = upstream.get(cluster);
    const grid = problem.once(problem, `grid ${zone}`, () => gridIntensity(sampler, zone));
    const pue = powerUsageEffectiveness(sampler, "hyperscale");
    const carbon = runCarbon({
      accelerators,
      wallClock: upstream.get(checkpoint).wallClock,
      power: step.power,
      hostFactor: hostFactor(sampler),
      pue,
      intensity: grid.intensity,
      embodied: acceleratorEmbodied(sampler, accelerator.name.split("-")[0]),
      lifetime: serverLifetime(sampler),
      utilisation: serverUtilisation(sampler),
    });
    return { zone, grid, pue, ...carbon };
  },

  label: (zone) => zone,

  explain({ zone, grid, pue, energy, operational, embodied, total }) {
    const figures: Record<string, AnyEstimate> = {
      "carbon intensity": grid.intensity,
      PUE: pue,
      energy,
      "operational carbon": operational,
      "embodied carbon": embodied,
      "carbon in all": total,
    };
    const hours = hourlySpread(zone);
    return {
      why: `Energy at the meter times the grid's ${grid.signal}, ${grid.accounting}-based, ${grid.boundary} intensity; embodied carbon by the share of the servers' working life that the run takes.`,
      figures,
      notes: [
        grid.note === "" ? undefined : grid.note,
        hours &&
          `the hours of a year in ${zone} range from ${hours.low} to ${hours.high} gCO2e/kWh (5 % to 95 %): choosing the hours to run in can move operational carbon by as much`,
      ].filter((note) => note !== undefined),
    };
  },
};
