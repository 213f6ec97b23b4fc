/**
 * The account of a model over its life: phases, each with an operational and an embodied part (arXiv:2406.05303), as a list
 * of records that say what was counted, how much, and where each number comes from.
 */
import { Estimate, exactly, InputError, type Place, sum } from "../core/index.ts";
import type { Signal } from "./grids.ts";
import type { Provenance } from "./provenance.ts";
import type { Carbon, Energy, Ratio, Time } from "./quantities.ts";

export const PHASES = [
  "data",
  "experimentation",
  "training",
  "post-training",
  "inference",
  "end-of-life",
] as const;
export type Phase = (typeof PHASES)[number];

interface AnyRecord {
  readonly phase: Phase;
  /** What was counted, in a few words. */
  readonly what: string;
  /** Where the carbon is from: the electricity of a place, or the making of something. */
  readonly emitter: string;
  readonly provenance: readonly Provenance[];
  /** What a reader must be told about this record: a default that was used, a reading that is missing. */
  readonly notes: readonly string[];
}

export interface OperationalRecord extends AnyRecord {
  readonly kind: "operational";
  /** Location-based. */
  readonly carbon: Carbon;
  /** By the contracts of the operator; undefined where nobody said what they are. */
  readonly marketCarbon: Carbon | undefined;
  /** Drawn by the facility; undefined where only the carbon is known. */
  readonly energy: Energy | undefined;
  readonly signal: Signal;
}

export interface EmbodiedRecord extends AnyRecord {
  readonly kind: "embodied";
  /** The amortised share. */
  readonly carbon: Carbon;
}

export type LedgerRecord = OperationalRecord | EmbodiedRecord;

/** What carbon is divided by to compare: a token served, a request, a user and month. */
export interface FunctionalUnit {
  readonly name: string;
  readonly count: Ratio;
}

export interface Ledger {
  readonly name: string;
  readonly records: readonly LedgerRecord[];
  readonly functionalUnit: FunctionalUnit | undefined;
  /** From the start of the work to its end; undefined where nobody said. */
  readonly delay: Time | undefined;
}

export interface PhaseTotals {
  readonly phase: Phase;
  readonly energy: Energy;
  readonly operational: Carbon;
  readonly embodied: Carbon;
  readonly total: Carbon;
}

export interface LedgerTotals {
  /** Phases with a record, in the order of life. */
  readonly phases: readonly PhaseTotals[];
  readonly signal: Signal;
  readonly energy: Energy;
  /** Location-based. */
  readonly operational: Carbon;
  /** Undefined unless every operational record has a market-based figure. */
  readonly marketOperational: Carbon | undefined;
  readonly embodied: Carbon;
  /** Location-based operational and embodied. */
  readonly total: Carbon;
  /** Of the total; undefined where the total is zero. */
  readonly embodiedShare: Ratio | undefined;
  /** Carbon per functional unit, SCI = (E I + M) / R, as an amount of carbon; undefined without a unit. */
  readonly perUnit: Carbon | undefined;
}

/** Sums a ledger. Throws an `InputError` where average and marginal signals would be added up. */
export function ledgerTotals(ledger: Ledger, place?: Place): LedgerTotals {
  const operational = ledger.records.filter((record) => record.kind === "operational");
  const signals = [...new Set(operational.map(({ signal }) => signal))];
  if (signals.length > 1) {
    throw new InputError({
      place,
      found: `in one ledger ${signals
        .map((signal) => {
          const { what } = operational.find((record) => record.signal === signal)!;
          return `"${what}" by the ${signal} signal`;
        })
        .join(" and ")}`,
      expected:
        "one signal: an average shares out what the grid emitted, a marginal one what a decision changes",
      remedy: "make a ledger for each",
    });
  }
  const phases = PHASES.filter((phase) => ledger.records.some((record) => record.phase === phase)).map(
    (phase) =>
      phaseTotals(
        phase,
        ledger.records.filter((record) => record.phase === phase),
      ),
  );
  const operationalTotal = totalCarbon(phases.map((phase) => phase.operational));
  const embodied = totalCarbon(phases.map((phase) => phase.embodied));
  const total = operationalTotal.plus(embodied);
  const market = operational.map(({ marketCarbon }) => marketCarbon);
  return {
    phases,
    signal: signals[0] ?? "average",
    energy: totalEnergy(phases.map((phase) => phase.energy)),
    operational: operationalTotal,
    marketOperational: market.every((carbon) => carbon !== undefined) ? totalCarbon(market) : undefined,
    embodied,
    total,
    embodiedShare: total.value() > 0 ? embodied.over(total) : undefined,
    perUnit: ledger.functionalUnit && total.over(ledger.functionalUnit.count),
  };
}

function phaseTotals(phase: Phase, records: readonly LedgerRecord[]): PhaseTotals {
  const of = (kind: LedgerRecord["kind"]) =>
    totalCarbon(records.filter((record) => record.kind === kind).map(({ carbon }) => carbon));
  const [operational, embodied] = [of("operational"), of("embodied")];
  const energies = records.flatMap((record) =>
    record.kind === "operational" && record.energy ? [record.energy] : [],
  );
  return { phase, energy: totalEnergy(energies), operational, embodied, total: operational.plus(embodied) };
}

function totalCarbon(parts: readonly Carbon[]): Carbon {
  return sum(Estimate.exact(0, "kgCO2e"), ...parts);
}

function totalEnergy(parts: readonly Energy[]): Energy {
  return sum(Estimate.exact(0, "kWh"), ...parts);
}

/** The same record at another size: a share of a shared machine, or a phase that is known as a multiple of another. */
export function scaledRecord<R extends LedgerRecord>(record: R, factor: Ratio, note?: string): R {
  const scaled = {
    ...record,
    carbon: record.carbon.times(factor),
    notes: note === undefined ? record.notes : [...record.notes, note],
  };
  if (record.kind === "embodied") return scaled;
  return {
    ...scaled,
    energy: record.energy?.times(factor),
    marketCarbon: record.marketCarbon?.times(factor),
  };
}

/** `scaledRecord` by an exact share. */
export function sharedRecord<R extends LedgerRecord>(record: R, share: number): R {
  return share === 1 ? record : scaledRecord(record, exactly(share), `${share} of it is charged here`);
}
