/** A comparison as people read it: on a terminal, and as one HTML page. */
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
  raw,
  type Section,
} from "../../view/index.ts";
import type { ComparedArchitecture, Comparison, ComparisonTimings } from "./compare.ts";
import type { Difference } from "./differences.ts";
import { METRICS, type Metric } from "./metrics.ts";

export function terminalComparison(comparison: Comparison, timings: ComparisonTimings): string {
  const { head, rows, numeric } = architectureTable(comparison, timings);
  return [
    comparison.title,
    comparison.question,
    terminalTable(head, rows, { right: numeric }),
    ...(comparison.differences.length > 0
      ? [terminalTable(DIFFERENCE_HEAD, comparison.differences.map(differenceRow), { right: [2, 3] })]
      : []),
    ...(comparison.trends.length > 0 ? ["Published trends, here:", headlines(comparison).join("\n")] : []),
    ...notes(comparison),
  ]
    .filter((part) => part !== "")
    .join("\n\n");
}

export function htmlComparison(comparison: Comparison, timings: ComparisonTimings): string {
  const { head, rows, numeric } = architectureTable(comparison, timings);
  const lead = html`<p>${comparison.question}</p>
<ul>${headlines(comparison).map((line) => html`<li>${line}</li>\n`)}</ul>`;
  const sections: Section[] = [
    {
      title: "Architectures",
      body: html`${htmlTable(head, rows, numeric)}${notes(comparison).map((note) => html`<p class="note">${note}</p>`)}`,
    },
    ...(comparison.differences.length > 0
      ? [
          {
            title: "Differences",
            body: htmlTable(DIFFERENCE_HEAD, comparison.differences.map(differenceRow), [2, 3]),
          },
        ]
      : []),
    ...optional("Quality against cost", paretoPlots(comparison, timings)),
    ...optional("Loss by position", positionPlot(comparison)),
    ...optional("Recall by depth and length", recallPlots(comparison)),
    ...optional("Accuracy while training", accuracyPlot(comparison)),
    ...optional("Learning rates", sweepTable(comparison)),
    ...optional("Decoding", decodeTable(comparison, timings)),
  ];
  return page(comparison.title, lead, sections);
}

const optional = (title: string, body: Html | undefined): Section[] => (body ? [{ title, body }] : []);

/** The metric that a comparison is first about. */
function headline({ architectures }: Comparison): Metric {
  return architectures.some(({ means }) => means.heldOutLoss !== undefined) ? "heldOutLoss" : "accuracyArea";
}

function architectureTable(comparison: Comparison, timings: ComparisonTimings) {
  const metrics = (Object.keys(METRICS) as Metric[]).filter((metric) =>
    comparison.architectures.some(({ means }) => means[metric] !== undefined),
  );
  const steps95 = comparison.architectures.some(({ runs }) => runs.some((run) => run.stepsTo95));
  const head = [
    "architecture",
    "layers",
    "parameters",
    "FLOP a token",
    "steps",
    "rate",
    ...metrics.map((metric) => METRICS[metric].title),
    ...(steps95 ? ["steps to 95 %"] : []),
    "cache bytes",
    "tokens/s here",
  ];
  const rows = comparison.architectures.map((a) => [
    a.name,
    a.pattern,
    formatNumber(a.parameters),
    formatNumber(a.flopsPerToken),
    String(a.steps),
    String(a.learningRate),
    ...metrics.map((metric) => spread(a, metric)),
    ...(steps95 ? [stepsTo95(a)] : []),
    formatNumber(a.cacheBytes),
    formatNumber(timings[a.name]?.tokensPerSecond ?? Number.NaN),
  ]);
  return { head, rows, numeric: head.map((_, column) => column).slice(2) };
}

/** Mean over seeds, with their range. */
function spread({ runs }: ComparedArchitecture, metric: Metric): string {
  const values = runs.map(({ metrics }) => metrics[metric]).filter((value) => value !== undefined);
  if (values.length === 0) return "failed";
  const digits = (value: number): string => value.toFixed(METRICS[metric].unit === "share" ? 2 : 3);
  const mean = values.reduce((total, value) => total + value, 0) / values.length;
  return values.length === 1
    ? digits(mean)
    : `${digits(mean)} (${digits(Math.min(...values))} to ${digits(Math.max(...values))})`;
}

/** Runs that did not get there are lower bounds, and marked so. */
function stepsTo95({ runs }: ComparedArchitecture): string {
  return runs
    .map(({ stepsTo95: found }) => (found ? `${found.reached ? "" : ">"}${found.steps}` : "failed"))
    .join(" ");
}

const DIFFERENCE_HEAD = ["pair", "metric", "mean difference", "interval", "verdict"];

function differenceRow({ first, second, metric, mean, interval, verdict }: Difference): string[] {
  return [
    `${first} - ${second}`,
    METRICS[metric].title,
    signed(mean),
    interval ? `${signed(interval[0])} to ${signed(interval[1])}` : "-",
    verdict,
  ];
}

