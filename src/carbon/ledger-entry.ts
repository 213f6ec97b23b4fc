/** One entry of a ledger as records: what it draws of uncertain inputs, and what it takes where nobody gave a figure. */
import { resolve } from "node:path";
import type { z } from "zod";
import {
  type AnyEstimate,
  type Dimension,
  Estimate,
  exactly,
  InputError,
  type Place,
  type Sampler,
  type Supervision,
} from "../core/index.ts";
import { accelerator, averagePower, type PowerPerAccelerator } from "../hardware/index.ts";
import { readCodecarbon } from "./codecarbon.ts";
import { acceleratorEmbodied, publishedKind, serverLifetime, serverUtilisation } from "./embodied.ts";
import { readEnergyLog } from "./energy-log.ts";
import { givenIntensity, gridIntensity, type Signal } from "./grids.ts";
import { readManifest } from "./impact-framework.ts";
import { type LedgerRecord, type OperationalRecord, scaledRecord, sharedRecord } from "./ledger.ts";
import type { AcceleratorUse, Entry, LedgerFile, LogUse } from "./ledger-schema.ts";
import { measuredProfile } from "./measurement.ts";
import { facilityEnergy, hostFactor, powerUsageEffectiveness } from "./operational.ts";
import { bundled, type Provenance } from "./provenance.ts";
import type { Intensity, Ratio } from "./quantities.ts";
import { draw, type Range } from "./ranges.ts";
import {
  buildingLifetime,
  buildingRecord,
  embodiedRecord,
  energyRecord,
  FLEET_PHASES,
  fleetRatio,
  type Metered,
  meteredRecord,
  networkEnergy,
  runRecords,
  type Supply,
} from "./records.ts";
import type { IntensitySeries } from "./series.ts";
import { readIntensitySeries } from "./series-files.ts";
import { writtenIntensity } from "./written-grid.ts";

/** What the files that an entry names hold. */
export interface EntryEvidence {
  readonly metered?: Metered;
  readonly series?: IntensitySeries;
  /** Runs that another tool has accounted for. */
  readonly imported?: readonly LedgerRecord[];
}

/** Reads the files that an entry names, from `folder`. Throws an `InputError` with the line of what cannot be read. */
export async function readEvidence(
  { log, codecarbon, manifest, phase }: Entry,
  folder: string,
  supervision: Supervision,
): Promise<EntryEvidence> {
  const beside = (path: string) => resolve(folder, path);
  if (codecarbon) return { imported: readCodecarbon(beside(codecarbon), phase) };
  if (manifest) return { imported: readManifest(beside(manifest), phase).records };
  if (log === undefined) return {};
  const measurement = await readEnergyLog(beside(log.file), { timeZone: log["time-zone"] }, supervision);
  const metered = { measurement, profile: measuredProfile(measurement) };
  if (log.series === undefined) return { metered };
  const { file, "time-zone": timeZone, ...options } = log.series;
  return { metered, series: readIntensitySeries(beside(file), { ...options, timeZone }) };
}

interface Context {
  readonly file: string;
  readonly name: string;
  /** From 1: two entries of one name are drawn apart. */
  readonly number: number;
  readonly sampler: Sampler;
  readonly placeOf: (...path: string[]) => Place;
  readonly defaultPlaceOf: (...path: string[]) => Place;
}

interface Written {
  readonly text: string | number;
  readonly place: Place;
  readonly drawnAs: string;
}

type Defaults = Pick<LedgerFile, "grid" | "signal" | "market" | "facility" | "pue">;

export class EntryReader {
  readonly #entry: Entry;
  readonly #defaults: Defaults;
  readonly #evidence: EntryEvidence;
  readonly #context: Context;
  /** Figures that nobody gave. */
  readonly #taken = new Map<string, AnyEstimate>();

  constructor(entry: Entry, defaults: Defaults, evidence: EntryEvidence, context: Context) {
    this.#entry = entry;
    this.#defaults = defaults;
    this.#evidence = evidence;
    this.#context = context;
  }

