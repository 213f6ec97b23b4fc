import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { Estimate, exactly, InputError, Sampler } from "../core/index.ts";
import {
  compareLedgers,
  publishedRuns,
  type ServingOptions,
  servingModel,
  type TrainingOptions,
  trainingModel,
} from "./accounts.ts";
import { disclosure } from "./disclosure.ts";
import { gridIntensity } from "./grids.ts";
import { ledgerTotals } from "./ledger.ts";
import { ledgerModel, readLedger } from "./ledger-file.ts";
import { meterReport } from "./machine-report.ts";
import type { MeterRecord } from "./meter.ts";
import { htmlReport } from "./page.ts";
import { buildingRecord, fleetRatio } from "./records.ts";
import { comparisonReport, ledgerReport, servingReport, terminalReport } from "./report.ts";

const trainingLedger = async (options: TrainingOptions, sampler: Sampler) =>
  (await trainingModel(options))(sampler);
const servingAccount = async (options: ServingOptions, sampler: Sampler) =>
  (await servingModel(options))(sampler);

const folder = mkdtempSync(join(tmpdir(), "carbon-accounts-"));
afterAll(() => rmSync(folder, { recursive: true }));

/** LLaMA 65B as its paper accounts for it: 1,022,362 hours at 400 W, PUE 1.1, 385 g/kWh give 173 t. */
const LLAMA = {
  accelerators: 2048,
  time: `${1_022_362 / 2048} h`,
  power: "400 W",
  kind: "a100",
  "host-factor": 1,
  pue: 1.1,
  grid: "385 gCO2e/kWh",
};

describe("trainingLedger", () => {
  it("gives LLaMA's account, and what its hardware adds", async () => {
    const totals = ledgerTotals(await trainingLedger(LLAMA, new Sampler(1)));
    expect(totals.energy.value("MWh")).toBeCloseTo(449.8, 1);
    expect(totals.operational.value("tCO2e")).toBeCloseTo(173.2, 1);
    expect(totals.embodied.value("tCO2e")).toBeGreaterThan(10);
    expect(totals.embodied.interval("tCO2e").high).toBeLessThan(100);
  });

  it("works the time out from FLOPs: LLMCarbon's T5", async () => {
    const t5 = {
      accelerators: 512,
      parameters: "11B",
      tokens: "600B tokens",
      peak: "123 TFLOP/s",
      efficiency: 0.37,
      power: 310,
      "host-factor": 1,
      pue: 1.12,
      grid: "545 gCO2e/kWh",
    };
    const totals = ledgerTotals(await trainingLedger(t5, new Sampler(1)));
    expect(totals.operational.value("tCO2e")).toBeCloseTo(45.736, 2);
    const wider = ledgerTotals(await trainingLedger({ ...t5, efficiency: "0.3..0.45" }, new Sampler(1)));
    expect(wider.operational.interval("tCO2e").high).toBeCloseTo((45.736 * 0.37) / 0.3, 0);
  });

  it.each([
    ["no time", { accelerators: 8, power: 400 }, "--time"],
    ["both times", { accelerators: 8, power: 400, time: "1 h", tokens: "1B tokens" }, "--time"],
    ["a negative power", { ...LLAMA, power: "-400 W" }, "--power"],
    ["an unknown region", { ...LLAMA, grid: "Mordor" }, "--grid"],
    ["another unit", { ...LLAMA, time: "5 kg" }, "--time"],
  ])("refuses %s by its flag", async (_, options, flag) => {
    const error = await trainingLedger(options, new Sampler(1)).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(InputError);
    expect((error as InputError).problems[0]!.place?.path).toBe(flag);
  });
});

describe("servingAccount", () => {
  const options = {
    power: "500 W",
    throughput: "1000 token/s",
    "host-factor": 1,
    pue: 1.2,
    grid: "100 gCO2e/kWh",
  };

  it("shares an accelerator's hour among its tokens, requests and a year", async () => {
    const account = await servingAccount(
      { ...options, embodied: "0 kg", "tokens-per-request": 500, "requests-per-day": "1M" },
      new Sampler(1),
    );
    // 500 W x 1.2 x 100 g/kWh = 60 g an hour of 3.6 million tokens.
    expect(ledgerTotals(account.ledger).perUnit!.value("gCO2e")).toBeCloseTo(60 / 3600, 12);
    expect(account.perRequest!.carbon.value("gCO2e")).toBeCloseTo((60 * 500) / 3.6e6, 12);
    expect(account.perRequest!.energy.value("Wh")).toBeCloseTo((600 * 500) / 3.6e6, 12);
    expect(account.perYear!.value("kgCO2e")).toBeCloseTo((0.365 * 1e6 * 60 * 500) / 3.6e6, 6);
    expect(await terminalReport(servingReport(account))).toContain("carbon per 1000 tokens");
  });

  it("refuses requests without their length", async () => {
    const error = await servingAccount({ ...options, "requests-per-day": 5 }, new Sampler(1)).catch(
      (thrown) => thrown,
    );
    expect((error as InputError).problems[0]!.place?.path).toBe("--tokens-per-request");
  });

  it("gives only what it is asked for", async () => {
    const account = await servingAccount(options, new Sampler(1));
    expect(account.perRequest).toBeUndefined();
    expect(ledgerTotals(account.ledger).embodied.value("kgCO2e")).toBeGreaterThan(0);
    expect(ledgerTotals(account.ledger).phases.map(({ phase }) => phase)).toEqual(["inference"]);
  });
});

