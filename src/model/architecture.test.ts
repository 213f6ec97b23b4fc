import { describe, expect, it } from "vitest";
import { InputError } from "../core/index.ts";
import { type ArchitectureSettings, architecture } from "./architecture.ts";
import { PRIMITIVES } from "./notation.ts";

function complaint(settings: ArchitectureSettings, width = 512, layers = "AF"): string {
  try {
    architecture(layers, width, settings);
  } catch (error) {
    if (error instanceof InputError) return error.message;
    throw error;
  }
  throw new Error("the architecture was accepted");
}

describe("architecture", () => {
  it("takes the 1B settings of arXiv:2510.04800 from a width of 2048 alone (Tables 8 and 15)", () => {
    const a = architecture("AF", 2048);
    expect(a).toMatchObject({
      vocabulary: 128_256,
      tiedEmbeddings: true,
      attention: { heads: 32, kvHeads: 8, headDim: 64, valueDim: 64, ropeTheta: 500_000 },
      window: { heads: 32, kvHeads: 8, window: 512, sink: 64, ropeTheta: 10_000 },
      feedForward: { hidden: 8192, gated: true },
      ssm: { innerWidth: 4096, headDim: 128, stateSize: 128, groups: 1, convWidth: 4 },
      experts: { experts: 8, active: 1, hidden: 4096, shared: 1, sharedHidden: 4096 },
      hybrid: {
        norm: "group",
        scale: "none",
        fusion: "difference",
        values: "separate",
        output: "separate",
        attention: { heads: 16, kvHeads: 4, headDim: 64, valueDim: 128 },
        ssm: { innerWidth: 2048, gatedNorm: false },
      },
    });
  });

  it.each([1, 7, 8, 64, 96, 100, 128, 1000, 2560, 8192])(
    "fits every primitive into a width of %i",
    (width) => {
      expect(() => architecture(Object.keys(PRIMITIVES).join(""), width)).not.toThrow();
    },
  );

  it("lets the window follow the attention that it was derived from", () => {
    const { window } = architecture("WF", 512, { attention: { heads: 4, kvHeads: 2, headDim: 128 } });
    expect(window).toMatchObject({ heads: 4, kvHeads: 2, headDim: 128, window: 512 });
  });

  it("does not share its layers with the list it was given", () => {
    const layers = ["A", "F"] as ("A" | "F")[];
    const a = architecture(layers, 64);
    layers.push("F");
    expect(a.layers).toEqual(["A", "F"]);
  });

  it.each<[string, ArchitectureSettings, string]>([
    [
      "key-value heads that do not divide the heads",
      { attention: { heads: 6, kvHeads: 4 } },
      "attention.kvHeads",
    ],
    ["no heads", { attention: { heads: 0 } }, "attention.heads"],
    ["half a head", { attention: { heads: 2.5 } }, "attention.heads"],
    ["an infinite vocabulary", { vocabulary: Number.POSITIVE_INFINITY }, "vocabulary"],
    ["a base of 0", { attention: { ropeTheta: 0 } }, "attention.ropeTheta"],
    ["a negative sink", { window: { sink: -1 } }, "window.sink"],
    ["state-space heads that do not divide", { ssm: { headDim: 100 } }, "ssm.headDim"],
    ["groups that do not divide the heads", { ssm: { groups: 3 } }, "ssm.groups"],
    ["more active experts than there are", { experts: { experts: 2, active: 3 } }, "experts.active"],
    [
      "concatenation without a joint projection",
      { hybrid: { fusion: "concatenate", output: "separate" } },
      "hybrid.fusion",
    ],
    [
      "a sum of unequal branches",
      { hybrid: { fusion: "add", output: "joint", ssm: { innerWidth: 1024 } } },
      "hybrid.output",
    ],
    [
      "shared values of unequal branches",
      { hybrid: { values: "shared", ssm: { innerWidth: 1024 } } },
      "hybrid.values",
    ],
  ])("refuses %s", (_, settings, path) => {
    expect(complaint(settings)).toContain(path);
  });

  it("gathers all that is wrong", () => {
    const message = complaint({ attention: { heads: 6, kvHeads: 4 }, ssm: { groups: 3 } });
    expect(message).toContain("attention.kvHeads");
    expect(message).toContain("ssm.groups");
  });

  it("does not repeat a mistake for the primitives that are derived from it", () => {
    expect(complaint({ attention: { heads: 2.5 } })).not.toContain("window");
  });

  it("refuses a width of nothing and layers that are none", () => {
    expect(complaint({}, 0)).toContain("width");
    expect(complaint({}, Number.NaN)).toContain("width");
    expect(complaint({}, 64, "")).toContain("no layers");
    expect(() => architecture([], 64)).toThrow("0 layers");
    expect(() => architecture(["A", "X" as "A"], 64)).toThrow("layers[1]");
  });
});
