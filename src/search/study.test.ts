import { spawn } from "node:child_process";
import { once } from "node:events";
import {
  appendFileSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { buildSync } from "esbuild";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { InputError, type ProgressEvent } from "../core/index.ts";
import { commandFor, resumeStudy } from "./resume.ts";
import { followStudy, readStudy, Study } from "./study.ts";
import { dutifulRequest, runDutifulStudy } from "./testing/dutiful-study.ts";

/** The study as one file of JavaScript: a process that reads it is there in a tenth of the time. */
const program = fileURLToPath(
  new URL(`../../node_modules/.cache/dutiful-study-${process.pid}.mjs`, import.meta.url),
);
beforeAll(() => {
  buildSync({
    entryPoints: [fileURLToPath(new URL("./testing/dutiful-study.ts", import.meta.url))],
    outfile: program,
    bundle: true,
    platform: "node",
    format: "esm",
    external: ["@duckdb/node-api"],
    banner: {
      js: 'import { createRequire } from "node:module"; const require = createRequire(import.meta.url);',
    },
    logLevel: "error",
  });
});
afterAll(() => rmSync(program, { force: true }));

const root = mkdtempSync(join(tmpdir(), "terrarium-study-"));
afterAll(() => rmSync(root, { recursive: true }));
const folder = (name: string) => join(root, name);
const journalOf = (name: string) => readFileSync(join(folder(name), "journal.jsonl"), "utf8");

describe("a study on disk", () => {
  beforeAll(async () => {
    await runDutifulStudy(folder("whole"));
  });

  it("is the same, byte for byte, from the same seed, and another from another", async () => {
    await runDutifulStudy(folder("again"));
    expect(journalOf("again")).toBe(journalOf("whole"));
    await runDutifulStudy(folder("other"), { request: { ...dutifulRequest, seed: 8 } });
    expect(journalOf("other")).not.toBe(journalOf("whole"));
  });

  it("has settled 40 trials, failed ones with their reasons", () => {
    const { history } = readStudy(folder("whole"));
    expect(history.trials).toHaveLength(40);
    expect(history.unsettled).toEqual([]);
    const reasons = new Set(history.trials.flatMap(({ failure }) => failure ?? []));
    expect([...reasons].sort()).toEqual(["Error: the cliff", 'metric "loss" is NaN']);
    expect(history.completeCount).toBeGreaterThan(20);
  });

  it("is the same with three workers told in the order of asking, however long each takes", async () => {
    const options = { workers: 3, delays: true };
    await runDutifulStudy(folder("three"), options);
    await runDutifulStudy(folder("three more"), { ...options, delays: false });
    expect(journalOf("three more")).toBe(journalOf("three"));
  });

  it("is finished the same after its journal was cut off anywhere", async () => {
    const whole = journalOf("whole");
    // Cuts fall on all parts of a line, its end and the file's beginning included.
    for (let bytes = 0; bytes < whole.length; bytes += 331) {
      const name = `cut ${bytes}`;
      mkdirSync(folder(name));
      copyFileSync(join(folder("whole"), "study.json"), join(folder(name), "study.json"));
      writeFileSync(join(folder(name), "journal.jsonl"), whole.slice(0, bytes));
      const notices = await runDutifulStudy(folder(name));
      const torn = bytes > 0 && whole[bytes - 1] !== "\n";
      expect(notices.some((notice) => notice.includes("unfinished"))).toBe(torn);
      expect(journalOf(name)).toBe(whole);
      rmSync(folder(name), { recursive: true });
    }
  });

  it("is finished the same after kill -9 at every event", async () => {
    const events = journalOf("whole").trimEnd().split("\n").length;
    // Each process goes on from what the last one left, writes one event, and is killed before it can act on it.
    let killed = 0;
    for (; killed <= events; killed++) {
      const child = spawn(process.execPath, [program, folder("killed"), "1"], {
        stdio: ["ignore", "ignore", "inherit"],
      });
      const [code, signal] = (await once(child, "exit")) as [number | null, string | null];
      if (signal === null) {
        expect(code).toBe(0);
        break;
      }
      expect(signal).toBe("SIGKILL");
    }
    expect(killed).toBe(events);
    expect(journalOf("killed")).toBe(journalOf("whole"));
  }, 600_000);

  it("is finished the same by running its command again, also from elsewhere", async () => {
    const child = spawn(process.execPath, [program, folder("resumed"), "100"], { stdio: "ignore" });
    expect(await once(child, "exit")).toEqual([null, "SIGKILL"]);
    const { spec } = readStudy(folder("resumed"));
    const said: string[] = [];
    expect(await resumeStudy(folder("resumed"), spec, (line) => said.push(line))).toBe(0);
    expect(said).toEqual([`cd ${process.cwd()} && ${process.execPath} ${program} ${folder("resumed")} 100`]);
    expect(journalOf("resumed")).toBe(journalOf("whole"));
    const { command, ...older } = spec;
    const refused = (...[at, what]: Parameters<typeof commandFor>) =>
      expect(() => commandFor(at, what)).toThrow(InputError);
    refused(folder("resumed"), older);
    refused(folder("moved"), spec);
    refused(folder("resumed"), { ...spec, command: { ...command!, from: folder("gone") } });
  });

  it("is followed while another process works on it, to that process's end", async () => {
    const child = spawn(process.execPath, [program, folder("followed")], { stdio: "ignore" });
    const ended = once(child, "exit");
    while (!existsSync(join(folder("followed"), "study.json"))) await new Promise((go) => setTimeout(go, 5));
    const seen: ProgressEvent[] = [];
    await followStudy(folder("followed"), (event) => seen.push(event), new AbortController().signal);
    expect(await ended).toEqual([0, null]);
    expect(seen.at(-1)).toMatchObject({
      done: 40,
      total: 40,
      note: expect.stringMatching(/best loss .* failed/),
    });
    expect(seen.map(({ done }) => done)).toEqual(seen.map(({ done }) => done).sort((a, b) => a - b));
  });

  it("refuses a second process, and leaves the journal alone", async () => {
    const study = Study.open(folder("whole"), dutifulRequest, { clock: () => 0 });
    const before = journalOf("whole");
    try {
      expect(() => Study.open(folder("whole"), dutifulRequest, { clock: () => 0 })).toThrow(InputError);
      const child = spawn(process.execPath, [program, folder("whole")], {
        stdio: ["ignore", "ignore", "pipe"],
      });
      let said = "";
      child.stderr.setEncoding("utf8").on("data", (text: string) => {
        said += text;
      });
      const [code] = (await once(child, "close")) as [number];
      expect(code).toBe(1);
      expect(said).toContain(`process ${process.pid}`);
      expect(journalOf("whole")).toBe(before);
    } finally {
      study.close();
    }
    Study.open(folder("whole"), dutifulRequest, { clock: () => 0 }).close();
  });

  it("takes over the lock of a process that is gone, also where its pid lives on", () => {
    mkdirSync(join(folder("stale"), "lock"), { recursive: true });
    const claim = JSON.parse(
      JSON.stringify({ host: readClaimHost(), pid: process.pid, started: "another life" }),
    );
    writeFileSync(join(folder("stale"), "lock", "old.json"), JSON.stringify(claim));
    const study = Study.open(folder("stale"), dutifulRequest, { clock: () => 0 });
    expect(study.notices.join()).toContain(`the lock of process ${process.pid}`);
    expect(readdirSync(join(folder("stale"), "lock"))).toHaveLength(1);
    study.close();
    expect(readdirSync(join(folder("stale"), "lock"))).toHaveLength(0);
  });

  it("does not take over a lock of another host, and says which file to delete", () => {
    mkdirSync(join(folder("far"), "lock"), { recursive: true });
    const claim = { host: "elsewhere", pid: 1, started: "unknown" };
    writeFileSync(join(folder("far"), "lock", "far.json"), JSON.stringify(claim));
    expect(() => Study.open(folder("far"), dutifulRequest, { clock: () => 0 })).toThrow(
      /elsewhere[\s\S]*far\.json/,
    );
  });

  it("names the line of a journal that was damaged in its middle", () => {
    const lines = journalOf("whole").split("\n");
    for (const [name, damage, said] of [
      ["cut", (line: string) => line.slice(0, 20), "it is not JSON"],
      ["emptied", () => "{}", "event"],
      ["twice", () => lines[0]!, "the next trial is"],
    ] as const) {
      const damaged = lines.map((line, i) => (i === 4 ? damage(line) : line));
      mkdirSync(folder(name));
      copyFileSync(join(folder("whole"), "study.json"), join(folder(name), "study.json"));
      writeFileSync(join(folder(name), "journal.jsonl"), damaged.join("\n"));
      const open = () => Study.open(folder(name), dutifulRequest, { clock: () => 0 });
      expect(open).toThrow(InputError);
      expect(open).toThrow(/journal\.jsonl:5/);
      expect(open).toThrow(said);
      expect(readdirSync(join(folder(name), "lock"))).toEqual([]);
    }
  });

  it("refuses to go on with another request, but takes a larger budget", async () => {
    const open = (request: typeof dutifulRequest) => () =>
      Study.open(folder("again"), request, { clock: () => 0 });
    expect(open({ ...dutifulRequest, seed: 9 })).toThrow(/seed/);
    expect(open({ ...dutifulRequest, policy: { name: "random" } })).toThrow(/policy/);
    await runDutifulStudy(folder("again"), { request: { ...dutifulRequest, budget: { trials: 43 } } });
    const { history, spec } = readStudy(folder("again"));
    expect(history.trials).toHaveLength(43);
    expect(spec.budget).toEqual({ trials: 43 });
    expect(journalOf("again").startsWith(journalOf("whole"))).toBe(true);
  });

  it("can be read while another works on it, without its unfinished line", () => {
    const name = "read";
    mkdirSync(folder(name));
    copyFileSync(join(folder("whole"), "study.json"), join(folder(name), "study.json"));
    copyFileSync(join(folder("whole"), "journal.jsonl"), join(folder(name), "journal.jsonl"));
    const file = join(folder(name), "journal.jsonl");
    truncateSync(file, statSync(file).size - 9);
    const { history, notices } = readStudy(folder(name));
    expect(history.unsettled).toHaveLength(1);
    expect(notices).toHaveLength(1);
    appendFileSync(file, "");
    expect(statSync(file).size).toBe(statSync(join(folder("whole"), "journal.jsonl")).size - 9);
  });

  it("takes an outcome once, and asks and tells without a loop", () => {
    const study = Study.open<{ x: number }>(
      folder("ask and tell"),
      { ...dutifulRequest, policy: { name: "random" } },
      { clock: () => 0 },
    );
    const { id } = study.ask({ operator: "mine", parents: [], candidate: { x: 1 } });
    study.start(id);
    expect(study.tell(id, { metrics: { loss: 1 } })).toBe(true);
    expect(study.tell(id, { metrics: { loss: 0 } })).toBe(false);
    expect(study.history.trial(id).metrics).toEqual({ loss: 1 });
    expect(() => study.ask({ operator: "mine", parents: [7], candidate: 1 })).toThrow(/parent/);
    for (const bad of [Number.NaN, Number.POSITIVE_INFINITY, true, "1", null]) {
      const next = study.ask({ operator: "mine", parents: [id], candidate: { x: 2 } });
      study.tell(next.id, { metrics: { loss: bad } });
      expect(study.history.trial(next.id).state).toBe("failed");
      expect(study.history.trial(next.id).failure).toContain('"loss" is');
    }
    study.close();
    expect(readStudy(folder("ask and tell")).history.trials).toHaveLength(6);
  });
});

/** The host as this project's locks write it. */
function readClaimHost(): string {
  const study = Study.open(folder("host"), dutifulRequest, { clock: () => 0 });
  const [file] = readdirSync(join(folder("host"), "lock"));
  const { host } = JSON.parse(readFileSync(join(folder("host"), "lock", file!), "utf8")) as { host: string };
  study.close();
  return host;
}
