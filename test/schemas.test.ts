/** The JSON Schemas under `schemas/` are current, and hold what they say they hold. */
import { readdirSync, readFileSync } from "node:fs";
import { Ajv2020 } from "ajv/dist/2020.js";
import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import { schemaFiles } from "../scripts/schemas.ts";
import { examplePlan, examples } from "./examples.ts";

const root = new URL("../", import.meta.url);
const files = schemaFiles();
const ajv = new Ajv2020({ allErrors: true, allowUnionTypes: true });
const brief = ajv.compile(JSON.parse(files["brief.schema.json"]!));
const plan = ajv.compile(JSON.parse(files["plan.schema.json"]!));
const mistakes = ({ errors }: typeof brief) =>
  (errors ?? []).map(({ instancePath, message }) => `${instancePath} ${message}`);

describe("the JSON Schemas", () => {
  it.each(Object.entries(files))("%s is current; `npm run schemas` writes it", (name, text) => {
    expect(readFileSync(new URL(`schemas/${name}`, root), "utf8")).toBe(text);
  });

  it("are all there are", () => {
    expect(readdirSync(new URL("schemas/", root)).sort()).toEqual(Object.keys(files).sort());
  });

  it.each(examples)("accept the brief %s", (file) => {
    brief(parse(readFileSync(new URL(file, root), "utf8")));
    expect(mistakes(brief)).toEqual([]);
  });

  it.each([
    ["a misspelt key", { clutser: {} }, "must NOT have additional properties"],
    ["a list where one value belongs", { model: { context: [1] } }, "must be string,number"],
    ["an unknown objective", { objectives: ["speed"] }, "must be equal to one of the allowed values"],
    ["a negative count", { cluster: { count: -8 } }, "must be >= 1"],
    ["a certain confidence", { constraints: { confidence: 1 } }, "must be < 1"],
    ["serving nothing", { serving: {} }, "must have required property 'requests_per_day'"],
  ])("refuse %s in a brief", (_, value, message) => {
    expect(brief(value)).toBe(false);
    expect(mistakes(brief).join("\n")).toContain(message);
  });

  it("accept a plan as it is written, and refuse one that lacks a part or has one too many", async () => {
    const written = JSON.parse(JSON.stringify(await examplePlan("examples/small/brief.yaml")));
    plan(written);
    expect(mistakes(plan)).toEqual([]);
    const { seed: _, ...without } = written;
    expect(plan(without)).toBe(false);
    expect(plan({ ...written, extra: 1 })).toBe(false);
    expect(plan({ ...written, outcomes: [{ ...written.outcomes[0], basis: "guessed" }] })).toBe(false);
  });
});
