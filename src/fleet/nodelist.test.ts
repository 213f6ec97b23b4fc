import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { InputError } from "../core/index.ts";
import { expandNodeList, foldNodeList } from "./nodelist.ts";

describe("node lists", () => {
  it.each([
    ["n1", ["n1"]],
    ["n[1-3,7],m4", ["n1", "n2", "n3", "n7", "m4"]],
    ["n[001-003]", ["n001", "n002", "n003"]],
    ["n[8-11]", ["n8", "n9", "n10", "n11"]],
    ["rack[1-2]n[01-02]", ["rack1n01", "rack1n02", "rack2n01", "rack2n02"]],
    ["gpu[1,3]-ib", ["gpu1-ib", "gpu3-ib"]],
    ["", []],
    ["None assigned", []],
  ])("%s", (text, nodes) => {
    expect(expandNodeList(text)).toEqual(nodes);
  });

  it.each(["n[1-3", "n1-3]", "n[3-1]", "n[a-b]", "n[[1]]", "n1,,n2", "n[1-9999999]"])(
    "refuses %s",
    (text) => {
      expect(() => expandNodeList(text)).toThrow(InputError);
    },
  );

  it("are folded into what expands to them", () => {
    const node = fc.tuple(fc.constantFrom("n", "gpu-", "r1c"), fc.nat({ max: 300 }), fc.constantFrom(0, 4));
    fc.assert(
      fc.property(fc.uniqueArray(node, { minLength: 1, selector: (parts) => parts.join("/") }), (parts) => {
        const nodes = parts.map(([prefix, n, width]) => `${prefix}${String(n).padStart(width, "0")}`);
        const unique = [...new Set(nodes)];
        expect(expandNodeList(foldNodeList(unique)).sort()).toEqual(unique.sort());
      }),
    );
    expect(foldNodeList(["n1", "n2", "n3", "n7", "login"])).toBe("n[1-3,7],login");
  });
});
