import { describe, expect, it } from "vitest";
import { InputError, RandomStream } from "../../core/index.ts";
import { ettrExact } from "../ettr.ts";
import { DAY_SECONDS } from "../mttf.ts";
import { readSacct } from "../readers/sacct.ts";
import { Runs } from "../runs.ts";
import { labFile } from "../testing/lab.ts";
import { drawJobs, jobsOfLog, type SimulatedJobs } from "./jobs.ts";
import { drawLifetime, type Lifetime } from "./lifetimes.ts";
import { simulate } from "./simulate.ts";
import { simulatedEttr } from "./summary.ts";

const NEVER: Lifetime = { kind: "never" };
const jobs = (
  rows: [submit: number, accelerators: number, work: number, priority?: number][],
): SimulatedJobs => ({
  submitSeconds: Float64Array.from(rows, ([submit]) => submit),
  accelerators: Int32Array.from(rows, ([, accelerators]) => accelerators),
  workSeconds: Float64Array.from(rows, ([, , work]) => work),
  priority: Int32Array.from(rows, ([, , , priority = 0]) => priority),
});
const quiet = { failure: NEVER, repair: NEVER };
const plain = { restartSeconds: 0, requeueHoldSeconds: 0, backfillDepth: 0, preemptExemptSeconds: 0 };

/** Mean wait of the M/M/c queue: Erlang's C over c mu - lambda. */
function erlangWait(servers: number, arrivals: number, service: number): number {
  const load = arrivals / service;
  let blocking = 1;
  for (let n = 1; n <= servers; n++) blocking = (load * blocking) / (n + load * blocking);
  const waiting = blocking / (1 - (load / servers) * (1 - blocking));
  return waiting / (servers * service - arrivals);
}

describe("against theory", () => {
  it.each([
    [1, 0.7],
    [4, 0.8],
    [16, 0.8],
  ])("waits of M/M/%i at load %f are Erlang's", (servers, load) => {
    const count = 100_000;
    const arrivals = (servers * load) / 100;
    const cluster = { nodes: servers, acceleratorsPerNode: 1, ...quiet };
    const mix = [{ accelerators: 1, weight: 1, meanWorkSeconds: 100 }];
    let wait = 0;
    for (const replication of [1, 2, 3, 4, 5]) {
      const drawn = drawJobs(count, count / arrivals, mix, new RandomStream(7).split(replication));
      const result = simulate(cluster, drawn, plain, { seed: replication });
      expect(result.finished).toBe(count);
      wait += result.queueSeconds.reduce((sum, seconds) => sum + seconds, 0) / count / 5;
    }
    // Waits are strongly correlated: one replication's mean has a standard deviation of about 5 %.
    expect(Math.abs(wait / erlangWait(servers, arrivals, 1 / 100) - 1)).toBeLessThan(0.07);
  });

  it("ETTR of a job alone is the exact renewal form", () => {
    const nodes = 250;
    const perNodeDay = 0.0065 * 4;
    const work = 200 * DAY_SECONDS;
    const alone = jobs([[0, nodes * 8, work]]);
    // Repaired at once, so that the job waits only for the hold-off.
    const result = simulate(
      {
        nodes,
        failure: { kind: "exponential", meanSeconds: DAY_SECONDS / perNodeDay },
        repair: { kind: "fixed", seconds: 0 },
      },
      alone,
      {
        checkpointIntervalSeconds: 1800,
        checkpointWriteSeconds: 60,
        restartSeconds: 300,
        requeueHoldSeconds: 120,
      },
      { seed: 3 },
    );
    const exact = ettrExact({
      failuresPerSecond: (nodes * perNodeDay) / DAY_SECONDS,
      checkpointIntervalSeconds: 1800,
      checkpointWriteSeconds: 60,
      restartSeconds: 300,
      queueSeconds: 120,
    });
    const held = result.restarts[0]! * 120;
    const measured = work / (result.queueSeconds[0]! + result.runningSeconds[0]! + held);
    expect(result.restarts[0]).toBeGreaterThan(1000);
    expect(Math.abs(measured / exact - 1)).toBeLessThan(0.01);
    expect(simulatedEttr(alone, result, 0)).toBeGreaterThan(measured);
  });

  it("failures of nodes come at the rate that was asked, and lemons' as much more often", () => {
    const idle = jobs([[0, 1, 300 * DAY_SECONDS]]);
    const result = simulate(
      {
        nodes: 1000,
        failure: { kind: "exponential", meanSeconds: 100 * DAY_SECONDS },
        repair: { kind: "fixed", seconds: 0 },
        lemons: new Map(Array.from({ length: 100 }, (_, i) => [i, 11])),
      },
      idle,
      plain,
      { seed: 5, untilSeconds: 300 * DAY_SECONDS },
    );
    // 900 x 3 + 100 x 33 = 6000 expected, standard deviation 77.
    expect(Math.abs(result.nodeFailures - 6000)).toBeLessThan(4 * 77);
  });

  it.each<[Lifetime, number]>([
    [{ kind: "exponential", meanSeconds: 50 }, 50],
    [{ kind: "weibull", shape: 2, scaleSeconds: 100 }, 88.62],
    [{ kind: "lognormal", medianSeconds: 10, sigma: 1 }, 10 * Math.exp(0.5)],
    [{ kind: "fixed", seconds: 7 }, 7],
    [{ kind: "empirical", seconds: [1, 2, 6] }, 3],
  ])("lifetimes %o have their mean", (lifetime, mean) => {
    const stream = new RandomStream(11);
    let sum = 0;
    for (let i = 0; i < 100_000; i++) sum += drawLifetime(lifetime, stream);
    expect(Math.abs(sum / 100_000 / mean - 1)).toBeLessThan(0.03);
  });
});

