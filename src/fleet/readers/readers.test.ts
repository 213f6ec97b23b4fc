import { mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { InputError } from "../../core/index.ts";
import type { Attempt } from "../attempts.ts";
import { attributeFailures } from "../attribution.ts";
import { clusterEvidence } from "../evidence.ts";
import { NodeSets } from "../nodelist.ts";
import { labFile, textSource } from "../testing/lab.ts";
import { readDcgmMetrics, readXidLog } from "./gpu-errors.ts";
import { readKeyValues } from "./key-values.ts";
import { KNOWN_FAILURE_COLUMNS, readFailureTable, readNodeEvents, signalsOfEvents } from "./node-events.ts";
import { logKindOf, readClusterLog } from "./open.ts";
import { readSacct } from "./sacct.ts";
import { readNodesJson, readSacctJson, readSqueueJson } from "./slurm-json.ts";
import { readControllerLog } from "./slurmctld.ts";
import { readCsvTrace, readPhilly, readSwf } from "./traces.ts";

const at = (time: string) => Date.parse(`2026-11-22T${time}Z`) / 1000;
const key = ({ job, state, start, end }: Attempt) => `${job} ${state} ${start} ${end}`;

describe("sacct --json", () => {
  it("tells the same attempts as --parsable2", async () => {
    const json = await readSacctJson(labFile("sacct.json"));
    const plain = await readSacct(labFile("sacct-duplicates.psv"));
    expect(json.attempts.rows().map(key).sort()).toEqual(plain.attempts.rows().map(key).sort());
    // Exit codes are left out: the JSON of 22.05 says 0 for jobs that failed.
    const fields = ({ job, start, nodes, accelerators, nodeList, arrayJob, arrayTask }: Attempt) =>
      JSON.stringify({ job, start, nodes, accelerators, nodeList, arrayJob, arrayTask });
    const started = (rows: Attempt[]) =>
      rows
        .filter(({ start }) => start > 0)
        .map(fields)
        .sort();
    expect(started(json.attempts.rows())).toEqual(started(plain.attempts.rows()));
  });

  it("reads the current form: states in arrays, wrapped numbers, the failed node", async () => {
    const job = {
      job_id: 7,
      association: {},
      allocation_nodes: 2,
      nodes: "n[1-2]",
      failed_node: "n2",
      priority: { set: true, infinite: false, number: 5 },
      exit_code: {
        status: ["SIGNALED"],
        return_code: { set: false, infinite: false, number: 0 },
        signal: { id: { set: true, infinite: false, number: 9 } },
      },
      state: { current: ["NODE_FAIL", "REQUEUED"], reason: "None" },
      time: {
        submission: 100,
        eligible: 100,
        start: 110,
        end: 160,
        elapsed: 50,
        limit: { set: false, infinite: true, number: 0 },
      },
      tres: { allocated: [{ type: "gres", name: "gpu", count: 16 }] },
    };
    const { attempts, reading } = await readSacctJson(
      textSource(JSON.stringify({ jobs: [job, { job_id: "x" }] })),
    );
    expect(attempts.row(0)).toMatchObject({
      job: "7",
      state: "NODE_FAIL",
      signal: 9,
      accelerators: 16,
      failedNode: "n2",
      priority: 5,
      timeLimitSeconds: Number.NaN,
    });
    expect(reading.skipped).toMatchObject([{ reason: "not a job", count: 1 }]);
  });

  it("names the line of a document that is cut short or broken", async () => {
    const text = readFileSync(labFile("sacct.json"), "utf8");
    await expect(readSacctJson(textSource(text.slice(0, 20_000), "a.json"))).rejects.toThrow(/a\.json:\d+/);
    await expect(readSacctJson(textSource('{"jobs": [\n{"job_id": }]}', "a.json"))).rejects.toThrow(
      "a.json:2",
    );
    await expect(readSacctJson(textSource("", "a.json"))).rejects.toThrow("no JSON");
  });

  it("is read the same whatever the chunks", async () => {
    const bytes = readFileSync(labFile("sacct.json"));
    async function* pieces() {
      for (let i = 0; i < bytes.length; i += 997) yield bytes.subarray(i, i + 997);
    }
    const chunked = await readSacctJson({ name: "sacct.json", bytes: pieces() });
    const whole = await readSacctJson(labFile("sacct.json"));
    expect(chunked.attempts.rows()).toEqual(whole.attempts.rows());
  });
});

describe("the controller's own words", () => {
  it("squeue --json has the last attempt of each job it remembers", async () => {
    const { attempts } = await readSqueueJson(labFile("squeue.json"));
    expect(attempts.length).toBe(25);
    expect(attempts.rows().find(({ job }) => job === "33")).toMatchObject({ nodes: 3, accelerators: 24 });
  });

  it("sinfo --json has the nodes", async () => {
    const { nodes } = await readNodesJson(labFile("sinfo.json"));
    expect(nodes.map(({ name }) => name)).toEqual(["n1", "n2", "n3", "n4"]);
    expect(nodes[0]).toMatchObject({ states: ["IDLE"], accelerators: 8, partitions: ["lo", "hi"] });
  });

  it("scontrol show jobs, on one line or in blocks, agrees with squeue", async () => {
    const oneLine = await readKeyValues(labFile("scontrol-jobs.txt"));
    const squeue = await readSqueueJson(labFile("squeue.json"));
    expect(oneLine.attempts.rows().map(key).sort()).toEqual(squeue.attempts.rows().map(key).sort());
    const blocks = readFileSync(labFile("scontrol-jobs.txt"), "utf8")
      .replace(/ (?=UserId=|JobState=|RunTime=|NodeList=)/g, "\n   ")
      .replace(/\n(?=JobId)/g, "\n\n");
    const many = await readKeyValues(textSource(blocks));
    expect(many.attempts.rows().map(key)).toEqual(oneLine.attempts.rows().map(key));
  });

  it("the completion log has every attempt, a requeue as PENDING with an end", async () => {
    const { attempts } = await readKeyValues(labFile("jobcomp-filetxt.txt"));
    const plain = await readSacct(labFile("sacct-duplicates.psv"));
    expect(attempts.byState()).toEqual(plain.attempts.byState());
  });

  it("slurmctld.log names instigators and failed nodes", async () => {
    const { preemptions, failedNodes, events, reading } = await readControllerLog(labFile("slurmctld.log"));
    expect(preemptions).toHaveLength(16);
    expect(preemptions[0]).toMatchObject({ victim: "7", instigator: "9" });
    expect(failedNodes.map(({ job, node }) => `${job} ${node}`)).toEqual(["5 n3", "6 n4", "33 n3"]);
    expect(
      events.map(({ node, state, reason, notResponding }) => ({ node, state, reason, notResponding })),
    ).toEqual([
      { node: "n3", state: "DOWN", reason: "HC:XID79 gpu fell off bus", notResponding: false },
      { node: "n4", state: "DOWN", reason: "Not responding", notResponding: true },
      { node: "n3", state: "DOWN", reason: "HC:ib_link_down", notResponding: false },
    ]);
    expect(Math.round(events[0]!.end)).toBe(at("20:06:32"));
    expect(reading.skipped).toEqual([]);
    expect(reading.kept + reading.passed.reduce((sum, { count }) => sum + count, 0)).toBe(reading.lines);
  });

  it("an array task is known by the id that accounting uses", async () => {
    const { preemptions } = await readControllerLog(
      textSource(
        "[2026-11-22T20:05:26.466] preempted JobId=12_1(13) has been requeued to reclaim resources for JobId=40",
      ),
    );
    expect(preemptions).toMatchObject([{ victim: "13", instigator: "40" }]);
  });
});

describe("node events", () => {
  it("of Slurm's accounting, without the cluster's own", async () => {
    const { events, reading } = await readNodeEvents(labFile("sacctmgr-events.psv"));
    expect(events).toHaveLength(7);
    expect(reading.passed).toEqual([{ reason: "event of the whole cluster", count: 1 }]);
    expect(events.find(({ notResponding }) => notResponding)).toMatchObject({
      node: "n4",
      state: "DOWN",
      start: at("20:06:01"),
      end: at("20:06:31"),
    });
    expect(
      signalsOfEvents(events).map(({ node, symptom, xid, critical }) => ({ node, symptom, xid, critical })),
    ).toEqual([
      { node: "n3", symptom: "GPU unavailable", xid: 79, critical: true },
      { node: "n3", symptom: "InfiniBand link", xid: undefined, critical: true },
      { node: "n4", symptom: "Node heartbeat lost", xid: undefined, critical: false },
    ]);
  });

  it("with bad rows skipped and counted, and a pipe in the reason kept", async () => {
    const { events, reading } = await readNodeEvents(
      textSource(
        [
          "NodeName|TimeStart|TimeEnd|State|Reason|User",
          "n1|2026-11-22T20:05:36|2026-11-22T20:06:31|DRAIN|a | b|root(0)",
          "n1|2026-11-22T20:05:36",
          "n1|2026-11-22T20:05:36|2026-11-22T20:05:00|DOWN|x|root(0)",
          "n1|yesterday|Unknown|DOWN|x|root(0)",
        ].join("\n"),
      ),
    );
    expect(events.map(({ reason }) => reason)).toEqual(["a | b"]);
    expect(reading.skipped.map(({ examples }) => examples[0]!.line)).toEqual([3, 4, 5]);
    await expect(readNodeEvents(textSource("a|b\n"))).rejects.toThrow(InputError);
    await expect(readNodeEvents(textSource(""))).rejects.toThrow("an empty file");
  });

  it("of LANL's failure log, by its known columns", async () => {
    const { events } = await readFailureTable(
      textSource(
        "System,nodenum,Prob Started,Prob Fixed,Facilities,Hardware,Human Error,Network,Undetermined,Software\n20,12,8/19/1999 16:37,8/19/1999 17:00,,Memory Dimm,,,,\n",
      ),
      KNOWN_FAILURE_COLUMNS.LANL!,
    );
    expect(events).toMatchObject([{ node: "20/12", state: "Hardware", reason: "Memory Dimm" }]);
    expect(events[0]!.end - events[0]!.start).toBe(23 * 60);
  });

  it("of a failure table take part in attribution whatever their category, and name the node that failed", async () => {
    const sacct =
      "JobIDRaw|Start|End|NodeList|AllocNodes|State\n" +
      "1|2026-01-01T00:00:00|2026-01-01T02:00:00|n[1-2]|2|NODE_FAIL\n" +
      "2|2026-01-01T03:00:00|2026-01-01T04:00:00|n[1-2]|2|FAILED\n" +
      "3|2026-01-01T05:00:00|2026-01-01T06:00:00|n[1-2]|2|FAILED\n";
    const failures =
      "HOST,BEGAN,ENDED,KIND\n" +
      "n2,2026-01-01 01:59:00,2026-01-01 09:00:00,GPU fell off the bus\n" +
      "n1,2026-01-01 03:58:00,2026-01-01 03:59:00,Human Error\n";
    const log = await readClusterLog([textSource(sacct), textSource(failures, "own.csv")], {
      failureColumns: { node: "HOST", start: "BEGAN", end: "ENDED", category: "KIND" },
    });
    const { known, withoutSignal } = attributeFailures(log.attempts, new NodeSets(log.attempts), log);
    expect(withoutSignal).toBe(1);
    expect(known).toMatchObject([
      {
        symptoms: ["GPU unavailable"],
        culprits: ["n2"],
        hardware: true,
        domains: ["system software", "hardware"],
      },
      {
        symptoms: ["Node failure", "Job failed"],
        culprits: ["n1"],
        hardware: true,
        domains: ["system software", "hardware"],
      },
    ]);
    expect(clusterEvidence(log).repair?.medianSeconds).toBe(7 * 3600 + 60);
  });

  it("of any table by a mapping, with rows of the wrong width skipped", async () => {
    const text =
      "host,from,to,what\na,2026-01-01 00:00:00,2026-01-01 01:00:00,gpu\nb,2026-01-01\nc,never,,x\n";
    const columns = { node: "host", start: "from", end: "to", category: "what" };
    const { events, reading } = await readFailureTable(textSource(text), columns);
    expect(events).toMatchObject([{ node: "a", state: "gpu" }]);
    expect(reading.skippedRows).toBe(2);
    await expect(readFailureTable(textSource(text), { ...columns, node: "hosts" })).rejects.toThrow(
      'did you mean "host"?',
    );
    await expect(readFailureTable(textSource(text), columns, { strict: true })).rejects.toThrow(
      "sacct.psv:3",
    );
  });
});

describe("GPU errors", () => {
  it("are read from syslog, journald and dmesg, with repeats within five seconds once", async () => {
    const xid = "NVRM: Xid (PCI:0000:3b:00): ";
    const { signals, reading } = await readXidLog(
      textSource(
        [
          `Nov 22 20:05:36 n3 kernel: [ 1.0] ${xid}79, pid=1234, GPU has fallen off the bus.`,
          `Nov 22 20:05:39 n3 kernel: [ 4.0] ${xid}79, pid=1234, GPU has fallen off the bus.`,
          `2026-11-22T20:05:50.123+00:00 n3 kernel: ${xid}48, DBE`,
          `[Sun Nov 22 20:06:00 2026] ${xid}13, Graphics Exception`,
          "Nov 22 20:06:01 n3 systemd[1]: something else",
        ].join("\n"),
        "syslog",
      ),
      { year: 2026, node: "here" },
    );
    expect(
      signals.map(({ node, time, xid: code, critical }) => [node, Math.floor(time), code, critical]),
    ).toEqual([
      ["n3", at("20:05:36"), 79, true],
      ["n3", at("20:05:50"), 48, true],
      ["here", at("20:06:00"), 13, false],
    ]);
    expect(reading.passed).toEqual([
      { reason: "repeats within 5 s", count: 1 },
      { reason: "other messages", count: 1 },
    ]);
  });

  it("without a year or a node are skipped and counted", async () => {
    const { signals, reading } = await readXidLog(
      textSource("Nov 22 20:05:36 n3 kernel: NVRM: Xid (PCI:0): 79, x\nNVRM: Xid (PCI:0) gone\n"),
    );
    expect(signals).toEqual([]);
    expect(reading.skippedRows).toBe(2);
  });

  it("of DCGM count where a counter grows and an XID appears", async () => {
    const sample = (name: string, value: number, time: number) =>
      `${name}{gpu="3",UUID="GPU-1",Hostname="n1"} ${value} ${time}000`;
    const { signals } = await readDcgmMetrics(
      textSource(
        [
          "# TYPE DCGM_FI_DEV_XID_ERRORS gauge",
          sample("DCGM_FI_DEV_XID_ERRORS", 0, 100),
          sample("DCGM_FI_DEV_ECC_DBE_VOL_TOTAL", 4, 100),
          sample("DCGM_FI_DEV_PCIE_REPLAY_COUNTER", 4, 100),
          sample("DCGM_FI_DEV_XID_ERRORS", 79, 130),
          sample("DCGM_FI_DEV_ECC_DBE_VOL_TOTAL", 6, 130),
          sample("DCGM_FI_DEV_PCIE_REPLAY_COUNTER", 9, 130),
          sample("DCGM_FI_DEV_XID_ERRORS", 79, 160),
          'DCGM_FI_DEV_GPU_TEMP{gpu="3"} 40',
        ].join("\n"),
      ),
    );
    expect(signals.map(({ time, symptom, detail, critical }) => [time, symptom, detail, critical])).toEqual([
      [130, "GPU unavailable", "XID 79: GPU has fallen off the bus", true],
      [130, "GPU memory error", "2 double-bit ECC errors", true],
      [130, "PCIe error", "5 PCIe replays", false],
    ]);
  });
});

describe("published traces, by their headers", () => {
  it("Acme", async () => {
    const { attempts } = await readCsvTrace(
      textSource(
        "job_id,user,node_num,gpu_num,cpu_num,type,state,submit_time,start_time,end_time,duration,queue,gpu_time\nabc,u1,4,32,64,Pretrain,NODE_FAIL,2023-05-17 10:00:00,2023-05-17 10:05:00,2023-05-17 11:05:00,3600,300,115200\n",
      ),
    );
    expect(attempts.row(0)).toMatchObject({
      job: "abc",
      name: "Pretrain",
      state: "NODE_FAIL",
      nodes: 4,
      accelerators: 32,
      elapsedSeconds: 3600,
    });
    expect(attempts.row(0).start - attempts.row(0).eligible).toBe(300);
  });

  it("Helios, and a row whose end is before its start", async () => {
    const { attempts, reading } = await readCsvTrace(
      textSource(
        "job_id,user,vc,gpu_num,cpu_num,node_num,state,submit_time,start_time,end_time,duration,queue\n1,u,vcA,8,8,1,CANCELLED,2020-04-01 00:00:00,2020-04-01 00:00:01,2020-04-01 00:00:11,10,1\n2,u,vcA,8,8,1,FAILED,2020-04-01 00:00:00,2020-04-01 00:00:11,2020-04-01 00:00:01,10,1\n",
      ),
    );
    expect(attempts.rows()).toMatchObject([{ partition: "vcA", state: "CANCELLED", elapsedSeconds: 10 }]);
    expect(reading.skipped).toMatchObject([{ reason: "End is before Start", examples: [{ line: 3 }] }]);
  });

  it("Alibaba's pods of 2023", async () => {
    const { attempts } = await readCsvTrace(
      textSource(
        "name,cpu_milli,memory_mib,num_gpu,gpu_milli,gpu_spec,qos,pod_phase,creation_time,deletion_time,scheduled_time\nopenb-pod-0000,12000,16384,1,1000,,LS,Running,0,12537496,0.0\nopenb-pod-0001,6000,12288,1,460,,BE,Failed,9437497,10769854,9437497.0\n",
      ),
    );
    expect(attempts.rows().map(({ state }) => state)).toEqual(["RUNNING", "FAILED"]);
    expect(attempts.row(1).elapsedSeconds).toBe(1_332_357);
  });

  it("Philly: each attempt but the last was requeued", async () => {
    const { attempts } = await readPhilly(
      textSource(
        JSON.stringify([
          {
            status: "Pass",
            vc: "6214e9",
            jobid: "application_1",
            submitted_time: "2017-10-09 07:01:55",
            user: "ce2f4c",
            attempts: [
              {
                start_time: "2017-10-09 07:02:27",
                end_time: "2017-10-09 07:02:53",
                detail: [{ ip: "m1", gpus: ["gpu0", "gpu1"] }],
              },
              {
                start_time: "2017-10-09 07:03:00",
                end_time: "2017-10-09 08:03:00",
                detail: [{ ip: "m2", gpus: ["gpu0", "gpu1"] }],
              },
            ],
          },
        ]),
      ),
    );
    expect(attempts.rows()).toMatchObject([
      { state: "REQUEUED", nodeList: "m1", accelerators: 2 },
      { state: "COMPLETED", nodeList: "m2", elapsedSeconds: 3600 },
    ]);
  });

  it("the Standard Workload Format", async () => {
    const { attempts, reading } = await readSwf(
      textSource("; UnixStartTime: 1000\n 1 10 5 100 32 -1 -1 32 200 -1 0 3 1 4 1 2 -1 -1\nnot a job\n"),
    );
    expect(attempts.row(0)).toMatchObject({
      submit: 1010,
      start: 1015,
      end: 1115,
      nodes: 32,
      state: "FAILED",
      user: "3",
      timeLimitSeconds: 200,
    });
    expect(reading.skippedRows).toBe(1);
  });
});

describe("logs of unknown kind", () => {
  it.each([
    ["sacct-duplicates.psv", "sacct"],
    ["sacct.json", "sacct json"],
    ["squeue.json", "squeue json"],
    ["sinfo.json", "nodes json"],
    ["sacctmgr-events.psv", "node events"],
    ["scontrol-jobs.txt", "key values"],
    ["jobcomp-filetxt.txt", "key values"],
    ["slurmctld.log", "slurmctld"],
  ])("%s is %s", (file, kind) => {
    expect(logKindOf(readFileSync(labFile(file), "utf8").slice(0, 65_536))).toBe(kind);
  });

  it("are read together, the same attempt and the same outage once", async () => {
    const log = await readClusterLog(
      ["sacct-duplicates.psv", "sacct.json", "sacctmgr-events.psv", "slurmctld.log", "sinfo.json"].map(
        labFile,
      ),
    );
    expect(log.attempts.length).toBe(57);
    expect(log.events.filter(({ state }) => state === "DOWN")).toHaveLength(3);
    expect(log.signals).toHaveLength(3);
    expect(log.nodes).toHaveLength(4);
  });

  it("may be compressed, and are refused by name where nothing fits", async () => {
    const folder = mkdtempSync(join(tmpdir(), "fleet-"));
    const file = join(folder, "sacct.psv.gz");
    writeFileSync(file, gzipSync(readFileSync(labFile("sacct-duplicates.psv"))));
    expect((await readClusterLog([file])).attempts.length).toBe(57);
    await expect(readClusterLog([textSource("hello\n", "notes.txt")])).rejects.toThrow("notes.txt:1");
    await expect(readClusterLog([join(folder, "none.psv")])).rejects.toThrow(InputError);
  });
});
