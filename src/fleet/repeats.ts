/** Rows of a log that tell what another row tells. */
import type { AttemptTable } from "./attempts.ts";

/**
 * Removes rows that report the same attempt again (windows of sacct that overlap, or two logs of one cluster), keeping the
 * later row, which knows more: same job, start and submit. A requeued job that has not started again may carry two
 * times of submit, of its requeue and of the end of its clean-up, but waits only once at a time. `repeated` sees each
 * later row.
 */
export function dropRepeats(table: AttemptTable, repeated: (row: number) => void = () => {}): number {
  const { index } = table;
  const dropped = new Set<number>();
  for (let row = 1; row < table.length; row++) {
    for (let earlier = index.previous[row]!; earlier >= 0; earlier = index.previous[earlier]!) {
      if (!Object.is(table.start[earlier], table.start[row])) continue;
      const sameSubmit = Object.is(table.submit[earlier], table.submit[row]);
      if (!sameSubmit && !(Number.isNaN(table.start[row]!) && overlap(table, earlier, row))) continue;
      dropped.add(earlier);
      repeated(row);
      break;
    }
  }
  return dropped.size === 0 ? 0 : table.filter((row) => !dropped.has(row));
}

/** Whether the spans of two rows from submit to end, if they have one, have a moment in common. */
function overlap({ submit, end }: AttemptTable, a: number, b: number): boolean {
  return !(submit[a]! > end[b]!) && !(submit[b]! > end[a]!);
}
