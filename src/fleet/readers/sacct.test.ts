import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { InputError } from "../../core/index.ts";
import { labFile, textSource } from "../testing/lab.ts";
import { LONGEST_LINE_BYTES, partsOfFile } from "./lines.ts";
import { readSacct, readSacctParts, SACCT_FIELDS } from "./sacct.ts";

const HEADER = "JobIDRaw|State|Start|End|ElapsedRaw|NodeList|SubmitLine";
const row = (id: number, more = "sbatch a.sh") =>
  `${id}|COMPLETED|2026-01-01T00:00:00|2026-01-01T01:00:00|3600|n1|${more}`;
const read = (text: string | Buffer, options = {}) => readSacct(textSource(text), options);

describe("the log of a real Slurm 22.05", () => {
  it("has every attempt with --duplicates, by state", async () => {
    const { attempts, reading, missing } = await readSacct(labFile("sacct-duplicates.psv"));
    expect(attempts.length).toBe(57);
    expect(attempts.byState()).toEqual({
      COMPLETED: 19,
      PREEMPTED: 16,
      FAILED: 12,
      REQUEUED: 5,
      NODE_FAIL: 3,
      TIMEOUT: 1,
      CANCELLED: 1,
    });
    expect(reading.skipped).toEqual([]);
    expect(reading.mended).toEqual([]);
    expect(reading.lines).toBe(58);
    expect(missing).toEqual([]);
  });

  it("reads every field of a requeued attempt", async () => {
    const { attempts } = await readSacct(labFile("sacct-duplicates.psv"));
    const attempt = attempts.rows().find(({ job, state }) => job === "33" && state === "NODE_FAIL")!;
    expect(attempt).toMatchObject({
      name: "pretrain_run1",
      partition: "hi",
      nodes: 3,
      accelerators: 24,
      nodeList: "n[1-3]",
      elapsedSeconds: 10,
      timeLimitSeconds: 3600,
      priority: 4294901728,
    });
    expect(attempt.start).toBe(Date.UTC(2026, 10, 22, 20, 10, 58) / 1000);
  });

  it("gives the same attempts with steps, which it counts", async () => {
    const plain = await readSacct(labFile("sacct-duplicates.psv"));
    const steps = await readSacct(labFile("sacct-duplicates-with-steps.psv"));
    expect(steps.attempts.rows()).toEqual(plain.attempts.rows());
    expect(steps.reading.passed).toEqual([{ reason: "job step", count: steps.reading.lines - 58 }]);
  });

  it("keeps only the last attempt of each job without --duplicates", async () => {
    const all = await readSacct(labFile("sacct-duplicates.psv"));
    const last = await readSacct(labFile("sacct-nodup.psv"));
    const jobs = new Set(all.attempts.rows().map(({ job }) => job));
    expect(last.attempts.length).toBe(jobs.size);
  });

  it("does not depend on the order of the fields, line endings or a byte order mark", async () => {
    const text = readFileSync(labFile("sacct-duplicates.psv"), "utf8");
    const reversed = text
      .trimEnd()
      .split("\n")
      .map((line) => line.split("|").reverse().join("|"))
      .join("\r\n");
    const plain = await read(text);
    const turned = await read(`\ufeff${reversed}`);
    const comparable = (rows: object[]) => rows.map((attempt) => JSON.stringify(attempt));
    expect(comparable(turned.attempts.rows())).toEqual(comparable(plain.attempts.rows()));
  });
});

