/** What the log of a small real Slurm says, worked out by hand from slurmctld.log. */
import { beforeAll, describe, expect, it } from "vitest";
import { type Attributions, attributeFailures, coOccurrence, failuresBySymptom } from "./attribution.ts";
import { goodputLoss } from "./goodput.ts";
import { NodeSets } from "./nodelist.ts";
import { crashLoops, linkPreemptions, type Preemptions } from "./preemption.ts";
import { type ClusterLog, readClusterLog } from "./readers/open.ts";
import { accountRun, Runs } from "./runs.ts";
import { labFile } from "./testing/lab.ts";

let log: ClusterLog;
let runs: Runs;
let nodes: NodeSets;
let attributions: Attributions;
let preemptions: Preemptions;
const job = (row: number) => log.attempts.jobText(log.attempts.job[row]!);

beforeAll(async () => {
  log = await readClusterLog(["sacct-duplicates.psv", "sacctmgr-events.psv", "slurmctld.log"].map(labFile));
  runs = new Runs(log.attempts);
  nodes = new NodeSets(log.attempts);
  // Five minutes hold many jobs here: the window after an attempt's end is cut to one.
  attributions = attributeFailures(log.attempts, nodes, log, { afterEndSeconds: 60 });
  preemptions = linkPreemptions(runs, nodes, log.preemptions, attributions);
});

const runOf = (id: string) => {
  for (let run = 0; run < runs.count; run++) if (job(runs.rowsOf(run)[0]!) === id) return run;
  throw new Error(`no run of job ${id}`);
};

describe("runs", () => {
  it("are the 34 jobs, with every attempt in the order of its start", () => {
    expect(runs.count).toBe(34);
    const attempts = Object.fromEntries(
      Array.from({ length: runs.count }, (_, run) => [
        job(runs.rowsOf(run)[0]!),
        runs.rowsOf(run).length,
      ]).filter(([, count]) => Number(count) > 1),
    );
    expect(attempts).toEqual({
      5: 2,
      7: 2,
      10: 2,
      11: 2,
      15: 4,
      16: 3,
      17: 4,
      18: 2,
      19: 2,
      20: 3,
      27: 2,
      28: 2,
      30: 2,
      33: 2,
      34: 4,
    });
  });

  it("show the two-minute hold-off after a requeue beside the queue time", () => {
    // cred_expire was 120 s for the first jobs and 10 s later: the job is eligible one second after it.
    const account = accountRun(runs, runOf("5"));
    expect(account.holdOffSeconds).toBe(121);
    expect(account.queueSeconds).toBe(1);
    expect(account.runningSeconds).toBe(44);
    expect(accountRun(runs, runOf("33")).holdOffSeconds).toBe(11);
    expect(accountRun(runs, runOf("8")).queueSeconds).toBe(19);
  });

  it("count an attempt that was preempted before it started as waiting", () => {
    const account = accountRun(runs, runOf("15"), { restartSeconds: 0 });
    // 2 s that never started, then 1, 1, 5 s of queue before starts at :10, :24 and :41.
    expect(account.queueSeconds).toBe(2 + 1 + 1 + 5);
    expect(account.interruptions).toBe(2);
    expect(account.runningSeconds).toBe(2 + 1 + 5);
  });

  it("measure ETTR with the interval that unseen checkpoints leave", () => {
    const { ettr, ...account } = accountRun(runs, runOf("33"), {
      checkpointIntervalSeconds: 4,
      restartSeconds: 1,
    });
    // Queue 2 + 0 s, running 10 + 40 s, restarts 1 + 1 s, one interruption that loses 2 s of 4 s on average.
    expect(account).toMatchObject({
      attempts: 2,
      interruptions: 1,
      accelerators: 24,
      queueSeconds: 2,
      runningSeconds: 50,
      restartSeconds: 2,
      lostSeconds: 2,
      productiveSeconds: 46,
      wallclockSeconds: 52,
    });
    expect(ettr.value).toBeCloseTo(46 / 52, 12);
    expect(ettr.low).toBeCloseTo((48 - Math.min(4, 2 + (1.6448536 * 4) / Math.sqrt(12))) / 52, 6);
    expect(ettr.high).toBeCloseTo((48 - (2 - (1.6448536 * 4) / Math.sqrt(12))) / 52, 6);
  });
});

