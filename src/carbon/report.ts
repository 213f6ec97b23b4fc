/** Accounts as people read them. Each function turns a result into tables and notes; two renderers show any of them. */
import {
  type AnyEstimate,
  displayUnit,
  Estimate,
  formatEstimate,
  formatNumber,
  type Sampler,
  unit,
} from "../core/index.ts";
import type { Comparison, ServingAccount } from "./accounts.ts";
import type { Bill } from "./bill.ts";
import { assumptions } from "./disclosure.ts";
import { gridIntensity } from "./grids.ts";
import { type Ledger, ledgerTotals, type PhaseTotals } from "./ledger.ts";
import type { MeterRecord } from "./meter.ts";
import type { Provenance } from "./provenance.ts";

export interface ReportTable {
  readonly title: string;
  readonly columns: readonly string[];
  /** Indices of columns that are put to the right. */
  readonly numeric: readonly number[];
  readonly rows: readonly (readonly string[])[];
}

/** A share of a bar: carbon of one part of one phase, in kgCO2e. */
export interface ReportBar {
  readonly phase: string;
  readonly part: "operational" | "embodied";
  readonly kilograms: number;
}

export interface CarbonReport {
  readonly title: string;
  /** What a reader must know before any figure. */
  readonly warnings: readonly string[];
  readonly tables: readonly ReportTable[];
  readonly bars: readonly ReportBar[];
  readonly notes: readonly string[];
}

export function ledgerReport(ledger: Ledger): CarbonReport {
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
    bars: totals.phases.flatMap(({ phase, operational, embodied }) => [
      { phase, part: "operational" as const, kilograms: operational.value("kgCO2e") },
      { phase, part: "embodied" as const, kilograms: embodied.value("kgCO2e") },
    ]),
    notes: assumptions(ledger),
  };
}

export function servingReport({ ledger, perRequest, perYear }: ServingAccount): CarbonReport {
  const { perUnit, energy } = ledgerTotals(ledger);
  const rows: [string, AnyEstimate | undefined][] = [
    [`carbon per ${ledger.functionalUnit!.name}`, perUnit],
    [`energy per ${ledger.functionalUnit!.name}`, energy.over(ledger.functionalUnit!.count)],
    ["carbon per request", perRequest?.carbon],
    ["energy per request", perRequest?.energy],
    ["carbon per year", perYear],
  ];
  const known = rows.filter((row): row is [string, AnyEstimate] => row[1] !== undefined);
  const base = ledgerReport(ledger);
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
    bars: [],
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
    ],
    bars: [],
    notes: ["what the accounts share (PUE, lifetimes, footprints) moves together in all of them"],
  };
}

/** A meter's record; with a `grid`, what its energy emits there at the yearly mean (`undefined` names its default). */
export function meterReport(record: MeterRecord, sampler: Sampler, grid: string | undefined): CarbonReport {
  const seconds = record.end - record.start;
  const rows: [string, AnyEstimate][] = [["time", Estimate.exact(seconds, "s")]];
  const notes = [
    `not measured: ${record.notMeasured.join("; ")}`,
    "readings are of the whole machine, not of this job alone",
  ];
  if (record.joules !== null) {
    const energy = Estimate.exact(record.joules, "J", { basis: "measured", sources: [] });
    const { intensity, note, zone } = gridIntensity(sampler, grid);
    rows.push(["energy", energy], ["mean power", energy.over(Estimate.exact(Math.max(seconds, 1e-9), "s"))]);
    rows.push([`carbon at ${zone}, without PUE`, energy.times(intensity)]);
    if (note !== "") notes.unshift(note);
  }
  return {
    title: record.command.join(" "),
    warnings: record.warnings,
    tables: [
      figureTable("measured", rows),
      {
        title: record.devices.length === 0 ? "no devices" : "devices",
        columns: ["device", "meter", "component", "readings", "energy"],
        numeric: [3, 4],
        rows: record.devices.map(({ device, instrument, component, samples, joules }) => [
          device,
          instrument,
          component,
          String(samples),
          formatEstimate(Estimate.exact(joules, "J")).value,
        ]),
      },
    ],
    bars: [],
    notes,
  };
}

/** For a terminal. The renderers load what draws only when they are called. */
export async function terminalReport(report: CarbonReport): Promise<string> {
  const { terminalTable } = await import("../view/index.ts");
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

/** One self-contained page. */
export async function htmlReport(report: CarbonReport): Promise<string> {
  const { draw, figure, html, htmlTable, page, Plot } = await import("../view/index.ts");
  const largest = Math.max(...report.bars.map(({ kilograms }) => kilograms));
  const { symbol, scale, dimension } = unit("kgCO2e");
  const shown = report.bars.length > 0 ? displayUnit(dimension, largest) : { symbol, scale };
  const chart = () =>
    figure(
      draw({
        height: 60 + 36 * new Set(report.bars.map(({ phase }) => phase)).size,
        marginLeft: 110,
        x: { label: shown.symbol, grid: true, transform: (kilograms: number) => kilograms / shown.scale },
        y: { label: null },
        color: { legend: false, domain: ["operational", "embodied"] },
        marks: [
          Plot.barX(report.bars, { x: "kilograms", y: "phase", fill: "part", sort: { y: null } }),
          Plot.ruleX([0]),
        ],
      }),
      `Carbon by phase, medians: operational (blue) and embodied (orange), in ${shown.symbol}.`,
    );
  const sections = report.tables.map(({ title, columns, rows, numeric }, index) => ({
    title,
    body: html`${index === 0 && report.bars.length > 0 ? chart() : undefined}${htmlTable(columns, rows, numeric)}`,
  }));
  const notes = {
    title: "notes",
    body: html`<ul>${report.notes.map((note) => html`<li>${note}</li>`)}</ul>`,
  };
  const lead = report.warnings.map(
    (warning) => html`<p class="note"><strong>Warning:</strong> ${warning}</p>`,
  );
  return page(report.title, lead, report.notes.length > 0 ? [...sections, notes] : sections);
}

function figureTable(title: string, rows: readonly (readonly [string, AnyEstimate])[]): ReportTable {
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