describe("compareLedgers", () => {
  it("lets what two accounts share cancel out", async () => {
    const sampler = new Sampler(1);
    const options = { accelerators: 64, time: "10 days", power: "600 W" };
    const at = async (grid: string) => ({
      ...(await trainingLedger({ ...options, grid }, sampler)),
      name: grid,
    });
    const compared = compareLedgers([await at("PL"), await at("FR"), await at("NO-NO2")]);
    expect(compared.map(({ name }) => name)).toEqual(["PL", "FR", "NO-NO2"]);
    expect(compared[0]).toMatchObject({ lower: 0 });
    expect(compared[0]!.ratio!.interval()).toEqual({ low: 1, high: 1 });
    expect(compared[1]!.lower).toBe(1);
    expect(compared[2]!.ratio!.value()).toBeLessThan(compared[1]!.ratio!.value());
    expect(await terminalReport(comparisonReport("regions", compared))).toContain("chance that it is lower");
  });

  it("draws apart what two ledgers write differently", async () => {
    const sampler = new Sampler(1);
    const at = async (power: string) => {
      const ledger = await trainingLedger({ accelerators: 64, time: "10 days", power, grid: "PL" }, sampler);
      return ledgerTotals(ledger).operational;
    };
    const [low, high, again] = [await at("100..200 W"), await at("1000..2000 W"), await at("100..200 W")];
    expect(high.value() / low.value()).toBeCloseTo(10, 1);
    expect([...again.draws]).toEqual([...low.draws]);
  });

  it("weighs carbon against energy and delay, where both say their delay", async () => {
    const sampler = new Sampler(1);
    const at = async (name: string, kilowattHours: number, delay: string) => {
      const file = join(folder, `${name}.yaml`);
      writeFileSync(
        file,
        `name: ${name}\ngrid: 100 gCO2e/kWh\n${delay}entries: [{phase: training, energy: ${kilowattHours} kWh}]\n`,
      );
      return readLedger(file, sampler);
    };
    const [first, slow, unknown] = [
      await at("a", 10, "delay: 2 h\n"),
      await at("b", 5, "delay: 6 h\n"),
      await at("c", 5, ""),
    ];
    const [, b, c] = compareLedgers([first, slow, unknown]);
    const merits = Object.entries(b!.merits).map(([name, ratio]) => [name, ratio!.value()]);
    expect(merits).toEqual([
      ["CDP", 0.5 * 3],
      ["CEP", 0.25],
      ["C2EP", 0.125],
      ["CE2P", 0.125],
    ]);
    expect(c!.merits.CDP).toBeUndefined();
  });

  it("puts one ledger at another place, but for entries with a place of their own", async () => {
    const file = join(folder, "moved.yaml");
    writeFileSync(
      file,
      "name: m\ngrid: FR\npue: 1\nentries: [{phase: training, energy: 1 kWh}, {phase: inference, grid: SE-SE3, energy: 1 kWh}]\n",
    );
    const { records } = (await ledgerModel(file, { grid: "PL" }))(new Sampler(1));
    expect(records.map(({ emitter }) => emitter)).toEqual(["electricity of PL", "electricity of SE-SE3"]);
    await expect(async () => (await ledgerModel(file, { grid: "Mordor" }))(new Sampler(1))).rejects.toThrow(
      "Mordor",
    );
  });

  it("recomputes published runs", () => {
    const opt = publishedRuns().find(({ name }) => name === "OPT-175B")!;
    expect(opt.carbon.value("tCO2e")).toBeCloseTo(137.1, 1);
    expect(opt.energy.value("MWh")).toBeCloseTo(356.2, 1);
  });
});

