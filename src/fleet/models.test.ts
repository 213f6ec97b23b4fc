import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Estimate, gammaQuantile, RandomStream, Sampler } from "../core/index.ts";
import { AttemptTable } from "./attempts.ts";
import { attributeFailures, coOccurrence } from "./attribution.ts";
import { binomialUpperTail } from "./binomial.ts";
import { rateHistory } from "./change-points.ts";
import { ettrExact } from "./ettr.ts";
import type { Signal } from "./events.ts";
import { benjaminiHochberg, lemonNodes, poissonUpperTail } from "./lemons.ts";
import { mitigationStudy, sparesNeeded } from "./mitigations.ts";
import { NodeSets } from "./nodelist.ts";
import { mttfByScale, nodeExposure } from "./rates.ts";
import { Runs } from "./runs.ts";
import { intersectDomains, symptomOf, symptomOfExit, taxonomy, xidTable } from "./taxonomy.ts";
import { burnIn, fitWeibull } from "./weibull.ts";

const DAY = 86_400;

/** A table of one-node attempts on named nodes. */
function attempts(
  rows: {
    job: string;
    nodeList: string;
    hours: number;
    state?: "COMPLETED" | "FAILED" | "NODE_FAIL";
    nodes?: number;
  }[],
): AttemptTable {
  const table = new AttemptTable();
  let clock = 0;
  for (const { job, nodeList, hours, state = "COMPLETED", nodes = 1 } of rows) {
    const [start, end] = [clock, clock + hours * 3600];
    table.add({
      job,
      state,
      nodeList,
      nodes,
      submit: start,
      eligible: start,
      start,
      end,
      accelerators: nodes * 8,
    });
    clock = end;
  }
  return table;
}
const signal = (node: string, time: number, symptom: string, more: Partial<Signal> = {}): Signal => ({
  node,
  time,
  symptom,
  detail: symptom,
  critical: true,
  file: "log",
  line: 1,
  ...more,
});
const attribute = (table: AttemptTable, signals: Signal[]) =>
  attributeFailures(table, new NodeSets(table), { signals, events: [], failedNodes: [] });

describe("the taxonomy", () => {
  it("has the twelve symptoms of the paper's Table I with its domains", () => {
    // arXiv:2410.21680, Table I.
    const table: Record<string, string> = {
      "Out of memory": "user",
      "GPU unavailable": "system hardware",
      "GPU memory error": "hardware",
      "GPU driver or firmware error": "system",
      "GPU NVLink error": "hardware",
      "InfiniBand link": "hardware",
      "File system mount": "system",
      "Main memory": "hardware",
      "Ethernet link": "hardware",
      "PCIe error": "hardware",
      "NCCL timeout": "user system hardware",
      "System services": "user system hardware",
    };
    for (const [name, domains] of Object.entries(table)) {
      expect([
        name,
        taxonomy()
          .get(name)!
          .domains.map((domain) => domain.split(" ")[0])
          .join(" "),
      ]).toEqual([name, domains]);
    }
  });

  it("knows every XID's symptom, and gcm's list of those that are not critical", () => {
    for (const { symptom } of xidTable().values()) expect(taxonomy().has(symptom)).toBe(true);
    const benign = [...xidTable().values()].filter(({ critical }) => !critical).map(({ code }) => code);
    expect(benign).toEqual([13, 31, 43, 45, 63, 68, 92, 109]);
  });

  it.each([
    ["HC:XID79 gpu fell off bus", "GPU unavailable"],
    ["HC:ib_link_down", "InfiniBand link"],
    ["uncorrectable ECC on GPU 3", "GPU memory error"],
    ["/scratch not mounted", "File system mount"],
    ["nvlink inactive", "GPU NVLink error"],
    ["PCIe AER fatal", "PCIe error"],
    ["Kill task failed", "System services"],
    ["DIMM A3 failure", "Main memory"],
    ["Not responding", "Node heartbeat lost"],
    ["planned upgrade", undefined],
  ])("reads %s", (reason, symptom) => {
    expect(symptomOf(reason)?.symptom.name).toBe(symptom);
  });

  it("intersects, and says so where nothing is left", () => {
    expect(intersectDomains([])).toHaveLength(3);
    expect(intersectDomains([["system software", "hardware"], ["hardware"]])).toEqual(["hardware"]);
    expect(intersectDomains([["user program"], ["hardware"]])).toEqual([]);
  });
});

