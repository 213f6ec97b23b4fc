/** The question of newer hardware as it is asked: two accelerators, how much faster the new one is, and where they stand. */
import { z } from "zod";
import { type Dimension, Estimate, exactly, type Sampler } from "../core/index.ts";
import { type Accelerator, accelerator, averagePower } from "../hardware/index.ts";
import { acceleratorEmbodied, serverLifetime, serverUtilisation } from "./embodied.ts";
import { checked, FLAGS } from "./flags.ts";
import { FACILITIES, powerUsageEffectiveness } from "./operational.ts";
import type { Carbon, Ratio, Time } from "./quantities.ts";
import { draw, overhead, positive, quantity, type Range, share } from "./ranges.ts";
import {
  carbonPerBusyHour,
  type Generation,
  type LifetimeChoice,
  lifetimeChoices,
  type Refresh,
  refresh,
} from "./refresh.ts";
import { writtenGrid } from "./written-grid.ts";

const RefreshOptions = z.strictObject({
  old: z.string(),
  new: z.string(),
  /** Work per time of the new one over the old one's. */
  speedup: positive("1"),
  age: quantity("year"),
  grid: z.union([z.string(), z.number()]).optional(),
  facility: z.enum(FACILITIES).default("average"),
  pue: overhead().optional(),
  utilisation: share().optional(),
  lifetime: positive("year").optional(),
});
export type RefreshOptions = z.input<typeof RefreshOptions>;

/** Looked at beside the site's own. */
const UTILISATIONS = [0.2, 0.4, 0.6, 0.8, 1];
const INTENSITIES = [25, 100, 250, 500, 800];
const LIFETIMES = [2, 3, 4, 5, 6, 8];

export interface RefreshAccount {
  readonly old: string;
  readonly new: string;
  readonly zone: string;
  readonly refresh: Refresh;
  /** Of the new accelerator, by how long it is kept. */
  readonly lifetimes: readonly LifetimeChoice[];
  /** Payback over utilisation and intensity, all else as asked. */
  readonly paybacks: readonly {
    readonly utilisation: number;
    readonly byIntensity: readonly { readonly gramsPerKilowattHour: number; readonly payback: Time }[];
  }[];
  /** Of an hour of work of the new accelerator: idle hours and making are borne by the busy ones. */
  readonly busyHours: readonly { readonly utilisation: number; readonly carbon: Carbon }[];
  readonly notes: readonly string[];
}

/** Throws an `InputError` that names the flag at fault. Powers are those of training, at each machine's own draw. */
export function refreshAccount(input: RefreshOptions, sampler: Sampler): RefreshAccount {
  const options = checked(RefreshOptions, input);
  const figures: string[] = [];
  const taken = <D extends Dimension>(what: string, estimate: Estimate<D>): Estimate<D> => {
    figures.push(`${what} ${estimate}`);
    return estimate;
  };
  const flag = <S extends string>(name: string, range: Range, symbol: S) =>
    draw(sampler, `flags/${name}`, range, symbol, undefined, FLAGS);
  const [before, after] = [
    accelerator(options.old, { path: "--old" }),
    accelerator(options.new, { path: "--new" }),
  ];
  const busy = (machine: Accelerator) => averagePower(sampler, machine, "training", exactly(1));
  const generation = (machine: Accelerator, throughput: Ratio): Generation => ({
    power: taken(`power of ${machine.name}`, busy(machine)),
    throughput,
    embodied: taken(
      `embodied carbon of ${machine.name} and its share of a host`,
      acceleratorEmbodied(sampler, machine.name),
    ),
  });
  const { zone, intensity, note } = writtenGrid(options.grid, sampler, {
    place: { path: "--grid" },
    source: FLAGS,
  });
  const site = {
    pue: options.pue
      ? flag("pue", options.pue, "1")
      : taken(`PUE (${options.facility})`, powerUsageEffectiveness(sampler, options.facility)),
    intensity,
    utilisation: options.utilisation
      ? flag("utilisation", options.utilisation, "1")
      : taken("utilisation of servers", serverUtilisation(sampler)),
  };
  const lifetime: Time = options.lifetime
    ? flag("lifetime", options.lifetime, "year")
    : taken("lifetime of servers", serverLifetime(sampler).shownIn("year"));
  const fresh = generation(after, flag("speedup", options.speedup, "1"));
  const old = { ...generation(before, exactly(1)), age: flag("age", options.age, "year") };
  const idle = averagePower(sampler, after, "training", exactly(0));
  return {
    old: before.name,
    new: after.name,
    zone,
    refresh: refresh(old, fresh, site, lifetime),
    lifetimes: lifetimeChoices(sampler, fresh, site, LIFETIMES),
    paybacks: UTILISATIONS.map((utilisation) => ({
      utilisation,
      byIntensity: INTENSITIES.map((gramsPerKilowattHour) => {
        const other = {
          ...site,
          utilisation: exactly(utilisation),
          intensity: Estimate.exact(gramsPerKilowattHour, "gCO2e/kWh"),
        };
        return { gramsPerKilowattHour, payback: refresh(old, fresh, other, lifetime).payback };
      }),
    })),
    busyHours: UTILISATIONS.map((utilisation) => ({
      utilisation,
      carbon: carbonPerBusyHour({ busy: fresh.power, idle }, fresh.embodied, lifetime, {
        ...site,
        utilisation: exactly(utilisation),
      }),
    })),
    notes: [
      ...(note === "" ? [] : [note]),
      `not given, so taken from published figures: ${figures.join(", ")}`,
    ],
  };
}
