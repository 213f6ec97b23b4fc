/** The account of a cluster as one page: charts of what the tables say, and what the logs cannot know. */
import { type AnyEstimate, formatEstimate, formatNumber } from "../core/index.ts";
import {
  COLOURS,
  draw,
  figure,
  type Html,
  html,
  htmlTable,
  Plot,
  page,
  type Section,
} from "../view/index.ts";
import type { EttrContours } from "./contours.ts";
import { mttf } from "./mttf.ts";
import type { ReliabilityReport } from "./report.ts";
import {
  causeTable,
  crashLoopTable,
  ettrTable,
  goodputTable,
  historyTable,
  largestRunsTable,
  lemonTable,
  mitigationTable,
  mttfTable,
  outlookTable,
  type ReportTable,
  scopeSentence,
  stateTable,
} from "./tables.ts";

export function reliabilityPage(report: ReliabilityReport): string {
  const { plan, failureRate } = report;
  const cards: readonly (readonly [string, AnyEstimate])[] = [
    ["failure rate of a node", failureRate.rate.shownIn("1/node/day")],
    [`MTTF of a run on ${plan.nodes} nodes`, mttf(failureRate.rate, plan.run.nodes)],
    ["ETTR of that run", plan.mitigations.baseline.shownIn("%")],
    ["with all mitigations", plan.mitigations.together.ettr.shownIn("%")],
  ];
  const lead = html`<p>${scopeSentence(report)}.</p>
<div class="cards">${cards.map(([name, estimate]) => card(name, estimate))}</div>`;
  const sections: Section[] = [
    { title: "What to plan with", body: shown(outlookTable(report)) },
    { title: "MTTF by scale", body: html`${mttfFigure(report)}${shown(mttfTable(report))}` },
    {
      title: "ETTR",
      body: html`${contourFigure(report)}${named(ettrTable(report))}${named(largestRunsTable(report))}`,
    },
    {
      title: "What would help",
      body: html`${mitigationFigure(report)}${shown(mitigationTable(plan.mitigations))}`,
    },
    {
      title: "Causes",
      body: html`${causeFigure(report)}${shown(causeTable(report))}${named(stateTable(report))}`,
    },
    { title: "Over time", body: html`${timelineFigure(report)}${shown(historyTable(report))}` },
    {
      title: "Lost work",
      body: html`${lossFigure(report)}${shown(goodputTable(report))}${named(crashLoopTable(report))}`,
    },
    { title: "Lemon nodes", body: shown(lemonTable(report)) },
    {
      title: "What these logs cannot know",
      body: html`${list(report.unknowable)}<h3>What was read</h3>${list(report.log.sentences)}`,
    },
  ];
  return page("Reliability of a cluster", lead, sections);
}

function card(name: string, estimate: AnyEstimate): Html {
  const { value, interval } = formatEstimate(estimate);
  return html`<div class="card"><span>${name}</span><b>${value}</b><span>${interval || "exact"}</span><span class="basis">${estimate.basis}</span></div>`;
}

function list(sentences: readonly string[]): Html {
  return html`<ul>${sentences.map((sentence) => html`<li>${sentence}</li>`)}</ul>`;
}

function shown({ columns, rows, numeric, notes }: ReportTable): Html {
  return html`${rows.length === 0 ? undefined : htmlTable(columns, rows, numeric)}${notes.length === 0 ? undefined : list(notes)}`;
}

/** A table under its title; nothing where it has nothing to say. */
function named(table: ReportTable): Html | undefined {
  if (table.rows.length === 0 && table.notes.length === 0) return undefined;
  return html`<h3>${table.title[0]!.toUpperCase()}${table.title.slice(1)}</h3>${shown(table)}`;
}

/** Plot hands a tick's index beside its value, which is not a number of digits. */
const axisNumber = (value: number): string => formatNumber(value);

const swatch = (colour: number, text: string): Html =>
  html`<span style="color:${COLOURS[colour]!}">■</span> ${text}`;

