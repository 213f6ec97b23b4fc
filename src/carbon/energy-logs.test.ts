import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { problemOf } from "../../test/problems.ts";
import { Sampler } from "../core/index.ts";
import { instrumentsOf, measuredEnergy, measuredProfile } from "./measurement.ts";
import { readPowerLog } from "./power-log.ts";
import { readPrometheusRange, readPrometheusText } from "./prometheus.ts";
import { readSlurmEnergy } from "./slurm-energy.ts";

const folder = mkdtempSync(join(tmpdir(), "carbon-logs-"));
afterAll(() => rmSync(folder, { recursive: true }));
function written(name: string, lines: readonly string[]): string {
  const file = join(folder, name);
  writeFileSync(file, `${lines.join("\n")}\n`);
  return file;
}
const second = (s: number) => `2026/03/01 00:00:${String(s).padStart(2, "0")}.000`;
const start = Date.UTC(2026, 2, 1) / 1000;

describe("nvidia-smi logs", () => {
  const header = "timestamp, index, power.draw [W], utilization.gpu [%]";

  it("integrate the power of each card", async () => {
    const rows = [0, 10, 20, 30].flatMap((s) => [
      `${second(s)}, 0, 300.00 W, 99 %`,
      `${second(s)}, 1, ${s} W, 5 %`,
    ]);
    const log = await readPowerLog(written("smi.csv", [header, ...rows]), { timeZone: "UTC" });
    expect(log.devices.map(({ device, energy }) => [device, energy.joules])).toEqual([
      ["GPU 0", 9000],
      ["GPU 1", 450],
    ]);
    expect(log).toMatchObject({ zoneKnown: true, warnings: [] });
    expect(instrumentsOf(log)).toBe("nvidia-smi");
    expect(measuredProfile(log).start).toBe(start);
    const energy = measuredEnergy(log, new Sampler(1));
    expect(energy.value("J")).toBeCloseTo(9450, 0);
    expect(energy.interval("J").high / energy.value("J")).toBeCloseTo(1.05, 2);
    expect(energy.basis).toBe("measured");
  });

  it("read the forms of the format: no units, a continued log, a card named by its uuid", async () => {
    const plain = "timestamp, uuid, power.draw";
    const log = await readPowerLog(
      written("forms.csv", [plain, `${second(0)}, GPU-a, 100`, plain, `${second(10)}, GPU-a, 100.5`]),
    );
    expect(log.devices[0]).toMatchObject({ device: "GPU GPU-a", samples: 2 });
    expect(log.zoneKnown).toBe(false);
    expect(measuredProfile(log).joules).toBe(1002.5);
  });

  it("say loudly what is missing: a zero sensor, values that are not there, a card that vanishes, a silence", async () => {
    const minute = (m: number) =>
      `2026/03/01 0${Math.floor(m / 60)}:${String(m % 60).padStart(2, "0")}:00.000`;
    const rows: string[] = [];
    for (let m = 0; m < 120; m++) {
      rows.push(`${minute(m)}, 0, 0.00 W, 99 %`);
      if (m < 30) rows.push(`${minute(m)}, 1, 200 W, 99 %`);
      if (m === 30) rows.push("Unable to determine the device handle for GPU0000:41:00.0: Unknown Error");
      if (m < 10 || m > 70) rows.push(`${minute(m)}, 2, 60 W, 99 %`);
      rows.push(`${minute(m)}, 3, ${m % 2 ? "[N/A]" : "10 W"}, 99 %`);
    }
    const log = await readPowerLog(written("broken.csv", [header, ...rows]), { timeZone: "UTC" });
    expect(log.warnings).toEqual([
      "lines that are no rows of the table: 1, the first is line 103: Unable to determine the device handle for GPU0000:41:00.0: Unknown Error",
      "GPU 0: every reading is zero; its sensor does not work, and its energy is missing",
      "GPU 1: stopped answering at 2026-03-01T00:29Z, 90 min before the log ends",
      "GPU 2: no readings for 62 min, which are not counted",
      "GPU 3: 60 readings had no value",
    ]);
    const joules = Object.fromEntries(log.devices.map(({ device, energy }) => [device, energy.joules]));
    expect(joules).toEqual({
      "GPU 0": 0,
      "GPU 1": 29 * 60 * 200,
      "GPU 2": (9 + 48) * 3600,
      "GPU 3": 118 * 600,
    });
  });

  it.each([
    ["a negative power", `${second(5)}, 0, -3 W, 0 %`, "-3 W", 3],
    ["a reading that is no number", `${second(5)}, 0, lots W, 0 %`, '"lots"', 3],
    ["time that runs backwards", `2026/02/28 00:00:00.000, 0, 3 W, 0 %`, "2026-02-28T00:00Z after", 3],
    ["mixed time zones", `2026-03-01T00:00:05Z, 0, 3 W, 0 %`, "mixed time zones", 3],
  ])("refuse %s at its line", async (_, row, found, line) => {
    const file = written("bad.csv", [header, `${second(0)}, 0, 5 W, 0 %`, row]);
    const problem = await problemOf(() => readPowerLog(file));
    expect(problem.found).toContain(found);
    expect(problem.place).toMatchObject({ file, line });
  });

  it("refuse a log without a header, and a file that is not there", async () => {
    const bare = await problemOf(() => readPowerLog(written("bare.csv", [`${second(0)}, 0, 5 W, 0 %`])));
    expect(bare.remedy).toContain("noheader");
    expect((await problemOf(() => readPowerLog(join(folder, "none.csv")))).found).toBe("no such file");
  });
});

