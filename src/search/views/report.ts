/** A study as one HTML page: what it found, how it came there, where candidates lie, and which of their parts matter. */
import { Estimate, formatEstimate, RandomStream } from "../../core/index.ts";
import type { Html, Section } from "../../view/index.ts";
import type { History, Trial } from "../history.ts";
import { isFeasible, lossesOf } from "../objectives.ts";
import { dimensionName, type Point } from "../space/space.ts";
import type { StudySpec } from "../spec.ts";
import type { Importances } from "./importance.ts";
import { bestSoFar, type Status } from "./status.ts";
import { bestTable, type Summary, spaceOf, summary } from "./summary.ts";

/** Marks of a chart, and lines of parallel coordinates: a page must open, however long the study. */
const MOST_DOTS = 2000;
const MOST_LINES = 300;
const MOST_AXES = 20;
/** Names of parts beyond this many are slanted. */
const MOST_FLAT_LABELS = 8;

type View = typeof import("../../view/index.ts");

interface Study {
  readonly spec: StudySpec;
  readonly history: History;
}

/** The page's text. Charts are drawn by a library that loads only now. */
export async function studyPage(study: Study): Promise<string> {
  const view = await import("../../view/index.ts");
  const { spec, history } = study;
  const found = summary(study);
  const trials = history.trials.filter(({ metrics }) => metrics);
  const sections = [
    { title: "The best", body: best(view, study, found.status) },
    ...(spec.objectives.length > 1 && trials.length > 0
      ? [{ title: "Front", body: fronts(view, study, found.status) }]
      : []),
    { title: "Progress", body: progress(view, study) },
    ...parallelCoordinates(view, study, found),
    ...(found.importances.length > 0
      ? [{ title: "Importances", body: importanceCharts(view, found.importances) }]
      : []),
    ...(found.status.failures.length > 0
      ? [
          {
            title: "Failures",
            body: view.htmlTable(
              ["trials", "reason"],
              found.status.failures.map(({ reason, count }) => [count, reason]),
              [0],
            ),
          },
        ]
      : []),
  ];
  return view.page(`Search: ${spec.domain}`, lead(view, spec, found.status), sections);
}

function lead({ html }: View, spec: StudySpec, found: Status): Html {
  const { trials, infeasible, elapsedSeconds, spent } = found;
  const goals = spec.objectives.map(({ metric, direction }) => `${direction} ${metric}`).join(", ");
  const limits = spec.outcomeConstraints.map(({ metric, atMost, atLeast }) =>
    [atLeast === undefined ? "" : `${atLeast} ≤ `, metric, atMost === undefined ? "" : ` ≤ ${atMost}`].join(
      "",
    ),
  );
  const time = (seconds: number) => formatEstimate(Estimate.exact(seconds, "s")).text;
  return html`<p>${[goals, ...limits].join("; ")}. Policy <code>${spec.policy.name}</code>, seed ${spec.seed}.</p>
<p class="soft">${trials.complete} trials complete (${infeasible} of them infeasible), ${trials.failed} failed,
${trials.asked + trials.made + trials.running} not settled. ${time(elapsedSeconds)} of work, ${time(spent.seconds)} of
evaluation${spent.tokens > 0 ? `, ${spent.tokens} tokens` : ""}${spent.usd > 0 ? `, ${spent.usd.toFixed(2)} USD` : ""}.</p>`;
}

function best({ html, htmlTable }: View, study: Study, { best: rows }: Status): Html {
  if (rows.length === 0) return html`<p>No trial is complete and feasible yet.</p>`;
  const table = bestTable(study.spec, rows);
  const intro =
    study.spec.objectives.length > 1
      ? `${rows.length} feasible trials that no other beats in every objective, by ${study.spec.objectives[0]!.metric}${table.rows.length < rows.length ? `; ${table.rows.length} are shown` : ""}.`
      : "The best feasible trial.";
  return html`<p>${intro}</p>${htmlTable(table.head, table.rows, table.numeric)}`;
}

