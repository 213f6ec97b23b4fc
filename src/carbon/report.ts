/** Accounts as people read them: each function turns a result into tables, charts and notes. `page.ts` is the other renderer. */
import { type AnyEstimate, formatEstimate, formatNumber, terminalTable } from "../core/index.ts";
import { type Comparison, nearestRun, type ServingAccount } from "./accounts.ts";
import type { Bill } from "./bill.ts";
import { assumptions } from "./disclosure.ts";
import type { AcceleratorFootprint } from "./embodied.ts";
import { type Ledger, type LedgerRecord, ledgerTotals, type Phase, type PhaseTotals } from "./ledger.ts";
import type { Provenance } from "./provenance.ts";
import type { Sensitivity } from "./sensitivity.ts";

export interface ReportTable {
  readonly title: string;
  readonly columns: readonly string[];
  /** Indices of columns that are put to the right. */
  readonly numeric: readonly number[];
  readonly rows: readonly (readonly string[])[];
}

/** What the charts of a ledger show; carbon in kgCO2e. */
export interface LedgerCharts {
  /** Medians of both parts, and the 90 % interval of their sum. */
  readonly phases: readonly {
    readonly phase: Phase;
    readonly operational: number;
    readonly embodied: number;
    readonly low: number;
    readonly high: number;
  }[];
  /** Median of each record. */
  readonly flows: readonly {
    readonly emitter: string;
    readonly part: LedgerRecord["kind"];
    readonly phase: Phase;
    readonly kilograms: number;
  }[];
  readonly sensitivity: Sensitivity | undefined;
}

export interface CarbonReport {
  readonly title: string;
  /** What a reader must know before any figure. */
  readonly warnings: readonly string[];
  readonly tables: readonly ReportTable[];
  readonly charts: LedgerCharts | undefined;
  readonly notes: readonly string[];
}

export function ledgerReport(ledger: Ledger, moved?: Sensitivity): CarbonReport {
  const totals = ledgerTotals(ledger);
  const summary: [string, AnyEstimate | undefined][] = [
    ["energy", totals.energy],
    ["operational, location-based", totals.operational],
    ["operational, market-based", totals.marketOperational],
    ["embodied", totals.embodied],
    ["total, location-based", totals.total],
    ["embodied share", totals.embodiedShare?.shownIn("%")],
    [`per ${ledger.functionalUnit?.name} (SCI)`, totals.perUnit],
  ];
  return {
    title: ledger.name,
    warnings: [],
    tables: [
      figureTable(
        `totals, by the ${totals.signal} signal`,
        summary.filter((row): row is [string, AnyEstimate] => row[1] !== undefined),
      ),
      {
        title: "by phase",
        columns: ["phase", "energy", "operational", "embodied", "total", "90 % interval"],
        numeric: [1, 2, 3, 4, 5],
        rows: totals.phases.map(phaseRow),
      },
      {
        title: "records",
        columns: ["phase", "what", "kind", "carbon", "90 % interval", "known"],
        numeric: [3, 4],
        rows: ledger.records.map(({ phase, what, kind, carbon }) => {
          const { value, interval } = formatEstimate(carbon);
          return [phase, what, kind, value, interval || "exact", carbon.basis];
        }),
      },
      provenanceTable(ledger.records.flatMap(({ provenance }) => provenance)),
    ],
    charts: {
      phases: totals.phases.map(({ phase, operational, embodied, total }) => ({
        phase,
        operational: operational.value("kgCO2e"),
        embodied: embodied.value("kgCO2e"),
        ...total.interval("kgCO2e"),
      })),
      flows: ledger.records.map(({ emitter, kind, phase, carbon }) => ({
        emitter,
        part: kind,
        phase,
        kilograms: carbon.value("kgCO2e"),
      })),
      sensitivity: moved,
    },
    notes: assumptions(ledger),
  };
}

export function trainingReport(ledger: Ledger, moved?: Sensitivity): CarbonReport {
  const report = ledgerReport(ledger, moved);
  const { name, energy, carbon } = nearestRun(ledgerTotals(ledger).energy);
  const scale = `for scale: ${name} drew ${formatEstimate(energy).value}, which emitted ${formatEstimate(carbon).value}`;
  return { ...report, notes: [...report.notes, scale] };
}

export function servingReport(
  { ledger, perRequest, perYear }: ServingAccount,
  moved?: Sensitivity,
): CarbonReport {
  const { perUnit, energy } = ledgerTotals(ledger);
  const rows: [string, AnyEstimate | undefined][] = [
    [`carbon per ${ledger.functionalUnit!.name}`, perUnit],
    [`energy per ${ledger.functionalUnit!.name}`, energy.over(ledger.functionalUnit!.count).shownIn("Wh")],
    ["carbon per request", perRequest?.carbon],
    ["energy per request", perRequest?.energy.shownIn("Wh")],
    ["carbon per year", perYear],
  ];
  const known = rows.filter((row): row is [string, AnyEstimate] => row[1] !== undefined);
  const base = ledgerReport(ledger, moved);
  return { ...base, tables: [figureTable("serving", known), ...base.tables.slice(1)] };
}

