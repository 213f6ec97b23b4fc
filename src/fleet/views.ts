/** An account as people read it. What draws is loaded only when a view is asked for. */
import type { ReliabilityReport } from "./report.ts";
import type { ReportTable } from "./tables.ts";

/** Lines, then tables, for a terminal. */
export async function terminalText(
  tables: readonly ReportTable[],
  lines: readonly string[] = [],
): Promise<string> {
  const { terminalTable } = await import("../view/index.ts");
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
