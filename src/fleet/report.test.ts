import { mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { InputError, RandomStream, Sampler } from "../core/index.ts";
import { collectSlurm } from "./collect.ts";
import { ettrContours } from "./contours.ts";
import { clusterLog, readClusterLog } from "./readers/open.ts";
import { reliabilityReport } from "./report.ts";
import { drawJobs } from "./simulator/jobs.ts";
import { simulate } from "./simulator/simulate.ts";
import { labFile, textSource } from "./testing/lab.ts";
import {
  SYNTHETIC_EVENTS_HEADER,
  SYNTHETIC_SACCT_HEADER,
  type SyntheticCluster,
  writeSyntheticLog,
} from "./testing/synthetic.ts";

const CLUSTER: SyntheticCluster = {
  jobs: 8_000,
  nodes: 400,
  days: 300,
  rateBefore: 0.006,
  rateAfter: 0.014,
  stepDay: 180,
  lemons: 8,
  lemonFactor: 10,
  utilisation: 0.8,
  seed: 0,
};

async function planted(seed: number, withEvents: boolean) {
  const sacct: string[] = [SYNTHETIC_SACCT_HEADER];
  const events: string[] = [SYNTHETIC_EVENTS_HEADER];
  const truth = writeSyntheticLog(
    { ...CLUSTER, seed },
    (text) => sacct.push(text),
    (text) => events.push(text),
  );
  const log = await readClusterLog([
    textSource(sacct.join(""), "sacct.psv"),
    ...(withEvents ? [textSource(events.join(""), "events.psv")] : []),
  ]);
  return { truth, report: reliabilityReport(log, new Sampler(1)) };
}

describe("planted truths", () => {
  it("are recovered from accounting and node events, within intervals that hold nine times of ten", async () => {
    let [flagged, right, lemons, steps, rates] = [0, 0, 0, 0, 0];
    for (const seed of [1, 2, 3]) {
      const { truth, report } = await planted(seed, true);
      expect(report.log.attempts).toBe(truth.attempts);
      const found = report.lemons.nodes.filter((lemon) => lemon.flagged).map(({ node }) => node);
      flagged += found.length;
      right += found.filter((node) => truth.lemons.includes(node)).length;
      lemons += truth.lemons.length;
      const { segments, changes } = report.timeline!;
      expect(changes).toHaveLength(1);
      if (changes[0]!.low <= truth.stepTime && truth.stepTime <= changes[0]!.high) steps++;
      const { before, after, expectedBefore, expectedAfter } = truth.exposure;
      for (const [i, expected] of [expectedBefore / before, expectedAfter / after].entries()) {
        const { low, high } = segments[i]!.rate;
        if (low < 1000 * expected && 1000 * expected < high) rates++;
      }
      expect(report.failureRate.own!.rate).toBeCloseTo((1000 * truth.nodeFailures) / (before + after), 1);
      expect(report.failureRate.logWeight).toBeGreaterThan(0.98);
      for (const { measuredHours, ratio } of report.mttf) {
        expect(measuredHours.high).toBeGreaterThan(measuredHours.low);
        expect(Math.abs(Math.log(ratio!))).toBeLessThan(0.5);
      }
    }
    expect(right / flagged).toBeGreaterThanOrEqual(0.9);
    expect(right / lemons).toBeGreaterThanOrEqual(0.9);
    expect(steps).toBeGreaterThanOrEqual(2);
    // Six 90 % intervals: fewer than four hold the truth once in sixty-three.
    expect(rates).toBeGreaterThanOrEqual(4);
  });

  it("lemons are found without node events too, from all the nodes of failed jobs", async () => {
    const { truth, report } = await planted(1, false);
    expect(report.lemons.sentence).toContain("shared out");
    const flagged = report.lemons.nodes.filter(({ flagged }) => flagged).map(({ node }) => node);
    // Which node failed is lost in the large jobs, so fewer are found.
    const right = flagged.filter((node) => truth.lemons.includes(node)).length;
    expect(right).toBeGreaterThanOrEqual(2);
    expect(right / flagged.length).toBeGreaterThanOrEqual(0.7);
    expect(report.unknowable.join(" ")).toContain("add sacctmgr show event");
  });
});

it("a simulated cluster is reported as what it was made of", () => {
  const lemons = new Map([3, 50, 77, 120].map((node) => [node, 15]));
  const jobs = drawJobs(
    6000,
    300 * 86_400,
    [
      { accelerators: 4, weight: 50, meanWorkSeconds: 40_000 },
      { accelerators: 8, weight: 35, meanWorkSeconds: 60_000 },
      { accelerators: 64, weight: 12, meanWorkSeconds: 80_000 },
      { accelerators: 400, weight: 3, meanWorkSeconds: 150_000, priority: 1 },
    ],
    new RandomStream(8),
  );
  const { log, nodeFailures } = simulate(
    {
      nodes: 200,
      failure: { kind: "exponential", meanSeconds: 86_400 / 0.01 },
      repair: { kind: "exponential", meanSeconds: 14_400 },
      lemons,
    },
    jobs,
    { preempt: true },
    { seed: 2, log: true },
  );
  const report = reliabilityReport(clusterLog(log!), new Sampler(1));
  expect(nodeFailures).toBeGreaterThan(500);
  expect(
    report.lemons.nodes
      .filter(({ flagged }) => flagged)
      .map(({ node }) => node)
      .sort(),
  ).toEqual([...lemons.keys()].map((node) => `n${node}`).sort());
  // Without the lemons the fleet fails at the rate that was asked.
  expect(Math.abs(report.lemons.fleetRate / 0.01 - 1)).toBeLessThan(0.15);
  // Failures strike at any age.
  expect(report.hazard.weibull!.shape.value).toBeCloseTo(1, 0);
  expect(report.preemptions.byReason["first start"]).toBeGreaterThan(0);
  expect(report.timeline!.changes).toEqual([]);
});

describe("the report of the laboratory", () => {
  const files = ["sacct-duplicates.psv", "sacctmgr-events.psv", "slurmctld.log", "sinfo.json"].map(labFile);
  const build = async () =>
    reliabilityReport(await readClusterLog(files), new Sampler(1), { shortestRunSeconds: 40 });

  it("says what happened and what it cannot know", async () => {
    const report = await build();
    expect(report.log).toMatchObject({ attempts: 57, runs: 34, nodes: 4 });
    expect(report.crashLoops).toMatchObject([{ job: "34", restarts: 3 }]);
    expect(report.preemptions).toMatchObject({ inferred: 0, unexplained: 0 });
    expect(report.preemptions.byReason["after a node failure"]).toBe(4);
    expect(report.failureRate.disagreement).toContain("leave it out");
    expect(report.plan.nodes).toBe(3);
    expect(report.largestRuns[0]).toMatchObject({ job: "33", accelerators: 24, interruptions: 1 });
    expect(report.unknowable.some((line) => line.includes("kernel logs or DCGM"))).toBe(true);
    expect(report.unknowable.some((line) => line.includes("slurmctld.log names it"))).toBe(false);
  });

  it("is plain data, the same for the same seed", async () => {
    const once = JSON.stringify(await build());
    expect(JSON.stringify(await build())).toBe(once);
    expect(JSON.parse(once).projections[2].mttf.unit).toBe("h");
  });

  it("knows that attempts are hidden where sacct ran without --duplicates and nothing was requeued", async () => {
    const header = "JobIDRaw|State|Start|End";
    const line = (id: number) => `${id}|COMPLETED|2026-01-01T00:00:00|2026-01-01T01:00:00`;
    const report = reliabilityReport(
      await readClusterLog([textSource([header, line(1), line(2)].join("\n"))]),
      new Sampler(1),
    );
    expect(report.unknowable[0]).toContain("without --duplicates");
    expect(report.unknowable.join(" ")).toContain("Without the field NodeList");
    expect(report.failureRate.own!.rate).toBe(0);
  });

  it("does not fall over a log in which nothing ran", async () => {
    const report = reliabilityReport(
      await readClusterLog([textSource("JobIDRaw|State|Start|End\n1|PENDING|Unknown|Unknown")]),
      new Sampler(1),
    );
    expect(report.timeline).toBeUndefined();
    expect(report.failureRate.own).toBeUndefined();
    expect(() => JSON.stringify(report)).not.toThrow();
  });
});

it("contours fall with the failure rate, and have their best interval inside when writing takes time", () => {
  const { ettr, checkpointIntervalSeconds, failuresPerThousandNodeDays } = ettrContours(2000);
  expect(ettr).toHaveLength(failuresPerThousandNodeDays.length);
  expect(ettr[0]).toHaveLength(checkpointIntervalSeconds.length);
  for (let i = 1; i < ettr.length; i++) expect(ettr[i]![10]!).toBeLessThan(ettr[i - 1]![10]!);
});

describe("collecting from a live Slurm", () => {
  const asked: string[] = [];
  const answer = (replies: Record<string, string | undefined>) => ({
    into: mkdtempSync(join(tmpdir(), "fleet-collect-")),
    from: "2026-11-22",
    run: async (command: string, args: readonly string[], file: string) => {
      asked.push(`${command} ${args.join(" ")}`);
      const reply = replies[command];
      if (reply !== undefined) writeFileSync(file, reply);
      return { ok: reply !== undefined, complaint: reply === undefined ? `${command}: not found` : "" };
    },
  });

  it("asks for everything that the readers use, and only reads", async () => {
    const sacct = readFileSync(labFile("sacct-duplicates.psv"), "utf8");
    const { files, missing } = await collectSlurm(
      answer({ sacct, sacctmgr: readFileSync(labFile("sacctmgr-events.psv"), "utf8"), sinfo: "" }),
    );
    expect((await readClusterLog(files)).attempts.length).toBe(57);
    expect(missing.map(({ complaint }) => complaint)).toEqual(["it printed nothing", "scontrol: not found"]);
    expect(asked[0]).toContain("--duplicates --parsable2 --starttime=2026-11-22 --endtime=now");
    expect(asked.every((line) => !/\b(update|delete|create|modify|requeue|cancel)\b/.test(line))).toBe(true);
  });

  it("says what to do on a machine without Slurm", async () => {
    await expect(collectSlurm(answer({}))).rejects.toThrow(InputError);
    await expect(
      collectSlurm({ into: mkdtempSync(join(tmpdir(), "fleet-")), from: "now-1day" }),
    ).rejects.toThrow(/sacct failed/);
  });
});