describe("attribution", () => {
  const failed = (start: number, end: number) => {
    const table = new AttemptTable();
    table.add({ job: "1", state: "FAILED", nodeList: "n[1-2]", nodes: 2, submit: start, start, end });
    return table;
  };

  it("takes signals from ten minutes before the end to five minutes after, on the job's own nodes", () => {
    const table = failed(0, 10_000);
    const seen = (node: string, time: number) =>
      attribute(table, [signal(node, time, "PCIe error")]).known.length;
    expect([
      seen("n1", 9399),
      seen("n1", 9400),
      seen("n2", 10_300),
      seen("n2", 10_301),
      seen("n3", 9999),
    ]).toEqual([0, 1, 1, 0, 0]);
  });

  it("takes none from before the attempt began", () => {
    expect(attribute(failed(9900, 10_000), [signal("n1", 9800, "PCIe error")]).known).toEqual([]);
  });

  it("narrows with every symptom and reports a contradiction as one", () => {
    const table = failed(0, 10_000);
    const domains = (...signals: Signal[]) => attribute(table, signals).known[0]!.domains;
    expect(domains(signal("n1", 9990, "NCCL timeout", { critical: false }))).toHaveLength(3);
    expect(domains(signal("n1", 9990, "NCCL timeout"), signal("n2", 9995, "InfiniBand link"))).toEqual([
      "hardware",
    ]);
    expect(domains(signal("n1", 9990, "GPU unavailable", { xid: 79 }))).toEqual([
      "system software",
      "hardware",
    ]);
    expect(domains(signal("n1", 9990, "File system mount"), signal("n1", 9995, "PCIe error"))).toEqual([]);
  });

  it("blames the hardware only on a critical signal", () => {
    const table = failed(0, 10_000);
    const hardware = (one: Signal) => attribute(table, [one]).known[0]!.hardware;
    expect(hardware(signal("n1", 9990, "PCIe error"))).toBe(true);
    expect(hardware(signal("n1", 9990, "PCIe error", { critical: false }))).toBe(false);
    expect(attribute(table, []).isHardware(0)).toBe(false);
    const both = attribute(table, [
      signal("n1", 9990, "PCIe error"),
      signal("n1", 9990, "File system mount"),
    ]);
    expect(both.isHardware(0)).toBe(true);
  });

  it("takes the exit status as a symptom", () => {
    expect(
      [symptomOfExit(127, 0), symptomOfExit(0, 11), symptomOfExit(137, 0), symptomOfExit(3, 0)].map(
        ({ name }) => name,
      ),
    ).toEqual(["Command not found", "Segmentation fault", "Killed", "Job failed"]);
    const table = new AttemptTable();
    table.add({ job: "1", state: "FAILED", exitCode: 127, nodeList: "n1", submit: 0, start: 0, end: 100 });
    const [known] = attribute(table, [signal("n1", 99, "NCCL timeout", { critical: false })]).known;
    expect(known!.symptoms).toEqual(["NCCL timeout", "Command not found"]);
    expect(known!.domains).toEqual(["user program", "system software"]);
  });

  it("counts an out-of-memory end as the user's", () => {
    const table = new AttemptTable();
    table.add({ job: "1", state: "OUT_OF_MEMORY", nodeList: "n1", submit: 0, start: 0, end: 100 });
    const [known] = attribute(table, [signal("n1", 99, "System services", { critical: false })]).known;
    expect(known!.domains).toEqual(["user program"]);
  });

  it("counts what is seen together, as the paper does for PCIe errors", () => {
    const table = new AttemptTable();
    const signals: Signal[] = [];
    for (let job = 0; job < 100; job++) {
      const end = (job + 1) * 10_000;
      table.add({
        job: String(job),
        state: "FAILED",
        nodeList: "n1",
        submit: end - 5000,
        start: end - 5000,
        end,
      });
      signals.push(signal("n1", end, "PCIe error"));
      // RSC-1: 43 % with XID 79, 21 % with an IPMI critical interrupt as well.
      if (job < 43) signals.push(signal("n1", end, "GPU unavailable", { xid: 79 }));
      if (job < 21) signals.push(signal("n1", end, "PCIe error", { detail: "IPMI: Critical Interrupt" }));
    }
    const attributions = attribute(table, signals);
    expect(coOccurrence(attributions, "PCIe error", ["XID 79"]).share).toBe(0.43);
    expect(coOccurrence(attributions, "PCIe error", ["XID 79", "critical interrupt"]).share).toBe(0.21);
    expect(coOccurrence(attributions, "Main memory", ["XID 79"]).share).toBeNaN();
  });
});

