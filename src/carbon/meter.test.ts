import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { InputError, Sampler } from "../core/index.ts";
import { measuredEnergy } from "./measurement.ts";
import { type MeterOptions, meterCommand, readMeterRecord } from "./meter.ts";
import { RaplMeter } from "./rapl.ts";

const folder = mkdtempSync(join(tmpdir(), "carbon-meter-"));
afterAll(() => rmSync(folder, { recursive: true }));

/** A tree as Linux shows it: two packages, one with memory, a core zone and psys that must not be counted again. */
function raplTree(name: string): { root: string; set: (zone: string, microjoules: number) => void } {
  const root = join(folder, name);
  const zones: Record<string, string> = {
    "intel-rapl:0": "package-0",
    "intel-rapl:0:0": "core",
    "intel-rapl:0:1": "dram",
    "intel-rapl:1": "package-1",
    "intel-rapl:2": "psys",
    "intel-rapl-mmio:0": "package-0",
  };
  for (const [zone, kind] of Object.entries(zones)) {
    mkdirSync(join(root, zone), { recursive: true });
    writeFileSync(join(root, zone, "name"), `${kind}\n`);
    writeFileSync(join(root, zone, "max_energy_range_uj"), "262143328850\n");
    writeFileSync(join(root, zone, "energy_uj"), "1000000\n");
  }
  return { root, set: (zone, value) => writeFileSync(join(root, zone, "energy_uj"), `${value}\n`) };
}

function program(name: string, lines: readonly string[]): string {
  const file = join(folder, name);
  writeFileSync(file, `#!/bin/sh\n${lines.join("\n")}\n`);
  chmodSync(file, 0o755);
  return file;
}

const clock = () => performance.timeOrigin / 1000 + performance.now() / 1000;
const options = (more: Partial<MeterOptions>): MeterOptions => ({
  now: clock,
  raplRoot: join(folder, "nowhere"),
  nvidiaSmi: join(folder, "no-such-nvidia-smi"),
  intervalSeconds: 0.05,
  output: "ignore",
  ...more,
});

describe("RaplMeter", () => {
  it("counts packages and memory once, through a wrap-around", () => {
    const { root, set } = raplTree("wrap");
    const meter = new RaplMeter(root);
    set("intel-rapl:0", 262_143_000_000);
    meter.read(100);
    set("intel-rapl:0", 500_000);
    set("intel-rapl:0:0", 9e9);
    set("intel-rapl:0:1", 3_000_000);
    set("intel-rapl:1", 11_000_000);
    set("intel-rapl:2", 9e9);
    meter.read(160);
    const finished = meter.finish();
    expect(finished.map(({ device }) => [device.device, device.component])).toEqual([
      ["package-0", "processor"],
      ["memory of package-0", "memory"],
      ["package-1", "processor"],
    ]);
    const joules = finished.map(({ device }) => device.energy.joules);
    expect(joules[0]).toBeCloseTo(0.32885 + 0.5, 6);
    expect(joules[1]).toBeCloseTo(2, 9);
    expect(joules[2]).toBeCloseTo(10, 9);
    expect(finished.flatMap(({ warnings }) => warnings)).toEqual([]);
  });

  it("says that a counter does not move, cannot be read, or is not there", () => {
    const { root } = raplTree("still");
    rmSync(join(root, "intel-rapl:1", "energy_uj"));
    const meter = new RaplMeter(root);
    meter.read(0);
    meter.read(10);
    expect(meter.warnings).toEqual([
      `package-1: ${join(root, "intel-rapl:1", "energy_uj")} cannot be read (ENOENT); its energy is not measured`,
    ]);
    expect(meter.finish()[0]!.warnings).toEqual([
      "package-0: its energy counter did not move; its energy is missing",
    ]);
    expect(new RaplMeter(join(folder, "nowhere")).warnings[0]).toContain("no RAPL counters");
  });

  it("says how to get the permission", () => {
    const { root } = raplTree("forbidden");
    const asUser = (file: string) => {
      if (file.endsWith("energy_uj")) throw Object.assign(new Error("permission denied"), { code: "EACCES" });
      return readFileSync(file, "utf8");
    };
    const { warnings } = new RaplMeter(root, asUser);
    expect(warnings).toHaveLength(3);
    expect(warnings[0]).toContain("may be read by root only");
  });
});

