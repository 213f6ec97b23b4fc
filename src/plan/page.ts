/** A plan as one HTML page; it only shows what `plan.json` holds. Loads what draws, so it is loaded only to draw. */
import { printedUnit } from "../core/index.ts";
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
  tornado,
} from "../view/index.ts";
import type { Objective } from "./brief.ts";
import type { Breakdown, Plan, PlanDecision, PlanFigure } from "./plan-schema.ts";
import {
  central,
  constraintSentence,
  interval,
  notesOf,
  OBJECTIVE_NAMES,
  searchSentence,
} from "./wording.ts";

const named = (figures: readonly PlanFigure[], name: string): PlanFigure =>
  figures.find((candidate) => candidate.name === name)!;

export function htmlReport(plan: Plan): string {
  const title = plan.goal === "" ? "Plan" : plan.goal;
  const cards = html`<div class="cards">${plan.outcomes.map(
    (f) =>
      html`<div class="card"><span>${OBJECTIVE_NAMES[f.name as Objective]}</span><b>${central(f)}</b><span>${interval(f)}</span><span class="basis">${f.basis}</span></div>`,
  )}</div>`;
  const lead = html`<p>${plan.decisions.map(({ choice }) => choice).join("; ")}.</p>
${cards}
<p class="soft">Each figure is the median of its draws, with the interval that holds 90 % of them and the weakest basis of what it rests on: given, measured, fitted, published or assumed. Made by terrarium ${plan.terrarium} from ${plan.brief}, seed ${plan.seed}.</p>`;
  const sections: Section[] = [
    { title: "Decisions", body: html`${plan.decisions.map(decisionBody)}` },
    { title: "Trade-offs", body: tradeOffs(plan) },
    { title: "Time and carbon", body: html`${plan.breakdowns.map(breakdownFigure)}` },
    { title: "Sensitivity", body: html`${plan.objectives.map((objective) => sensitivity(plan, objective))}` },
    { title: "What was assumed", body: assumptions(plan) },
    { title: "Sources", body: sourceTable(plan) },
  ];
  return page(title, lead, sections);
}

function figureTable(figures: readonly PlanFigure[]): Html {
  return htmlTable(
    ["figure", "median", "90 % interval", "basis", "sources"],
    figures.map((f) => [f.name, central(f), interval(f), f.basis, sourceLinks(f.sources)]),
    [1, 2],
  );
}

function sourceLinks(keys: readonly string[]): Html {
  return html`${keys.map((key, i) => html`${i > 0 ? ", " : ""}<a href="#${key}">${key}</a>`)}`;
}

function decisionBody(decision: PlanDecision): Html {
  const alternatives =
    decision.alternatives.length === 0
      ? html`<p class="soft">The brief leaves no alternative.</p>`
      : html`<details><summary>${decision.alternatives.length} alternatives, each with the best plan that takes it</summary>${htmlTable(
          [
            "alternative",
            ...decision.alternatives[0]!.outcomes.map((f) => OBJECTIVE_NAMES[f.name as Objective]),
            "constraints",
          ],
          decision.alternatives.map(({ label, outcomes, feasible }) => [
            label,
            ...outcomes.map(central),
            feasible ? "met" : "not met",
          ]),
          decision.alternatives[0]!.outcomes.map((_, i) => i + 1),
        )}</details>`;
  return html`<h3>${decision.title}: ${decision.choice}</h3>
<p>${decision.question} ${decision.why}</p>
${decision.notes.map((note) => html`<p class="note">${note}</p>`)}
${figureTable(decision.figures)}
${alternatives}`;
}

function tradeOffs(plan: Plan): Html {
  const constraints = html`<ul>${plan.constraints.map((constraint) => html`<li>${constraintSentence(constraint)}</li>`)}</ul>`;
  const [x, y] = plan.objectives;
  if (!y) return html`<p>${searchSentence(plan)}</p>${constraints}`;
  return html`<p>${searchSentence(plan)}</p>${constraints}${plan.objectives
    .slice(1)
    .map((objective) => frontFigure(plan, x!, objective))}`;
}