function mttfFigure({ mttf: sizes, projections, plan }: ReliabilityReport): Html | undefined {
  const failed = sizes.filter(({ failures }) => failures > 0);
  const bounded = sizes.filter(({ failures }) => failures === 0);
  const projected = projections.map(({ accelerators, mttf: time }) => ({
    size: accelerators,
    hours: time.value("h"),
    ...time.interval("h"),
  }));
  const measured = failed.map(({ size, measuredHours }) => ({ size, ...measuredHours }));
  const svg = draw({
    height: 380,
    x: { label: "size of job (accelerators) →", type: "log", base: 2, tickFormat: String, ticks: 8 },
    y: {
      label: "↑ mean time to failure (h)",
      type: "log",
      nice: true,
      tickFormat: axisNumber,
      ticks: 7,
      grid: true,
    },
    marks: [
      Plot.areaY(projected, { x: "size", y1: "low", y2: "high", fill: COLOURS[1], fillOpacity: 0.18 }),
      Plot.line(projected, { x: "size", y: "hours", stroke: COLOURS[1] }),
      Plot.dot(projected, { x: "size", y: "hours", stroke: COLOURS[1], fill: "var(--paper)" }),
      Plot.line(sizes, { x: "size", y: "projectedHours", stroke: COLOURS[1], strokeDasharray: "5,4" }),
      Plot.ruleX(measured, { x: "size", y1: "low", y2: "high", stroke: COLOURS[0], strokeWidth: 2 }),
      Plot.dot(measured, { x: "size", y: "value", fill: COLOURS[0], r: 4.5 }),
      Plot.dot(bounded, {
        x: "size",
        y: ({ measuredHours }) => measuredHours.low,
        symbol: "triangle",
        fill: COLOURS[0],
        fillOpacity: 0.7,
        r: 4,
      }),
    ],
  });
  return figure(
    svg,
    html`${swatch(0, "measured, with 90 % intervals")}; triangles are lower bounds where nothing failed. ${swatch(1, "1/(N r_f)")}: dashed at the log's own rate and each size's mean nodes, drawn through at the rate to plan with, with its 90 % band. A run on ${plan.nodes} nodes is planned for.`,
  );
}

/** Levels of ETTR that are drawn. */
const LEVELS = [0.2, 0.4, 0.5, 0.6, 0.7, 0.8, 0.85, 0.9, 0.95, 0.98, 0.99] as const;

function contourFigure({ contours, plan, failureRate }: ReliabilityReport): Html {
  const { checkpointIntervalSeconds: intervals, failuresPerThousandNodeDays: rates, ettr } = contours;
  const points = rates.flatMap((rate, row) =>
    intervals.map((interval, column) => ({ interval: interval / 60, rate, ettr: ettr[row]![column]! })),
  );
  const labels = LEVELS.flatMap((level) => levelLabel(contours, level));
  const rate = failureRate.rate.interval("1/node/day");
  const own = {
    interval: plan.run.checkpointInterval.value("min"),
    rate: 1000 * failureRate.rate.value("1/node/day"),
    low: Math.max(rates[0]!, 1000 * rate.low),
    high: Math.min(rates.at(-1)!, 1000 * rate.high),
  };
  const svg = draw({
    height: 400,
    x: {
      label: "checkpoint interval (min) →",
      type: "log",
      domain: [intervals[0]! / 60, intervals.at(-1)! / 60],
      // A logarithmic axis labels only ticks whose first digit is small.
      ticks: [1, 2, 4, 10, 20, 40, 100, 200],
      tickFormat: axisNumber,
    },
    y: {
      label: "↑ failures per 1000 node-days",
      type: "log",
      domain: [rates[0]!, rates.at(-1)!],
      ticks: [0.5, 1, 2, 5, 10, 20, 50],
      tickFormat: axisNumber,
    },
    color: {
      type: "linear",
      clamp: true,
      domain: [0.4, 0.85, 1],
      range: ["#d55e00", "#f5f0d8", "#0072b2"],
      legend: false,
    },
    marks: [
      Plot.contour(points, {
        x: "interval",
        y: "rate",
        fill: "ettr",
        thresholds: [0, ...LEVELS],
        interpolate: "barycentric",
        fillOpacity: 0.55,
        stroke: "currentColor",
        strokeOpacity: 0.5,
      }),
      Plot.text(labels, { x: "interval", y: "rate", text: "text", ...halo }),
      Plot.ruleX([own], { x: "interval", y1: "low", y2: "high", stroke: "currentColor", strokeWidth: 2 }),
      Plot.dot([own], { x: "interval", y: "rate", r: 6, fill: "currentColor", stroke: "var(--paper)" }),
      Plot.text([own], {
        x: "interval",
        y: "rate",
        text: () => "this cluster",
        dx: -10,
        textAnchor: "end",
        ...halo,
      }),
    ],
  });
  return figure(
    svg,
    html`ETTR of a run on ${contours.nodes} nodes without end, restarts of ${formatNumber(contours.restartSeconds / 60)} min, exact renewal form. Lines are levels of ETTR; the dot is the rate to plan with, its line the 90 % interval.`,
  );
}

