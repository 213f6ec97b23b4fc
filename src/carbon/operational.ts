/** Operational carbon: the energy that work draws at the meter of the facility, times what that energy emits. */
import { Estimate, type Sampler } from "../core/index.ts";
import type { Carbon, Energy, Intensity, Power, Ratio } from "./quantities.ts";
import { figures } from "./tables.ts";

/** Kinds of facility with a published PUE, best known first. */
export const FACILITIES = ["hyperscale", "research-centre", "average"] as const;
export type Facility = (typeof FACILITIES)[number];

/** Power usage effectiveness: energy of the facility over that of its computers. */
export function powerUsageEffectiveness(sampler: Sampler, facility: Facility): Ratio {
  return figures("facilities").estimate(sampler, facility, "pue", "1");
}

/** Power of a whole server over that of the accelerators in it. */
export function hostFactor(sampler: Sampler): Ratio {
  return figures("facilities").estimate(sampler, "accelerator-server", "host-factor", "1");
}

/** Energy drawn by the facility for `itEnergy` drawn by its computers. */
export function facilityEnergy(itEnergy: Energy, pue: Ratio): Energy {
  return itEnergy.times(pue);
}

export function operationalCarbon(energy: Energy, intensity: Intensity): Carbon {
  return energy.times(intensity);
}

export interface PowerCurve {
  readonly a: number;
  readonly b: number;
  readonly c: number;
  readonly d: number;
}

/** Power of a processor, in watts, at a `load` between 0 and 1: a ln(b (100 load + c)) + d (Boavizta's profile). */
export function boaviztaPower({ a, b, c, d }: PowerCurve, load: Ratio): Power {
  return Estimate.combine([load], "W", (share) => a * Math.log(b * (100 * share + c)) + d);
}