describe("plain tables", () => {
  it("read power, and energies by interval", async () => {
    const power = written("power.csv", ["timestamp,power_w,device", "1767225600,100,a", "1767225610,200,a"]);
    expect(measuredProfile(await readPowerLog(power)).joules).toBe(1500);
    const energy = written("energy.csv", ["start,end,energy_kwh", "2026-03-01T00:00Z,2026-03-01T06:00Z,1.5"]);
    expect(measuredProfile(await readPowerLog(energy)).joules).toBe(5.4e6);
  });

  it("refuse negative energy and an end before the start", async () => {
    const head = "start,end,energy_j";
    const negative = written("negative.csv", [head, "2026-03-01T00:00Z,2026-03-01T06:00Z,-5"]);
    expect(await problemOf(() => readPowerLog(negative))).toMatchObject({
      found: "-5",
      place: { line: 2, path: "energy_j" },
    });
    const reversed = written("reversed.csv", [head, "2026-03-01T06:00Z,2026-03-01T00:00Z,5"]);
    expect((await problemOf(() => readPowerLog(reversed))).place).toMatchObject({ line: 2, path: "end" });
  });
});

describe("Prometheus", () => {
  const scrape = (seconds: number, millijoules: number, watts: number) => [
    "# HELP DCGM_FI_DEV_POWER_USAGE Power draw (in W).",
    "# TYPE DCGM_FI_DEV_POWER_USAGE gauge",
    `DCGM_FI_DEV_POWER_USAGE{gpu="0",UUID="GPU-0",Hostname="n1"} ${watts} ${(start + seconds) * 1000}`,
    `DCGM_FI_DEV_POWER_USAGE{gpu="0",UUID="GPU-1",Hostname="n1"} ${watts} ${(start + seconds) * 1000}`,
    "# TYPE DCGM_FI_DEV_TOTAL_ENERGY_CONSUMPTION counter",
    `DCGM_FI_DEV_TOTAL_ENERGY_CONSUMPTION{gpu="0",UUID="GPU-0",GPU_I_ID="3",Hostname="n1"} ${millijoules} ${(start + seconds) * 1000}`,
    `DCGM_FI_DEV_TOTAL_ENERGY_CONSUMPTION{gpu="0",UUID="GPU-0",GPU_I_ID="4",Hostname="n1"} ${millijoules} ${(start + seconds) * 1000}`,
  ];

  it("takes the counter before the power, and a sliced card once", async () => {
    const file = written("dcgm.prom", [
      ...scrape(0, 5_000_000, 100),
      ...scrape(30, 8_000_000, 100),
      ...scrape(60, 1_000_000, 100),
    ]);
    const log = await readPrometheusText(file);
    expect(log.devices.map(({ device, energy }) => [device, energy.joules])).toEqual([
      ["n1 GPU GPU-0", 4000],
      ["n1 GPU GPU-1", 6000],
    ]);
    expect(log.warnings).toEqual([
      "3 samples repeat the card of another MIG slice or container and are left out",
      "n1 GPU GPU-0: its counter restarted once; some energy is not counted",
    ]);
  });

  it("refuses a scrape without times, and an answer that is no range", async () => {
    const bare = written("bare.prom", ['DCGM_FI_DEV_POWER_USAGE{gpu="0"} 250.5']);
    expect(await problemOf(() => readPrometheusText(bare))).toMatchObject({ place: { line: 1 } });
    const vector = written("vector.json", [
      '{"status":"success","data":{"resultType":"vector","result":[]}}',
    ]);
    expect((await problemOf(() => readPrometheusRange(vector))).place?.path).toBe("data.resultType");
    expect((await problemOf(() => readPrometheusRange(written("no.json", ["{"])))).expected).toBe("JSON");
  });

  it("reads the answer of a range query", () => {
    const values = [0, 60, 120].map((s) => [start + s, String(1000 + s * 250)]);
    const metric = { __name__: "node_rapl_package_joules_total", index: "0", instance: "n7:9100" };
    const result = [
      { metric, values },
      { metric: { __name__: "up" }, values },
    ];
    const file = written("range.json", [
      JSON.stringify({ status: "success", data: { resultType: "matrix", result } }),
    ]);
    const log = readPrometheusRange(file);
    expect(log.devices).toHaveLength(1);
    expect(log.devices[0]).toMatchObject({ device: "n7:9100 processor 0", component: "processor" });
    expect(measuredProfile(log).joules).toBe(30_000);
  });
});