/** What was found, a sentence each: of the published trends where the recipe names some, else of the differences. */
function headlines({ trends, differences }: Comparison): string[] {
  if (trends.length > 0) {
    return trends.map(
      ({ claim, source, here, difference }) => `${claim} (${source}): ${here}. ${figures(difference)}.`,
    );
  }
  return differences
    .filter(({ metric }) => metric !== "lossBeyond" && metric !== "accuracy")
    .map((difference) => `${difference.verdict}. ${figures(difference)}.`);
}

/** `mamba - attention, held-out loss: -0.354 [-0.389, -0.318] nats/token over 3 pairs`. */
function figures({ first, second, metric, mean, interval, bySeed }: Difference): string {
  const range = interval ? ` [${signed(interval[0])}, ${signed(interval[1])}]` : "";
  return `${first} - ${second}, ${METRICS[metric].title}: ${signed(mean)}${range} ${METRICS[metric].unit} over ${bySeed.length} pairs`;
}

const signed = (value: number): string => `${value < 0 ? "-" : "+"}${Math.abs(value).toFixed(3)}`;

function notes({ level, architectures, differences }: Comparison): string[] {
  const failed = architectures.flatMap(({ name, runs }) =>
    runs.filter((run) => run.failed !== undefined).map((run) => `${name}, seed ${run.seed}: ${run.failed}.`),
  );
  return [
    `Intervals hold the mean difference over seeds with ${100 * level} % confidence, each comparison by itself: of ${differences.length} comparisons without a difference about ${formatNumber((1 - level) * differences.length, 2)} would be called one.`,
    "These are small networks, trained for minutes: what carries over to larger ones is the way of measuring and perhaps a trend, not a number.",
    ...failed,
  ];
}

function paretoPlots(comparison: Comparison, timings: ComparisonTimings): Html | undefined {
  const metric = headline(comparison);
  const { title, unit, better } = METRICS[metric];
  const points = comparison.architectures
    .filter(({ means }) => means[metric] !== undefined)
    .map((a) => ({
      name: a.name,
      quality: a.means[metric]!,
      cache: a.cacheBytes,
      throughput: timings[a.name]?.tokensPerSecond ?? Number.NaN,
    }));
  if (points.length === 0) return undefined;
  const plot = (x: "cache" | "throughput", label: string): string => {
    const shown = points.filter((point) => point[x] > 0);
    const front = paretoFront(shown, x, x === "throughput", better === "higher");
    return draw({
      height: 320,
      marginRight: 90,
      inset: 16,
      color: colours(comparison),
      x: { label, type: x === "cache" ? "log" : "linear", nice: true },
      y: { label: `${title} (${unit})`, reverse: better === "lower", nice: true },
      marks: [
        Plot.line(front, { x, y: "quality", stroke: COLOURS[0], strokeOpacity: 0.5, curve: "linear" }),
        Plot.dot(shown, { x, y: "quality", fill: "name", r: 5 }),
        Plot.text(shown, {
          x,
          y: "quality",
          text: "name",
          dx: 8,
          textAnchor: "start",
          fill: "currentColor",
          stroke: "var(--paper)",
          strokeWidth: 4,
        }),
      ],
    });
  };
  return html`${figure(raw(plot("throughput", "training tokens/s on this machine →")).text, "Up and to the right is better; the line joins what nothing beats in both. Throughput was measured while other runs shared the machine.")}
${figure(raw(plot("cache", "cache of one sequence of the trained length, bytes in bf16")).text, "Up and to the left is better; the line joins what nothing beats in both.")}`;
}

type ParetoPoint = {
  readonly name: string;
  readonly quality: number;
  readonly cache: number;
  readonly throughput: number;
};

/** The points that no other is at least as good as in both ways, in order of `x`. */
function paretoFront(
  points: readonly ParetoPoint[],
  x: "cache" | "throughput",
  moreIsBetter: boolean,
  higherIsBetter: boolean,
): ParetoPoint[] {
  const gain = (point: ParetoPoint): [number, number] => [
    moreIsBetter ? point[x] : -point[x],
    higherIsBetter ? point.quality : -point.quality,
  ];
  const beaten = (point: ParetoPoint): boolean =>
    points.some((other) => {
      const [a, b] = [gain(other), gain(point)];
      return a[0] >= b[0] && a[1] >= b[1] && (a[0] > b[0] || a[1] > b[1]);
    });
  return points.filter((point) => !beaten(point)).sort((a, b) => a[x] - b[x]);
}

/** Colours by architecture, the same in every chart. */
function colours({ architectures }: Pick<Comparison, "architectures">) {
  return { domain: architectures.map(({ name }) => name) };
}

/** In words below the chart, since a legend of the chart's own needs the style sheet of a browser's document. */
function legend({ architectures }: Pick<Comparison, "architectures">): Html {
  return html`${architectures.map(
    ({ name }, i) =>
      html`${i > 0 ? ", " : ""}<span style="color:${COLOURS[i % COLOURS.length]!}">●</span> ${name}`,
  )}`;
}

