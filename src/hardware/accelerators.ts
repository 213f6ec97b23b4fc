/**
 * The accelerators of `data/accelerators.csv`: what a data sheet says of one, and what it costs to rent.
 * Peaks are dense. Nothing here says how much of a peak a program reaches; that is `roofline.ts`.
 */
import {
  type Dimension,
  drawFigure,
  type Estimate,
  type Evidence,
  type Figure,
  FigureTable,
  InputError,
  type Place,
  type Quotient,
  type Sampler,
  suggest,
  weakest,
} from "../core/index.ts";

/** Number formats that a data sheet gives a dense peak for, widest first. `int8` counts operations as FLOPs. */
export const FORMATS = ["fp32", "tf32", "bf16", "fp16", "fp8", "int8", "fp4"] as const;
export type Format = (typeof FORMATS)[number];

type PerAccelerator<D extends Dimension> = Quotient<D, { accelerators: 1 }>;

export interface Accelerator {
  readonly name: string;
  /** Dense peaks, FLOP/s; a format that the hardware lacks is absent. */
  readonly peakFlopsPerSecond: Readonly<Partial<Record<Format, number>>>;
  readonly memoryBytes: number;
  readonly memoryBytesPerSecond: number;
  /** To the other accelerators of the node, one direction. */
  readonly linkBytesPerSecond: number;
  /** To other nodes, one direction, this accelerator's share. */
  readonly networkBytesPerSecond: number;
  readonly acceleratorsPerNode: number;
  readonly releaseYear: number;
  /** Where the figures above come from. */
  readonly evidence: Evidence;
  /** Of a part that the tables do not hold. */
  readonly own?: { readonly power: Figure; readonly rentalPrice: Figure } | undefined;
}

let tables: { accelerators: FigureTable; prices: FigureTable } | undefined;
let known: ReadonlyMap<string, Accelerator> | undefined;

function figures(): { accelerators: FigureTable; prices: FigureTable } {
  tables ??= { accelerators: new FigureTable("accelerators"), prices: new FigureTable("prices") };
  return tables;
}

/** All accelerators, in the order of the table. */
export function accelerators(): readonly Accelerator[] {
  known ??= new Map(figures().accelerators.subjects.map((name) => [name, read(name)]));
  return [...known.values()];
}

/**
 * The accelerator called `name` (`h100-sxm`; case does not matter).
 * @throws InputError at `place` that names the nearest ones.
 */
export function accelerator(name: string, place: Place = { path: "accelerator" }): Accelerator {
  const all = accelerators();
  const found = all.find((candidate) => candidate.name === name.toLowerCase());
  if (found) return found;
  const names = all.map((candidate) => candidate.name);
  const family = names.filter((candidate) => candidate.startsWith(`${name.toLowerCase()}-`));
  throw new InputError({
    place,
    found: JSON.stringify(name),
    expected: "an accelerator of data/accelerators.csv",
    remedy: family.length > 0 ? `use one of: ${family.join(", ")}` : suggest(name, names),
  });
}

/**
 * The dense peak of `a` in `format`, FLOP/s. Half precision falls back from bf16 to fp16 on hardware without bf16.
 * @throws InputError at `place` when the hardware has no such units.
 */
export function peakFlopsPerSecond(a: Accelerator, format: Format, place?: Place): number {
  const peak = a.peakFlopsPerSecond[format] ?? (format === "bf16" ? a.peakFlopsPerSecond.fp16 : undefined);
  if (peak !== undefined) return peak;
  const available = FORMATS.filter((candidate) => a.peakFlopsPerSecond[candidate] !== undefined);
  throw new InputError({
    place,
    found: `${format} on ${a.name}`,
    expected: `a number format that ${a.name} computes in`,
    remedy: `use one of: ${available.join(", ")}`,
  });
}

/** Board power limit, or the highest draw where the maker states no limit. */
export function powerLimit(
  sampler: Sampler,
  a: Accelerator,
): Estimate<PerAccelerator<{ energy: 1; time: -1 }>> {
  const figure = a.own?.power ?? figures().accelerators.get(a.name, "power");
  return drawFigure(sampler, `accelerators/${a.name}/power`, figure, "W/accelerator");
}

/** Rent of one accelerator with its share of the host, from long reservations to on demand. */
export function rentalPrice(
  sampler: Sampler,
  a: Accelerator,
): Estimate<PerAccelerator<{ money: 1; time: -1 }>> {
  const figure = a.own?.rentalPrice ?? figures().prices.get(a.name, "rental price");
  return drawFigure(sampler, `prices/${a.name}/rental price`, figure, "USD/accelerator/h");
}

/** What an industrial customer pays for electricity, where the brief does not say. */
export function electricityPrice(sampler: Sampler): Estimate<{ money: 1; energy: -1 }> {
  const { prices } = figures();
  return drawFigure(sampler, "prices/electricity/price", prices.get("electricity", "price"), "USD/kWh");
}

function read(name: string): Accelerator {
  const table = figures().accelerators;
  const used: Evidence[] = [];
  const value = (figure: string): number => {
    const row = table.get(name, figure);
    used.push(row.evidence);
    return row.value * row.unit.scale;
  };
  const peaks: Partial<Record<Format, number>> = {};
  for (const format of FORMATS)
    if (table.find(name, `${format} peak`)) peaks[format] = value(`${format} peak`);
  return {
    name,
    peakFlopsPerSecond: peaks,
    memoryBytes: value("memory"),
    memoryBytesPerSecond: value("memory bandwidth"),
    linkBytesPerSecond: value("link bandwidth"),
    networkBytesPerSecond: value("network bandwidth"),
    acceleratorsPerNode: value("accelerators per node"),
    releaseYear: value("release year"),
    evidence: weakest(used),
  };
}
