/** Reports about machines and places: what a meter read, what a grid emits, when newer hardware pays back. */
import { type AnyEstimate, Estimate, formatEstimate, formatNumber, type Sampler } from "../core/index.ts";
import { type GridIntensity, hourlySpread } from "./grids.ts";
import { measuredEnergy } from "./measurement.ts";
import { type MeterRecord, measurementOfRecord } from "./meter.ts";
import type { Provenance } from "./provenance.ts";
import type { RefreshAccount } from "./refresh-account.ts";
import { type CarbonReport, figureTable } from "./report.ts";
import type { IntensitySeries } from "./series.ts";

/** A meter's record, and what its energy emits at `grid`. */
export function meterReport(record: MeterRecord, sampler: Sampler, grid: GridIntensity): CarbonReport {
  const seconds = record.end - record.start;
  const time = Estimate.exact(Math.max(seconds, 1e-9), "s", { basis: "measured", sources: [] });
  const rows: [string, AnyEstimate][] = [["time", time]];
  const notes = [
    `not measured: ${record.notMeasured.join("; ")}`,
    "readings are of the whole machine, not of this job alone",
  ];
  if (record.joules !== null) {
    const energy = measuredEnergy(measurementOfRecord(record, "the meter"), sampler);
    const { intensity, note, zone, signal, provenance } = grid;
    rows.push(["energy", energy], ["mean power", energy.over(time)]);
    rows.push([`carbon at ${zone === "given" ? intensity : zone}, without PUE`, energy.times(intensity)]);
    notes.unshift(`${signal} ${originOf(provenance)}`);
    if (note !== "") notes.unshift(note);
  }
  return {
    title: record.command.join(" "),
    warnings: record.warnings,
    tables: [
      figureTable("measured", rows),
      ...(record.devices.length === 0
        ? []
        : [
            {
              title: "devices",
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
          ]),
    ],
    charts: undefined,
    notes,
  };
}

function originOf({ what, origin, source, vintage }: Provenance): string {
  return `${what}: ${origin}, ${source}${vintage === undefined ? "" : `, ${vintage}`}`;
}

/** The yearly mean of a place. */
export function gridReport(grid: GridIntensity): CarbonReport {
  const spread = hourlySpread(grid.zone);
  return {
    title: `carbon intensity of ${grid.zone}`,
    warnings: [],
    tables: [
      figureTable("by year", [
        [`${grid.signal}, ${grid.accounting}-based, ${grid.boundary}`, grid.intensity],
      ]),
    ],
    charts: undefined,
    notes: [
      originOf(grid.provenance),
      "the interval is how far the mean of one year stands for a later one",
      ...(spread ? [`90 % of the year's hours lie between ${spread.low} and ${spread.high} gCO2e/kWh`] : []),
    ],
  };
}

/** What a series holds. */
export function seriesReport(series: IntensitySeries): CarbonReport {
  const values = series.gramsPerKilowattHour.filter((value) => !Number.isNaN(value)).sort();
  const evidence = { basis: "published", sources: [] } as const;
  const exact = (value: number) => Estimate.exact(value, "gCO2e/kWh", evidence);
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  return {
    title: `carbon intensity of ${series.zone}`,
    warnings: [],
    tables: [
      figureTable(`${series.signal}, ${series.accounting}-based, ${series.boundary}`, [
        ["mean", exact(mean)],
        ["least", exact(values[0]!)],
        ["most", exact(values.at(-1)!)],
      ]),
    ],
    charts: undefined,
    notes: [originOf(series.provenance), ...series.notes],
  };
}

export function refreshReport(account: RefreshAccount): CarbonReport {
  const { refresh, zone, lifetimes, paybacks, busyHours } = account;
  const share = (part: number) => `${formatNumber(100 * part)} %`;
  return {
    title: `${account.new} instead of ${account.old}, at ${zone}`,
    warnings: [],
    tables: [
      figureTable("for each old accelerator", [
        ["payback", refresh.payback.shownIn("year")],
        ["saved a year", refresh.savedPerYear],
        ["making the new ones", refresh.newEmbodied],
        ["new ones that do its work", refresh.replacementRatio],
        ["written off with the old one", refresh.stranded],
      ]),
      {
        title: "payback by utilisation and grid, medians",
        columns: [
          "utilisation",
          ...paybacks[0]!.byIntensity.map((one) => `${one.gramsPerKilowattHour} g/kWh`),
        ],
        numeric: [1, 2, 3, 4, 5],
        rows: paybacks.map(({ utilisation, byIntensity }) => [
          share(utilisation),
          ...byIntensity.map(({ payback }) =>
            Number.isFinite(payback.value()) ? formatEstimate(payback.shownIn("year")).value : "never",
          ),
        ]),
      },
      {
        title: `${account.new} by how long it is kept, a year and accelerator of today`,
        columns: ["kept for", "embodied", "operational", "total", "90 % interval"],
        numeric: [0, 1, 2, 3, 4],
        rows: lifetimes.map(({ years, embodiedPerYear, operationalPerYear, totalPerYear }) => [
          `${years} years`,
          formatEstimate(embodiedPerYear).value,
          formatEstimate(operationalPerYear).value,
          formatEstimate(totalPerYear).value,
          formatEstimate(totalPerYear).interval,
        ]),
      },
      {
        title: `an hour of work of ${account.new}, with its share of idle hours and of its making`,
        columns: ["utilisation", "carbon", "90 % interval"],
        numeric: [1, 2],
        rows: busyHours.map(({ utilisation, carbon }) => [
          share(utilisation),
          formatEstimate(carbon).value,
          formatEstimate(carbon).interval,
        ]),
      },
    ],
    charts: undefined,
    notes: [
      `it pays back within its life in ${share(refresh.paysBack)} of the draws`,
      "what was spent on making the old one counts for neither side",
      ...account.notes,
    ],
  };
}
