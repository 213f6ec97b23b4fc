import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { problemOf } from "../../test/problems.ts";
import { InputError } from "../core/index.ts";
import { readCodecarbon } from "./codecarbon.ts";
import { readManifest } from "./impact-framework.ts";
import { overComponents, overTime } from "./metrics.ts";

const folder = mkdtempSync(join(tmpdir(), "carbon-imports-"));
afterAll(() => rmSync(folder, { recursive: true }));
function written(name: string, text: string): string {
  const file = join(folder, name);
  writeFileSync(file, text);
  return file;
}
describe("CodeCarbon's emissions.csv", () => {
  const header =
    "timestamp,project_name,run_id,duration,emissions,emissions_rate,cpu_power,gpu_power,ram_power,cpu_energy,gpu_energy,ram_energy,energy_consumed,country_name,country_iso_code,region,cloud_provider,cloud_region,os,python_version,codecarbon_version,cpu_count,cpu_model,gpu_count,gpu_model,longitude,latitude,ram_total_size,tracking_mode,on_cloud,pue";
  const row = (run: string, emissions: string, energy: string, cpu = "42.5", gpu = "302.3") =>
    `2024-05-27T11:31:35,codecarbon,${run},299.78,${emissions},5.5e-05,${cpu},${gpu},31.3,0.0035,0.0277,0.0026,${energy},Singapore,SGP,,,,Linux,3.10.12,2.4.2,12,Intel(R) Xeon(R) CPU @ 2.20GHz,1,1 x NVIDIA A100-SXM4-40GB,103.85,1.28,83.4,machine,N,1.0`;

  it("becomes a record a run: the last state of each, with every doubt said", () => {
    const file = written(
      "emissions.csv",
      [
        header,
        row("run-one", "0.01", "0.02"),
        row("run-one", "0.0166", "0.0339"),
        row("run-two", "0.2", "0.4", "90", "0.0"),
      ].join("\n"),
    );
    const [one, two, ...more] = readCodecarbon(file, "training");
    expect(more).toEqual([]);
    expect(one!.carbon.value("kgCO2e")).toBeCloseTo(0.0166, 12);
    expect(one!.energy!.value("kWh")).toBeCloseTo(0.0339, 12);
    expect(one!.notes).toEqual([
      "the processor's 42.5 W are CodeCarbon's fallback, not a reading",
      "1 earlier rows of this run are states of the same counters",
      "CodeCarbon does not say whether its intensity was live or bundled, and counts no making of hardware",
    ]);
    expect(two!.notes[0]).toBe("1 GPUs with a power of 0 W: their energy is missing");
    expect(one!.provenance[1]).toMatchObject({ what: "carbon intensity of Singapore", origin: "bundled" });
  });

  it("is refused with negative energy, and where it is another file", async () => {
    const negative = written("negative.csv", [header, row("r", "0.1", "-0.2")].join("\n"));
    expect(await problemOf(() => readCodecarbon(negative, "training"))).toMatchObject({
      found: '"-0.2"',
      place: { file: negative, line: 2, path: "energy_consumed" },
    });
    const other = written("other.csv", "a,b\n1,2\n");
    expect((await problemOf(() => readCodecarbon(other, "training"))).found).toContain("no column timestamp");
  });
});

/** The first two observations of the framework's own example pipeline-teads-sci, as if-run computed them. */
const TEADS = `
name: pipeline-teads-sci
initialize:
  plugins:
    sum-carbon:
      path: builtin
      method: Sum
      parameter-metadata:
        inputs:
          carbon-operational: {description: from energy, unit: gCO2eq, aggregation-method: {time: sum, component: sum}}
        outputs:
          carbon: {unit: gCO2eq}
execution:
  status: success
  environment: {if-version: 0.5.0, date-time: "2024-07-19T06:32:50.994Z (UTC)"}
tree:
  children:
    child-1:
      defaults: {grid/carbon-intensity: 800}
      inputs:
        - {timestamp: "2023-12-12T00:00:00.000Z", duration: 1, cpu/utilization: 50}
        - {timestamp: "2023-12-12T00:00:01.000Z", duration: 5, cpu/utilization: 20}
      outputs:
        - timestamp: "2023-12-12T00:00:00.000Z"
          duration: 1
          carbon-embodied: 0.0000020256215119228817
          carbon-operational: 0.0020833333333333333
          carbon: 0.002085358954845256
          sci: 0.002085358954845256
        - timestamp: "2023-12-12T00:00:01.000Z"
          duration: 5
          carbon-embodied: 0.000010128107559614407
          carbon-operational: 0.0059375
          carbon: 0.005947628107559615
          sci: 0.005947628107559615
`;

