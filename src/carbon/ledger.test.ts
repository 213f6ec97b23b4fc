import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, describe, expect, it } from "vitest";
import { problemOf } from "../../test/problems.ts";
import { Sampler } from "../core/index.ts";
import { assumptions } from "./disclosure.ts";
import { type Ledger, ledgerTotals, type OperationalRecord, PHASES } from "./ledger.ts";
import { readLedger } from "./ledger-file.ts";

const folder = mkdtempSync(join(tmpdir(), "carbon-ledger-"));
afterAll(() => rmSync(folder, { recursive: true }));
let written = 0;
function ledgerOf(text: string, sampler = new Sampler(1)): Promise<Ledger> {
  const file = join(folder, `ledger-${written++}.yaml`);
  writeFileSync(file, text);
  return readLedger(file, sampler);
}
/** Luccioni, Viguier and Ligozat, arXiv:2211.02001, tables 3 and 5: what one writes down of it. */
const BLOOM = `
name: BLOOM
grid: 57 gCO2e/kWh
pue: 1
functional-unit: {name: model, count: 1}
entries:
  - {phase: training, name: dynamic, energy: 433196 kWh, basis: measured}
  - {phase: training, name: idle, energy: 256646 kWh}
  - phase: training
    name: hardware
    accelerators:
      {count: 384, time: 2820.286 h, power: 0 W, embodied: 462.5 kg, lifetime: 5.99589 years, utilisation: 0.85}
`;

describe("BLOOM's life-cycle assessment", () => {
  it("24.69 t dynamic, 14.6 t idle, 11.2 t embodied, 50.5 t in all", async () => {
    const ledger = await ledgerOf(BLOOM);
    const tonnes = ledger.records.map(({ what, carbon }) => [what, carbon.value("tCO2e")] as const);
    expect(tonnes.map(([what]) => what)).toEqual([
      "dynamic",
      "idle",
      "hardware",
      "accelerators and hosts of hardware",
    ]);
    expect(tonnes[0]![1]).toBeCloseTo(24.69, 2);
    expect(tonnes[1]![1]).toBeCloseTo(14.6, 1);
    expect(tonnes[3]![1]).toBeCloseTo(11.2, 1);
    const totals = ledgerTotals(ledger);
    expect(totals.total.value("tCO2e")).toBeCloseTo(50.5, 1);
    expect(totals.embodiedShare!.value()).toBeCloseTo(11.2 / 50.5, 2);
    expect(totals.energy.value("kWh")).toBeCloseTo(433_196 + 256_646, 6);
    expect(totals.perUnit!.value("tCO2e")).toBeCloseTo(50.5, 1);
    expect(totals.marketOperational).toBeUndefined();
  });
});

