/** An account as people read it. What draws is loaded only when a page is asked for. */
import { terminalTable } from "../core/index.ts";
import type { ReliabilityReport } from "./report.ts";
import type { ReportTable } from "./tables.ts";

/** Lines, then tables, for a terminal. */
export function terminalText(tables: readonly ReportTable[], lines: readonly string[] = []): string {
  return [
    ...lines,
    ...tables.map(({ title, columns, numeric, rows, notes }) =>
      [
        title,
        ...(rows.length === 0 ? [] : [terminalTable(columns, rows, { right: numeric })]),
        ...notes.map((note) => `- ${note}`),
      ].join("\n"),
    ),
  ].join("\n\n");
}

/** The whole account as one self-contained page. What draws is loaded only now. */
export async function htmlReport(report: ReliabilityReport): Promise<string> {
  return (await import("./page.ts")).reliabilityPage(report);
}