  /** `before` are the records of the entries above, which this one may be a multiple of. */
  records(before: readonly LedgerRecord[]): LedgerRecord[] {
    const { phase, embodied, building, transferred } = this.#entry;
    const { name, sampler } = this.#context;
    const records = this.#main(before);
    if (transferred) {
      const network = networkEnergy(sampler, this.#draw("transferred", transferred, "GB"));
      const origins = [this.#given("data moved"), bundled("energy of networks", network)];
      const energy = facilityEnergy(network, this.#pue());
      records.push(energyRecord(phase, `network of ${name}`, energy, this.#supply(), origins));
    }
    if (building) {
      const { carbon, capacity, lifetime } = building;
      const house = {
        carbon: this.#draw("building/carbon", carbon, "tCO2e"),
        capacity: this.#draw("building/capacity", capacity, "MW"),
        lifetime: lifetime
          ? this.#draw("building/lifetime", lifetime, "year")
          : this.#take("lifetime of buildings", buildingLifetime(sampler).shownIn("year")),
      };
      for (const { energy } of records.filter((record) => record.kind === "operational")) {
        if (energy)
          records.push(
            buildingRecord(phase, `building of ${name}`, house, energy, [this.#given("building")]),
          );
      }
    }
    if (embodied) {
      const carbon = this.#draw("embodied", embodied, "kgCO2e");
      const what = records.length === 0 ? name : `hardware of ${name}`;
      records.push(
        embodiedRecord(phase, what, "embodied carbon as given", carbon, [this.#given("embodied carbon")]),
      );
    }
    const shared = records.map((record) => sharedRecord(record, this.#entry.share));
    const [first, ...rest] = shared;
    if (first === undefined || this.#taken.size === 0) return shared;
    const figures = [...this.#taken].map(([what, estimate]) => `${what} ${estimate}`).join(", ");
    return [
      {
        ...first,
        provenance: [...first.provenance, ...[...this.#taken].map((figure) => bundled(...figure))],
        notes: [...first.notes, `not given, so taken from published figures: ${figures}`],
      },
      ...rest,
    ];
  }

  /** Remembers a figure that nobody gave, to be said with the result. */
  #take<D extends Dimension>(what: string, estimate: Estimate<D>): Estimate<D> {
    this.#taken.set(what, estimate);
    return estimate;
  }

  #main(before: readonly LedgerRecord[]): LedgerRecord[] {
    const entry = this.#entry;
    const { name } = this.#context;
    if (entry.energy) {
      const drawn = this.#draw("energy", entry.energy, "kWh");
      const energy = entry["metered-at"] === "computers" ? drawn.times(this.#pue()) : drawn;
      return [energyRecord(entry.phase, name, energy, this.#supply(), [this.#given("energy")])];
    }
    if (entry.accelerators) return this.#accelerators(entry.accelerators);
    if (entry.log) return [this.#log(entry.log, this.#evidence.metered!)];
    if (this.#evidence.imported) return [...this.#evidence.imported];
    if (entry.like) return this.#like(entry.like, before);
    if (entry.carbon) {
      const record: OperationalRecord = {
        phase: entry.phase,
        kind: "operational",
        what: name,
        emitter: "electricity (carbon as given)",
        carbon: this.#draw("carbon", entry.carbon, "kgCO2e"),
        marketCarbon: undefined,
        energy: undefined,
        signal: this.#signal,
        provenance: [this.#given("operational carbon")],
        notes: ["worked out elsewhere: its energy and its grid are not known here"],
      };
      return [record];
    }
    return [];
  }

  #accelerators(use: z.output<typeof AcceleratorUse>): LedgerRecord[] {
    const { sampler, name } = this.#context;
    const { phase } = this.#entry;
    const perOne = Estimate.exact(1, "accelerator");
    const run = {
      accelerators: this.#draw("count", use.count, "accelerator"),
      wallClock: this.#draw("time", use.time, "h"),
      power: this.#power(use),
      hostFactor: use["host-factor"]
        ? this.#draw("host-factor", use["host-factor"], "1")
        : this.#take("host factor", hostFactor(sampler)),
      pue: this.#pue(),
      intensity: this.#supply().grid.intensity,
      embodied: use.embodied
        ? this.#draw("embodied each", use.embodied, "kgCO2e").over(perOne)
        : acceleratorEmbodied(sampler, use.kind),
      lifetime: use.lifetime
        ? this.#draw("lifetime", use.lifetime, "year")
        : this.#take("lifetime of servers", serverLifetime(sampler).shownIn("year")),
      utilisation: use.utilisation
        ? this.#draw("utilisation", use.utilisation, "1")
        : this.#take("utilisation of servers", serverUtilisation(sampler)),
    };
    const [operational, embodied] = runRecords(phase, name, run, this.#supply(), [
      this.#given(use.power ? "accelerators, time and power" : "accelerators and time"),
    ]);
    if (use.embodied) return [operational, { ...embodied, provenance: [this.#given("embodied carbon")] }];
    const known = use.kind !== undefined && publishedKind(use.kind) !== undefined;
    const note = `${use.kind === undefined ? "no kind of accelerator is named" : `no footprint of "${use.kind}" is published`}: the range of all accelerators is taken`;
    const origin = bundled(`embodied carbon of ${use.kind ?? "accelerators"} and hosts`, run.embodied);
    return [operational, { ...embodied, provenance: [origin], notes: known ? [] : [note] }];
  }

  /** As it is given; else what the machine draws at this kind of work while it is busy for `load` of the time. */
  #power(use: z.output<typeof AcceleratorUse>): PowerPerAccelerator {
    if (use.power) return this.#draw("power", use.power, "W").over(Estimate.exact(1, "accelerator"));
    const { sampler, placeOf } = this.#context;
    const machine = accelerator(use.kind!, placeOf("accelerators", "kind"));
    const program = this.#entry.phase === "inference" ? "decoding" : "training";
    const load = use.load ? this.#draw("load", use.load, "1") : exactly(1);
    return this.#take(`power of ${machine.name}, ${program}`, averagePower(sampler, machine, program, load));
  }

  #log(use: z.output<typeof LogUse>, metered: Metered): LedgerRecord {
    const { name, sampler } = this.#context;
    const beyondMeter = use["host-factor"]
      ? this.#draw("host-factor", use["host-factor"], "1")
      : metered.measurement.devices.every(({ component }) => component === "accelerator")
        ? this.#take("host factor", hostFactor(sampler))
        : exactly(1);
    const months = this.#monthlyPue();
    const supply = {
      ...this.#supply(),
      overhead: months ? beyondMeter : beyondMeter.times(this.#pue()),
      monthlyPue: months,
      series: this.#evidence.series,
    };
    return meteredRecord(this.#entry.phase, name, metered, supply, sampler);
  }

  #like({ phase, times }: NonNullable<Entry["like"]>, before: readonly LedgerRecord[]): LedgerRecord[] {
    const own = this.#entry.phase;
    const known = before.filter((record) => record.phase === phase);
    if (known.length === 0) {
      throw new InputError({
        place: this.#context.placeOf("like", "phase"),
        found: `"${phase}", of which no entry stands above`,
        expected: "a phase that an entry above has counted",
        remedy: "move this entry below it",
      });
    }
    if (times === undefined && !FLEET_PHASES.some((fleet) => fleet === own)) {
      throw new InputError({
        place: this.#context.placeOf("like"),
        found: `no "times" for the phase "${own}"`,
        expected: `a factor: fleets are published only for ${FLEET_PHASES.join(", ")}`,
      });
    }
    const factor = times
      ? this.#draw("like", times, "1")
      : fleetRatio(own as (typeof FLEET_PHASES)[number], phase);
    const note = times
      ? `taken as a multiple of ${phase}`
      : `not counted: taken from ${phase} by the capacities of a large fleet (10 : 20 : 70)`;
    return known.map((record, index) => ({
      ...scaledRecord(record, factor, index === 0 ? note : undefined),
      phase: own,
      what: `${this.#context.name} (as ${record.what})`,
    }));
  }

  #supply(): Supply {
    const grid = this.#written("grid");
    const intensity = grid && this.#intensity(grid);
    const market = this.#written("market");
    const marketIntensity = market && this.#intensity(market);
    if (market && !marketIntensity) {
      throw new InputError({
        place: market.place,
        found: `"${market.text}"`,
        expected: "the intensity of the contracts, such as 0 gCO2e/kWh: a place says nothing about them",
      });
    }
    const signal = this.#signal;
    if (signal === "marginal" && !intensity) {
      throw new InputError({
        place: this.#context.placeOf("signal"),
        found: "a marginal signal for a place",
        expected: "a written intensity, or a series of a log: only averages of places are bundled",
      });
    }
    return {
      grid: intensity
        ? givenIntensity(intensity, { signal }, this.#context.file)
        : gridIntensity(this.#context.sampler, grid && String(grid.text), { place: grid?.place ?? {} }),
      market: marketIntensity,
    };
  }

  get #signal(): Signal {
    return this.#entry.signal ?? this.#defaults.signal ?? "average";
  }

  /** What the entry says, or else the ledger; with the name under which it is drawn. */
  #written(field: "grid" | "market"): Written | undefined {
    const own = this.#entry[field];
    const text = own ?? this.#defaults[field];
    if (text === undefined) return undefined;
    return own === undefined
      ? { text, place: this.#context.defaultPlaceOf(field), drawnAs: `ledger/${field}` }
      : { text, place: this.#context.placeOf(field), drawnAs: this.#nameOf(field) };
  }

  /** Undefined for the name of a place. */
  #intensity({ text, place, drawnAs }: Written): Intensity | undefined {
    return writtenIntensity(text, place, (range) => this.#drawAs(drawnAs, range, "gCO2e/kWh"));
  }

  #pue(): Ratio {
    const months = this.#monthlyPue();
    if (months) {
      const mean = months.reduce((sum, month) => sum + month, 0) / months.length;
      return exactly(mean, { basis: "given", sources: [{ id: this.#context.file, title: "ledger" }] });
    }
    const { pue, facility } = this.#entry;
    if (pue) return this.#draw("pue", pue as Range, "1");
    if (!facility && this.#defaults.pue) return this.#drawAs("ledger/pue", this.#defaults.pue as Range, "1");
    const kind = facility ?? this.#defaults.facility ?? "average";
    return this.#take(`PUE (${kind})`, powerUsageEffectiveness(this.#context.sampler, kind));
  }

  /** One PUE for each month of the year, where the entry or else the ledger has them. */
  #monthlyPue(): readonly number[] | undefined {
    const { pue, facility } = this.#entry;
    const written = pue ?? (facility ? undefined : this.#defaults.pue);
    return Array.isArray(written) ? written : undefined;
  }

  #nameOf(field: string): string {
    return `ledger/${this.#context.number} ${this.#context.name}/${field}`;
  }

  #draw<S extends string>(field: string, range: Range, symbol: S) {
    return this.#drawAs(this.#nameOf(field), range, symbol);
  }

  #drawAs<S extends string>(name: string, range: Range, symbol: S) {
    const { sampler, file } = this.#context;
    return draw(sampler, name, range, symbol, this.#entry.basis, this.#entry.source ?? file);
  }

  #given(what: string): Provenance {
    const { basis, source, vintage } = this.#entry;
    return {
      what,
      origin: basis === "measured" ? "measured" : "given",
      source: source ?? this.#context.file,
      vintage,
    };
  }
}
