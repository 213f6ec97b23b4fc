/** Studies of this room as one HTML page: fronts, hypervolume by trial, trades, places and lifetimes. */
import { formatNumber } from "../core/index.ts";
import { type AcceleratorDesign, printDesign } from "../hardware/index.ts";
import { draw, figure, type Html, html, htmlTable, Plot, page, type Section } from "../view/index.ts";
import type { SideBySide } from "./compare.ts";
import { drawDesigns } from "./drawing.ts";
import { designOf, OBJECTIVES, type ObjectiveName, objectiveLabel, type SearchPoint } from "./search.ts";

export function codesignPage(content: SideBySide): string {
  const first = content.studies[0]!;
  const lead = html`<p class="soft">${first.family} and its accelerator, costed as "${first.estimator}".
${content.notes.map((note) => html` ${note}`)}</p>`;
  const sections: Section[] = [
    { title: "Fronts", body: fronts(content) },
    { title: "What one optimum costs in the terms of another", body: tradeTable(content) },
    { title: "The accelerators that were found", body: drawings(content) },
    ...(content.confirmations.length > 0
      ? [{ title: "Found models, trained", body: confirmationTable(content) }]
      : []),
    { title: "Places and lifetimes", body: placementTable(content) },
    { title: "Progress of the search", body: progress(content) },
    { title: "Designs", body: designs(content) },
  ];
  return page("Co-design of a model and its accelerator", lead, sections);
}

/** Each cost against quality, or against latency where no quality is known. */
function fronts({ studies }: SideBySide): Html {
  const first = studies[0]!;
  const against: ObjectiveName = first.points.some(({ metrics }) => "quality" in metrics)
    ? "quality"
    : "latency";
  const costs = [...new Set(studies.flatMap(({ objectives }) => objectives))].filter(
    (name) => name !== against,
  );
  return html`${costs.map((cost) => {
    const marks = studies.flatMap(({ title, front }) =>
      front.map(({ metrics }) => ({ study: title, x: metrics[cost]!, y: metrics[against]! })),
    );
    const svg = draw({
      symbol: { legend: true },
      x: { label: objectiveLabel(cost), grid: true },
      y: { label: objectiveLabel(against), grid: true },
      marks: [Plot.dot(marks, { x: "x", y: "y", stroke: "study", symbol: "study", r: 4 })],
    });
    return figure(
      svg,
      `The designs on the front of each search: ${objectiveLabel(against)} and ${objectiveLabel(cost)}.`,
    );
  })}`;
}

function tradeTable({ trades, quality }: SideBySide): Html {
  const names = Object.keys(OBJECTIVES) as ObjectiveName[];
  const shown = names.filter((name) => trades.some(({ best }) => name in best.metrics));
  const intro =
    quality === undefined
      ? "The best design of each search in what it sought."
      : `The best design of each search in what it sought, among those of quality ${quality} or better.`;
  return html`<p>${intro} In brackets, over the first row.</p>${htmlTable(
    ["sought", "search", ...shown.map(objectiveLabel), "accelerator"],
    trades.map(({ sought, study, best, ratios }) => [
      sought,
      study,
      ...shown.map((name) => `${formatNumber(best.metrics[name]!)} (${ratios[name]?.toFixed(2) ?? "-"})`),
      printDesign(designOf(best.candidate)),
    ]),
    shown.map((_, i) => i + 2),
  )}`;
}

function drawings({ trades }: SideBySide): Html {
  const found = new Map<string, { titles: string[]; design: AcceleratorDesign }>();
  for (const { sought, best } of trades) {
    const design = designOf(best.candidate);
    const known = found.get(printDesign(design)) ?? { titles: [], design };
    if (!known.titles.includes(sought)) known.titles.push(sought);
    found.set(printDesign(design), known);
  }
  const designs = [...found.values()].map(({ titles, design }) => ({ title: titles.join(", "), design }));
  return html`${chunks(designs, 3).map((row) =>
    figure(
      drawDesigns(row),
      "Dies to one scale, by what each is best in: cores, array width, array depth, SRAM KB, SRAM words a cycle, shared MB. Areas are modelled, places are not.",
    ),
  )}`;
}

function chunks<T>(items: readonly T[], size: number): T[][] {
  return Array.from({ length: Math.ceil(items.length / size) }, (_, i) =>
    items.slice(i * size, (i + 1) * size),
  );
}

function confirmationTable({ confirmations }: SideBySide): Html {
  return html`<p>What the surrogate said of models that the search found, and what they lost when they were trained.</p>${htmlTable(
    ["model", "said", "extrapolated", "measured", "missed by"],
    confirmations.map(({ model, predicted, extrapolates, measured }) => [
      model,
      predicted.toFixed(3),
      extrapolates ? "yes" : "no",
      measured.toFixed(3),
      (measured - predicted).toFixed(3),
    ]),
    [1, 3, 4],
  )}`;
}

function placementTable({ placements }: SideBySide): Html {
  return html`<p>The trial of least carbon in each place. Where electricity is clean or the life is short, most carbon is
in the making of the chip, and a small one is best.</p>${htmlTable(
    ["region", "inferences", "carbon (kgCO2e)", "of it embodied", "latency (ms)", "accelerator"],
    placements.map(({ region, inferences, best, carbon, embodiedShare }) => [
      region,
      inferences.toLocaleString("en"),
      carbon.toFixed(4),
      `${(100 * embodiedShare).toFixed(0)} %`,
      (best.metrics.latency! * 1000).toFixed(2),
      printDesign(designOf(best.candidate)),
    ]),
    [1, 2, 3, 4],
  )}`;
}

function progress({ studies }: SideBySide): Html {
  const marks = studies.flatMap(({ title, hypervolume }) => {
    const most = hypervolume.at(-1) || 1;
    return hypervolume.map((value, trial) => ({ study: title, trial: trial + 1, share: value / most }));
  });
  const svg = draw({
    color: { legend: true },
    x: { label: "trials" },
    y: { label: "hypervolume, share of the last", domain: [0, 1], grid: true },
    marks: [Plot.line(marks, { x: "trial", y: "share", stroke: "study" })],
  });
  return figure(
    svg,
    "Hypervolume of the feasible trials so far. A search that still climbs at its end needs more trials.",
  );
}

function designs({ studies }: SideBySide): Html {
  return html`${studies.map(({ title, front }) => {
    const columns = Object.keys(front[0]?.candidate ?? {});
    const metrics = Object.keys(OBJECTIVES).filter((name) => front.some((point) => name in point.metrics));
    const row = ({ candidate, metrics: m, trial }: SearchPoint) => [
      trial,
      ...metrics.map((name) => formatNumber(m[name]!)),
      m.extrapolates === 1 ? "yes" : "no",
      ...columns.map((name) => String(candidate[name])),
    ];
    return html`<details><summary>${title}: ${front.length} designs</summary>${htmlTable(
      [
        "trial",
        ...metrics.map((name) => objectiveLabel(name as ObjectiveName)),
        "quality extrapolated",
        ...columns,
      ],
      front.map(row),
      metrics.map((_, i) => i + 1),
    )}</details>`;
  })}`;
}
