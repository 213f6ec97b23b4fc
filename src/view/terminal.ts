/** Tables for a terminal. */
import Table from "cli-table3";

/** A borderless table with a bold header; numbers are put to the right where `right` names their column. */
export function terminalTable(
  head: readonly string[],
  rows: readonly (readonly string[])[],
  { right = [], wrap }: { right?: readonly number[]; wrap?: Readonly<Record<number, number>> } = {},
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
    colWidths: head.map((_, column) => wrap?.[column] ?? null),
    wordWrap: true,
  });
  for (const row of rows) table.push([...row]);
  return table.toString();
}