describe("a ledger over the whole life", () => {
  const whole = `
name: model
grid: DE
market: 0 gCO2e/kWh
facility: hyperscale
functional-unit: {name: 1000 requests, count: 2e6}
entries:
  - {phase: data, energy: 10 MWh, transferred: 100 TB, basis: published}
  - phase: training
    name: run
    accelerators: {count: 512, time: 500 h, power: 550..650 W, kind: h100}
    building: {carbon: 50000..90000 t, capacity: 30 MW}
  - {phase: experimentation, name: failed runs, like: {phase: training}}
  - {phase: post-training, name: sft, like: {phase: training, times: 0.05..0.1}}
  - {phase: inference, energy: 300 MWh, metered-at: computers, grid: FR, pue: 1.2, share: 0.5}
  - {phase: end-of-life, embodied: 100..300 kg}
`;

  it("adds each phase, keeps every range, and says each default", async () => {
    const ledger = await ledgerOf(whole);
    const totals = ledgerTotals(ledger);
    expect(totals.phases.map(({ phase }) => phase)).toEqual([
      "data",
      "experimentation",
      "training",
      "post-training",
      "inference",
      "end-of-life",
    ]);
    const [data, experiments, training, , inference, end] = totals.phases;
    // 10 : 20 of a fleet, drawn together with the training that it is half of.
    expect(experiments!.total.over(training!.total).value()).toBeCloseTo(0.5, 12);
    expect(experiments!.total.over(training!.total).interval().high).toBeCloseTo(0.5, 12);
    expect(data!.energy.value("MWh")).toBeGreaterThan(10 + 0.05);
    expect(inference!.energy.value("MWh")).toBeCloseTo(300 * 1.2 * 0.5, 9);
    expect(inference!.operational.value("tCO2e")).toBeCloseTo(180 * 0.09945, 0);
    expect(end!.embodied.interval("kgCO2e")).toMatchObject({
      low: expect.closeTo(100, 0),
      high: expect.closeTo(300, 0),
    });
    expect(totals.operational.value("tCO2e")).toBeGreaterThan(0);
    expect(totals.marketOperational!.value("tCO2e")).toBe(0);
    expect(totals.total.interval().high / totals.total.interval().low).toBeGreaterThan(1.2);
    const parts = ledger.records.reduce((sum, { carbon }) => sum + carbon.mean("kgCO2e"), 0);
    expect(totals.total.mean("kgCO2e")).toBeCloseTo(parts, 3);
    const notes = ledger.records.flatMap((record) => record.notes);
    expect(notes).toContain(
      "not counted: taken from training by the capacities of a large fleet (10 : 20 : 70)",
    );
    expect(notes).toContain("0.5 of it is charged here");
    const taken = notes.filter((note) => note.startsWith("not given, so taken from published figures"))[1];
    for (const what of [
      "PUE (hyperscale) 1.1 [1.07, 1.18]",
      "host factor",
      "lifetime of servers",
      "lifetime of buildings",
    ]) {
      expect(taken).toContain(what);
    }
    for (const record of ledger.records) {
      expect(record.provenance.length).toBeGreaterThan(0);
      for (const { origin, source } of record.provenance) {
        expect(["measured", "live", "bundled", "given"]).toContain(origin);
        expect(source).not.toBe("");
      }
    }
  });

  it("is the same for the same seed, and draws two entries of one name apart", async () => {
    const once = ledgerTotals(await ledgerOf(whole)).total;
    expect([...ledgerTotals(await ledgerOf(whole)).total.draws]).toEqual([...once.draws]);
    const twice = await ledgerOf(`
name: twins
grid: 0 gCO2e/kWh
entries:
  - {phase: training, name: a, embodied: 1..2 t}
  - {phase: training, name: a, embodied: 100..200 t}
`);
    expect(twice.records[0]!.carbon.value("tCO2e")).toBeCloseTo(Math.SQRT2, 2);
    expect(twice.records[1]!.carbon.value("tCO2e")).toBeCloseTo(100 * Math.SQRT2, 0);
  });

  it("keeps a range within what the quantity can be", async () => {
    const ledger = await ledgerOf(`
name: bounds
grid: 100 gCO2e/kWh
entries:
  - {phase: data, energy: 0..10 kWh, pue: 1..1.3, metered-at: computers}
`);
    expect(Math.min(...ledger.records[0]!.carbon.draws)).toBe(0);
    const energy = await ledgerOf(
      "name: n\ngrid: FR\nentries:\n  - {phase: data, energy: 1 kWh, pue: 1..1.3, metered-at: computers}\n",
    );
    expect(Math.min(...(energy.records[0] as OperationalRecord).energy!.draws)).toBe(3.6e6);
  });

  it("labels a written marginal intensity as such, and says whose contracts are missing", async () => {
    const ledger = await ledgerOf(`
name: marginal
grid: 600 gCO2e/kWh
signal: marginal
entries:
  - {phase: data, energy: 1 kWh, pue: 1, market: 0}
  - {phase: training, energy: 1 kWh, pue: 1}
`);
    expect(ledgerTotals(ledger).signal).toBe("marginal");
    expect(assumptions(ledger)).toEqual([
      "training: its contracts are not known, so there is no market-based total",
    ]);
  });

  it("names the place that it takes where none is given", async () => {
    const ledger = await ledgerOf("name: n\nentries:\n  - {phase: training, energy: 1 MWh}\n");
    expect(ledger.records[0]!.notes[0]).toContain('the mean of "world" in 2023, 481 gCO2e/kWh, is used');
    expect(ledger.records[0]!.carbon.value("kgCO2e")).toBeCloseTo(481, 0);
  });

  it("prices a log at its hours, with what the meter does not see", async () => {
    writeFileSync(
      join(folder, "gpu.csv"),
      "timestamp, index, power.draw [W]\n2026/03/01 02:00:00.000, 0, 1000 W\n2026/03/01 04:00:00.000, 0, 1000 W\n",
    );
    writeFileSync(
      join(folder, "de.csv"),
      "time,DE\n2026-03-01T00:00Z,100\n2026-03-01T01:00Z,300\n2026-03-01T02:00Z,900\n",
    );
    const ledger = await ledgerOf(`
name: log
grid: DE
pue: 1.1
entries:
  - phase: training
    log:
      file: gpu.csv
      time-zone: "+02:00"
      host-factor: 1.2
      series: {file: de.csv, unit: gCO2e/kWh}
`);
    const [record] = ledger.records;
    expect(record).toMatchObject({ kind: "operational", signal: "average" });
    expect(record!.carbon.mean("kgCO2e")).toBeCloseTo(1.1 * 1.2 * (0.1 + 0.3), 2);
    expect(record!.provenance).toMatchObject([
      { origin: "measured", vintage: "2026-03-01T00:00Z to 2026-03-01T02:00Z" },
      { origin: "given", vintage: "2026-03-01T00:00Z to 2026-03-01T03:00Z" },
    ]);
  });

  it("takes a PUE for each month: a log's of its days, anything else the mean of the year", async () => {
    writeFileSync(
      join(folder, "turn.csv"),
      "start,end,energy_kwh\n2026-06-30T22:00Z,2026-07-01T00:00Z,2\n2026-07-01T00:00Z,2026-07-01T06:00Z,6\n",
    );
    const ledger = await ledgerOf(`
name: seasons
grid: 100 gCO2e/kWh
pue: [1, 1, 1, 1, 1, 1.1, 1.5, 1, 1, 1, 1, 1]
entries:
  - {phase: training, log: {file: turn.csv}}
  - {phase: data, energy: 12 kWh, metered-at: computers}
  - {phase: data, energy: 12 kWh, metered-at: computers, pue: 2}
`);
    const [log, mean, own] = ledger.records.map((record) =>
      (record as OperationalRecord).energy!.value("kWh"),
    );
    expect(log).toBeCloseTo(2 * 1.1 + 6 * 1.5, 6);
    expect(mean).toBeCloseTo(12 * (1 + 0.6 / 12), 9);
    expect(own).toBe(24);
  });

  it("takes the power of a known machine where none is given, by the work and by the load", async () => {
    const run = (phase: string, more: string) =>
      `  - {phase: ${phase}, accelerators: {kind: h100-sxm, count: 1, time: 1 h, host-factor: 1${more}}}\n`;
    const ledger = await ledgerOf(
      `name: n\ngrid: FR\npue: 1\nentries:\n${run("training", "")}${run("training", ", load: 0.5")}${run("inference", "")}`,
    );
    const drawn = ledger.records.filter((record) => record.kind === "operational");
    const watts = drawn.map(({ energy }) => energy!.value("Wh"));
    // 700 W times the shares of the limit in data/efficiencies.csv: 0.85 training, 0.6 decoding, 0.13 idle.
    expect(watts[0]).toBeCloseTo(700 * 0.85, -1);
    expect(watts[1]).toBeCloseTo(700 * (0.13 + (0.85 - 0.13) / 2), -1);
    expect(watts[2]).toBeCloseTo(700 * 0.6, -1);
    expect(drawn[0]!.provenance).toContainEqual({
      what: "power of h100-sxm, training",
      origin: "bundled",
      source: "nvidia-h100",
      vintage: "2023",
    });
    expect(drawn[0]!.provenance[0]).toMatchObject({ what: "accelerators and time", origin: "given" });
  });

  it("says of every figure that nobody gave where it is from and of which year", async () => {
    const ledger = await ledgerOf(`
name: n
grid: FR
entries:
  - {phase: training, accelerators: {kind: h100, count: 8, time: 1 h, power: 600 W}, source: our logs, vintage: 2025}
`);
    const all = ledger.records.flatMap(({ provenance }) => provenance);
    expect(all.map(({ what, origin, vintage }) => [what, origin, vintage])).toEqual([
      ["accelerators, time and power", "given", "2025"],
      ["carbon intensity of FR", "bundled", "2022"],
      ["host factor", "bundled", "2023"],
      ["PUE (average)", "bundled", "2024"],
      ["lifetime of servers", "bundled", "2022"],
      ["utilisation of servers", "bundled", "2022"],
      ["embodied carbon of h100 and hosts", "bundled", "2025"],
    ]);
  });

  it("prices data moved by the energy of the network and the PUE around it", async () => {
    const ledger = await ledgerOf(
      "name: n\ngrid: FR\npue: 1.5\nentries: [{phase: data, transferred: 1 TB}]\n",
    );
    const [network] = ledger.records as OperationalRecord[];
    expect(network!.energy!.value("kWh")).toBeCloseTo(1.5, 2);
    expect(network!.provenance.map(({ what, source }) => [what, source])).toContainEqual([
      "energy of networks",
      "cloud-carbon-footprint",
    ]);
  });

  it("takes carbon that is given to be by the ledger's signal", async () => {
    const ledger = await ledgerOf(
      "name: n\ngrid: 500\nsignal: marginal\nentries: [{phase: data, energy: 1 kWh, pue: 1}, {phase: training, carbon: 1 kg}]\n",
    );
    const { signal, total } = ledgerTotals(ledger);
    expect({ signal, kilograms: total.value("kgCO2e") }).toEqual({ signal: "marginal", kilograms: 1.5 });
  });

  it("does not add average to marginal", async () => {
    writeFileSync(join(folder, "m.csv"), "time,DE\n2026-03-01T00:00Z,100\n2026-03-01T01:00Z,300\n");
    writeFileSync(join(folder, "e.csv"), "start,end,energy_kwh\n2026-03-01T00:00Z,2026-03-01T01:00Z,2\n");
    const ledger = await ledgerOf(`
name: mixed
grid: DE
pue: 1
entries:
  - {phase: training, log: {file: e.csv, series: {file: m.csv, unit: gCO2e/kWh, signal: marginal}}}
  - {phase: training, energy: 1 kWh}
`);
    expect(ledger.records[0]!.carbon.value("kgCO2e")).toBeCloseTo(0.2, 9);
    expect(() => ledgerTotals(ledger)).toThrow(
      '"training" by the marginal signal and "training" by the average signal',
    );
  });
});

