/** A study's trials as rows: JSON objects, or CSV with a column for each part and metric. */
import type { History, Trial } from "../history.ts";

export interface TrialRow {
  readonly trial: number;
  readonly state: string;
  readonly operator: string;
  readonly parents: readonly number[];
  readonly candidate: unknown;
  readonly metrics: Readonly<Record<string, number>> | null;
  readonly failure: string | null;
  readonly seconds: number;
  readonly tokens: number;
  readonly usd: number;
}

export function trialRows(history: History): TrialRow[] {
  return history.trials.map((trial: Trial) => ({
    trial: trial.id,
    state: trial.state,
    operator: trial.operator,
    parents: trial.parents,
    candidate: trial.candidate ?? null,
    metrics: trial.metrics ?? null,
    failure: trial.failure ?? null,
    ...trial.spent,
  }));
}

/**
 * CSV (RFC 4180) with a header. A candidate that is an object has a column a part, `candidate.NAME`; parts that are
 * not plain values, and other candidates, are written as JSON.
 */
export function trialsCsv(history: History): string {
  const rows = trialRows(history);
  const partNames = new Set<string>();
  const metricNames = new Set<string>();
  for (const { candidate, metrics } of rows) {
    if (isObject(candidate)) for (const name of Object.keys(candidate)) partNames.add(name);
    if (metrics) for (const name of Object.keys(metrics)) metricNames.add(name);
  }
  const whole = rows.some(({ candidate }) => candidate !== null && !isObject(candidate));
  const columns: { name: string; of: (row: TrialRow) => unknown }[] = [
    { name: "trial", of: (row) => row.trial },
    { name: "state", of: (row) => row.state },
    { name: "operator", of: (row) => row.operator },
    { name: "parents", of: (row) => row.parents.join(" ") },
    ...(whole
      ? [
          {
            name: "candidate",
            of: ({ candidate }: TrialRow) => (isObject(candidate) ? undefined : candidate),
          },
        ]
      : []),
    ...[...partNames].map((name) => ({
      name: `candidate.${name}`,
      of: ({ candidate }: TrialRow) => (isObject(candidate) ? candidate[name] : undefined),
    })),
    ...[...metricNames].map((name) => ({ name, of: ({ metrics }: TrialRow) => metrics?.[name] })),
    { name: "failure", of: (row) => row.failure },
    { name: "seconds", of: (row) => row.seconds },
    { name: "tokens", of: (row) => row.tokens },
    { name: "usd", of: (row) => row.usd },
  ];
  const lines = [
    columns.map(({ name }) => field(name)),
    ...rows.map((row) => columns.map(({ of }) => field(of(row)))),
  ];
  return lines.map((line) => `${line.join(",")}\n`).join("");
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function field(value: unknown): string {
  if (value === undefined || value === null) return "";
  const text = typeof value === "object" ? JSON.stringify(value) : String(value);
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