/** The first objective against each other one. */
function fronts({ draw, figure, html, Plot }: View, { spec, history }: Study, { best }: Status): Html {
  const [first, ...others] = spec.objectives.map(({ metric }) => metric) as [string, ...string[]];
  const onFront = new Set(best.map(({ trial }) => trial));
  const complete = history.trials.filter(({ metrics }) => metrics);
  const dots = some(complete, MOST_DOTS, spec.seed).map(({ id, metrics }) => ({
    ...metrics,
    kind: onFront.has(id) ? "front" : isFeasible(spec, metrics!) ? "beaten" : "infeasible",
  }));
  return html`${others.map((other) =>
    figure(
      draw({
        color: {
          domain: ["front", "beaten", "infeasible"],
          range: ["#d55e00", "#0072b2", "#999999"],
          legend: false,
        },
        x: { label: first, grid: true },
        y: { label: other, grid: true },
        marks: [
          Plot.dot(dots, { x: first, y: other, stroke: "kind", r: 3 }),
          Plot.dot(
            dots.filter(({ kind }) => kind === "front"),
            { x: first, y: other, fill: "kind", r: 4 },
          ),
        ],
      }),
      `${first} and ${other} of trials: filled, those on the front; blue, beaten ones; grey, infeasible ones.`,
    ),
  )}`;
}

function progress({ draw, figure, html, Plot }: View, study: Study): Html {
  const { spec, history } = study;
  const values = bestSoFar(study);
  if (!values)
    return html`<p>The objectives have no reference values, so there is no hypervolume to follow.</p>`;
  const several = spec.objectives.length > 1;
  const { metric, direction } = spec.objectives[0]!;
  const label = several ? "hypervolume" : metric;
  // A line that only changes in steps needs no more points than it has steps.
  const line = values
    .map((value, trial) => ({ trial: trial + 1, value }))
    .filter(({ value }, i) => !Number.isNaN(value) && (i === values.length - 1 || value !== values[i - 1]));
  const complete = several ? [] : history.trials.filter(({ metrics }) => metrics);
  const dots = some(complete, MOST_DOTS, spec.seed).map(({ id, metrics }) => ({
    trial: id + 1,
    value: metrics![metric]!,
  }));
  return figure(
    draw({
      x: { label: "trial", domain: [1, Math.max(2, values.length)] },
      y: {
        label,
        grid: true,
        domain: several
          ? [0, values.at(-1)! || 1]
          : goodRange(
              dots.map(({ value }) => value),
              direction,
            ),
      },
      marks: [
        Plot.dot(dots, { x: "trial", y: "value", stroke: "#56b4e9", r: 2, clip: true }),
        Plot.line(line, {
          x: "trial",
          y: "value",
          stroke: "#d55e00",
          strokeWidth: 2,
          curve: "step-after",
          clip: true,
        }),
      ],
    }),
    several
      ? "Hypervolume of the feasible trials so far. A search that still climbs at its end needs more trials."
      : `${metric} of each trial, and the best feasible so far; the worst tenth of the trials may lie outside. A search that still improves at its end needs more trials.`,
  );
}

