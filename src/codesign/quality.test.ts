import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { InputError } from "../core/index.ts";
import { family, withQualityTable } from "./families.ts";
import { type KnownModel, measuredIn, qualitySurrogate } from "./quality.ts";

const evidence = measuredIn("a test");
const model = (name: string, size: number, quality: number): KnownModel => ({
  name,
  sizes: [size],
  capacities: [size ** 2],
  quality,
});

describe("a quality surrogate", () => {
  it("meets every published CLIP, and misses one left out by less than two points", () => {
    for (const name of ["clip-b16", "clip-b32"]) {
      const { quality } = family(name);
      for (const known of quality!.known) {
        const found = quality!.predict(known.sizes, known.capacities);
        expect(found.value).toBeCloseTo(known.quality, 12);
        expect(found).toMatchObject({ nearest: known.name, distance: 0, extrapolates: false });
      }
      expect(quality!.leaveOneOutError).toBeLessThan(0.02);
    }
  });

  it("recovers a law of the logarithm of the parameters where there is one", () => {
    const law = (size: number) => 0.2 + 0.05 * Math.log(size ** 2);
    const known = [8, 16, 32, 64].map((size) => model(`m${size}`, size, law(size)));
    const quality = qualitySurrogate(known, "maximise", evidence);
    expect(quality.predict([24], [24 ** 2]).value).toBeCloseTo(law(24), 9);
    expect(quality.leaveOneOutError).toBeLessThan(1e-9);
  });

  it("says where it extrapolates", () => {
    const known = [8, 16, 32].map((size) => model(`m${size}`, size, Math.log(size)));
    const quality = qualitySurrogate(known, "maximise", evidence);
    expect(quality.predict([20], [400]).extrapolates).toBe(false);
    expect(quality.predict([64], [4096]).extrapolates).toBe(true);
    expect(quality.predict([4], [16]).extrapolates).toBe(true);
  });

  it("never lets a larger model look worse by its trend: losses fall, accuracies rise", () => {
    // Noise that a free fit would turn into a falling trend.
    const falling = [model("a", 8, 0.5), model("b", 16, 0.45), model("c", 32, 0.4)];
    const rise = qualitySurrogate(falling, "maximise", evidence);
    expect(rise.predict([1e6], [1e12]).value).toBeGreaterThan(0.4);
    const fall = qualitySurrogate(falling, "minimise", evidence);
    expect(fall.predict([64], [4096]).value).toBeLessThan(0.4);
  });

  it("refuses too few, repeated and impossible models", () => {
    const three = [8, 16, 32].map((size) => model(`m${size}`, size, size));
    for (const [known, said] of [
      [three.slice(1), /at least three/],
      [[...three, model("again", 16, 1)], /m16 again/],
      [[...three, model("nothing", 0, 1)], /sizes above 0/],
      [[...three, model("nowhere", 64, Number.NaN)], /finite quality/],
    ] as [KnownModel[], RegExp][]) {
      expect(() => qualitySurrogate(known, "maximise", evidence)).toThrow(InputError);
      expect(() => qualitySurrogate(known, "maximise", evidence)).toThrow(said);
    }
  });
});

describe("a person's own table", () => {
  let folder: string;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), "quality-"));
  });
  afterAll(() => rmSync(folder, { recursive: true }));
  const table = (text: string) => {
    const file = join(folder, "quality.csv");
    writeFileSync(file, text);
    return () => withQualityTable(family("vit-b16"), file, "maximise");
  };

  it("gives its family a quality", () => {
    const read = table(
      "name,layers,feedForward,width,heads,quality\nbase,12,3072,768,12,0.8\nsmall,8,1536,384,6,0.7\ntiny,6,768,192,4,0.6\n",
    );
    const { quality } = read();
    expect(quality!.predict([12, 3072, 768, 12], [85_054_464]).value).toBeCloseTo(0.8, 9);
    expect(quality!.evidence.basis).toBe("measured");
  });

  it("is refused by line and column where it is wrong", () => {
    for (const [text, said] of [
      ["name,layers,feedForward,width,quality\na,12,3072,768,0.8\n", /heads/],
      ["layers,feedForward,width,heads,quality\n12,3072,768,12,good\n", /:2[\s\S]*quality[\s\S]*"good"/],
      ["layers,feedForward,width,heads,quality\n12,,768,12,0.5\n", /:2[\s\S]*feedForward/],
      ["layers,feedForward,width,heads,quality\n12,3072,768,12,0.5\n", /at least three/],
    ] as const) {
      expect(table(text)).toThrow(InputError);
      expect(table(text)).toThrow(said);
    }
  });
});
