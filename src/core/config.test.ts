import { describe, expect, it } from "vitest";
import { z } from "zod";
import { parseConfig } from "./config.ts";

const schema = z.strictObject({
  cluster: z.strictObject({ count: z.number("a whole number of accelerators").int().positive() }).optional(),
  candidates: z.array(z.string()).optional(),
});

const errorOf = (text: string) => {
  try {
    parseConfig(text, schema, "brief.yaml");
  } catch (error) {
    return (error as Error).message;
  }
  throw new Error("nothing was thrown");
};

describe("parseConfig", () => {
  it("reads YAML and JSON, and knows where each value stands", () => {
    const config = parseConfig("cluster:\n  count: 512\n", schema, "brief.yaml");
    expect(config.value.cluster?.count).toBe(512);
    expect(config.placeOf(["cluster", "count"])).toEqual({
      file: "brief.yaml",
      line: 2,
      column: 10,
      path: "cluster.count",
    });
    expect(config.placeOf(["candidates", 3])).toMatchObject({ line: 1, path: "candidates.3" });
    expect(parseConfig('{"cluster": {"count": 8}}', schema, "b.json").value.cluster?.count).toBe(8);
    expect(parseConfig("", schema, "b.yaml").value).toEqual({});
  });

  it("names the line of a wrong value", () => {
    expect(errorOf("cluster:\n  count: many\n")).toMatchInlineSnapshot(`
      "brief.yaml:2:10  cluster.count
        found     "many"
        expected  a whole number of accelerators"
    `);
  });

  it("names a misspelt key and what was meant", () => {
    expect(errorOf("cluster:\n  cuont: 3\n  count: 4\n")).toMatchInlineSnapshot(`
      "brief.yaml:2:3  cluster.cuont
        found     the key "cuont"
        expected  a key of cluster
        to mend   did you mean "count"?"
    `);
    expect(errorOf("clutser: {count: 3}\n")).toMatchInlineSnapshot(`
      "brief.yaml:1:1  clutser
        found     the key "clutser"
        expected  a key that is known here
        to mend   did you mean "cluster"?"
    `);
  });

  it("names the line of broken YAML", () => {
    expect(errorOf("cluster: {count: 3\ncandidates: [a]\n")).toMatchInlineSnapshot(`
      "brief.yaml:2:1
        found     "candidates: [a]"
        expected  YAML or JSON (Flow map in block collection must be sufficiently indented and end with a })
        to mend   close the bracket or quote that was opened before this, or quote the value"
    `);
    expect(errorOf("cluster:\n\tcount: 3\n")).toMatchInlineSnapshot(`
      "brief.yaml:2:1
        found     "count: 3"
        expected  YAML or JSON (Tabs are not allowed as indentation)
        to mend   indent with spaces"
    `);
    expect(errorOf("candidates: [a]\ncandidates: [b]\n")).toMatchInlineSnapshot(`
      "brief.yaml:2:1
        found     "candidates: [b]"
        expected  YAML or JSON (Map keys must be unique)
        to mend   keep one of the two"
    `);
  });
});
