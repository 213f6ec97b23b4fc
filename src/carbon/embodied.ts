/** Embodied carbon of hardware that exists, and the share of it that a piece of work has to answer for. */
import { Estimate, exactly, type Place, type Sampler } from "../core/index.ts";
import { accelerator } from "../hardware/index.ts";
import type { Carbon, CarbonPerAccelerator, Ratio, Time } from "./quantities.ts";
import { figures } from "./tables.ts";

/** Accelerators with a published range of their own; any other takes the range of all, `accelerator`. */
export function publishedAccelerators(): string[] {
  const table = figures("embodied");
  return table.subjects.filter((subject) => table.find(subject, "embodied") !== undefined);
}

/** The published kind of an accelerator called `name`: `h100` for H100 and for h100-sxm; undefined for the others. */
export function publishedKind(name: string): string | undefined {
  const kind = name.toLowerCase().split("-")[0]!;
  return publishedAccelerators().includes(kind) ? kind : undefined;
}

/**
 * Embodied carbon of one accelerator with its share of the host server. Published figures for one kind of accelerator
 * differ by up to a factor of four, so this is a range of what is published, never a single number.
 */
export function acceleratorEmbodied(sampler: Sampler, kind = "accelerator"): CarbonPerAccelerator {
  const host = figures("embodied").estimate(
    sampler,
    "host",
    "embodied-per-accelerator",
    "kgCO2e/accelerator",
  );
  return acceleratorAlone(sampler, kind).plus(host);
}

function acceleratorAlone(sampler: Sampler, kind: string): CarbonPerAccelerator {
  const subject = publishedKind(kind) ?? "accelerator";
  return figures("embodied").estimate(sampler, subject, "embodied", "kgCO2e/accelerator");
}

export interface Footprint {
  /** Who published it. */
  readonly by: string;
  readonly embodied: CarbonPerAccelerator;
  readonly source: string;
  readonly note: string;
}

/** Each published footprint of one kind of accelerator, without its host: what the range of `acceleratorEmbodied` spans. */
export function publishedFootprints(kind: string): Footprint[] {
  return figures("embodied")
    .of(publishedKind(kind) ?? "accelerator")
    .filter(({ figure }) => figure.startsWith("by "))
    .map(({ figure, value, evidence, note }) => ({
      by: figure.slice(3),
      embodied: Estimate.exact(value, "kgCO2e/accelerator", evidence),
      source: evidence.sources[0]!.id,
      note,
    }));
}

export interface AcceleratorFootprint {
  readonly kind: string;
  readonly published: readonly Footprint[];
  /** What accounts take: the range of the published figures. */
  readonly accelerator: CarbonPerAccelerator;
  /** `accelerator` with its share of the host server. */
  readonly withHost: CarbonPerAccelerator;
  /** Without a published figure of this kind the range is that of all accelerators. */
  readonly known: boolean;
}

/** What is known of making one accelerator. Throws an `InputError` for a name that no table of `data/` has. */
export function acceleratorFootprint(sampler: Sampler, name: string, place?: Place): AcceleratorFootprint {
  const kind = publishedKind(name) ?? accelerator(name, place).name;
  return {
    kind: name,
    published: publishedFootprints(kind),
    accelerator: acceleratorAlone(sampler, kind),
    withHost: acceleratorEmbodied(sampler, kind),
    known: publishedKind(name) !== undefined,
  };
}

/** Time from commissioning to retirement of an accelerator server. */
export function serverLifetime(sampler: Sampler): Time {
  return figures("facilities").estimate(sampler, "accelerator-server", "lifetime", "year");
}

/** Share of its life in which an accelerator server does work that someone answers for. */
export function serverUtilisation(sampler: Sampler): Ratio {
  return figures("facilities").estimate(sampler, "accelerator-server", "utilisation", "1").atMost(exactly(1));
}

/** How much of the embodied carbon one unit of use takes. */
export interface Amortisation {
  readonly lifetime: Time;
  /** Share of the life that is used at all: what is idle is charged to what works. 1 charges by time alone. */
  readonly utilisation: Ratio;
}

/**
 * The part of `embodied` that work of `inUse` answers for: E T / (L u), with time T, life L and utilisation u
 * (ACT's T/LT; Luccioni et al. 2022 for u). Multiply by the resource share where a machine is shared.
 */
export function amortised(embodied: Carbon, inUse: Time, { lifetime, utilisation }: Amortisation): Carbon {
  return embodied.times(inUse.over(lifetime.times(utilisation)));
}