describe("scheduling", () => {
  const ends = (rows: Parameters<typeof jobs>[0], policy = {}, nodes = 2) =>
    Array.from(
      simulate({ nodes, acceleratorsPerNode: 4, ...quiet }, jobs(rows), { ...plain, ...policy }, { seed: 1 })
        .endedAt,
    );

  it("is first come, first served without backfill, and packs small jobs onto nodes", () => {
    // Two nodes of four: 3 + 1 fill the first node, the gang of two nodes waits for all, the last waits behind it.
    expect(
      ends([
        [0, 3, 100],
        [0, 1, 50],
        [1, 8, 10],
        [2, 1, 5],
      ]),
    ).toEqual([100, 50, 110, 115]);
  });

  it("backfills what is done before the reservation of the first blocked job, and nothing longer", () => {
    const rows: Parameters<typeof jobs>[0] = [
      [0, 4, 100],
      [1, 8, 10],
      [2, 4, 20],
      [3, 4, 150],
    ];
    // Limits are twice the work: the gang is reserved at 200; 40 s fit before it, 300 s do not.
    expect(ends(rows, { backfillDepth: 10 })).toEqual([100, 110, 22, 260]);
    expect(ends(rows)).toEqual([100, 110, 130, 260]);
  });

  it("preempts the lowest priority and the latest start, and no more than it needs", () => {
    const rows: Parameters<typeof jobs>[0] = [
      [0, 4, 100, 0],
      [5, 4, 100, 0],
      [10, 4, 30, 1],
    ];
    // The job of 5 s is pushed out at 10, loses 5 s, and starts again at 40.
    expect(ends(rows, { preempt: true, checkpointIntervalSeconds: 50 })).toEqual([100, 140, 40]);
    expect(ends(rows)).toEqual([100, 105, 130]);
    // Nobody is preempted within the time that is exempt.
    expect(ends(rows, { preempt: true, preemptExemptSeconds: 1000 })).toEqual([100, 105, 130]);
  });

  it("refuses a job that can never start", () => {
    expect(() => ends([[0, 9, 1]])).toThrow(InputError);
  });
});

describe("a preemption cascade worked by hand", () => {
  // Two nodes of four. A (priority 2) holds both from 0 and needs 100 s; the switch fails at 30 for 10 s. B (priority 0)
  // arrives at 35 and needs 60 s of one node, C at 36 likewise. Hold-off 20 s, checkpoints every 20 s, no restart time.
  const scenario = jobs([
    [0, 8, 100, 2],
    [35, 4, 60, 0],
    [36, 4, 60, 0],
  ]);
  const cluster = {
    nodes: 2,
    acceleratorsPerNode: 4,
    ...quiet,
    domains: [
      {
        name: "switch",
        nodes: [0, 1],
        failure: { kind: "empirical" as const, seconds: [30] },
        repair: { kind: "empirical" as const, seconds: [10] },
      },
    ],
  };
  const result = simulate(
    cluster,
    scenario,
    {
      checkpointIntervalSeconds: 20,
      restartSeconds: 0,
      requeueHoldSeconds: 20,
      preempt: true,
      preemptExemptSeconds: 0,
    },
    { seed: 1, log: true, untilSeconds: 69 },
  );

  it("loses what each attempt had not saved", () => {
    // A: 30 s run, 20 saved: 10 x 8. At 40 the nodes return, B and C start. At 50 A comes back and pushes both out:
    // 10 s each x 4, second order. The switch fails again at 70, beyond the end.
    expect(result.hours.lostToFailures * 3600).toBeCloseTo(80, 9);
    expect(result.hours.lostToRestarts * 3600).toBeCloseTo(80, 9);
    expect(result.hours.lostToPreemptions).toBe(0);
    expect([result.interruptions, result.preemptions, result.secondOrderPreemptions]).toEqual([1, 2, 2]);
    expect(result.domainFailures).toBe(1);
    expect(result.hours.down * 3600).toBeCloseTo(10 * 8, 9);
  });

  it("is told by the log of attempts that it writes", () => {
    const rows = result
      .log!.rows()
      .map(({ job, state, start, end, failedNode }) => [job, state, start, end, failedNode]);
    expect(rows).toEqual([
      ["1", "NODE_FAIL", 0, 30, "n0"],
      ["3", "PREEMPTED", 40, 50, undefined],
      ["2", "PREEMPTED", 40, 50, undefined],
      ["1", "RUNNING", 50, 69, undefined],
    ]);
    const runs = new Runs(result.log!);
    expect(Array.from(runs.rowsOf(0)).map((row) => result.log!.eligible[row])).toEqual([0, 50]);
  });
});

