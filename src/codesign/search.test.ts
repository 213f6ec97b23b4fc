import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { InputError } from "../core/index.ts";
import { designArea, designFigure, designOperationsPerSecond } from "../hardware/index.ts";
import { dominates } from "../search/index.ts";
import { placements, readCodesign, trades } from "./compare.ts";
import { ESTIMATORS } from "./evaluate.ts";
import { type Family, family, familyNames, fixedFamily } from "./families.ts";
import { namedWorkload, readArchitectures } from "./named.ts";
import { codesignPage } from "./report.ts";
import { scenario } from "./scenario.ts";
import {
  candidateMetrics,
  codesign,
  designOf,
  jointSpace,
  parseFixed,
  parseObjectives,
  type SearchRequest,
  studyRequest,
} from "./search.ts";
import { vitWorkload } from "./workloads/encoders.ts";

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "codesign-"));
});
afterAll(() => rmSync(folder, { recursive: true }));

const clip = family("clip-b32");
const request: SearchRequest = {
  family: clip,
  objectives: ["quality", "carbon"],
  scenario: scenario(),
  estimator: "physical",
  policy: { name: "bayesian", noise: false, initial: 10, samples: 8 },
  trials: 18,
  seed: 1,
};
const clock = () => 0;

describe("the joint space", () => {
  it("has the paper's size: 1,071,875 models times 3,240 accelerators, in 14 ordered parameters", () => {
    const space = jointSpace(family("clip-b16"));
    expect(space.gridSize).toBe(1_071_875 * 3240);
    expect(space.dimensions).toHaveLength(14);
    expect(space.dimensions.every(({ kind }) => kind === "numeric")).toBe(true);
  });

  it("holds what is fixed and keeps to the limits of area and throughput", () => {
    const space = jointSpace(clip, { areaSquareCentimetres: 0.05 }, { cores: 1, textLayers: 8 });
    const point = { ...space.decode(new Float64Array(14).fill(0.99)) };
    expect(point).toMatchObject({ cores: 1, textLayers: 8 });
    expect(space.violated(point)?.name).toMatch(/area at most 5\.000 mm2/);
    for (const [fixed, said] of [
      [{ cores: 3 }, /one of 1, 2, 4/],
      [{ coers: 1 }, /"cores"/],
    ] as const)
      expect(() => jointSpace(clip, {}, fixed)).toThrow(said);
  });
});

describe("a joint search", () => {
  it("finds the same front again, continues where it stopped, and learns", async () => {
    const whole = await codesign(join(folder, "whole"), request, { clock });
    await codesign(join(folder, "parts"), { ...request, trials: 13 }, { clock });
    const parts = await codesign(join(folder, "parts"), request, { clock });
    expect(parts.front).toEqual(whole.front);
    expect(parts.hypervolume).toEqual(whole.hypervolume);
    expect(whole.hypervolume).toHaveLength(request.trials);
    whole.hypervolume.forEach((volume, i) => {
      expect(volume).toBeGreaterThanOrEqual(whole.hypervolume[i - 1] ?? 0);
    });
    const losses = whole.front.map(({ metrics }) => [-metrics.quality!, metrics.carbon!]);
    for (const a of losses) for (const b of losses) expect(dominates(a, b)).toBe(false);
    for (const { candidate, metrics } of whole.front) {
      const design = designOf(candidate);
      expect(designArea(design)).toBeLessThanOrEqual(designFigure("constraint", "area"));
      expect(designOperationsPerSecond(design) / 1e12).toBeLessThanOrEqual(20.48);
      expect(metrics.latency).toBeLessThanOrEqual(0.05);
      expect(candidateMetrics(request)(candidate)).toEqual(metrics);
    }
    // A search that learns does better than the 10 quasi-random trials that it starts from.
    expect(whole.hypervolume.at(-1)!).toBeGreaterThan(whole.hypervolume[9]!);

    await expect(
      codesign(join(folder, "whole"), { ...request, scenario: scenario({ region: "iceland" }) }, { clock }),
    ).rejects.toThrow(/same space/);
  });

  it("is compared by objective set, in places and over lives", async () => {
    const hardware = fixedFamily(
      vitWorkload({ layers: 2, feedForward: 256, width: 128, heads: 2 }, { patch: 32 }),
    );
    const studies = [];
    for (const objectives of [["carbon"], ["latency"]] as const) {
      const at = join(folder, objectives.join("-"));
      const policy = { name: "sobol" };
      await codesign(at, { ...request, family: hardware, objectives, policy, trials: 16 }, { clock });
      studies.push(readCodesign(at));
    }
    const [carbon, latency] = trades(studies);
    expect(carbon!.ratios).toMatchObject({ carbon: 1, latency: 1 });
    expect(latency!.ratios.latency).toBeLessThan(1);
    expect(latency!.ratios.carbon).toBeGreaterThan(1);

    const placed = placements(studies, ["iceland", "india"], [3e6, 30e9]);
    expect(placed).toHaveLength(4);
    const [clean, , , dirty] = placed;
    expect(clean!.embodiedShare).toBeGreaterThan(0.99);
    expect(dirty!.embodiedShare).toBeLessThan(0.5);
    // Carbon in another place is that of evaluating there.
    const there = candidateMetrics({
      family: hardware,
      scenario: scenario({ region: "india", inferences: 30e9 }),
      estimator: "physical",
    });
    expect(dirty!.carbon).toBeCloseTo(there(dirty!.best.candidate).carbon!, 12);

    const html = codesignPage({
      studies,
      trades: trades(studies),
      placements: placed,
      confirmations: [],
      notes: ["<b>"],
    });
    expect(html).toContain("Co-design of a model");
    expect(html).toContain("&#60;b&#62;");
  });

  it("keeps the width of a model apart from that of the array", () => {
    for (const name of familyNames()) {
      const { parameters } = family(name);
      for (const [part, parameter] of Object.entries(parameters))
        expect(jointSpace(family(name)).parameters[part]).toEqual(parameter);
    }
    expect(jointSpace(family("vit-b16")).parameters.width).toMatchObject({
      values: expect.arrayContaining([48, 768]),
    });
  });

  it.each(ESTIMATORS)("costs any design of the space as %s", (estimator) => {
    const space = jointSpace(family("bert-base"), {
      operationsPerSecond: Infinity,
      areaSquareCentimetres: Infinity,
    });
    const metrics = candidateMetrics({ family: family("bert-base"), scenario: scenario(), estimator });
    // Corners of the space: the widest array with the least SRAM leaves Sunstone's rules no mapping.
    for (const unit of [0.01, 0.5, 0.99]) {
      const point = space.decode(new Float64Array(space.dimensions.length).fill(unit));
      for (const value of Object.values(metrics({ ...point, sramKilobytes: 64 })))
        expect(Number.isFinite(value)).toBe(true);
    }
  });
});