describe("what logs contain in the wild", () => {
  it("reads states with suffixes, absent times, array and heterogeneous ids", async () => {
    const { attempts, reading } = await read(
      [
        "JobID|JobIDRaw|State|Submit|Start|End|Elapsed|AllocTRES|Timelimit",
        "7|7|CANCELLED by 1000|2026-01-01T00:00:00|None|2026-01-01T00:00:05|00:00:00||1-00:00:00",
        "12_3|14|RUNNING|2026-01-01T00:00:00|2026-01-01T00:00:05|Unknown|01:00:00|cpu=8,gres/gpu:a100=4,node=2|UNLIMITED",
        "20+1|21|CD|2026-01-01T00:00:00|2026-01-01T00:00:05|2026-01-02T02:00:05|1-02:00:00|gres/gpu=8,gres/gpu:h100=8|30:00",
        "12_[4-9%2]|12|PENDING|2026-01-01T00:00:00|Unknown|Unknown|00:00:00||30:00",
      ].join("\n"),
    );
    expect(reading.skipped).toEqual([]);
    const [cancelled, running, heterogeneous, pending] = attempts.rows();
    expect(cancelled).toMatchObject({ state: "CANCELLED", start: Number.NaN, timeLimitSeconds: 86_400 });
    expect(running).toMatchObject({
      job: "14",
      arrayJob: "12",
      arrayTask: 3,
      state: "RUNNING",
      end: Number.NaN,
      accelerators: 4,
      nodes: 2,
    });
    expect(heterogeneous).toMatchObject({
      job: "21",
      state: "COMPLETED",
      elapsedSeconds: 93_600,
      accelerators: 8,
    });
    expect(pending).toMatchObject({ arrayJob: "12", arrayTask: undefined, state: "PENDING" });
  });

  it("tells the tasks of an array apart without JobIDRaw", async () => {
    const line = (id: string) => `${id}|COMPLETED|2026-01-01T00:00:00|2026-01-01T01:00:00`;
    const { attempts } = await read(
      ["JobID|State|Start|End", line("12_1"), line("12_2"), line("13")].join("\n"),
    );
    expect(attempts.rows().map(({ job, arrayJob, arrayTask }) => [job, arrayJob, arrayTask])).toEqual([
      ["12_1", "12", 1],
      ["12_2", "12", 2],
      ["13", undefined, undefined],
    ]);
  });

  it("keeps delimiters inside free text, wherever that field stands", async () => {
    const last = await read(`${HEADER}\n${row(1, "sbatch --wrap 'a | b | c'")}`);
    expect(last.attempts.length).toBe(1);
    expect(last.reading.mended).toMatchObject([{ reason: "a delimiter inside free text", count: 1 }]);
    const middle = await read(
      "JobIDRaw|JobName|State|Start|End\n1|a|b|COMPLETED|2026-01-01T00:00:00|2026-01-01T01:00:00",
    );
    expect(middle.attempts.row(0)).toMatchObject({ name: "a|b", state: "COMPLETED", elapsedSeconds: 3600 });
  });

  it("reads other delimiters, --parsable's last delimiter and column widths in the header", async () => {
    const { attempts } = await read(
      "JobIDRaw;JobName%30;State;Start;End;\n1;x;COMPLETED;2026-01-01T00:00:00;2026-01-01T01:00:00;",
    );
    expect(attempts.row(0)).toMatchObject({ job: "1", name: "x", elapsedSeconds: 3600 });
  });

  it("reads local times of a zone across a clock change, and times with their own zone", async () => {
    const { attempts } = await read(
      [
        "JobIDRaw|State|Start|End",
        "1|COMPLETED|2026-03-28T12:00:00|2026-03-29T12:00:00",
        "2|COMPLETED|2026-07-01T12:00:00+0200|1782903600",
      ].join("\n"),
      { timeZone: "Europe/Zurich" },
    );
    expect(attempts.row(0).elapsedSeconds).toBe(23 * 3600);
    expect(attempts.row(1)).toMatchObject({ start: Date.UTC(2026, 6, 1, 10) / 1000, elapsedSeconds: 3600 });
  });

  it("reads a log without a header when the fields are given", async () => {
    const { attempts } = await read(row(5), { fields: HEADER.split("|") });
    expect(attempts.row(0).job).toBe("5");
  });

  it("lets rows go that a visitor has summed up", async () => {
    let seconds = 0;
    const { attempts, reading } = await read([HEADER, row(1), row(2)].join("\n"), {
      visit: (table: { elapsedSeconds: Float64Array }, index: number) => {
        seconds += table.elapsedSeconds[index]!;
        return false;
      },
    });
    expect(seconds).toBe(7200);
    expect(attempts.length).toBe(0);
    expect(reading.kept).toBe(2);
  });
});