describe("a busy cluster", () => {
  const stream = new RandomStream(2);
  const mix = [
    { accelerators: 1, weight: 60, meanWorkSeconds: 7200 },
    { accelerators: 8, weight: 30, meanWorkSeconds: 14_400 },
    { accelerators: 64, weight: 8, meanWorkSeconds: 20_000, priority: 1 },
    { accelerators: 200, weight: 2, meanWorkSeconds: 40_000, priority: 2 },
  ];
  const drawn = drawJobs(3000, 20 * DAY_SECONDS, mix, stream);
  const cluster = {
    nodes: 32,
    failure: { kind: "exponential" as const, meanSeconds: 20 * DAY_SECONDS },
    repair: { kind: "lognormal" as const, medianSeconds: 7200, sigma: 1 },
  };
  const policy = { preempt: true, checkpointWriteSeconds: 30 };

  it("accounts for every accelerator-hour", () => {
    const { hours, endSeconds, finished, preemptions, interruptions } = simulate(cluster, drawn, policy, {
      seed: 9,
    });
    expect(finished).toBe(3000);
    expect(preemptions).toBeGreaterThan(0);
    expect(interruptions).toBeGreaterThan(0);
    const all = (32 * 8 * (endSeconds - drawn.submitSeconds[0]!)) / 3600;
    const sum = Object.values(hours).reduce((total, value) => total + value, 0);
    expect(sum / all).toBeCloseTo(1, 9);
    const work =
      drawn.workSeconds.reduce((total, seconds, i) => total + seconds * drawn.accelerators[i]!, 0) / 3600;
    expect(hours.productive / work).toBeCloseTo(1, 9);
  });

  it("is the same for the same seed and another for another", () => {
    const once = simulate(cluster, drawn, policy, { seed: 9 });
    expect(simulate(cluster, drawn, policy, { seed: 9 })).toEqual(once);
    expect(simulate(cluster, drawn, policy, { seed: 10 }).hours).not.toEqual(once.hours);
  });

  it("never puts two jobs on one accelerator", () => {
    const { log } = simulate(cluster, drawn, policy, { seed: 9, log: true });
    const changes: [node: string, time: number, delta: number][] = [];
    for (const { nodeList, nodes, accelerators, start, end } of log!.rows()) {
      const perNode = Math.min(accelerators, 8);
      const names = nodes === 1 ? [nodeList] : expand(nodeList);
      for (const node of names) changes.push([node, start, perNode], [node, end, -perNode]);
    }
    changes.sort((a, b) => a[1] - b[1] || a[2] - b[2]);
    const used = new Map<string, number>();
    for (const [node, , delta] of changes) {
      used.set(node, (used.get(node) ?? 0) + delta);
      expect(used.get(node)).toBeLessThanOrEqual(8);
    }
  });
});

function expand(list: string): string[] {
  const inner = /\[(.*)\]/.exec(list)![1]!;
  return inner.split(",").flatMap((range) => {
    const [low, high = low] = range.split("-").map(Number) as [number, number | undefined];
    return Array.from({ length: high! - low + 1 }, (_, i) => `n${low + i}`);
  });
}

it("replays a real log: without failures and preemption its jobs end sooner", async () => {
  const { attempts } = await readSacct(labFile("sacct-duplicates.psv"));
  const runs = new Runs(attempts);
  const replayed = jobsOfLog(runs, {
    restartSeconds: 0,
    checkpointIntervalSeconds: 1e-9,
    priority: (row) => (attempts.texts.text(attempts.partition[row]!) === "hi" ? 1 : 0),
  });
  const result = simulate(
    { nodes: 4, ...quiet },
    replayed,
    { restartSeconds: 0, checkpointIntervalSeconds: 60 },
    { seed: 1 },
  );
  expect(result.finished).toBe(replayed.run.length);
  const lastEnd = (job: string) =>
    Math.max(
      ...attempts
        .rows()
        .filter((attempt) => attempt.job === job)
        .map(({ end }) => end),
    );
  const position = Array.from(replayed.run).findIndex(
    (run) => attempts.jobText(attempts.job[runs.rowsOf(run)[0]!]!) === "33",
  );
  expect(result.endedAt[position]).toBeLessThan(lastEnd("33"));
});
