/** The oracle's analysis as people read it: on a terminal and as one HTML page. */
import { formatNumber, terminalTable } from "../../core/index.ts";
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
} from "../../view/index.ts";
import type { OracleAnalysis, RankedString } from "./analyse.ts";
import type { RegretCurve } from "./replay.ts";

/** Trials at which regrets are printed. */
const SHOWN_TRIALS = [5, 10, 15, 20, 30, 40];
/** Strings shown at either end of the order. */
const SHOWN_STRINGS = 6;

export function terminalOracle(analysis: OracleAnalysis): string {
  const { order, regret } = analysis;
  const ends = [...order.slice(0, SHOWN_STRINGS), ...order.slice(SHOWN_STRINGS).slice(-SHOWN_STRINGS)];
  const trials = shownTrials(regret);
  return [
    oracleSentences(analysis).join("\n"),
    terminalTable(
      ORDER_HEAD,
      ends.map((one) => orderRow(one, order)),
      { right: [0, 2, 4] },
    ),
    terminalTable(regretHead(trials), regretRows(regret, trials), { right: trials.map((_, i) => i + 1) }),
  ].join("\n\n");
}

export function oraclePage(analysis: OracleAnalysis): string {
  const { order, regret, seeds } = analysis;
  const trials = shownTrials(regret);
  const sections: Section[] = [
    {
      title: "Regret of policies",
      body: html`${regretPlot(analysis)}${htmlTable(
        regretHead(trials),
        regretRows(regret, trials),
        trials.map((_, i) => i + 1),
      )}`,
    },
    ...(analysis.larger ? [{ title: "The proxy and a larger size", body: largerPlot(analysis) }] : []),
    ...(seeds.length > 1 ? [{ title: "Two seeds", body: seedPlot(analysis) }] : []),
    {
      title: "All strings",
      body: html`${orderPlot(analysis)}${htmlTable(
        ORDER_HEAD,
        order.map((one) => orderRow(one, order)),
        [0, 2, 4],
      )}`,
    },
  ];
  const lead = html`<ul>${oracleSentences(analysis).map((line) => html`<li>${line}</li>\n`)}</ul>`;
  return page("The oracle of a composer's search", lead, sections);
}

function oracleSentences(analysis: OracleAnalysis): string[] {
  const { strings, seeds, partial, order, censored, noise, larger, replays } = analysis;
  const rhos = noise?.orderCorrelations.map(({ rho }) => rho.toFixed(2)).join(", ");
  return [
    `${strings} strings, ${seeds.length === 1 ? "one seed" : `${seeds.length} seeds`} each${partial > 0 ? ` (and ${partial} runs of seeds that are not complete, left out)` : ""}; best: ${order[0]!.layers}.`,
    `${percent(censored)} of the runs did not get to the mark; they count by how far they came.`,
    noise
      ? `Seed noise: a standard deviation of ${formatNumber(noise.withinStrings)} between seeds of a string${noise.withinReached === undefined ? "" : ` (${formatNumber(noise.withinReached)} where all its runs got to the mark)`}, ${formatNumber(noise.betweenStrings)} between strings. Rank correlation of two seeds: ${rhos}.`
      : "With one seed nothing is known of seed noise, and a policy's regret is that of a search without noise.",
    larger
      ? `The proxy's order and that of ${larger.strings} larger language models (${larger.seeds === 1 ? "one seed" : `${larger.seeds} seeds`}): Spearman ${larger.rho.toFixed(2)} [${larger.interval.map((end) => end.toFixed(2)).join(", ")}].`
      : "No larger models were measured.",
    `Regrets are means over ${replays} replays, with 95 % intervals of that mean.`,
  ];
}

const percent = (share: number): string => `${Math.round(100 * share)} %`;

const ORDER_HEAD = ["place", "string", "mean score", "scores", "larger loss"];

function orderRow(one: RankedString, order: readonly RankedString[]): string[] {
  return [
    String(order.indexOf(one) + 1),
    one.layers,
    formatNumber(one.mean),
    one.scores.map((score) => formatNumber(score)).join(" "),
    one.largerLoss === undefined ? "" : one.largerLoss.toFixed(3),
  ];
}

function shownTrials([first]: readonly RegretCurve[]): number[] {
  return SHOWN_TRIALS.filter((trial) => trial <= (first?.mean.length ?? 0));
}

function regretHead(trials: readonly number[]): string[] {
  return ["regret after trials", ...trials.map(String)];
}

