/** Tables for a terminal. */
import Table from "cli-table3";

/** A borderless table with a bold header; columns in `right` are put to the right; a row of one cell spans them all. */
export function terminalTable(
  head: readonly string[],
  rows: readonly (readonly string[])[],
  { right = [] }: { right?: readonly number[] } = {},
): string {
  const bare = Object.fromEntries(
    ["top", "top-mid", "top-left", "top-right", "bottom", "bottom-mid", "bottom-left", "bottom-right"]
      .concat(["left", "left-mid", "mid", "mid-mid", "right", "right-mid"])
      .map((edge) => [edge, ""]),
  );
  const table = new Table({
    head: [...head],
    chars: { ...bare, middle: "  " },
    style: {
      "padding-left": 0,
      "padding-right": 0,
      head: process.stdout.hasColors?.() ? ["bold"] : [],
      border: [],
    },
    colAligns: head.map((_, column) => (right.includes(column) ? "right" : "left")),
  });
  for (const row of rows) {
    table.push(row.length === 1 ? [{ content: row[0]!, colSpan: head.length }] : [...row]);
  }
  return table.toString();
}