describe("meterCommand", () => {
  it("reads the counters around a command: energy right to 1 %", async () => {
    const { root } = raplTree("job");
    const job = program("job.sh", [
      `echo 26000000 > ${root}/intel-rapl:0/energy_uj`,
      "sleep 0.2",
      `echo 51000000 > ${root}/intel-rapl:0/energy_uj`,
      `echo 6000000 > ${root}/intel-rapl:1/energy_uj`,
      "exit 3",
    ]);
    const record = await meterCommand([job], options({ raplRoot: root }));
    expect(record.exitCode).toBe(3);
    expect(record.joules! / 55).toBeCloseTo(1, 2);
    expect(record.warnings).toContain(
      "memory of package-0: its energy counter did not move; its energy is missing",
    );
    expect(record.warnings.some((warning) => warning.includes("is not on this machine"))).toBe(true);

    const file = join(folder, "record.json");
    writeFileSync(file, JSON.stringify(record));
    const measurement = readMeterRecord(file);
    expect(measuredEnergy(measurement, new Sampler(1)).value("J")).toBeCloseTo(record.joules!, 6);
    expect(measurement.warnings).toEqual([
      ...record.warnings,
      expect.stringMatching(/^not measured: main board/),
    ]);
  });

  it("integrates accelerators from the start to the end, and reports one that vanishes", async () => {
    const smi = program("nvidia-smi", [
      "i=0",
      "while true; do",
      '  echo "0, GPU-a, 250.00"',
      '  if [ $i -lt 4 ]; then echo "1, GPU-b, 100.00"; fi',
      "  i=$((i+1)); sleep 0.05",
      "done",
    ]);
    const record = await meterCommand(["sleep", "3"], options({ nvidiaSmi: smi }));
    const [a, b] = record.devices;
    expect(a!.joules / (250 * (record.end - record.start))).toBeCloseTo(1, 2);
    expect(b!.joules).toBeLessThan(100);
    const file = join(folder, "accelerators.json");
    writeFileSync(file, JSON.stringify(record));
    const energy = measuredEnergy(readMeterRecord(file), new Sampler(1));
    expect(energy.interval("J").high / record.joules!).toBeCloseTo(1.05, 2);
    expect(record.warnings.some((warning) => /GPU-b: stopped answering/.test(warning))).toBe(true);
    expect(record.warnings.some((warning) => /GPU-a/.test(warning))).toBe(false);
  });

  it("reports an nvidia-smi that dies, and one that says it cannot", async () => {
    const dying = program("dying-smi", ['echo "0, GPU-a, 250.00"', "exit 9"]);
    const died = await meterCommand(["sleep", "0.2"], options({ nvidiaSmi: dying }));
    expect(died.warnings.some((warning) => warning.includes("ended before the job did (code 9)"))).toBe(true);
    const failing = program("failing-smi", ['echo "NVIDIA-SMI has failed"', "exit 9"]);
    const failed = await meterCommand(["sleep", "0.2"], options({ nvidiaSmi: failing }));
    expect(failed.warnings).toContain("nvidia-smi said: NVIDIA-SMI has failed");
    expect(failed.warnings.some((warning) => warning.includes("gave no reading"))).toBe(true);
  });

  it("gives no energy, rather than zero, where nothing can be read", async () => {
    const record = await meterCommand(["true"], options({}));
    expect(record.joules).toBeNull();
    expect(record.warnings[0]).toContain("unknown, not zero");
    const file = join(folder, "nothing.json");
    writeFileSync(file, JSON.stringify(record));
    expect(() => readMeterRecord(file)).toThrow("nothing could be measured");
  });

  it("names a command that cannot be started, and stops one that is aborted", async () => {
    await expect(meterCommand([join(folder, "no-such-command")], options({}))).rejects.toThrow(InputError);
    await expect(meterCommand([], options({}))).rejects.toThrow(InputError);
    const stopped = await meterCommand(["sleep", "60"], options({ signal: AbortSignal.timeout(100) }));
    expect(stopped.exitCode).toBe(128 + 15);
    expect(stopped.end - stopped.start).toBeLessThan(30);
  });
});
