/** Ledgers as people write them: YAML with a default place and a list of entries, each of one phase of life. */
import { dirname, resolve } from "node:path";
import type { z } from "zod";
import {
  type AnyEstimate,
  type Dimension,
  Estimate,
  exactly,
  InputError,
  type Place,
  readConfig,
  type Sampler,
  type Supervision,
} from "../core/index.ts";
import { readCodecarbon } from "./codecarbon.ts";
import { acceleratorEmbodied, publishedAccelerators, serverLifetime, serverUtilisation } from "./embodied.ts";
import { readEnergyLog } from "./energy-log.ts";
import { givenIntensity, gridIntensity } from "./grids.ts";
import { readManifest } from "./impact-framework.ts";
import {
  type Ledger,
  type LedgerRecord,
  type OperationalRecord,
  scaledRecord,
  sharedRecord,
} from "./ledger.ts";
import { type AcceleratorUse, type Entry, LedgerFile, type LogUse } from "./ledger-schema.ts";
import { hostFactor, powerUsageEffectiveness } from "./operational.ts";
import type { Provenance } from "./provenance.ts";
import type { Intensity, Ratio } from "./quantities.ts";
import { draw, quantity, type Range } from "./ranges.ts";
import {
  buildingLifetime,
  buildingRecord,
  bundledIn,
  embodiedRecord,
  energyRecord,
  FLEET_PHASES,
  fleetRatio,
  meteredRecord,
  networkEnergy,
  runRecords,
  type Supply,
} from "./records.ts";
import type { IntensitySeries } from "./series.ts";
import { readIntensitySeries } from "./series-files.ts";

/** Reads and works out a ledger. Throws an `InputError` with the line of whatever cannot stand. */
export async function readLedger(
  file: string,
  sampler: Sampler,
  supervision: Supervision = {},
): Promise<Ledger> {
  const { value, placeOf } = readConfig(file, LedgerFile, "a ledger of carbon, in YAML");
  return workedOut(value, file, placeOf, sampler, supervision);
}

/** Works out a ledger that is already checked; `source` is what its numbers are said to come from. */
export async function workedOut(
  value: LedgerFile,
  source: string,
  placeOf: (path: readonly PropertyKey[]) => Place,
  sampler: Sampler,
  supervision: Supervision = {},
): Promise<Ledger> {
  const records: LedgerRecord[] = [];
  for (const [index, entry] of value.entries.entries()) {
    const reader = new EntryReader(entry, value, {
      file: source,
      name: entry.name ?? entry.phase,
      number: index + 1,
      sampler,
      supervision,
      placeOf: (...path) => placeOf(["entries", index, ...path]),
      defaultPlaceOf: (...path) => placeOf(path),
    });
    records.push(...(await reader.records(records)));
  }
  const unit = value["functional-unit"];
  return {
    name: value.name,
    records,
    functionalUnit: unit && {
      name: unit.name,
      count: draw(sampler, "ledger/functional-unit", unit.count, "1", undefined, source),
    },
  };
}

interface Context {
  readonly file: string;
  readonly name: string;
  /** From 1: two entries of one name are drawn apart. */
  readonly number: number;
  readonly sampler: Sampler;
  readonly supervision: Supervision;
  readonly placeOf: (...path: string[]) => Place;
  readonly defaultPlaceOf: (...path: string[]) => Place;
}

interface Written {
  readonly text: string | number;
  readonly place: Place;
  readonly drawnAs: string;
}

type Defaults = Pick<LedgerFile, "grid" | "signal" | "market" | "facility" | "pue">;

class EntryReader {
  readonly #entry: Entry;
  readonly #defaults: Defaults;
  readonly #context: Context;
  readonly #defaulted = new Map<string, AnyEstimate>();

  constructor(entry: Entry, defaults: Defaults, context: Context) {
    this.#entry = entry;
    this.#defaults = defaults;
    this.#context = context;
  }

