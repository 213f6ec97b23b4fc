import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { InputError, Sampler } from "../core/index.ts";
import { peakFlopsPerSecond, powerLimit, rentalPrice } from "./accelerators.ts";
import { type Part, readPart } from "./part.ts";

const folder = mkdtempSync(join(tmpdir(), "part-"));
afterAll(() => rmSync(folder, { recursive: true }));

const PART: Part = {
  format: 1,
  name: "co-designed 1,256,8,64,128,2",
  int8OperationsPerSecond: 2.56e12,
  memoryBytes: 1e9,
  memoryBytesPerSecond: 80e9,
  powerWatts: 1.5,
  usdPerHour: 0.0002,
  year: 2025,
  source: "trial 7 of a co-design",
};

function written(part: object): string {
  const file = join(folder, "part.json");
  writeFileSync(file, JSON.stringify(part));
  return file;
}

describe("a part of a file", () => {
  it("is an accelerator of its own figures, assumed, with its file as their source", () => {
    const file = written(PART);
    const part = readPart(file);
    expect(peakFlopsPerSecond(part, "int8")).toBe(2.56e12);
    expect(() => peakFlopsPerSecond(part, "bf16")).toThrow(/use one of: int8/);
    expect(part).toMatchObject({ memoryBytes: 1e9, memoryBytesPerSecond: 80e9, acceleratorsPerNode: 1 });
    const power = powerLimit(new Sampler(1), part);
    expect(power.value("W/accelerator")).toBe(1.5);
    expect(power.basis).toBe("assumed");
    expect(power.sources).toMatchObject([{ title: "trial 7 of a co-design", where: file }]);
    expect(rentalPrice(new Sampler(1), part).value("USD/accelerator/h")).toBe(0.0002);
  });

  it.each([
    [/powerWatts[\s\S]*above 0/, { ...PART, powerWatts: 0 }],
    [/memoryBytes[\s\S]*above 0/, { ...PART, memoryBytes: "1 GB" }],
    [/powerwatts/, { ...PART, powerwatts: 2 }],
    [/format/, { ...PART, format: 2 }],
    [/name/, { ...PART, name: " " }],
  ])("is refused where it is wrong: %s", (said, part) => {
    expect(() => readPart(written(part))).toThrow(InputError);
    expect(() => readPart(written(part))).toThrow(said);
  });
});