function regretRows(regret: readonly RegretCurve[], trials: readonly number[]): string[][] {
  return regret.map(({ policy, mean, low, high }) => [
    policy,
    ...trials.map((trial) => {
      const half = (high[trial - 1]! - low[trial - 1]!) / 2;
      return `${mean[trial - 1]!.toFixed(1)} ± ${half.toFixed(1)}`;
    }),
  ]);
}

function orderPlot({ order }: OracleAnalysis): Html {
  const dots = order.flatMap(({ layers, scores }) => scores.map((score) => ({ layers, score })));
  const svg = draw({
    height: 20 + 13 * order.length,
    marginLeft: 90,
    insetLeft: 6,
    x: { label: "score: steps to 95 %, or beyond the cap", grid: true, axis: "both" },
    y: { label: null, domain: order.map(({ layers }) => layers) },
    marks: [
      Plot.dot(dots, { x: "score", y: "layers", stroke: COLOURS[0], r: 3 }),
      Plot.tickX(order, { x: "mean", y: "layers", stroke: COLOURS[1], strokeWidth: 2 }),
    ],
  });
  return figure(svg, "Every run, a dot; the tick is the mean of a string. Lower is better.");
}

function seedPlot({ order, seeds }: OracleAnalysis): Html {
  const rows = order.map(({ layers, scores }) => ({ layers, x: scores[0]!, y: scores[1]! }));
  const svg = draw({
    height: 440,
    inset: 12,
    x: { label: `score with seed ${seeds[0]}`, grid: true },
    y: { label: `score with seed ${seeds[1]}`, grid: true },
    marks: [
      Plot.link([0], {
        x1: Math.min(...rows.map(({ x }) => x)),
        x2: Math.max(...rows.map(({ x }) => x)),
        y1: Math.min(...rows.map(({ x }) => x)),
        y2: Math.max(...rows.map(({ x }) => x)),
        stroke: COLOURS[7],
      }),
      Plot.dot(rows, { x: "x", y: "y", stroke: COLOURS[0], r: 3 }),
    ],
  });
  return figure(svg, "One point a string. On the line both seeds agree.");
}

function largerPlot({ order, larger }: OracleAnalysis): Html {
  const rows = order.filter(({ largerLoss }) => largerLoss !== undefined);
  const svg = draw({
    height: 400,
    inset: 12,
    x: { label: "mean score on the proxy", grid: true },
    y: { label: "held-out loss at the larger size (nats a token)", grid: true },
    marks: [
      Plot.dot(rows, { x: "mean", y: "largerLoss", stroke: COLOURS[0], r: 4 }),
      Plot.text(rows, { x: "mean", y: "largerLoss", text: "layers", dy: -9, fontSize: 10 }),
    ],
  });
  return figure(
    svg,
    `Spearman's rank correlation ${larger!.rho.toFixed(2)}, 95 % interval ${larger!.interval.map((end) => end.toFixed(2)).join(" to ")} (bootstrap over strings).`,
  );
}

function regretPlot({ regret, replays }: OracleAnalysis): Html {
  const rows = regret.flatMap(({ policy, mean, low, high }) =>
    mean.map((value, i) => ({ policy, trial: i + 1, value, low: Math.max(0, low[i]!), high: high[i]! })),
  );
  const labels = apart(
    regret.map(({ policy, mean }) => ({ policy, trial: mean.length, value: mean.at(-1)! })),
    Math.max(...rows.map(({ high }) => high)) / 25,
  );
  const svg = draw({
    height: 420,
    color: { legend: false, domain: regret.map(({ policy }) => policy) },
    marginRight: 120,
    x: { label: "trials" },
    y: { label: "simple regret: score above the best string's", grid: true, zero: true },
    marks: [
      Plot.areaY(rows, { x: "trial", y1: "low", y2: "high", fill: "policy", fillOpacity: 0.12 }),
      Plot.line(rows, { x: "trial", y: "value", stroke: "policy" }),
      Plot.text(labels, {
        x: "trial",
        y: "value",
        text: "policy",
        textAnchor: "start",
        dx: 5,
        fill: "policy",
      }),
    ],
  });
  return figure(
    svg,
    `Mean regret of what each policy would hand over after so many trials, ${replays} replays each; bands are 95 % intervals of the mean. N_0 hands over the aggregate of what a policy tried.`,
  );
}

/** The labels moved up where they would be nearer than `gap` to the one below. */
function apart<T extends { readonly value: number }>(labels: readonly T[], gap: number): T[] {
  let floor = Number.NEGATIVE_INFINITY;
  return [...labels]
    .sort((a, b) => a.value - b.value)
    .map((label) => {
      floor = Math.max(label.value, floor + gap);
      return { ...label, value: floor };
    });
}