  /** `before` are the records of the entries above, which this one may be a multiple of. */
  async records(before: readonly LedgerRecord[]): Promise<LedgerRecord[]> {
    const { phase, embodied, building, transferred } = this.#entry;
    const { name, sampler } = this.#context;
    const records: LedgerRecord[] = await this.#main(before);
    if (transferred) {
      const network = networkEnergy(sampler, this.#draw("transferred", transferred, "GB"));
      const origin = bundledIn("cloud-carbon-footprint", "energy of networks");
      records.push(energyRecord(phase, `network of ${name}`, network, this.#supply(), [origin]));
    }
    if (building) {
      const { carbon, capacity, lifetime } = building;
      const house = {
        carbon: this.#draw("building/carbon", carbon, "tCO2e"),
        capacity: this.#draw("building/capacity", capacity, "MW"),
        lifetime: lifetime
          ? this.#draw("building/lifetime", lifetime, "year")
          : this.#taken("lifetime of buildings", buildingLifetime(sampler).shownIn("year")),
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
      records.push(embodiedRecord(phase, what, carbon, [this.#given("embodied carbon")]));
    }
    const shared = records.map((record) => sharedRecord(record, this.#entry.share));
    const [first, ...rest] = shared;
    if (first === undefined || this.#defaulted.size === 0) return shared;
    const taken = [...this.#defaulted].map(([what, estimate]) => `${what} ${estimate}`).join(", ");
    return [
      { ...first, notes: [...first.notes, `not given, so taken from published figures: ${taken}`] },
      ...rest,
    ];
  }

  /** Remembers a figure that nobody gave, to be said with the result. */
  #taken<D extends Dimension>(what: string, estimate: Estimate<D>): Estimate<D> {
    this.#defaulted.set(what, estimate);
    return estimate;
  }

  async #main(before: readonly LedgerRecord[]): Promise<LedgerRecord[]> {
    const entry = this.#entry;
    const { name, file } = this.#context;
    const beside = (path: string) => resolve(dirname(file), path);
    if (entry.energy) {
      const drawn = this.#draw("energy", entry.energy, "kWh");
      const energy = entry["metered-at"] === "computers" ? drawn.times(this.#pue()) : drawn;
      return [energyRecord(entry.phase, name, energy, this.#supply(), [this.#given("energy")])];
    }
    if (entry.accelerators) return this.#accelerators(entry.accelerators);
    if (entry.log) return [await this.#log(entry.log)];
    if (entry.codecarbon) return readCodecarbon(beside(entry.codecarbon), entry.phase);
    if (entry.manifest) return readManifest(beside(entry.manifest), entry.phase).records;
    if (entry.like) return this.#like(entry.like, before);
    if (entry.carbon) {
      const record: OperationalRecord = {
        phase: entry.phase,
        kind: "operational",
        what: name,
        carbon: this.#draw("carbon", entry.carbon, "kgCO2e"),
        marketCarbon: undefined,
        energy: undefined,
        signal: "average",
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
      power: this.#draw("power", use.power, "W").over(perOne),
      hostFactor: use["host-factor"]
        ? this.#draw("host-factor", use["host-factor"], "1")
        : this.#taken("host factor", hostFactor(sampler)),
      pue: this.#pue(),
      intensity: this.#supply().grid.intensity,
      embodied: use.embodied
        ? this.#draw("embodied each", use.embodied, "kgCO2e").over(perOne)
        : acceleratorEmbodied(sampler, use.kind),
      lifetime: use.lifetime
        ? this.#draw("lifetime", use.lifetime, "year")
        : this.#taken("lifetime of servers", serverLifetime(sampler).shownIn("year")),
      utilisation: use.utilisation
        ? this.#draw("utilisation", use.utilisation, "1")
        : this.#taken("utilisation of servers", serverUtilisation(sampler)),
    };
    const origin = [this.#given("accelerators, time and power")];
    const [operational, embodied] = runRecords(phase, name, run, this.#supply(), origin);
    if (use.embodied) return [operational, { ...embodied, provenance: [this.#given("embodied carbon")] }];
    const known = publishedAccelerators().includes((use.kind ?? "").toLowerCase());
    const note = `${use.kind === undefined ? "no kind of accelerator is named" : `no footprint of "${use.kind}" is published`}: the range of all accelerators is taken`;
    return [operational, known ? embodied : { ...embodied, notes: [note] }];
  }

  async #log(use: z.output<typeof LogUse>): Promise<LedgerRecord> {
    const { file, name, sampler, supervision } = this.#context;
    const beside = (path: string) => resolve(dirname(file), path);
    const measurement = await readEnergyLog(beside(use.file), { timeZone: use["time-zone"] }, supervision);
    const beyondMeter = use["host-factor"]
      ? this.#draw("host-factor", use["host-factor"], "1")
      : measurement.devices.every(({ component }) => component === "accelerator")
        ? this.#taken("host factor", hostFactor(sampler))
        : exactly(1);
    let series: IntensitySeries | undefined;
    if (use.series) {
      const { file: seriesFile, ...options } = use.series;
      series = readIntensitySeries(beside(seriesFile), { ...options, timeZone: use["time-zone"] });
    }
    const place = { ...this.#supply(), overhead: beyondMeter.times(this.#pue()), series };
    return meteredRecord(this.#entry.phase, name, measurement, place, sampler);
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
    const signal = this.#entry.signal ?? this.#defaults.signal ?? "average";
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

  /** What the entry says, or else the ledger; with the name under which it is drawn. */
  #written(field: "grid" | "market"): Written | undefined {
    const own = this.#entry[field];
    const text = own ?? this.#defaults[field];
    if (text === undefined) return undefined;
    return own === undefined
      ? { text, place: this.#context.defaultPlaceOf(field), drawnAs: `ledger/${field}` }
      : { text, place: this.#context.placeOf(field), drawnAs: this.#nameOf(field) };
  }

  /** Undefined for what starts with a letter: the name of a place. */
  #intensity({ text, place, drawnAs }: Written): Intensity | undefined {
    if (typeof text === "string" && !/^\s*[-+.\d]/.test(text)) return undefined;
    const range = quantity("gCO2e/kWh").safeParse(text);
    if (range.success) return this.#drawAs(drawnAs, range.data, "gCO2e/kWh");
    throw new InputError({
      place,
      found: `"${text}"`,
      expected: range.error.issues[0]!.message,
      remedy: "write an intensity such as 57 gCO2e/kWh, or the name of a grid zone",
    });
  }

  #pue(): Ratio {
    const { pue, facility } = this.#entry;
    if (pue) return this.#draw("pue", pue, "1");
    if (!facility && this.#defaults.pue) return this.#drawAs("ledger/pue", this.#defaults.pue, "1");
    const kind = facility ?? this.#defaults.facility ?? "average";
    return this.#taken(`PUE (${kind})`, powerUsageEffectiveness(this.#context.sampler, kind));
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
    const { basis, source } = this.#entry;
    return {
      what,
      origin: basis === "measured" ? "measured" : "given",
      source: source ?? this.#context.file,
    };
  }
}
