import { describe, expect, it } from "vitest";
import { type AttemptFields, AttemptTable } from "./attempts.ts";
import { dropRepeats } from "./repeats.ts";

const kept = (...rows: AttemptFields[]) => {
  const table = new AttemptTable();
  for (const row of rows) table.add(row);
  dropRepeats(table);
  return Array.from({ length: table.length }, (_, row) => [
    table.submit[row],
    table.start[row],
    table.end[row],
  ]);
};

describe("rows that tell the same attempt", () => {
  const ran = { job: "4", state: "PREEMPTED", submit: 0, start: 1, end: 50 } as const;
  const waited = { job: "4", state: "CANCELLED", submit: 51, start: Number.NaN, end: 54 } as const;

  it("are one: same job, start and submit", () => {
    expect(kept(ran, { ...ran, end: 51 })).toEqual([[0, 1, 51]]);
  });

  it("are one where a job that waits carries two times of submit", () => {
    expect(kept(ran, waited, { ...waited, submit: 52 })).toEqual([
      [0, 1, 50],
      [52, Number.NaN, 54],
    ]);
  });

  it("are two where a job started twice, or waited at two times", () => {
    expect(kept(ran, { ...ran, start: 60, end: 70 })).toHaveLength(2);
    expect(kept(waited, { ...waited, submit: 55, end: 60 })).toHaveLength(2);
    expect(kept(waited, { ...waited, job: "5" })).toHaveLength(2);
  });
});
