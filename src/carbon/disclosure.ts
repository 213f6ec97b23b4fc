/**
 * A ledger as a file that a machine reads and a stranger can check: every total, every record with its origin and vintage,
 * every source in full, and every assumption in words.
 */
import type { EstimateSummary, Source } from "../core/index.ts";
import { type Ledger, type LedgerRecord, ledgerTotals } from "./ledger.ts";
import type { Sensitivity } from "./sensitivity.ts";

/** What every account here takes in and leaves out. */
const BOUNDARY =
  "electricity of the computers and of the facility around them (PUE), and the making of accelerators and hosts by the share of their working life; buildings and networks where the ledger has them; not: water, people, office, the making of network gear, end of life unless an entry says so";

export interface Disclosure {
  readonly format: "terrarium-carbon";
  readonly version: 1;
  readonly name: string;
  readonly boundary: string;
  readonly signal: string;
  readonly totals: {
    readonly energy: EstimateSummary;
    /** Scope 2, by the grid's mix at the place. */
    readonly operationalLocationBased: EstimateSummary;
    /** Scope 2, by contracts; null where they are not known. */
    readonly operationalMarketBased: EstimateSummary | null;
    /** Scope 3, amortised. */
    readonly embodied: EstimateSummary;
    readonly total: EstimateSummary;
    readonly embodiedShare: EstimateSummary | null;
  };
  /** Software Carbon Intensity (ISO/IEC 21031) with its terms, (E I + M) / R; null without a functional unit. */
  readonly sci: {
    readonly perUnit: EstimateSummary;
    readonly functionalUnit: string;
    /** E: drawn by the facility. */
    readonly energy: EstimateSummary;
    /** E I, location-based. */
    readonly operational: EstimateSummary;
    /** M. */
    readonly embodied: EstimateSummary;
    /** R. */
    readonly units: EstimateSummary;
  } | null;
  readonly phases: readonly {
    readonly phase: string;
    readonly energy: EstimateSummary;
    readonly operational: EstimateSummary;
    readonly embodied: EstimateSummary;
    readonly total: EstimateSummary;
  }[];
  readonly records: readonly object[];
  readonly assumptions: readonly string[];
  /** Each uncertain input at both ends of its interval; null where nobody asked. */
  readonly sensitivity: Sensitivity | null;
  readonly sources: readonly Source[];
}

export function disclosure(ledger: Ledger, sensitivity: Sensitivity | null = null): Disclosure {
  const totals = ledgerTotals(ledger);
  const sources = new Map<string, Source>();
  for (const { carbon } of ledger.records)
    for (const source of carbon.sources) sources.set(JSON.stringify(source), source);
  return {
    format: "terrarium-carbon",
    version: 1,
    name: ledger.name,
    boundary: BOUNDARY,
    signal: totals.signal,
    totals: {
      energy: totals.energy.summary(),
      operationalLocationBased: totals.operational.summary(),
      operationalMarketBased: totals.marketOperational?.summary() ?? null,
      embodied: totals.embodied.summary(),
      total: totals.total.summary(),
      embodiedShare: totals.embodiedShare?.summary() ?? null,
    },
    sci:
      totals.perUnit && ledger.functionalUnit
        ? {
            perUnit: totals.perUnit.summary(),
            functionalUnit: ledger.functionalUnit.name,
            energy: totals.energy.summary(),
            operational: totals.operational.summary(),
            embodied: totals.embodied.summary(),
            units: ledger.functionalUnit.count.summary(),
          }
        : null,
    phases: totals.phases.map(({ phase, energy, operational, embodied, total }) => ({
      phase,
      energy: energy.summary(),
      operational: operational.summary(),
      embodied: embodied.summary(),
      total: total.summary(),
    })),
    records: ledger.records.map(recordObject),
    assumptions: assumptions(ledger),
    sensitivity,
    sources: [...sources.values()],
  };
}

/** What has to be said with the totals: each note once, with the record it is about. */
export function assumptions(ledger: Ledger): string[] {
  const said = new Map<string, string[]>();
  for (const { notes, what } of ledger.records) {
    for (const note of notes) said.set(note, [...(said.get(note) ?? []), what]);
  }
  const operational = ledger.records.filter((record) => record.kind === "operational");
  const unknown = operational.filter(({ marketCarbon }) => marketCarbon === undefined);
  if (unknown.length > 0 && unknown.length < operational.length) {
    const note = "its contracts are not known, so there is no market-based total";
    said.set(
      note,
      unknown.map(({ what }) => what),
    );
  }
  return [...said].map(([note, what]) => `${[...new Set(what)].join(", ")}: ${note}`);
}

function recordObject(record: LedgerRecord): object {
  const { phase, kind, what, emitter, carbon, provenance, notes } = record;
  const shared = { phase, kind, what, emitter, carbon: carbon.summary() };
  if (record.kind === "embodied") return { ...shared, provenance, notes };
  return {
    ...shared,
    marketCarbon: record.marketCarbon?.summary() ?? null,
    energy: record.energy?.summary() ?? null,
    signal: record.signal,
    provenance,
    notes,
  };
}