const halo = { stroke: "var(--paper)", strokeWidth: 4, fill: "currentColor", fontWeight: "bold" } as const;

/** Where the line of a level is labelled: in the column at which most lines pass, between the rates that enclose it. */
function levelLabel(
  contours: EttrContours,
  level: number,
): { interval: number; rate: number; text: string }[] {
  const { checkpointIntervalSeconds: intervals, failuresPerThousandNodeDays: rates, ettr } = contours;
  const column = Math.round(intervals.length * 0.82);
  for (let row = 1; row < rates.length; row++) {
    const [below, above] = [ettr[row - 1]![column]!, ettr[row]![column]!];
    if (below >= level && above < level) {
      const share = (below - level) / (below - above);
      const rate = rates[row - 1]! * (rates[row]! / rates[row - 1]!) ** share;
      return [{ interval: intervals[column]! / 60, rate, text: `${formatNumber(100 * level)} %` }];
    }
  }
  return [];
}

function mitigationFigure({ plan: { mitigations } }: ReliabilityReport): Html {
  const rows = [...mitigations.singly, mitigations.together].map(({ name, ettr }) => ({
    name,
    ettr: ettr.value("%"),
    ...ettr.interval("%"),
  }));
  const baseline = mitigations.baseline.value("%");
  const svg = draw({
    height: 70 + 32 * rows.length,
    marginLeft: 190,
    x: { label: "ETTR (%) →", grid: true, nice: true },
    y: { label: null, domain: rows.map(({ name }) => name) },
    marks: [
      Plot.ruleX([baseline], { strokeDasharray: "4,3", stroke: "currentColor" }),
      Plot.ruleY(rows, { y: "name", x1: "low", x2: "high", stroke: "currentColor", strokeOpacity: 0.6 }),
      Plot.ruleY(rows, { y: "name", x1: baseline, x2: "ettr", stroke: COLOURS[2], strokeWidth: 6 }),
      Plot.dot(rows, { y: "name", x: "ettr", fill: COLOURS[2], stroke: "var(--paper)", r: 6 }),
    ],
  });
  return figure(
    svg,
    html`ETTR of the planned run with each mitigation alone and with all: ${swatch(2, "the gain at the medians")} over the run as it is (dashed), and 90 % intervals.`,
  );
}

/** Causes drawn; the table has all. */
const MOST_CAUSES = 15;

function causeFigure({ causes }: ReliabilityReport): Html | undefined {
  const rows = causes.bySymptom.slice(0, MOST_CAUSES);
  if (rows.length === 0) return undefined;
  const svg = draw({
    height: 60 + 28 * rows.length,
    marginLeft: 220,
    marginRight: 30,
    x: {
      label: "failures per million accelerator-hours →",
      grid: true,
      nice: true,
      ticks: 5,
      tickFormat: axisNumber,
    },
    y: { label: null, domain: rows.map(({ symptom }) => symptom) },
    marks: [
      Plot.barX(rows, { y: "symptom", x: "perMillionAcceleratorHours", fill: COLOURS[0], fillOpacity: 0.75 }),
      Plot.text(rows, {
        y: "symptom",
        x: "perMillionAcceleratorHours",
        text: ({ failures }) => String(failures),
        textAnchor: "start",
        dx: 5,
      }),
      Plot.ruleX([0]),
    ],
  });
  return figure(
    svg,
    "Hardware failures by each symptom that they showed; a failure counts under every one. Numbers are failures.",
  );
}