describe("runs", () => {
  const table = new AttemptTable();
  const add = (job: string, start: number, end: number, more = {}) =>
    table.add({
      job,
      state: "FAILED",
      name: "train",
      user: "u",
      submit: start - 10,
      eligible: start - 10,
      start,
      end,
      ...more,
    });
  add("1", 100, 200);
  add("2", 250, 300);
  add("3", 5000, 6000, { state: "COMPLETED", comment: "run:a" });
  add("4", 6100, 6200, { comment: "run:a" });
  add("5", 6150, 6300, { user: "v", arrayJob: "5", arrayTask: 1 });
  add("6", 6300, 6400, { user: "v", arrayJob: "5", arrayTask: 2 });
  const groups = (identity: ConstructorParameters<typeof Runs>[1]) => {
    const runs = new Runs(table, identity);
    return Array.from({ length: runs.count }, (_, run) =>
      [...runs.rowsOf(run)].map((row) => row + 1).join("+"),
    );
  };

  it.each<[ConstructorParameters<typeof Runs>[1], string[]]>([
    [{ by: "job" }, ["1", "2", "3", "4", "5", "6"]],
    // The third comes too late, and a completed job is not gone on with.
    [{ by: "name", maxGapSeconds: 100 }, ["1+2", "3", "4", "5+6"]],
    [{ by: "name", maxGapSeconds: 10_000 }, ["1+2+3", "4", "5+6"]],
    [{ by: "array" }, ["1", "2", "3", "4", "5+6"]],
    [{ by: "comment" }, ["1", "2", "3+4", "5", "6"]],
    [{ by: "key", key: (_, row) => (row % 2 === 0 ? "even" : undefined) }, ["1+3+5", "2", "4", "6"]],
  ])("are joined by %o", (identity, expected) => {
    expect(groups(identity)).toEqual(expected);
  });
});

describe("MTTF against scale", () => {
  it("is measured beside its projection, and a divergence is said", () => {
    // Forty failures of eight-node jobs in 400 days of run: MTTF 240 h. At 1/(N r_f) with 0.0125 it is 240 h too.
    const rows = Array.from({ length: 400 }, (_, i) => ({
      job: String(i),
      nodeList: "n[1-8]",
      nodes: 8,
      hours: 24,
      state: i % 10 === 0 ? ("NODE_FAIL" as const) : ("COMPLETED" as const),
    }));
    const table = attempts(rows);
    const [bucket] = mttfByScale(table, attribute(table, []), 0.0125);
    expect(bucket).toMatchObject({ size: 64, failures: 40, attempts: 400, meanNodes: 8, diverges: false });
    expect(bucket!.measuredHours.value).toBeCloseTo(240, 9);
    expect(bucket!.ratio).toBeCloseTo(1, 9);
    expect(mttfByScale(table, attribute(table, []), 0.05)[0]!.diverges).toBe(true);
  });
});

describe("change points", () => {
  const timeline = (rates: readonly number[], seed: number) => {
    const stream = new RandomStream(seed);
    const poisson = (mean: number) => {
      let count = 0;
      for (let t = stream.exponential(1); t < mean; t += stream.exponential(1)) count++;
      return count;
    };
    return {
      start: 0,
      sliceSeconds: DAY,
      nodeDays: new Float64Array(rates.length).fill(1000),
      failures: Float64Array.from(rates, (rate) => poisson(rate)),
    };
  };
  const steps = (...parts: [days: number, rate: number][]) =>
    parts.flatMap(([days, rate]) => Array(days).fill(rate));

  it("finds the steps that were planted, with intervals that hold them nine times of ten", () => {
    const planted = [6.5, 13, 4];
    let [found, times, rates] = [0, 0, 0];
    for (let seed = 0; seed < 40; seed++) {
      const { segments, changes } = rateHistory(timeline(steps([120, 6.5], [80, 13], [100, 4]), seed));
      if (changes.length !== 2) continue;
      found++;
      for (const [i, day] of [120, 200].entries()) {
        if (changes[i]!.low <= day * DAY && day * DAY <= changes[i]!.high) times++;
      }
      for (const [i, rate] of planted.entries()) {
        if (segments[i]!.rate.low < rate && rate < segments[i]!.rate.high) rates++;
      }
    }
    expect(found).toBeGreaterThanOrEqual(38);
    expect(times / (2 * found)).toBeGreaterThan(0.8);
    expect(rates / (3 * found)).toBeGreaterThan(0.8);
  });

  it("finds none in a constant rate, nineteen times of twenty", () => {
    const histories = Array.from({ length: 60 }, (_, seed) => rateHistory(timeline(steps([300, 6.5]), seed)));
    expect(histories.filter(({ changes }) => changes.length > 0).length).toBeLessThanOrEqual(3);
  });

  it("is one segment without failures", () => {
    const { segments, changes } = rateHistory(timeline(steps([50, 0]), 1));
    expect(changes).toEqual([]);
    expect(segments).toMatchObject([{ failures: 0 }]);
  });
});

