/** What a composer run came to, as people read it: on a terminal and as one HTML page. */
import { formatNumber, terminalTable } from "../core/index.ts";
import { type Comparison, METRICS } from "../lab/index.ts";
import { parseLayers, printLayers } from "../model/index.ts";
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
import type { ComposeResult } from "./compose.ts";
import { PREDICTED_CONTEXT, type Predicted, type Prediction } from "./predict.ts";

export function terminalComposition(result: ComposeResult): string {
  return [
    result.title,
    sentences(result).join("\n"),
    terminalTable(PREDICTION_HEAD, predictionRows(result), { right: [2, 3, 4, 5, 6] }),
    terminalTable(CONFIRMED_HEAD, confirmedRows(result), { right: [1, 2] }),
  ].join("\n\n");
}

export function terminalExtrapolation(predicted: Predicted): string {
  return [
    terminalTable(PREDICTION_HEAD, predictionRows(predicted), { right: [2, 3, 4, 5, 6] }),
    cacheSentence(predicted),
  ].join("\n\n");
}

/** One page without network: the findings, the search, how sure it is, and the check. */
export function composePage(result: ComposeResult): string {
  const lead = html`<ul>${sentences(result).map((line) => html`<li>${line}</li>\n`)}</ul>`;
  const sections: Section[] = [
    { title: "The architecture", body: architectureSection(result) },
    { title: "The search", body: searchSection(result) },
    { title: "How sure the aggregate is", body: agreementSection(result) },
    { title: "On fresh seeds", body: confirmedSection(result) },
    { title: "The check at a larger size", body: checkSection(result.check) },
  ];
  return page(result.title, lead, sections);
}

/** The findings in words; the terminal and the page begin with them. */
function sentences(result: ComposeResult): string[] {
  const { found, agreement, confirmed, seedNoise, unit, by, predicted, check } = result;
  const tried = result.stages.reduce((sum, stage) => sum + stage.tried.length, 0);
  const own = confirmed[0]!;
  const places = agreement.byPlace.map((share, i) => `${found[i]} ${percent(share)}`).join(", ");
  return [
    `Found ${printLayers(parseLayers(found))} from ${tried} strings; ${by === "stack" ? "stacked" : "stretched"}: ${predicted.layers}, ${formatNumber(predicted.nonEmbedding)} non-embedding parameters in ${predicted.depth} layers.`,
    cacheSentence(result),
    `${percent(agreement.whole)} of bootstrap samples of the search give the same string; by place: ${places}.`,
    `Seed noise of the proxy: a standard deviation of ${formatNumber(seedNoise)} ${unit} between seeds.${
      own.difference
        ? ` On fresh seeds it takes ${signed(own.difference.mean)} ${unit} ${own.difference.interval ? `[${own.difference.interval.map(signed).join(", ")}] ` : ""}against the baseline: ${verdictOf(own.difference.interval)}.`
        : ""
    }`,
    ...check.differences
      .filter(({ metric }) => metric === headline(check))
      .map(
        ({ mean, interval, verdict, bySeed, metric }) =>
          `At the larger size, over ${bySeed.length} paired seeds: ${signed(mean)} ${interval ? `[${interval.map(signed).join(", ")}]` : ""} in ${METRICS[metric].title}: ${verdict}.`,
      ),
    "These are small models: a rank that was found here is evidence for a larger one, not a measurement of it.",
  ];
}

function cacheSentence({ cacheReduction }: Predicted): string {
  if (cacheReduction === undefined) return "It keeps no cache.";
  if (cacheReduction === 1)
    return "Its cache is as large as that of the alternating baseline stacked to the same size.";
  const [factor, word] = cacheReduction >= 1 ? [cacheReduction, "smaller"] : [1 / cacheReduction, "larger"];
  return `Its cache is ${factor.toFixed(2)} times ${word} than that of the alternating baseline stacked to the same size.`;
}

const headline = ({ differences }: Comparison) => differences[0]?.metric;
const percent = (share: number): string => `${Math.round(100 * share)} %`;
const signed = (value: number): string => `${value > 0 ? "+" : ""}${formatNumber(value)}`;

function verdictOf(interval: readonly [number, number] | undefined): string {
  if (!interval) return "one pair, no statement about chance";
  if (interval[0] <= 0 && interval[1] >= 0) return "no difference found";
  return interval[1] < 0 ? "better" : "worse";
}

const PREDICTION_HEAD = [
  "",
  "layers",
  "depth",
  "non-embedding",
  "parameters",
  `FLOP a token at ${PREDICTED_CONTEXT}`,
  "cache bytes",
];

function predictionRows({ predicted, baseline }: Predicted): string[][] {
  const row = (name: string, p: Prediction): string[] => [
    name,
    p.layers,
    String(p.depth),
    formatNumber(p.nonEmbedding),
    formatNumber(p.parameters),
    formatNumber(p.flopsPerToken),
    formatNumber(p.cacheBytes),
  ];
  return [row("found", predicted), row("baseline", baseline)];
}

const CONFIRMED_HEAD = ["string", "mean score", "sd", "scores on fresh seeds", "minus the baseline"];

function confirmedRows({ confirmed, found }: ComposeResult): string[][] {
  return confirmed.map(({ layers, mean, sd, scores, difference }) => [
    layers === found ? `${layers} (found)` : layers,
    formatNumber(mean),
    formatNumber(sd),
    scores.map((score) => formatNumber(score)).join(" "),
    difference
      ? `${signed(difference.mean)}${difference.interval ? ` [${difference.interval.map(signed).join(", ")}], ${verdictOf(difference.interval)}` : ""}`
      : "",
  ]);
}

