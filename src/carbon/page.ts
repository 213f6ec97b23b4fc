/** An account as one self-contained HTML page. What draws is loaded only when a page is asked for. */
import { displayUnit, formatNumber, printedUnit, unit } from "../core/index.ts";
import type { CarbonReport, LedgerCharts } from "./report.ts";

type View = typeof import("../view/index.ts");

/** Bars shown in the tornado chart; the rest move less than these. */
const MOST_BARS = 12;

export async function htmlReport(report: CarbonReport): Promise<string> {
  const view = await import("../view/index.ts");
  const { html, htmlTable, page } = view;
  const lead = report.warnings.map(
    (warning) => html`<p class="note"><strong>Warning:</strong> ${warning}</p>`,
  );
  const tables = report.tables.map(({ title, columns, rows, numeric }) => ({
    title,
    body: htmlTable(columns, rows, numeric),
  }));
  const notes = {
    title: "notes",
    body: html`<ul>${report.notes.map((note) => html`<li>${note}</li>`)}</ul>`,
  };
  const sections = [...tables, ...(report.notes.length > 0 ? [notes] : [])];
  if (report.charts === undefined) return page(report.title, lead, sections);
  const [totals, ...rest] = sections;
  const charts = [
    phaseChart(view, report.charts),
    flowChart(view, report.charts),
    tornadoChart(view, report.charts),
  ];
  const drawn = charts.filter((section) => section !== undefined);
  return page(report.title, lead, [...(totals ? [totals] : []), ...drawn, ...rest]);
}

/** Kilograms in the unit that suits the largest of them. */
function shownIn(kilograms: readonly number[]) {
  const { symbol, scale } = displayUnit(unit("kgCO2e").dimension, Math.max(...kilograms));
  return { symbol: printedUnit(symbol), scale };
}

/** Operational is blue and embodied orange in every chart. */
function legend({ html, COLOURS }: View) {
  return html`<span style="color:${COLOURS[0]}">●</span> operational, <span style="color:${COLOURS[1]}">●</span> embodied`;
}

function phaseChart(view: View, { phases }: LedgerCharts) {
  const { draw, figure, html, Plot } = view;
  if (phases.length === 0) return undefined;
  const { symbol, scale } = shownIn(phases.map(({ high }) => high));
  const bars = phases.flatMap(({ phase, ...parts }) =>
    (["operational", "embodied"] as const).map((part) => ({ phase, part, carbon: parts[part] / scale })),
  );
  const svg = draw({
    height: 60 + 36 * phases.length,
    marginLeft: 120,
    x: { label: `carbon (${symbol}) →`, grid: true, nice: true },
    y: { label: null, domain: phases.map(({ phase }) => phase) },
    color: { domain: ["operational", "embodied"] },
    marks: [
      Plot.barX(bars, { x: "carbon", y: "phase", fill: "part", fillOpacity: 0.8 }),
      Plot.ruleY(phases, {
        y: "phase",
        x1: ({ low }) => low / scale,
        x2: ({ high }) => high / scale,
        stroke: "currentColor",
        strokeWidth: 1.5,
      }),
      Plot.ruleX([0]),
    ],
  });
  return {
    title: "phases of life",
    body: figure(
      svg,
      html`Bars are medians, ${legend(view)}; lines are 90 % intervals of the sum, in ${symbol}. Operational carbon is location-based.`,
    ),
  };
}

function flowChart(view: View, charts: LedgerCharts) {
  const { COLOURS, figure, html, sankey } = view;
  const flows = charts.flows.filter(({ kilograms }) => kilograms > 0);
  if (flows.length === 0) return undefined;
  const total = flows.reduce((sum, { kilograms }) => sum + kilograms, 0);
  const { symbol, scale } = shownIn([total]);
  const order = charts.phases.map(({ phase }) => phase);
  const sorted = [...flows].sort(
    (a, b) => b.part.localeCompare(a.part) || order.indexOf(a.phase) - order.indexOf(b.phase),
  );
  const svg = sankey(
    sorted.map(({ emitter, part, phase, kilograms }) => ({
      path: [emitter, part, phase],
      value: kilograms / scale,
      colour: COLOURS[part === "operational" ? 0 : 1],
    })),
    (value) => formatNumber(value),
  );
  return {
    title: "where the carbon flows",
    body: figure(
      svg,
      html`From what emits it, by part (${legend(view)}), to the phase of life: medians of the records in ${symbol}. Medians of parts need not add up to the median of a sum.`,
    ),
  };
}

function tornadoChart({ COLOURS, figure, html, tornado }: View, { sensitivity }: LedgerCharts) {
  if (sensitivity === undefined || sensitivity.swings.length === 0) return undefined;
  const { figure: name, unit, atMedian, swings } = sensitivity;
  const shown = swings.slice(0, MOST_BARS);
  const bars = shown.map(({ input, ...ends }) => ({ ...ends, label: inputName(input) }));
  const rest = swings.length - shown.length;
  return {
    title: "sensitivity",
    body: figure(
      tornado(bars, `${name} (${printedUnit(unit)})`, atMedian),
      html`The ${name} with one input at an end of its 90 % interval and all others at their medians: <span style="color:${COLOURS[0]}">●</span> at 5 %, <span style="color:${COLOURS[1]}">●</span> at 95 %. The dashed line has all inputs at their medians. ${rest > 0 ? `${rest} further inputs move it less.` : ""}`,
    ),
  };
}

/** `ledger/2 final run/power 550..680 W` as people say it; inputs of `data/` keep their table. */
function inputName(input: string): string {
  return input
    .replace(/^(ledger|flags)\/(\d+ )?/, "")
    .replace(/ 1$/, "")
    .replaceAll("/", ": ");
}