function timelineFigure({ timeline }: ReliabilityReport): Html | undefined {
  if (!timeline || timeline.failures.length < 3) return undefined;
  const { start, sliceSeconds, failures, nodeDays, segments, changes } = timeline;
  const date = (seconds: number) => new Date(seconds * 1000);
  // Bars of single slices would be noise: neighbours are put together until about sixty remain.
  const width = Math.ceil(failures.length / 60);
  const bars = Array.from({ length: Math.ceil(failures.length / width) }, (_, bar) => {
    const [from, to] = [bar * width, Math.min(failures.length, (bar + 1) * width)];
    const total = (values: Float64Array) => values.subarray(from, to).reduce((sum, value) => sum + value, 0);
    const days = total(nodeDays);
    return {
      from: date(start + from * sliceSeconds),
      to: date(start + to * sliceSeconds),
      rate: days > 0 ? (1000 * total(failures)) / days : Number.NaN,
    };
  }).filter(({ rate }) => !Number.isNaN(rate));
  const levels = segments.map((segment) => ({
    from: date(segment.start),
    to: date(segment.end),
    ...segment.rate,
  }));
  const steps = changes.map(({ time, low, high }) => ({
    time: date(time),
    low: date(low),
    high: date(high),
  }));
  // One slice of few node-days must not flatten all others.
  const most = 1.15 * Math.max(...levels.map(({ high }) => high), 3 * median(bars.map(({ rate }) => rate)));
  const svg = draw({
    height: 320,
    x: { type: "utc", label: "time (UTC) →" },
    y: { label: "↑ failures per 1000 node-days", domain: [0, most], clamp: true, grid: true },
    marks: [
      Plot.rectX(steps, { x1: "low", x2: "high", fill: COLOURS[1], fillOpacity: 0.2 }),
      Plot.rectY(bars, {
        x1: "from",
        x2: "to",
        y: "rate",
        fill: "currentColor",
        fillOpacity: 0.22,
        inset: 0.5,
      }),
      Plot.rect(levels, { x1: "from", x2: "to", y1: "low", y2: "high", fill: COLOURS[0], fillOpacity: 0.25 }),
      Plot.link(levels, {
        x1: "from",
        x2: "to",
        y1: "rate",
        y2: "rate",
        stroke: COLOURS[0],
        strokeWidth: 2.5,
      }),
      Plot.ruleX(steps, { x: "time", stroke: COLOURS[1], strokeWidth: 2, strokeDasharray: "4,3" }),
      Plot.ruleY([0]),
    ],
  });
  return figure(
    svg,
    html`Bars are the rate of ${formatNumber((width * sliceSeconds) / 86_400)} days each, ${swatch(0, "the level of each stretch with its 90 % interval")}${steps.length > 0 ? html`, ${swatch(1, "steps of the rate with the time in which each lies with 90 % probability")}` : ". No step of the rate stands out"}.`,
  );
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[values.length >> 1] ?? 0;
}

function lossFigure({ goodput }: ReliabilityReport): Html | undefined {
  const rows = goodput.bySize.flatMap(({ accelerators, firstOrderHours, secondOrderHours }) => [
    { size: formatNumber(accelerators), order: "first", hours: firstOrderHours },
    { size: formatNumber(accelerators), order: "second", hours: secondOrderHours },
  ]);
  if (rows.every(({ hours }) => hours === 0)) return undefined;
  const svg = draw({
    height: 280,
    x: {
      label: "size of job, up to (accelerators) →",
      domain: [...new Set(rows.map(({ size }) => size))],
      type: "band",
    },
    y: { label: "↑ accelerator-hours lost", grid: true, nice: true, tickFormat: axisNumber },
    color: { domain: ["first", "second"], legend: false },
    marks: [Plot.barY(rows, { x: "size", y: "hours", fill: "order", fillOpacity: 0.8 }), Plot.ruleY([0])],
  });
  return figure(
    svg,
    html`${swatch(0, "lost by the jobs that failed")}, ${swatch(1, "lost by jobs that their restarts preempted")}.`,
  );
}