describe("Slurm", () => {
  const header = "JobIDRaw|Start|End|State|ConsumedEnergyRaw";
  const times = "2026-03-01T00:00:00|2026-03-01T01:00:00|COMPLETED";

  it("takes a job's own energy, else the largest view of its steps, and never adds views that overlap", async () => {
    const log = await readSlurmEnergy(
      written("sacct.psv", [
        header,
        `7|${times}|3600000`,
        `7.batch|${times}|1800000`,
        `7.0|${times}|1800000`,
        `8|${times}|`,
        `8.batch|${times}|500`,
        `8.extern|${times}|900`,
        `8.0|${times}|300`,
        `8.1|${times}|400`,
        `9|${times}|0`,
        "10|2026-03-01T00:00:00|Unknown|RUNNING|18446744073709551614",
      ]),
      { timeZone: "+01:00" },
    );
    const joules = log.devices.map(({ energy }) => energy.joules);
    expect(joules).toEqual([3.6e6, 900, 0, 0]);
    expect(measuredProfile(log).start).toBe(start - 3600);
    expect(log.warnings).toEqual([
      "zero or missing energy (Slurm counts none without AcctGatherEnergyType): 1 of the jobs (9)",
      "no start or no end yet, so not counted: 1 of the jobs (10)",
    ]);
  });

  it("reads rounded energies, and refuses negative ones and other columns", async () => {
    const rounded = header.replace("Raw", "").replace("EnergyRaw", "Energy");
    const log = await readSlurmEnergy(written("rounded.psv", [rounded, `7|${times}|1.50M`]));
    expect(measuredProfile(log).joules).toBe(1.5e6);
    const negative = written("negative.psv", [header, `7|${times}|-4`]);
    expect(await problemOf(() => readSlurmEnergy(negative))).toMatchObject({
      found: '"-4"',
      place: { line: 2 },
    });
    const other = written("other.psv", ["JobID|State", "7|COMPLETED"]);
    expect((await problemOf(() => readSlurmEnergy(other))).remedy).toContain("ConsumedEnergyRaw");
  });
});
