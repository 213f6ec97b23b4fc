/**
 * Choices about hardware over its life: when a newer accelerator pays back the carbon of its making, how long to keep one,
 * and what an idle fleet costs. What is already built is spent: it counts for neither side, and is shown as what is left.
 */
import { Estimate, exactly, type Sampler } from "../core/index.ts";
import type {
  Carbon,
  CarbonPerAccelerator,
  Intensity,
  PowerPerAccelerator,
  Ratio,
  Time,
} from "./quantities.ts";
import { figures } from "./tables.ts";

/** One accelerator with its share of the host, at the work in question. */
export interface Generation {
  readonly power: PowerPerAccelerator;
  /** Work per time, in any unit that both generations share. */
  readonly throughput: Ratio;
  readonly embodied: CarbonPerAccelerator;
}

export interface Site {
  readonly pue: Ratio;
  readonly intensity: Intensity;
  /** Share of time at work. */
  readonly utilisation: Ratio;
}

export interface Refresh {
  /** Infinite where the newer one never saves. */
  readonly payback: Time;
  /** Per accelerator replaced. */
  readonly savedPerYear: Carbon;
  /** Of the new accelerators that do one old one's work. */
  readonly newEmbodied: Carbon;
  /** New accelerators per old one. */
  readonly replacementRatio: Ratio;
  /** Share of draws in which it pays back within the new hardware's life. */
  readonly paysBack: number;
  /** What is left of the old one's embodied carbon when it is retired at this age: written off, not saved. */
  readonly stranded: Carbon;
}

/**
 * Replacing one old accelerator by as many new ones as do the same work, r = throughput old / new:
 * saved per time = u PUE I (P_old - r P_new); payback = r E_new / saved.
 */
export function refresh(
  old: Generation & { readonly age: Time },
  fresh: Generation,
  site: Site,
  lifetime: Time,
): Refresh {
  const one = Estimate.exact(1, "accelerator");
  const ratio = old.throughput.over(fresh.throughput);
  const newEmbodied = fresh.embodied.times(ratio).times(one);
  const year = Estimate.exact(1, "year");
  const savedPower = old.power.minus(fresh.power.times(ratio)).times(one);
  const savedPerYear: Carbon = savedPower
    .times(site.utilisation)
    .times(site.pue)
    .times(year)
    .times(site.intensity);
  const payback = Estimate.combine([newEmbodied, savedPerYear], "year", (embodied, saved) =>
    saved > 0 ? embodied / saved : Number.POSITIVE_INFINITY,
  );
  const within = Estimate.combine([payback, lifetime], "1", (time, life) => (time <= life ? 1 : 0));
  const unused = exactly(1).minus(old.age.over(lifetime)).atLeast(exactly(0));
  return {
    payback,
    savedPerYear,
    newEmbodied,
    replacementRatio: ratio,
    paysBack: within.mean(),
    stranded: old.embodied.times(one).times(unused),
  };
}

export interface LifetimeChoice {
  readonly years: number;
  readonly embodiedPerYear: Carbon;
  readonly operationalPerYear: Carbon;
  readonly totalPerYear: Carbon;
}

/**
 * Carbon of doing the same work for good with hardware that is replaced every L years, when each purchase is of the
 * newest: throughput at equal power and equal making doubles every tau years, so the k-th purchase needs 2^(-k L/tau) as
 * many. All purchases together are (E + P L) / (1 - 2^(-L/tau)) with yearly carbon of use P; times ln 2 / tau that is per
 * year, as if progress stood still. Per accelerator of today.
 */
export function lifetimeChoices(
  sampler: Sampler,
  generation: Generation,
  site: Site,
  years: readonly number[],
): LifetimeChoice[] {
  const one = Estimate.exact(1, "accelerator");
  const doubling = figures("facilities").estimate(sampler, "efficiency", "doubling-time", "year");
  const yearly: Carbon = generation.power
    .times(one)
    .times(site.utilisation)
    .times(site.pue)
    .times(Estimate.exact(1, "year"))
    .times(site.intensity);
  return years.map((life) => {
    const factor = Estimate.combine([doubling, Estimate.exact(life, "year")], "1", (tau, span) => {
      const doublings = (span / tau) * Math.LN2;
      return doublings / -Math.expm1(-doublings);
    });
    const embodiedPerYear: Carbon = generation.embodied.times(one).over(life).times(factor);
    const operationalPerYear = yearly.times(factor);
    return {
      years: life,
      embodiedPerYear,
      operationalPerYear,
      totalPerYear: embodiedPerYear.plus(operationalPerYear),
    };
  });
}

/**
 * Carbon of one accelerator-hour of work at a share `utilisation` of busy time: the idle hours' power and the whole of
 * its making are borne by the busy ones: (P u + P_idle (1 - u)) PUE I / u + E / (L u).
 */
export function carbonPerBusyHour(
  power: { readonly busy: PowerPerAccelerator; readonly idle: PowerPerAccelerator },
  embodied: CarbonPerAccelerator,
  lifetime: Time,
  site: Site,
): Carbon {
  const hour = Estimate.exact(1, "h").times(Estimate.exact(1, "accelerator"));
  const { utilisation } = site;
  const idleShare = exactly(1).minus(utilisation);
  const drawn = power.busy.times(utilisation).plus(power.idle.times(idleShare));
  const operational = drawn.times(hour).times(site.pue).times(site.intensity).over(utilisation);
  const making = embodied.times(hour).over(lifetime).over(utilisation);
  return operational.plus(making);
}
