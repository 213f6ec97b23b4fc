/**
 * Carbon intensity of electricity by place, from `data/grids.csv`: yearly means of 123 grid zones (Electricity Maps,
 * life-cycle factors), the country tables of ACT, and single energy sources. Hour by hour is `series.ts`.
 */
import { drawFigure, Estimate, InputError, type Place, type Sampler, suggest } from "../core/index.ts";
import type { Provenance } from "./provenance.ts";
import type { Intensity } from "./quantities.ts";
import { figures } from "./tables.ts";

/** Mean over all generation, or of the plant that answers to one more kilowatt-hour. The two are never mixed. */
export type Signal = "average" | "marginal";
/** What the grid delivers where the load is, or what the contracts of the operator say (GHG Protocol, scope 2). */
export type Accounting = "location" | "market";
/** Emissions of the fuel burnt only, or also of building, fuelling and dismantling the plants. */
export type Boundary = "direct" | "life-cycle";

export interface SignalLabel {
  readonly signal: Signal;
  readonly accounting: Accounting;
  readonly boundary: Boundary;
}

export interface GridIntensity extends SignalLabel {
  readonly zone: string;
  readonly intensity: Intensity;
  readonly provenance: Provenance;
  /** What a reader must be told: empty, or why this number was used although nobody asked for it. */
  readonly note: string;
}

/** Used, and named in the result, where nobody says where the machines stand. */
export const DEFAULT_ZONE = "world";

/** Every place with a yearly mean: grid zones (`US-CAL-CISO`), countries (`taiwan`), energy sources (`coal`). */
export function gridZones(): string[] {
  return figures("grids").subjects.filter(
    (subject) => figures("grids").find(subject, "intensity") !== undefined,
  );
}

/**
 * The mean location-based intensity of `zone`. With `vintage: "later"` (a plan for a year to come) it carries how far
 * one year's mean stands for another; with `"same"` it is the published number as it is.
 *
 * Throws an `InputError` with near names for an unknown zone. Without a zone the world mean is used, and `note` says so.
 */
export function gridIntensity(
  sampler: Sampler,
  zone: string | undefined,
  { vintage = "later", place }: { vintage?: "later" | "same"; place?: Place } = {},
): GridIntensity {
  const name = zone === undefined ? DEFAULT_ZONE : knownZone(zone, place);
  const figure = figures("grids").get(name, "intensity");
  const published = Estimate.exact(figure.value, "gCO2e/kWh", figure.evidence);
  const year = figure.evidence.sources[0]!.year;
  const another = () =>
    drawFigure(sampler, `grids/${name}/another-year`, figures("grids").get("another-year", "factor"), "1");
  return {
    zone: name,
    intensity: vintage === "same" ? published : published.times(another()),
    signal: "average",
    accounting: "location",
    boundary: "life-cycle",
    provenance: {
      what: `carbon intensity of ${name}`,
      origin: "bundled",
      source: figure.evidence.sources[0]!.id,
      vintage: String(year),
    },
    note:
      zone === undefined
        ? `no grid zone was given: the mean of "${DEFAULT_ZONE}" in ${year}, ${figure.value} gCO2e/kWh, is used`
        : "",
  };
}

/** An intensity that a person wrote down instead of naming a place. */
export function givenIntensity(
  intensity: Intensity,
  label: Partial<SignalLabel>,
  source: string,
): GridIntensity {
  return {
    zone: "given",
    intensity,
    signal: label.signal ?? "average",
    accounting: label.accounting ?? "location",
    boundary: label.boundary ?? "life-cycle",
    provenance: { what: "carbon intensity", origin: "given", source },
    note: "",
  };
}

/**
 * What an hour of the year can differ from the mean by: the 5 % and 95 % quantiles of the hourly intensity, in
 * gCO2e/kWh. Undefined for places of which only the yearly mean is known.
 */
export function hourlySpread(zone: string): { low: number; high: number } | undefined {
  const name = knownZone(zone);
  const [low, high] = [figures("grids").find(name, "hourly-p5"), figures("grids").find(name, "hourly-p95")];
  return low && high && { low: low.value, high: high.value };
}

/** The zone's name as in the table; upper and lower case do not matter. */
export function knownZone(zone: string, place?: Place): string {
  if (figures("grids").find(zone, "intensity") !== undefined) return zone;
  const zones = gridZones();
  const found = zones.find((known) => known.toLowerCase() === zone.trim().toLowerCase());
  if (found !== undefined) return found;
  throw new InputError({
    place,
    found: `the grid zone "${zone}"`,
    expected: "a zone, country or energy source of data/grids.csv, or an intensity such as 57 gCO2e/kWh",
    remedy: suggestZone(zone, zones),
  });
}

function suggestZone(zone: string, zones: readonly string[]): string {
  const inside = zones.filter((known) => known.split("-").includes(zone.trim().toUpperCase()));
  if (inside.length > 0) return `zones of "${zone}": ${inside.join(", ")}`;
  return suggest(zone, zones);
}