function architectureSection(result: ComposeResult): Html {
  const columns = [2, 3, 4, 5, 6];
  return html`${htmlTable(PREDICTION_HEAD, predictionRows(result), columns)}
<p>Sizes, FLOPs and bytes follow from the layers by formula; ${result.by === "stack" ? "the found block is repeated and a shrunk copy of it appended" : "each run of equal layers is lengthened"} until the target's non-embedding parameters are reached, rounding up.</p>`;
}

/** Every string by the order in which it was tried, the best so far, and the cluster that the aggregate was taken from. */
function searchSection({ stages, unit }: ComposeResult): Html {
  return html`${stages.map((stage, index) => {
    const inCluster = new Set(stage.cluster.map(({ layers }) => layers));
    let best = Number.POSITIVE_INFINITY;
    const rows = stage.tried.map(({ layers, score }, i) => {
      best = Math.min(best, score);
      return { trial: i + 1, layers, score, best, cluster: inCluster.has(layers) ? "best cluster" : "other" };
    });
    const svg = draw({
      inset: 12,
      x: { label: "string, in the order tried" },
      y: { label: `score (${unit}), lower is better`, grid: true },
      color: { domain: ["best cluster", "other"], range: [COLOURS[1], COLOURS[7]] },
      marks: [
        Plot.line(rows, { x: "trial", y: "best", stroke: COLOURS[0], curve: "step-after" }),
        Plot.dot(rows, { x: "trial", y: "score", stroke: "cluster", r: 4 }),
        Plot.text(rows, { x: "trial", y: "score", text: "layers", dy: -9, fontSize: 9 }),
      ],
    });
    const title = stages.length > 1 ? html`<h3>Stage ${index + 1}: ${stage.layers}</h3>` : undefined;
    const failed =
      stage.failed.length > 0
        ? html`<p class="note">${stage.failed.length} failed, the first, ${stage.failed[0]!.layers}, with: ${stage.failed[0]!.reason}</p>`
        : undefined;
    return html`${title}${figure(
      svg,
      `Scores of the ${stage.tried.length} strings. Orange: the best of the clusters, whose commonest letters are ${stage.layers}. The line is the best so far.`,
    )}${failed}${htmlTable(
      ["best cluster", "score"],
      stage.cluster.map(({ layers, score }) => [layers, formatNumber(score)]),
      [1],
    )}`;
  })}`;
}

function agreementSection({ found, agreement }: ComposeResult): Html {
  const rows = agreement.byPlace.map((share, i) => ({ place: `${i + 1}: ${found[i]}`, share }));
  const svg = draw({
    height: 220,
    x: { label: "place and letter", domain: rows.map(({ place }) => place) },
    y: { label: "share of resamples", domain: [0, 1], grid: true },
    marks: [Plot.barY(rows, { x: "place", y: "share", fill: COLOURS[0] }), Plot.ruleY([0])],
  });
  return html`${figure(
    svg,
    `How often each letter comes out when what was tried is drawn again with replacement and aggregated anew; the whole string does in ${percent(agreement.whole)}.`,
  )}<p>This is how sure the aggregate is of the search's trials, not of the truth: what was never tried cannot come out.</p>`;
}

function confirmedSection(result: ComposeResult): Html {
  const { confirmed, unit } = result;
  const rows = confirmed.flatMap(({ layers, scores }) => scores.map((score) => ({ layers, score })));
  const svg = draw({
    height: 60 + 40 * confirmed.length,
    marginLeft: 120,
    x: { label: `score (${unit})`, grid: true },
    y: { label: null, domain: confirmed.map(({ layers }) => layers) },
    marks: [
      Plot.dot(rows, { x: "score", y: "layers", stroke: COLOURS[0], r: 4 }),
      Plot.tickX(confirmed, { x: "mean", y: "layers", stroke: COLOURS[1], strokeWidth: 2 }),
    ],
  });
  return html`${figure(svg, "Scores on seeds that the search did not use; the tick is their mean.")}
${htmlTable(CONFIRMED_HEAD, confirmedRows(result), [1, 2])}`;
}

function checkSection({ architectures, differences, question, data }: Comparison): Html {
  const metric = differences[0]!.metric;
  const rows = architectures.flatMap(({ name, runs }) =>
    runs.map(({ seed, metrics }) => ({ name, seed: String(seed), value: metrics[metric] })),
  );
  const svg = draw({
    height: 200,
    marginLeft: 90,
    x: { label: `${METRICS[metric].title} (${METRICS[metric].unit})`, grid: true },
    y: { label: null },
    marks: [Plot.dot(rows, { x: "value", y: "name", stroke: COLOURS[0], r: 4 })],
  });
  return html`<p>${question} On ${data}, ${architectures[0]!.steps} steps, the same seeds for both.</p>
${figure(svg, "One point a seed.")}
${htmlTable(
  ["", "layers", "width", "non-embedding", "FLOP a token", "mean"],
  architectures.map((a) => [
    a.name,
    a.pattern,
    a.width,
    formatNumber(a.nonEmbedding),
    formatNumber(a.flopsPerToken),
    formatNumber(a.means[metric] ?? Number.NaN),
  ]),
  [2, 3, 4, 5],
)}
${differences.map(
  (d) =>
    html`<p class="note">${METRICS[d.metric].title}: ${signed(d.mean)} ${d.interval ? `[${d.interval.map(signed).join(", ")}]` : ""}, ${d.verdict}.</p>`,
)}`;
}