function frontFigure(plan: Plan, x: Objective, y: Objective): Html {
  const [chosen] = plan.front.filter((point) => point.chosen);
  const unitX = named(chosen!.outcomes, x).unit;
  const unitY = named(chosen!.outcomes, y).unit;
  const points = plan.front.map(({ outcomes, choices, chosen }) => ({
    x: named(outcomes, x).value,
    y: named(outcomes, y).value,
    family: choices.model!.split(",")[0]!,
    chosen,
  }));
  const spansDecades = Math.max(...points.map((p) => p.y)) > 30 * Math.min(...points.map((p) => p.y));
  const svg = draw({
    height: 340,
    grid: true,
    x: { label: `${OBJECTIVE_NAMES[x]} (${printedUnit(unitX)}) →`, nice: true },
    y: {
      label: `↑ ${OBJECTIVE_NAMES[y]} (${printedUnit(unitY)})`,
      type: spansDecades ? "log" : "linear",
      nice: true,
    },
    color: { legend: false },
    symbol: { legend: false },
    marks: [
      Plot.dot(points, { x: "x", y: "y", fill: "family", r: 4.5, fillOpacity: 0.85 }),
      Plot.dot(
        points.filter((p) => p.chosen),
        { x: "x", y: "y", r: 10, stroke: "currentColor", strokeWidth: 2 },
      ),
      Plot.text(
        points.filter((p) => p.chosen),
        {
          x: "x",
          y: "y",
          text: () => "the plan",
          dy: -18,
          fontWeight: "bold",
          stroke: "var(--paper)",
          strokeWidth: 5,
          fill: "currentColor",
        },
      ),
    ],
  });
  const families = [...new Set(points.map((p) => p.family))];
  const legend = html`${families.map(
    (family, i) =>
      html`${i > 0 ? ", " : ""}<span style="color:${COLOURS[i % COLOURS.length]!}">●</span> ${family}`,
  )}`;
  return figure(
    svg,
    html`Designs that meet every constraint and that none betters on all objectives (medians). ${legend}. The ring is the plan.`,
  );
}

function breakdownFigure({ title, unit, parts }: Breakdown): Html {
  const rows = parts.map((part) => ({ ...part }));
  const svg = draw({
    height: 60 + 34 * rows.length,
    marginLeft: 230,
    x: { label: `${title.toLowerCase()} (${printedUnit(unit)}) →`, grid: true, nice: true },
    y: { label: null, domain: rows.map((row) => row.name) },
    marks: [
      Plot.barX(rows, { y: "name", x: "value", fill: COLOURS[0], fillOpacity: 0.75 }),
      Plot.ruleY(rows, { y: "name", x1: "low", x2: "high", stroke: "currentColor", strokeWidth: 1.5 }),
      Plot.ruleX([0]),
    ],
  });
  return html`<h3>${title}</h3>${figure(
    svg,
    html`Bars are medians, lines 90 % intervals, in ${printedUnit(unit)}.`,
  )}${figureTable(parts)}`;
}

/** Bars shown in a tornado chart; the rest move less than these. */
const MOST_BARS = 10;

function sensitivity(plan: Plan, objective: Objective): Html {
  const swings = plan.sensitivity.filter((swing) => swing.objective === objective);
  const name = OBJECTIVE_NAMES[objective];
  if (swings.length === 0) return html`<h3>${name}</h3><p>No uncertain input moves it.</p>`;
  const { unit, atMedian } = swings[0]!;
  const bars = swings
    .slice(0, MOST_BARS)
    .map(({ input, atLow, atHigh }) => ({ label: input.replaceAll("/", ": "), atLow, atHigh }));
  return html`<h3>${name}</h3>${figure(
    tornado(bars, `${name} (${printedUnit(unit)})`, atMedian),
    html`The ${name} with one input at an end of its 90 % interval and all others at their medians: <span style="color:${COLOURS[0]}">●</span> at 5 %, <span style="color:${COLOURS[1]}">●</span> at 95 %. The dashed line has all inputs at their medians. ${swings.length > MOST_BARS ? `${swings.length - MOST_BARS} further inputs move it less.` : ""}`,
  )}`;
}

function assumptions(plan: Plan): Html {
  const notes = notesOf(plan);
  const defaults =
    plan.defaults.length === 0
      ? html`<p>The brief says everything that has a default.</p>`
      : htmlTable(
          ["left out of the brief", "what stands in", "why"],
          plan.defaults.map(({ path, value, why }) => [html`<code>${path}</code>`, value, why]),
        );
  return html`${defaults}${notes.length === 0 ? undefined : html`<ul>${notes.map((note) => html`<li>${note}</li>`)}</ul>`}`;
}

function sourceTable(plan: Plan): Html {
  return htmlTable(
    ["", "source", "where", "year"],
    plan.sources.map(({ key, title, where, year }) => [
      html`<span id="${key}">${key}</span>`,
      title,
      where,
      year,
    ]),
  );
}