describe("Impact Framework manifests", () => {
  it("give the carbon that the pipeline computed, summed, and its rate, averaged over time", () => {
    const manifest = readManifest(written("teads.yaml", TEADS), "inference");
    const [operational, embodied] = manifest.records;
    expect(operational!.carbon.value("gCO2e")).toBeCloseTo(0.0020833333333333333 + 0.0059375, 15);
    expect(embodied!.carbon.value("gCO2e")).toBeCloseTo(
      0.0000020256215119228817 + 0.000010128107559614407,
      18,
    );
    expect(operational).toMatchObject({ what: "child-1", kind: "operational", phase: "inference" });
    expect(operational!.provenance[0]!.vintage).toBe("2024-07-19T06:32:50.994Z (UTC)");
    expect(manifest.sci).toBeCloseTo((0.002085358954845256 + 5 * 0.005947628107559615) / 6, 15);
  });

  it("add leaves once, though parents repeat them, and price energy where nothing was computed", () => {
    const manifest = readManifest(
      written(
        "nested.yaml",
        `
name: nested
initialize:
  plugins:
    sum: {parameter-metadata: {outputs: {energy: {unit: Wh}}}}
tree:
  defaults: {grid/carbon-intensity: 500}
  children:
    app:
      children:
        server-1: {inputs: [{timestamp: 1, duration: 60, energy: 1000}, {timestamp: 2, duration: 60, energy: 3000}]}
        server-2: {inputs: [{timestamp: 1, duration: 60, energy: 2000, grid/carbon-intensity: 100}]}
      outputs: [{timestamp: 1, duration: 60, energy: 3000, carbon: 1}]
`,
      ),
      "inference",
    );
    expect(manifest.records.map(({ what, carbon }) => [what, carbon.value("gCO2e")])).toEqual([
      ["app / server-1", 2000],
      ["app / server-2", 200],
    ]);
    expect(manifest.sci).toBeUndefined();
  });

  it("with an unknown unit are refused at its line", async () => {
    const text = TEADS.replace("unit: gCO2eq, aggregation", "unit: pounds, aggregation");
    const problem = await problemOf(() => readManifest(written("unit.yaml", text), "inference"));
    expect(problem).toMatchObject({
      found: 'the unit "pounds" of carbon-operational',
      place: {
        line: 10,
        path: "initialize.plugins.sum-carbon.parameter-metadata.inputs.carbon-operational.unit",
      },
    });
    expect(problem.remedy).toContain("gCO2eq");
  });

  it.each([
    ["negative energy", "{timestamp: 1, duration: 60, energy: -1, grid/carbon-intensity: 2}", "-1"],
    [
      "no carbon and no energy",
      "{timestamp: 1, duration: 60, cpu/utilization: 2}",
      "observations without carbon",
    ],
    ["no duration", "{timestamp: 1, energy: 1}", "nothing"],
  ])("with %s are refused", async (_, row, found) => {
    const text = `name: bad\ntree:\n  children:\n    a:\n      inputs:\n        - ${row}\n`;
    const problem = await problemOf(() => readManifest(written("bad.yaml", text), "inference"));
    expect(problem.found).toBe(found);
    expect(problem.place?.line).toBeGreaterThanOrEqual(4);
  });
});

describe("adding up", () => {
  const spans = [
    { value: 10, seconds: 1 },
    { value: 40, seconds: 2 },
  ];
  it("sums totals, averages rates over time and sums them over components, and averages levels over both", () => {
    expect(overTime(spans, "total")).toBe(50);
    expect(overTime(spans, "rate")).toBe(30);
    expect(overTime(spans, "level")).toBe(30);
    expect(overComponents([1, 3], "total")).toBe(4);
    expect(overComponents([1, 3], "rate")).toBe(4);
    expect(overComponents([1, 3], "level")).toBe(2);
    expect(() => overTime([{ value: 1, seconds: 0 }], "rate")).toThrow(InputError);
  });
});