function positionPlot({ architectures, trainedLength }: Comparison): Html | undefined {
  const points = architectures.flatMap(({ name, byPosition = [] }) =>
    byPosition.map(({ from, to, loss }) => ({ name, position: (from + to) / 2, loss })),
  );
  if (points.length === 0) return undefined;
  const svg = draw({
    height: 340,
    color: colours({ architectures }),
    x: { label: "position in the window, tokens →", nice: true },
    y: { label: "↑ loss, nats/token", nice: true },
    marks: [
      Plot.ruleX([trainedLength], { strokeDasharray: "4 3" }),
      Plot.line(points, { x: "position", y: "loss", stroke: "name", curve: "linear" }),
      Plot.dot(points, { x: "position", y: "loss", fill: "name", r: 2 }),
    ],
  });
  return figure(
    svg,
    html`${legend({ architectures })}. Mean over seeds and over the same held-out windows for all. The dashed line is the trained length. The text differs between positions: compare lines at one position, not positions of one line.`,
  );
}

function recallPlots({ architectures, trainedLength }: Comparison): Html | undefined {
  const cells = architectures.flatMap(({ name, recall = [] }) =>
    recall.map((cell) => ({
      ...cell,
      name,
      length: String(cell.length),
      depth: `${Math.round(100 * cell.depth)} %`,
    })),
  );
  if (cells.length === 0) return undefined;
  const names = [...new Set(cells.map(({ name }) => name))];
  const svg = draw({
    height: 70 + 135 * names.length,
    marginTop: 30,
    opacity: { domain: [0, 1], range: [0.04, 0.9] },
    x: { label: "length, tokens", type: "band", domain: [...new Set(cells.map(({ length }) => length))] },
    y: { label: "depth", type: "band", domain: [...new Set(cells.map(({ depth }) => depth))] },
    fy: { axis: null, domain: names, padding: 0.2 },
    marks: [
      // Above each map: beside it a narrow window would not show them.
      Plot.text(names, {
        fy: (name: string) => name,
        text: (name: string) => name,
        frameAnchor: "top-left",
        dy: -14,
      }),
      Plot.cell(cells, {
        x: "length",
        y: "depth",
        fy: "name",
        fill: COLOURS[0],
        fillOpacity: "accuracy",
        inset: 0.5,
      }),
      Plot.text(cells, {
        x: "length",
        y: "depth",
        fy: "name",
        text: (cell: { accuracy: number }) => cell.accuracy.toFixed(2),
        fill: "currentColor",
      }),
    ],
  });
  return figure(svg, `Share of numbers recalled whole, mean over seeds. Trained at ${trainedLength} tokens.`);
}

function accuracyPlot({ architectures }: Comparison): Html | undefined {
  const points = architectures.flatMap(({ name, runs }) =>
    runs.flatMap(({ seed, accuracy }) =>
      accuracy.map((point) => ({ ...point, name, run: `${name}/${seed}` })),
    ),
  );
  if (points.length === 0) return undefined;
  const svg = draw({
    height: 340,
    color: colours({ architectures }),
    x: { label: "steps →", nice: true },
    y: { label: "↑ accuracy", domain: [0, 1] },
    marks: [
      Plot.ruleY([0.95], { strokeDasharray: "4 3" }),
      Plot.line(points, { x: "step", y: "accuracy", stroke: "name", z: "run", curve: "linear" }),
    ],
  });
  return figure(
    svg,
    html`${legend({ architectures })}. A line a seed. Accuracy stays on a plateau and then jumps: at a fixed budget it says when the jump came, not what a mixer can do.`,
  );
}

function sweepTable({ architectures }: Comparison): Html | undefined {
  const rows = architectures.flatMap(({ name, sweep, learningRate }) =>
    sweep.map((tried) => [
      name,
      String(tried.learningRate),
      tried.score === null ? "failed" : Math.abs(tried.score).toFixed(4),
      tried.learningRate === learningRate ? "chosen" : "",
    ]),
  );
  if (rows.length === 0) return undefined;
  return html`<p>Tried on a seed that is not compared.</p>${htmlTable(["architecture", "learning rate", "score", ""], rows, [1, 2])}`;
}

function decodeTable({ architectures }: Comparison, timings: ComparisonTimings): Html | undefined {
  const rows = architectures.flatMap(({ name }) =>
    (timings[name]?.decoding ?? []).map((speed) => [
      name,
      String(speed.context),
      formatNumber(speed.tokensPerSecond),
      formatNumber(speed.cacheBytes),
      formatNumber(speed.predictedCacheBytes),
    ]),
  );
  if (rows.length === 0) return undefined;
  const head = ["architecture", "context", "tokens/s", "cache bytes here (float32)", "predicted"];
  return html`${htmlTable(head, rows, [1, 2, 3, 4])}<p class="soft">One sequence, one thread, while other runs shared the machine.</p>`;
}