describe("a large log", () => {
  it("is the same read by one thread and by several", async () => {
    const folder = mkdtempSync(join(tmpdir(), "sacct-parts-"));
    try {
      const [header, ...rows] = readFileSync(labFile("sacct-duplicates.psv"), "utf8").trimEnd().split("\n");
      // Things to say of lines in every part, a zone in the last alone, and ids that are texts.
      const broken = rows.flatMap((row, i) => (i % 7 === 3 ? [row, "cut|short", ""] : [row]));
      const fields = header!.split("|");
      const zoned = broken.at(-1)!.split("|");
      zoned[fields.indexOf("Submit")] += "Z";
      const file = join(folder, "sacct.psv");
      writeFileSync(file, [header, ...broken.slice(0, -1), zoned.join("|")].join("\n"));
      const whole = await readSacct(file);
      const parts = partsOfFile(file, 4, 100);
      expect(parts).toHaveLength(4);
      const apart = await readSacctParts(parts, {});
      expect(apart.attempts.rows()).toEqual(whole.attempts.rows());
      expect(Array.from(apart.attempts.line.subarray(0, apart.attempts.length))).toEqual(
        Array.from(whole.attempts.line.subarray(0, whole.attempts.length)),
      );
      expect(whole.reading.skippedRows).toBeGreaterThan(4);
      expect(whole.reading.mended.map(({ reason }) => reason).join()).toContain("times with a zone");
      const said = apart.reading.toJSON();
      expect({ ...said, mended: whole.reading.mended }).toEqual(whole.reading.toJSON());
      expect(said.mended.map(({ reason }) => reason).sort()).toEqual(
        whole.reading.mended.map(({ reason }) => reason).sort(),
      );
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});

describe("bad lines are named, counted and passed over", () => {
  const cases: [string, string, string][] = [
    [
      "a line cut short",
      "2|COMPLETED|2026-01-01T0",
      "fewer fields than the header (cut short, or another delimiter)",
    ],
    [
      "another delimiter",
      "2,COMPLETED,2026-01-01T00:00:00,2026-01-01T01:00:00,3600,n1,sbatch",
      "fewer fields than the header (cut short, or another delimiter)",
    ],
    [
      "an end before its start",
      "2|COMPLETED|2026-01-01T01:00:00|2026-01-01T00:59:50|0|n1|sbatch",
      "End is before Start",
    ],
    [
      "an unknown state",
      "2|DONE|2026-01-01T00:00:00|2026-01-01T01:00:00|3600|n1|sbatch",
      "the state is unknown",
    ],
    [
      "a broken time",
      "2|FAILED|2026-13-01T00:00:00|2026-01-01T01:00:00|3600|n1|sbatch",
      "Start is not a time",
    ],
    [
      "a broken id",
      "two|FAILED|2026-01-01T00:00:00|2026-01-01T01:00:00|3600|n1|x",
      "the job id cannot be read",
    ],
    ["a very long line", `2|FAILED|${"x".repeat(LONGEST_LINE_BYTES)}`, "the line is longer than 1 MiB"],
  ];
  it.each(cases)("%s", async (_, bad, reason) => {
    const text = [HEADER, row(1), bad, row(3)].join("\n");
    const { attempts, reading } = await read(text);
    expect(attempts.rows().map(({ job }) => job)).toEqual(["1", "3"]);
    expect(reading.skipped).toMatchObject([{ reason, count: 1, examples: [{ line: 3 }] }]);
    await expect(read(text, { strict: true })).rejects.toThrow(InputError);
    await expect(read(text, { strict: true })).rejects.toThrow("sacct.psv:3");
  });

  it("a second time zone shows as whole hours between End and Start + Elapsed", async () => {
    const { attempts, reading } = await read(
      `${HEADER}\n2|FAILED|2026-01-01T01:00:00|2026-01-01T00:30:00|1800|n1|x`,
    );
    expect(attempts.row(0)).toMatchObject({ elapsedSeconds: 1800, end: Date.UTC(2026, 0, 1, 1, 30) / 1000 });
    expect(reading.mended[0]!.reason).toContain("second time zone");
  });

  it("times with a zone beside times without one are said", async () => {
    const { reading } = await read(
      [
        "JobIDRaw|State|Start|End",
        "1|COMPLETED|2026-01-01T00:00:00|2026-01-01T01:00:00",
        "2|COMPLETED|2026-01-01T00:00:00+01:00|2026-01-01T01:00:00+01:00",
      ].join("\n"),
    );
    expect(reading.mended).toMatchObject([
      { reason: "times with a zone and times without one in the same log", examples: [{ line: 3 }] },
    ]);
    expect(reading.sentences().at(-1)).toBe(
      "sacct.psv: 1 row mended: times with a zone and times without one in the same log (line 3)",
    );
  });

  it("a zone that does not exist is refused", async () => {
    await expect(read(`${HEADER}\n${row(1)}`, { timeZone: "Mars/Olympus" })).rejects.toThrow("Mars/Olympus");
  });

  it("the same attempt twice is one attempt, as its later row tells it", async () => {
    const running = "1|RUNNING|2026-01-01T00:00:00|Unknown|60|n1|x";
    const { attempts, reading } = await read([HEADER, running, row(1)].join("\n"));
    expect(attempts.rows().map(({ state }) => state)).toEqual(["COMPLETED"]);
    expect(reading.mended).toMatchObject([{ count: 1, examples: [{ line: 3 }] }]);
  });

  it("text that is not UTF-8 is read as Latin-1", async () => {
    const bytes = Buffer.from(
      "JobIDRaw|JobName|State|Start|End\n1|caf\u00e9|COMPLETED|2026-01-01T00:00:00|2026-01-01T01:00:00\n",
      "latin1",
    );
    expect((await read(bytes)).attempts.row(0).name).toBe("caf\u00e9");
  });

  it("an empty file, a file without a header and a file of something else are refused", async () => {
    await expect(read("")).rejects.toThrow("an empty file");
    await expect(read(row(1))).rejects.toThrow("a header of sacct's field names");
    await expect(read("JobIDRaw|JobName|Start\n")).rejects.toThrow("a header without State, End");
    await expect(read(Buffer.from("\ufeffJobIDRaw|State", "utf16le"))).rejects.toThrow("UTF-16");
  });

  it("is recommended by the docs with the fields that it reads", () => {
    expect(readFileSync(new URL("../../../docs/fleet.md", import.meta.url), "utf8")).toContain(
      SACCT_FIELDS.join(","),
    );
  });
});