it("has an example of all six phases", async () => {
  const file = fileURLToPath(new URL("../../examples/carbon/model.yaml", import.meta.url));
  const totals = ledgerTotals(await readLedger(file, new Sampler(1)));
  expect(totals.phases.map(({ phase }) => phase)).toEqual([...PHASES]);
  expect(totals.marketOperational!.value()).toBeLessThan(totals.operational.value());
});

describe("bad ledgers", () => {
  const entry = (text: string) => `name: n\ngrid: DE\nentries:\n  - phase: training\n    ${text}\n`;
  it.each([
    [
      "negative energy",
      entry("energy: -5 kWh"),
      { found: '"-5 kWh"', place: { line: 5, path: "entries.0.energy" } },
    ],
    ["an unknown unit", entry("energy: 5 kWhh"), { place: { line: 5, path: "entries.0.energy" } }],
    ["carbon for energy", entry("energy: 5 kg"), { place: { line: 5, path: "entries.0.energy" } }],
    [
      "an unknown region",
      entry("energy: 5 kWh\n    grid: Atlantis"),
      { found: 'the grid zone "Atlantis"', place: { line: 6 } },
    ],
    [
      "an unknown default region",
      "name: n\ngrid: D\nentries:\n  - {phase: data, energy: 1 kWh}\n",
      { place: { line: 2 } },
    ],
    ["a negative intensity", entry("energy: 5 kWh\n    grid: -5 gCO2e/kWh"), { place: { line: 6 } }],
    ["a place for contracts", entry("energy: 5 kWh\n    market: FR"), { found: '"FR"', place: { line: 6 } }],
    ["two ways to say how much", entry("energy: 5 kWh\n    carbon: 4 kg"), { place: { line: 4 } }],
    ["nothing to count", entry("name: nothing"), { place: { line: 4 } }],
    ["an unknown key", entry("enrgy: 5 kWh"), { found: 'the key "enrgy"', place: { line: 5 } }],
    ["a PUE below 1", entry("energy: 5 kWh\n    pue: 0.9"), { found: "0.9", place: { line: 6 } }],
    [
      "a life of no time",
      entry("accelerators: {count: 1, time: 1, power: 1, lifetime: 0}"),
      { place: { line: 5 } },
    ],
    [
      "a marginal place",
      entry("energy: 5 kWh\n    signal: marginal"),
      { found: "a marginal signal for a place" },
    ],
    [
      "a log without energy",
      entry("log: {file: zero.csv}"),
      { found: expect.stringContaining("every reading is zero") },
    ],
    [
      "accelerators of which nothing says the power",
      entry("accelerators: {count: 1, time: 1}"),
      { place: { line: 5, path: "entries.0.accelerators.power" } },
    ],
    [
      "a kind whose power is not known",
      entry("accelerators: {count: 1, time: 1, kind: h100}"),
      { found: '"h100"', remedy: "use one of: h100-sxm, h100-pcie", place: { line: 5 } },
    ],
    [
      "a load beside a power",
      entry("accelerators: {count: 1, time: 1, power: 5 W, load: 0.5}"),
      { place: { line: 5, path: "entries.0.accelerators.load" } },
    ],
    [
      "eleven months",
      entry("energy: 5 kWh\n    pue: [1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1]"),
      { place: { line: 6 } },
    ],
    ["a share above 1", entry("energy: 5 kWh\n    share: 1.5"), { place: { line: 6 } }],
    [
      "a phase that nothing counted",
      entry("like: {phase: inference}"),
      { found: '"inference", of which no entry stands above' },
    ],
    [
      "an unknown phase",
      "name: n\nentries:\n  - {phase: trainig, energy: 1 kWh}\n",
      { found: '"trainig"', place: { line: 3 } },
    ],
  ])("%s", async (_, text, expected) => {
    writeFileSync(join(folder, "zero.csv"), "timestamp,power_w\n1767225600,0\n1767225610,0\n");
    const problem = await problemOf(() => ledgerOf(text));
    expect(problem).toMatchObject(expected);
    expect(problem.place?.file).toMatch(/(ledger-\d+\.yaml|zero\.csv)$/);
  });
});