describe("the exponential assumption", () => {
  const observed = (shape: number, nodes: number, censorDays: number) => {
    const stream = new RandomStream(5);
    const bins = 1400;
    const lifetimes = {
      seconds: Float64Array.from({ length: bins }, (_, i) => Math.exp((i + 0.5) * Math.log(1.02))),
      nodes: new Float64Array(bins),
      failures: new Float64Array(bins),
    };
    const scale = 20 * DAY * nodes ** (-1 / shape);
    for (let i = 0; i < 4000; i++) {
      const failure = scale * stream.exponential(1) ** (1 / shape);
      const time = Math.min(failure, censorDays * DAY);
      const bin = Math.floor(Math.log(time) / Math.log(1.02));
      lifetimes.nodes[bin]! += nodes;
      if (failure < censorDays * DAY) lifetimes.failures[bin]!++;
    }
    return lifetimes;
  };

  it.each([0.6, 1, 1.7])("is tested by a Weibull shape that is recovered: %f", (shape) => {
    const result = fitWeibull(observed(shape, 4, 5))!;
    expect(result.shape.low).toBeLessThan(shape);
    expect(result.shape.high).toBeGreaterThan(shape);
    // Scale is that of one node, whatever the size of the job.
    expect(result.scaleSeconds / (20 * DAY)).toBeCloseTo(1, 0);
    if (shape === 1) expect(result.pExponential).toBeGreaterThan(0.01);
    else expect(result.pExponential).toBeLessThan(1e-6);
  });

  it("says nothing from fewer than three failures", () => {
    const bins = {
      seconds: Float64Array.of(10, 100),
      nodes: Float64Array.of(1, 1),
      failures: Float64Array.of(1, 1),
    };
    expect(fitWeibull(bins)).toBeUndefined();
  });

  it("shows burn-in as a rate early and one late", () => {
    const early = burnIn(observed(0.6, 1, 5))!;
    expect(early.early.low).toBeGreaterThan(early.late.high);
    const constant = burnIn(observed(1, 1, 5))!;
    expect(constant.early.low).toBeLessThan(constant.late.high);
  });
});

describe("lemons", () => {
  it("Poisson tails and Benjamini-Hochberg are what they should be", () => {
    expect(poissonUpperTail(0, 3)).toBe(1);
    expect(poissonUpperTail(1, 3)).toBeCloseTo(1 - Math.exp(-3), 12);
    expect(poissonUpperTail(3, 2)).toBeCloseTo(1 - Math.exp(-2) * (1 + 2 + 2), 12);
    // Worked by hand: sorted p times n over rank, made monotone from above.
    expect([...benjaminiHochberg([0.01, 0.04, 0.03, 0.5])].map((q) => Number(q.toFixed(6)))).toEqual([
      0.04, 0.053333, 0.053333, 0.5,
    ]);
    fc.assert(
      fc.property(fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { minLength: 1 }), (p) => {
        const q = benjaminiHochberg(p);
        for (let i = 0; i < p.length; i++) {
          expect(q[i]).toBeGreaterThanOrEqual(p[i]! * (1 - 1e-12));
          for (let j = 0; j < p.length; j++) if (p[i]! < p[j]!) expect(q[i]!).toBeLessThanOrEqual(q[j]!);
        }
      }),
    );
  });

  it("are told from nodes that merely work more", () => {
    const rows: Parameters<typeof attempts>[0] = [];
    for (let node = 0; node < 50; node++) {
      // Node 0 runs thirty times as long as the others and fails in proportion; node 1 fails ten times too often.
      const jobs = node === 0 ? 3000 : 100;
      const failures = node === 0 ? 30 : node === 1 ? 10 : 1;
      for (let i = 0; i < jobs; i++) {
        rows.push({
          job: `${node}-${i}`,
          nodeList: `n${node}`,
          hours: 1,
          state: i < failures ? "NODE_FAIL" : "COMPLETED",
        });
      }
    }
    const table = attempts(rows);
    const nodes = new NodeSets(table);
    const attributions = attributeFailures(table, nodes, { signals: [], events: [], failedNodes: [] });
    const report = lemonNodes(nodeExposure(table, nodes, attributions), nodes);
    expect(report.nodes.filter(({ flagged }) => flagged).map(({ node }) => node)).toEqual(["n1"]);
    expect(report.nodes.find(({ node }) => node === "n1")).toMatchObject({
      failures: 10,
      signals: { single_node_node_fails: 10, single_node_node_failure_rate: 0.1 },
    });
    expect(report.fleetRate).toBeCloseTo(78 / (7800 / 24), 9);
  });

  it("carry the evidence of the other signals", () => {
    const table = attempts([
      { job: "1", nodeList: "n1", hours: 1, state: "NODE_FAIL" },
      { job: "2", nodeList: "n[1-2]", hours: 1, nodes: 2, state: "NODE_FAIL" },
    ]);
    const nodes = new NodeSets(table);
    const attributions = attributeFailures(table, nodes, { signals: [], events: [], failedNodes: [] });
    const report = lemonNodes(
      nodeExposure(table, nodes, attributions),
      nodes,
      {
        signals: [
          signal("n1", 0, "GPU unavailable", { xid: 79 }),
          signal("n1", 1, "GPU unavailable", { xid: 79 }),
        ],
        events: [
          {
            kind: "state",
            node: "n1",
            start: 0,
            end: 1,
            state: "DRAIN",
            reason: "",
            notResponding: false,
            file: "",
            line: 1,
          },
        ],
        exclusions: [
          { job: "8", nodeList: "n[1-2]" },
          { job: "9", nodeList: "n1" },
          { job: "9", nodeList: "n[broken" },
        ],
        tickets: new Map([["n1", 3]]),
      },
      { percentile: 0.5, exceeding: 1 },
    );
    expect(report.nodes[0]).toMatchObject({
      node: "n1",
      signals: {
        excl_jobid_count: 2,
        xid_cnt: 1,
        tickets: 3,
        out_count: 1,
        multi_node_node_fails: 1,
        single_node_node_fails: 1,
        single_node_node_failure_rate: 1,
      },
    });
    expect(report.sentence).toContain("unknown for 1 of 1");
  });
});