describe("shares of what is not the computer", () => {
  it("charges a building by energy: all of it to a load that fills it for its life", () => {
    const building = {
      carbon: Estimate.exact(60_000, "tCO2e"),
      capacity: Estimate.exact(20, "MW"),
      lifetime: Estimate.exact(20, "year"),
    };
    const filled = building.capacity.times(building.lifetime);
    expect(buildingRecord("training", "all", building, filled, []).carbon.value("tCO2e")).toBeCloseTo(
      60_000,
      6,
    );
    expect(
      buildingRecord("training", "half", building, filled.over(2), []).carbon.value("tCO2e"),
    ).toBeCloseTo(30_000, 6);
  });

  it("takes unknown phases from a fleet of 10 : 20 : 70", () => {
    expect(fleetRatio("inference", "training").value()).toBeCloseTo(3.5, 12);
    expect(fleetRatio("experimentation", "inference").value()).toBeCloseTo(1 / 7, 12);
    expect(fleetRatio("training", "training").times(exactly(2)).basis).toBe("published");
  });
});

describe("a disclosure", () => {
  const text = `
name: disclosed
grid: FR
functional-unit: {name: user and month, count: 1000}
entries:
  - {phase: training, energy: 100 MWh, market: 0 gCO2e/kWh, embodied: 2..5 t}
`;
  async function ledger() {
    const file = join(folder, "disclosed.yaml");
    writeFileSync(file, text);
    return readLedger(file, new Sampler(3));
  }

  it("is plain data with both ways of accounting, SCI, every record and every source", async () => {
    const object = JSON.parse(JSON.stringify(disclosure(await ledger())));
    expect(object).toMatchObject({
      format: "terrarium-carbon",
      version: 1,
      signal: "average",
      totals: {
        operationalMarketBased: { value: 0 },
        operationalLocationBased: { unit: "tCO2e", basis: "assumed" },
        embodied: { low: expect.closeTo(2, 1), high: expect.closeTo(5, 1) },
      },
      sci: { functionalUnit: "user and month" },
      phases: [{ phase: "training" }],
    });
    expect(object.records).toHaveLength(2);
    expect(object.records[0].provenance[1]).toEqual({
      what: "carbon intensity of FR",
      origin: "bundled",
      source: "electricity-maps-2022",
      vintage: "2022",
    });
    expect(object.sources.map(({ id }: { id: string }) => id)).toEqual(
      expect.arrayContaining(["electricity-maps-2022", "act-tables"]),
    );
  });

  it("is the same again, byte for byte", async () => {
    expect(JSON.stringify(disclosure(await ledger()))).toBe(JSON.stringify(disclosure(await ledger())));
  });

  it("reads as text and as a page", async () => {
    const report = ledgerReport(await ledger());
    const terminal = await terminalReport(report);
    expect(terminal).toContain("operational, market-based");
    expect(terminal).toContain("per user and month (SCI)");
    expect(terminal.split("\n").every((line) => line.length < 240)).toBe(true);
    const html = await htmlReport(report);
    expect(html).toContain("<svg");
    expect(html).toContain(
      "<td>carbon intensity of FR</td><td>bundled</td><td>electricity-maps-2022</td><td>2022</td>",
    );
    expect(html).not.toMatch(/(src|href)="http/);
  });
});

describe("a meter's report", () => {
  const record: MeterRecord = {
    format: "terrarium-meter",
    version: 1,
    command: ["python", "train.py"],
    exitCode: 0,
    start: 0,
    end: 3600,
    joules: 7.2e6,
    devices: [
      {
        instrument: "RAPL",
        device: "package-0",
        component: "processor",
        samples: 9,
        joules: 7.2e6,
        bins: [[0, 7.2e6]],
      },
    ],
    notMeasured: ["fans"],
    warnings: ["no GPU"],
  };

  it("gives energy, power and carbon, after its warnings", async () => {
    const text = await terminalReport(
      meterReport(record, new Sampler(1), gridIntensity(new Sampler(1), "FR")),
    );
    expect(text.indexOf("WARNING: no GPU")).toBe(0);
    expect(text).toContain("2 kWh");
    expect(text).toContain("2 kW ");
    expect(text).toMatch(/carbon at FR, without PUE +199 gCO2e/);
    expect(text).toContain("not measured: fans");
  });

  it("gives no energy and no carbon where nothing was read", async () => {
    const nothing = { ...record, joules: null, devices: [] };
    const text = await terminalReport(
      meterReport(nothing, new Sampler(1), gridIntensity(new Sampler(1), undefined)),
    );
    expect(text).not.toContain("carbon at");
  });
});
