import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { InputError } from "../core/index.ts";
import { codesignPage } from "./report.ts";
import { runStudies } from "./run.ts";
import { scenario } from "./scenario.ts";
import { terminalSideBySide } from "./terminal.ts";
import { spread, trainedFamily } from "./trained.ts";
import { phaseOf } from "./workloads/decoder.ts";

// Training starts processes, which a busy machine keeps waiting.
vi.setConfig({ testTimeout: 300_000 });

const TINY = `title: Tiny
corpus: moby-dick
context: 32
batch: 2
steps: 3
models:
  block: [AF, SF]
  depth: [1]
  width: [16, 24]
train: 3
`;
const phase = phaseOf({ prompt: 16 });

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "trained-"));
});
afterAll(() => rmSync(folder, { recursive: true }));

function written(text: string): string {
  const file = join(folder, "family.yaml");
  writeFileSync(file, text);
  return file;
}

describe("a family that is trained here", () => {
  it("meets the losses of what it trained, searches the rest, and trains what it found", async () => {
    const lab = join(folder, "lab");
    const family = await trainedFamily(written(TINY), lab, { phase, batch: 1, workers: 1 });
    const { known, predict, direction, evidence } = family.quality!;
    expect(known).toHaveLength(3);
    expect(direction).toBe("minimise");
    expect(evidence.basis).toBe("measured");
    const compared = JSON.parse(readFileSync(join(lab, "comparison.json"), "utf8"));
    for (const { name, sizes, capacities, quality } of known) {
      const measured = compared.architectures.find((each: { name: string }) => each.name === name);
      expect(quality).toBe(measured.means.heldOutLoss);
      expect(predict(sizes, capacities).value).toBeCloseTo(quality, 9);
    }

    // The one that was left out: the search is held to it alone.
    const left = ["AF", "SF"]
      .flatMap((block) => [16, 24].map((width) => ({ block, depth: 1, width })))
      .find((point) => !known.some(({ sizes }) => sizes.join() === family.sizes(point).join()))!;
    const found = await runStudies(
      {
        family,
        scenario: scenario(),
        estimator: "physical",
        fixed: { width: left.width, cores: 1 },
        policy: { name: "random" },
        trials: 12,
        seed: 1,
      },
      [["quality", "carbon"]],
      folder,
      { clock: () => 0 },
    );
    expect(found.studies[0]!.feasible).toBeGreaterThan(0);
    const [confirmed] = await family.confirm([left, left]);
    expect(confirmed).toMatchObject({ model: `(${left.block})1 at ${left.width}` });
    expect(confirmed!.predicted).toBe(predict(family.sizes(left), family.capacities(left)).value);
    // Three steps leave a byte at about ln 256 nats.
    expect(confirmed!.measured).toBeGreaterThan(3);
    expect(confirmed!.measured).toBeLessThan(7);
    const shown = { ...found, confirmations: [confirmed!] };
    expect(terminalSideBySide(shown)).toContain(confirmed!.measured.toFixed(3));
    expect(codesignPage(shown)).toContain("Found models, trained");

    // Called again, nothing is trained again.
    const run = join(lab, "runs", `_${left.block}_1_at_${left.width}-rate0.003-seed1`, "result.json");
    const before = statSync(run).mtimeMs;
    const again = await trainedFamily(written(TINY), lab, { phase, batch: 1, workers: 1 });
    expect(again.quality!.known).toEqual(known);
    expect(await again.confirm([left])).toEqual([confirmed]);
    expect(statSync(run).mtimeMs).toBe(before);
  });

  it.each([
    [/models\.width/, TINY.replace("[16, 24]", "[16, 0]")],
    [/at least 3|>=3/i, TINY.replace("train: 3", "train: 2")],
    [/different blocks/, TINY.replace("[AF, SF]", "[AF, AF]")],
    [/models[\s\S]*Q/, TINY.replace("[AF, SF]", "[AF, QF]")],
    [/width/, TINY.replace("width:", "widht:")],
    [/no such file/, undefined],
  ])("is refused where the file is wrong: %s", async (said, text) => {
    const file = text === undefined ? join(folder, "nothing.yaml") : written(text);
    const act = trainedFamily(file, join(folder, "refused"), { phase, batch: 1, workers: 1 });
    await expect(act).rejects.toThrow(InputError);
    await expect(act).rejects.toThrow(said);
  });
});

describe("models spread over a family", () => {
  it("are different, start at an edge, and each is as far from the others as any that is left", () => {
    const places = fc.uniqueArray(fc.tuple(fc.integer({ min: 0, max: 9 }), fc.integer({ min: 0, max: 9 })), {
      minLength: 4,
      maxLength: 40,
      selector: (place) => place.join(),
    });
    fc.assert(
      fc.property(places, fc.integer({ min: 3, max: 12 }), (all, count) => {
        const chosen = spread(all, count);
        expect(new Set(chosen).size).toBe(Math.min(count, all.length));
        expect(spread(all, count + 1).slice(0, chosen.length)).toEqual(chosen);
      }),
    );
    expect(spread([[0], [1], [2], [3], [4]], 3)).toEqual([0, 4, 2]);
  });
});