describe("requests", () => {
  const architectures = (text: string): (() => Family) => {
    const file = join(folder, "architectures.csv");
    writeFileSync(file, text);
    return () => readArchitectures(file, "minimise", { kind: "decode", context: 64 });
  };

  it("search decoders with losses of one's own", () => {
    const read = architectures(
      'name,layers,width,quality\nattention,"(AF)2",128,3.1\nhybrid,"(SF)1 AF",128,3.0\n',
    )();
    expect(jointSpace(read).parameters.architecture).toEqual({
      kind: "choice",
      values: ["attention", "hybrid"],
    });
    const metrics = candidateMetrics({ ...request, family: read });
    const point = { ...jointSpace(read).decode(new Float64Array(7).fill(0.3)), architecture: "hybrid" };
    expect(metrics(point)).toMatchObject({ quality: 3, extrapolates: 0 });
    expect(studyRequest({ ...request, family: read }, jointSpace(read)).objectives[0]).toEqual({
      metric: "quality",
      direction: "minimise",
      reference: 3.1,
    });
  });

  it("are refused where they make no sense", () => {
    const space = jointSpace(clip);
    const bad: [() => unknown, RegExp][] = [
      [() => parseObjectives("quality,carbn"), /"carbon"/],
      [() => parseObjectives("carbon,carbon"), /name each once/],
      [() => parseFixed(["cores"]), /such as cores=1/],
      [() => family("clip-b61"), /clip-b16/],
      [() => namedWorkload("CLIP-B/61"), /CLIP-B\/16/],
      [() => namedWorkload("vit-b16", { batch: 0 }), /batch/],
      [() => studyRequest({ ...request, trials: 0 }, space), /trials/],
      [() => studyRequest({ ...request, limits: { latencySeconds: 0 } }, space), /latency/],
      [() => studyRequest({ ...request, family: family("vit-b16") }, space), /nothing is known/],
      [() => jointSpace(clip, { areaSquareCentimetres: Number.NaN }), /area/],
      [() => placements([], ["atlantis"], [1]), /--region/],
      [() => readCodesign(join(folder, "nothing")), /study\.json/],
      [() => architectures("name,layers,width,quality\na,,128,3\n")(), /:2[\s\S]*layers/],
      [() => architectures("layers,width,quality\nAF,wide,3\n")(), /:2[\s\S]*"wide"/],
      [() => architectures("layers,width,quality\nAF,128,3\nAF,128,3.1\n")(), /twice/],
      [() => architectures("layers,width,quality\n")(), /no architecture/],
    ];
    for (const [act, said] of bad) {
      expect(act).toThrow(InputError);
      expect(act).toThrow(said);
    }
  });
});