/** Each candidate as a line over its parts, the best ones before the others. */
function parallelCoordinates(
  view: View,
  { spec, history }: Study,
  { importances: found }: Summary,
): Section[] {
  const space = spaceOf(spec);
  const complete = history.trials.filter(({ metrics }) => metrics && isFeasible(spec, metrics));
  if (!space || complete.length === 0) return [];
  const { draw, figure, html, Plot } = view;
  const effects = new Map(found[0]?.parts.map(({ part, totalEffect }) => [part, totalEffect]));
  const names = space.dimensions.map((_, i) => dimensionName(space, i));
  const axes = [...names.keys()]
    .sort((a, b) => (effects.get(names[b]!) ?? 0) - (effects.get(names[a]!) ?? 0))
    .slice(0, MOST_AXES)
    .sort((a, b) => a - b);
  const losses = complete.map(({ metrics }) => lossesOf(spec, metrics!)[0]!);
  const limit = [...losses].sort((a, b) => a - b)[Math.floor((losses.length - 1) / 10)]!;
  const good = complete.filter((_, i) => losses[i]! <= limit);
  const rest = complete.filter((_, i) => losses[i]! > limit);
  const { metric } = spec.objectives[0]!;
  const lines = (trials: readonly Trial[]) =>
    some(trials, MOST_LINES / 2, spec.seed).flatMap(({ id, candidate }) => {
      const unit = space.encode(candidate as Point);
      return axes.map((i) => ({ id, part: names[i]!, at: unit[i]! }));
    });
  const style = { x: "part", y: "at", z: "id" } as const;
  const svg = draw({
    marginBottom: axes.length > MOST_FLAT_LABELS ? 70 : 30,
    x: {
      type: "point",
      domain: axes.map((i) => names[i]!),
      label: null,
      tickRotate: axes.length > MOST_FLAT_LABELS ? -40 : 0,
    },
    y: {
      domain: [0, 1],
      ticks: [0, 0.5, 1],
      tickFormat: (t: number) => ["lowest", "middle", "highest"][2 * t]!,
      label: null,
    },
    marks: [
      Plot.ruleX(
        axes.map((i) => names[i]!),
        { stroke: "currentColor", strokeOpacity: 0.3 },
      ),
      Plot.line(lines(rest), { ...style, stroke: "#999999", strokeOpacity: 0.25 }),
      Plot.line(lines(good), { ...style, stroke: "#d55e00", strokeOpacity: 0.6 }),
    ],
  });
  const left =
    axes.length < names.length
      ? ` Of ${names.length} parts the ${axes.length} that matter most are shown.`
      : "";
  return [
    {
      title: "Candidates",
      body: html`${figure(
        svg,
        `A line a candidate, each part from its lowest to its highest value (or first to last choice): orange, the best tenth by ${metric}; grey, others. A part where the orange lines meet is settled.${left}`,
      )}`,
    },
  ];
}

function importanceCharts({ draw, figure, html, Plot }: View, all: readonly Importances[]): Html {
  return html`${all.map(({ metric, parts, leaveOneOutRSquared, fittedTo }) => {
    const shownParts = parts.slice(0, MOST_AXES);
    const svg = draw({
      marginLeft: 130,
      height: 70 + 22 * shownParts.length,
      x: {
        label: "total effect on the variance",
        domain: [0, Math.max(0.1, shownParts[0]!.totalEffect)],
        grid: true,
      },
      y: { label: null, domain: shownParts.map(({ part }) => part) },
      marks: [Plot.barX(shownParts, { x: "totalEffect", y: "part", fill: "#0072b2" })],
    });
    return figure(
      svg,
      `${metric}: share of its variance that goes with each part, alone and together with others, in a model of ${fittedTo} trials. Left-out trials are predicted with R² ${leaveOneOutRSquared.toFixed(2)}${leaveOneOutRSquared < 0.3 ? ": the model knows little, and so does this chart" : ""}.`,
    );
  })}`;
}

/** From the best to what nine tenths are better than: a few bad trials would flatten all others. */
function goodRange(values: readonly number[], direction: "minimise" | "maximise"): [number, number] {
  const sorted = [...values].sort((a, b) => a - b);
  if (sorted.length === 0) return [0, 1];
  const tenth = Math.floor((sorted.length - 1) / 10);
  return direction === "minimise" ? [sorted[0]!, sorted.at(-1 - tenth)!] : [sorted[tenth]!, sorted.at(-1)!];
}

/** At most `count` of them, at random, in their order. */
function some<T>(items: readonly T[], count: number, seed: number): readonly T[] {
  if (items.length <= count) return items;
  const chosen = new RandomStream(seed).shuffle([...items.keys()]).slice(0, count);
  return chosen.sort((a, b) => a - b).map((i) => items[i]!);
}