export function billReport(bill: Bill): CarbonReport {
  return {
    title: bill.name,
    warnings: [],
    tables: [
      figureTable("embodied carbon", [["total", bill.total]]),
      {
        title: "parts",
        columns: ["part", "count", "carbon", "90 % interval", "share"],
        numeric: [1, 2, 3, 4],
        rows: bill.parts.map(({ name, count, carbon }) => {
          const { value, interval } = formatEstimate(carbon);
          const share = formatNumber((100 * carbon.mean()) / bill.total.mean(), 2);
          return [name, String(count), value, interval || "exact", `${share} %`];
        }),
      },
      provenanceTable(bill.parts.map(({ provenance }) => provenance)),
    ],
    charts: undefined,
    notes: [
      ...bill.notes,
      "made, not amortised: a use answers for time in use over lifetime and utilisation",
    ],
  };
}

/** What is published of one kind of accelerator, and the range that accounts here take. */
export function footprintReport(footprint: AcceleratorFootprint): CarbonReport {
  const { kind, published, accelerator, withHost, known } = footprint;
  const taken = (what: string, estimate: AnyEstimate) => {
    const { value, interval } = formatEstimate(estimate);
    return [what, value, interval, "embodied-spread", ""];
  };
  return {
    title: `embodied carbon of ${kind}`,
    warnings: known ? [] : [`no footprint of "${kind}" is published: the range is that of all accelerators`],
    tables: [
      {
        title: "footprints",
        columns: ["by", "carbon", "90 % interval", "source", "note"],
        numeric: [1, 2],
        rows: [
          ...published.map(({ by, embodied, source, note }) => [
            by,
            formatEstimate(embodied).value,
            "exact",
            source,
            note,
          ]),
          taken("taken here", accelerator),
          taken("taken here, with a share of the host", withHost),
        ],
      },
    ],
    charts: undefined,
    notes: ["made, not amortised: a use answers for time in use over lifetime and utilisation"],
  };
}

export function comparisonReport(title: string, comparisons: readonly Comparison[]): CarbonReport {
  const [first] = comparisons;
  return {
    title,
    warnings: [],
    tables: [
      {
        title: `against ${first?.name}`,
        columns: ["account", "total", "90 % interval", "times", "90 % interval", "chance that it is lower"],
        numeric: [1, 2, 3, 4, 5],
        rows: comparisons.map(({ name, total, ratio, lower }, index) => {
          const { value, interval } = formatEstimate(total);
          const times = ratio && formatEstimate(ratio);
          return [
            name,
            value,
            interval || "exact",
            times?.value ?? "-",
            times?.interval || "exact",
            index === 0 ? "" : `${formatNumber(100 * lower)} %`,
          ];
        }),
      },
      {
        title: `figures of merit, over those of ${first?.name}`,
        columns: ["account", "CDP", "CEP", "C2EP", "CE2P"],
        numeric: [1, 2, 3, 4],
        rows: comparisons.map(({ name, merits: { CDP, CEP, C2EP, CE2P } }) => [
          name,
          ...[CDP, CEP, C2EP, CE2P].map((merit) => merit?.toString() ?? "-"),
        ]),
      },
    ],
    charts: undefined,
    notes: [
      "what the accounts share (PUE, lifetimes, footprints) moves together in all of them",
      "CDP is carbon times delay, CEP carbon times energy, C2EP and CE2P weigh the one or the other twice; less is better",
    ],
  };
}

/** For a terminal. */
export function terminalReport(report: CarbonReport): string {
  return [
    ...report.warnings.map((warning) => `WARNING: ${warning}`),
    report.title,
    ...report.tables.map(
      ({ title, columns, numeric, rows }) => `${title}\n${terminalTable(columns, rows, { right: numeric })}`,
    ),
    report.notes.map((note) => `- ${note}`).join("\n"),
  ]
    .filter((part) => part !== "")
    .join("\n\n");
}

/** A table of named figures, each with its median, 90 % interval and basis. */
export function figureTable(title: string, rows: readonly (readonly [string, AnyEstimate])[]): ReportTable {
  return {
    title,
    columns: ["figure", "median", "90 % interval", "known"],
    numeric: [1, 2],
    rows: rows.map(([name, estimate]) => {
      const { value, interval } = formatEstimate(estimate);
      return [name, value, interval || "exact", estimate.basis];
    }),
  };
}

function phaseRow({ phase, energy, operational, embodied, total }: PhaseTotals): string[] {
  const value = (part: AnyEstimate) =>
    part.isExact && part.value() === 0 ? "-" : formatEstimate(part).value;
  return [
    phase,
    value(energy),
    value(operational),
    value(embodied),
    value(total),
    formatEstimate(total).interval || "exact",
  ];
}

/** Each origin once, in the order of the records. */
function provenanceTable(provenance: readonly Provenance[]): ReportTable {
  const rows = provenance.map(({ what, origin, source, vintage = "" }) => [what, origin, source, vintage]);
  return {
    title: "where the numbers are from",
    columns: ["number", "origin", "source", "vintage"],
    numeric: [],
    rows: [...new Map(rows.map((row) => [row.join("\u0000"), row])).values()],
  };
}