describe("spares", () => {
  it("are the binomial quantile of nodes away", () => {
    // 1000 nodes, 1 % away: exact sums of the binomial.
    const rate = 0.01 / 0.99 / 3600;
    const spares = sparesNeeded(1000, rate, 3600, 0.99);
    expect(1 - binomialUpperTail(1000, 0.01, spares + 1)).toBeGreaterThanOrEqual(0.99);
    expect(1 - binomialUpperTail(1000, 0.01, spares)).toBeLessThan(0.99);
    expect(spares).toBe(18);
    expect(binomialUpperTail(3, 0.5, 2)).toBeCloseTo(0.5, 12);
    expect(sparesNeeded(1000, 0, 3600)).toBe(0);
  });
});

describe("mitigations", () => {
  const rate = new Sampler(1).draw("rate", gammaQuantile(4, 950), "1/node/day", {
    basis: "published",
    sources: [],
  });
  const run = {
    failureRate: rate,
    nodes: Estimate.exact(1500, "node"),
    checkpointInterval: Estimate.exact(60, "min"),
    restart: Estimate.exact(10, "min"),
    queue: Estimate.exact(5, "min"),
    checkpointWrite: Estimate.exact(1, "min"),
    productive: Estimate.exact(30, "day"),
  };
  const study = mitigationStudy(run);

  it("never make things worse, and together gain more than the best alone", () => {
    for (const { gain } of study.singly) expect(gain.draws.every((draw) => draw >= 1 - 1e-12)).toBe(true);
    expect(study.singly.map(({ gain }) => gain.value())).toEqual(
      [...study.singly.map(({ gain }) => gain.value())].sort((a, b) => b - a),
    );
    expect(study.together.gain.value()).toBeGreaterThan(study.singly[0]!.gain.value());
    expect(study.together.ettr.interval().high).toBeLessThanOrEqual(1);
  });

  it("are priced with the exact form", () => {
    const spares = study.singly.find(({ name }) => name === "warm spares")!;
    const at = (queueSeconds: number) =>
      ettrExact({
        failuresPerSecond: rate.draws[3]! * 1500,
        checkpointIntervalSeconds: 3600,
        restartSeconds: 600,
        queueSeconds,
        checkpointWriteSeconds: 60,
        productiveSeconds: 30 * DAY,
      });
    expect(spares.ettr.draws[3]).toBeCloseTo(at(0), 12);
    expect(spares.gain.draws[3]).toBeCloseTo(at(0) / at(300), 12);
  });
});
