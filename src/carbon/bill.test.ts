import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, describe, expect, it } from "vitest";
import { InputError, Sampler } from "../core/index.ts";
import { readBill } from "./bill.ts";

const folder = mkdtempSync(join(tmpdir(), "carbon-bill-"));
afterAll(() => rmSync(folder, { recursive: true }));
function billOf(text: string) {
  const file = join(folder, "bill.yaml");
  writeFileSync(file, text);
  return readBill(file, new Sampler(1));
}
const kilograms = (text: string) => {
  const bill = billOf(text);
  return (...names: string[]) =>
    bill.parts
      .filter(({ name }) => names.includes(name))
      .reduce((total, { carbon }) => total + carbon.value("kgCO2e"), 0);
};

/** ACT's bills (act/boms) and what its integration tests hold them to. */
describe("ACT's bills of materials", () => {
  it("Dell R740: processors, memory and disks", () => {
    const of = kilograms(`
name: Dell R740
fab: {grid: coal, abatement: 0.95, yield: 0.875}
parts:
  - {name: cpu, count: 2, logic: 28nm, area: 6.98 cm2, packages: 2}
  - {name: dram, count: 12, dram: ddr3_50nm, capacity: 36 GB, packages: 19}
  - {name: main disk, count: 8, ssd: nand_30nm, capacity: 3840 GB, packages: 13}
  - {name: second disk, ssd: nand_30nm, capacity: 400 GB, packages: 13}
  - {name: second disk, dram: ddr3_50nm, capacity: 68 GB, packages: 19}
`);
    expect(of("cpu")).toBeCloseTo(23.143405714285716, 9);
    expect(of("dram")).toBeCloseTo(330.4285714285714, 9);
    expect(of("main disk")).toBeCloseTo(8 * (136.0457142857143 + 1.95), 9);
    expect(of("second disk")).toBeCloseTo(62.75 + 2.85, 9);
  });

  it("the example is the R740's silicon", () => {
    const file = fileURLToPath(new URL("../../examples/carbon/dell-r740.yaml", import.meta.url));
    const expected = 23.143405714285716 + 330.4285714285714 + 8 * (136.0457142857143 + 1.95) + 62.75 + 2.85;
    expect(readBill(file, new Sampler(1)).total.value("kgCO2e")).toBeCloseTo(expected, 9);
  });

  it("Fairphone 3: processor, memory and twenty circuits", () => {
    const areas = [
      0.85, 1.2, 1.2, 35, 0.89, 0.08, 0.25, 18, 11.6, 1.44, 12.96, 1.61, 6.3, 26.88, 0.77, 11.36, 7, 8.69, 11,
      9.6,
    ];
    const of = kilograms(`
name: Fairphone 3
fab: {grid: coal, abatement: 0.95}
parts:
  - {name: cpu, logic: 28nm, area: 46.4 mm2, packages: 1}
  - {name: dram, dram: ddr3_50nm, capacity: 4 GB, packages: 1}
  - {name: ssd, ssd: nand_30nm, capacity: 64 GB, packages: 1}
${areas.map((area) => `  - {name: circuit, logic: 28nm, area: ${area} mm2, packages: 1}`).join("\n")}
`);
    expect(of("cpu")).toBeCloseTo(0.8992937142857143, 9);
    expect(of("dram", "ssd")).toBeCloseTo(5.310285714285714, 9);
    expect(of("circuit")).toBeCloseTo(5.691643885714286, 9);
  });
});