describe("failures", () => {
  it("name the node that failed and what remains possible", () => {
    const nodeFailures = attributions.known.filter(({ row }) => log.attempts.is(row, "NODE_FAIL"));
    expect(
      nodeFailures.map(({ row, symptoms, domains, culprits }) => ({
        job: job(row),
        symptoms,
        domains,
        culprits,
      })),
    ).toEqual([
      { job: "5", symptoms: ["GPU unavailable"], domains: ["system software", "hardware"], culprits: ["n3"] },
      {
        job: "6",
        symptoms: ["Node heartbeat lost"],
        domains: ["system software", "hardware"],
        culprits: ["n4"],
      },
      { job: "33", symptoms: ["InfiniBand link"], domains: ["hardware"], culprits: ["n3"] },
    ]);
  });

  it("of users' programs show no signal and are blamed on nothing", () => {
    expect(attributions.known).toHaveLength(3);
    expect(attributions.withoutSignal).toBe(12);
  });

  it("within the paper's five minutes would also blame a link for a bug of four minutes before", () => {
    const wide = attributeFailures(log.attempts, nodes, log).known.filter(({ row }) => !attributions.of(row));
    expect(wide.map(({ row, symptoms }) => [job(row), symptoms])).toEqual([
      ["12", ["InfiniBand link", "Job failed"]],
    ]);
  });

  it("are counted by symptom per accelerator-hour, and together with others", () => {
    expect(failuresBySymptom(attributions, 1).map(({ symptom, failures }) => [symptom, failures])).toEqual([
      ["GPU unavailable", 1],
      ["Node heartbeat lost", 1],
      ["InfiniBand link", 1],
    ]);
    expect(coOccurrence(attributions, "GPU unavailable", ["XID 79"])).toMatchObject({
      failures: 1,
      share: 1,
    });
    expect(coOccurrence(attributions, "InfiniBand link", ["XID 79"])).toMatchObject({
      failures: 1,
      share: 0,
    });
  });
});

describe("preemptions", () => {
  const expected = [
    ["7", "9", "first start"],
    ["15", "33", "first start"],
    ["16", "33", "first start"],
    ["17", "33", "first start"],
    ["18", "33", "first start"],
    ["19", "33", "first start"],
    ["20", "34", "first start"],
    ["16", "34", "after a requeue"],
    ["15", "34", "after a requeue"],
    ["17", "33", "after a node failure"],
    ["20", "33", "after a node failure"],
    ["27", "33", "after a node failure"],
    ["28", "33", "after a node failure"],
    ["15", "34", "after a requeue"],
    ["30", "34", "after a requeue"],
    ["17", "34", "after a requeue"],
  ].map((entry) => entry.join(" "));
  const shown = ({ linked }: Preemptions) =>
    linked.map(({ victim, instigator, reason }) => `${job(victim)} ${job(instigator)} ${reason}`).sort();

  it("are all linked to the job that the controller's log names", () => {
    expect(preemptions.unexplained).toEqual([]);
    expect(preemptions.linked.every(({ basis }) => basis === "controller log")).toBe(true);
    expect(shown(preemptions)).toEqual([...expected].sort());
  });

  it("are mostly inferred right without that log", () => {
    const inferred = linkPreemptions(runs, nodes, [], attributions);
    expect(inferred.linked.every(({ basis }) => basis === "inferred")).toBe(true);
    const right = shown(inferred).filter((entry) => expected.includes(entry)).length;
    expect(right).toBeGreaterThanOrEqual(14);
  });

  it("find the crash loop and its victims", () => {
    expect(crashLoops(runs, preemptions, attributions)).toMatchObject([
      { job: "34", name: "crashloop", accelerators: 8, restarts: 3, victimAccelerators: 1 + 2 + 1 + 1 + 8 },
    ]);
    const [loop] = crashLoops(runs, preemptions, attributions);
    expect(loop!.victims.map(job).sort()).toEqual(["15", "15", "16", "17", "30"]);
  });
});

it("goodput is lost first by failing jobs, then by those their restarts preempt", () => {
  const loss = goodputLoss(runs, attributions, preemptions);
  // NODE_FAIL: 4 s x 8, 29 s x 8, 10 s x 24 GPUs. Preempted for job 33's restart: 8 s x 8, 5 s x 8, 5 s x 1, 5 s x 4.
  expect(loss.firstOrderHours * 3600).toBeCloseTo(4 * 8 + 29 * 8 + 10 * 24, 9);
  expect(loss.secondOrderHours * 3600).toBeCloseTo(8 * 8 + 5 * 8 + 5 * 1 + 5 * 4, 9);
  // For the crash loop: 4 s x 2, 2 s x 1, 1 s x 1, 3 s x 1, 4 s x 8.
  expect(loss.requeuePreemptionHours * 3600).toBeCloseTo(4 * 2 + 2 + 1 + 3 + 4 * 8, 9);
  expect(loss.bySize.map(({ accelerators }) => accelerators)).toEqual([1, 4, 8, 32]);
});
