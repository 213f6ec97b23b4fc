/** What a study found, as its page and the terminal both show it. */
import { formatNumber } from "../../core/index.ts";
import type { History } from "../history.ts";
import type { Parameter } from "../space/parameter.ts";
import { type Point, Space } from "../space/space.ts";
import type { StudySpec } from "../spec.ts";
import { type Importances, importances } from "./importance.ts";
import { type BestTrial, type Status, status } from "./status.ts";

const MOST_ROWS = 50;
const MOST_LETTERS = 80;
const FEWEST_FOR_IMPORTANCES = 10;

export interface Summary {
  readonly status: Status;
  /** By objective; none where the candidates are not points of a space, or are too few. */
  readonly importances: readonly Importances[];
}

export function summary(study: { readonly spec: StudySpec; readonly history: History }): Summary {
  const { spec, history } = study;
  const space = spaceOf(spec);
  const enough = history.completeCount >= FEWEST_FOR_IMPORTANCES;
  return {
    status: status(study),
    importances:
      space && enough
        ? spec.objectives.map(({ metric }) =>
            importances(space, history as History<Point>, metric, spec.seed),
          )
        : [],
  };
}

/** The best trials in order of the first objective, with a column a metric and a column a part; at most 50. */
export function bestTable(
  { objectives }: StudySpec,
  best: readonly BestTrial[],
): {
  readonly head: readonly string[];
  readonly rows: readonly string[][];
  readonly numeric: readonly number[];
} {
  const { metric, direction } = objectives[0]!;
  const sign = direction === "minimise" ? 1 : -1;
  const sorted = [...best]
    .sort((a, b) => sign * (a.metrics[metric]! - b.metrics[metric]!))
    .slice(0, MOST_ROWS);
  const metrics = Object.keys(sorted[0]?.metrics ?? {});
  const parts = [
    ...new Set(sorted.flatMap(({ candidate }) => (isObject(candidate) ? Object.keys(candidate) : []))),
  ];
  return {
    head: ["trial", ...metrics, ...(parts.length > 0 ? parts : ["candidate"])],
    rows: sorted.map(({ trial, candidate, metrics: m }) => [
      String(trial),
      ...metrics.map((name) => formatNumber(m[name]!, 4)),
      ...(isObject(candidate) ? parts.map((name) => cell(candidate[name])) : [cell(candidate)]),
    ]),
    numeric: metrics.map((_, i) => i + 1),
  };
}

/** The space of a study whose candidates are points of one; its constraints are known by name only. */
export function spaceOf({ space }: StudySpec): Space | undefined {
  const parameters = isObject(space) ? space.parameters : undefined;
  if (!isObject(parameters)) return undefined;
  const known = Object.values(parameters).every((each) => isObject(each) && KINDS.has(String(each.kind)));
  return known ? new Space(parameters as unknown as Record<string, Parameter>) : undefined;
}

const KINDS: ReadonlySet<string> = new Set<Parameter["kind"]>([
  "real",
  "integer",
  "ordered",
  "choice",
  "string",
]);

/** Candidates may be whole programs. */
function cell(value: unknown): string {
  if (value === undefined) return "";
  if (typeof value === "number") return formatNumber(value, 4);
  const text = typeof value === "string" ? value : JSON.stringify(value);
  return text.length > MOST_LETTERS ? `${text.slice(0, MOST_LETTERS)}...` : text;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