describe("a bill", () => {
  it("mixes models, published footprints and given numbers, and keeps their ranges", () => {
    const bill = billOf(`
name: node
parts:
  - {name: baseboard, device: hgx-h100}
  - {name: case, material: steel, kilograms: 40}
  - {name: disks, count: 2, hdd: exos_x16, capacity: 16 TB}
  - {name: board, carbon: 50..90 kg, source: supplier}
  - {name: spare, accelerator: h100}
`);
    const value = bill.parts.map(({ carbon }) => carbon.value("kgCO2e"));
    expect(value[0]).toBe(1312);
    expect(value[1]).toBeCloseTo(40 * 1.89, 9);
    expect(value[2]).toBeCloseTo((2 * 16_000 * 1.334) / 1000, 9);
    expect(bill.parts[3]!.carbon.interval("kgCO2e").high).toBeCloseTo(90, 0);
    expect(bill.parts[3]!.provenance).toMatchObject({ origin: "given", source: "supplier" });
    expect(bill.parts[4]!.carbon.isExact).toBe(false);
    expect(bill.total.mean("kgCO2e")).toBeCloseTo(
      bill.parts.reduce((total, { carbon }) => total + carbon.mean("kgCO2e"), 0),
      6,
    );
  });

  it("says what it takes where nobody says: the fab's grid, abatement and yield", () => {
    const { notes } = billOf(
      "name: n\nparts:\n  - {name: die, logic: 5nm, area: 1 cm2}\n  - {name: hbm, dram: lpddr4, capacity: 80 GB, yield: 1}\n",
    );
    expect(notes).toEqual([
      "die: the grid of the fab is not given, so taiwan, 642 gCO2e/kWh is taken",
      "die: the abatement of gases is not given, so 0.97 [0.95, 0.99] is taken",
      "die: the yield is not given, so 0.875 is taken",
    ]);
  });

  it("builds servers and cards by Boavizta's formulas", () => {
    const of = kilograms(`
name: node
parts:
  - name: host
    server:
      processors: 2
      die-mm2: 294
      memory: [{count: 12, gigabytes: 32, gigabytes-per-cm2: 1.79}]
      solid-state-disks: [{gigabytes: 400, gigabytes-per-cm2: 50.6}]
      power-supplies-kg: 5.98
  - {name: card, card: {}}
  - {name: smaller, card: {die: 609, memory: 24}}
`);
    const memory = 12 * (2.2 * (32 / 1.79) + 5.22);
    const rest = 66.1 + 5.98 * 24.3 + 6.68 + 150;
    expect(of("host")).toBeCloseTo(2 * (294 * 0.0197 + 9.14) + memory + 2.2 * (400 / 50.6) + 6.34 + rest, 9);
    expect(of("card")).toBeCloseTo(575.1, 1);
    expect(of("smaller")).toBeLessThan(of("card"));
  });

  it("works the yield of a die out from its area", () => {
    const made = (yielded: string) =>
      kilograms(
        `name: n\nfab: {grid: 500, abatement: 0.97}\nparts:\n  - {name: die, logic: 5nm, area: 814 mm2, ${yielded}}\n`,
      )("die");
    const perfect = made("yield: 1");
    expect(perfect / made("yield: poisson, defects: 0.15")).toBeCloseTo(0.294935, 6);
    expect(perfect / made("yield: murphy")).toBeCloseTo(0.333447, 6);
    expect(perfect / made("yield: seeds, defects: 0.3")).toBeCloseTo(1 / (1 + 8.14 * 0.3), 9);
    const { notes } = billOf(
      "name: n\nfab: {grid: taiwan, abatement: 0.97, yield: murphy}\nparts:\n  - {name: die, logic: 5nm, area: 1 cm2}\n  - {name: hbm, dram: lpddr4, capacity: 80 GB}\n",
    );
    expect(notes).toEqual([
      "hbm: the yield is not given, so 0.875 is taken",
      "die: the density of defects is not given, so 0.15 1/cm2 is taken",
    ]);
  });

  it.each([
    ["a yield model for memory", "{name: a, dram: lpddr4, capacity: 1 GB, yield: murphy}", '"murphy"', 4],
    ["an unknown yield model", "{name: a, logic: 7nm, area: 1 cm2, yield: gauss}", '"gauss"', 4],
    ["a card of a negative mass", "{name: a, card: {mass: -1}}", "-1", 4],
    [
      "an unknown part of a server",
      "{name: a, server: {processors: 1, die-mm2: 5, power-supplies-kg: 1, cpus: 2}}",
      expect.stringContaining("cpus"),
      4,
    ],
    ["an unknown node", "{name: a, logic: 6.5nm, area: 1 cm2}", '"6.5nm"', 4],
    ["a die without an area", "{name: a, logic: 7nm}", "nothing", 4],
    ["an unknown fab grid", "{name: a, logic: 7nm, area: 1 cm2, grid: mars}", 'the grid zone "mars"', 4],
    ["an unknown device", "{name: a, device: hgx-x100}", '"hgx-x100"', 4],
    ["a yield above 1", "{name: a, dram: lpddr4, capacity: 1 GB, yield: 1.2}", "1.2", 4],
    ["two kinds of part", "{name: a, dram: lpddr4, ssd: nand_10nm, capacity: 1 GB}", expect.any(String), 4],
  ])("with %s is refused at its line", (_, part, found, line) => {
    try {
      billOf(`name: bad\nfab: {grid: taiwan}\nparts:\n  - ${part}\n`);
      throw new Error("it was accepted");
    } catch (error) {
      expect(error).toBeInstanceOf(InputError);
      const problem = (error as InputError).problems[0]!;
      expect(problem.found).toEqual(found);
      expect(problem.place?.line).toBe(line);
    }
  });
});
