import { describe, expect, it } from "vitest";
import { type Flow, sankey } from "./flows.ts";

const FLOWS: readonly Flow[] = [
  { path: ["grid A", "electricity", "training"], value: 30, colour: "#111111" },
  { path: ["grid B", "electricity", "serving"], value: 10, colour: "#111111" },
  { path: ["servers", "making", "training"], value: 20, colour: "#222222" },
];

const attributes = (element: string, name: string) =>
  [...element.matchAll(new RegExp(`<rect[^>]* ${name}="([^"]+)"`, "g"))].map(([, value]) => Number(value));

describe("a Sankey diagram", () => {
  const svg = sankey(FLOWS, (value) => `${value} t`);

  it("has nodes in proportion to what passes them, and names each with its sum, in the order of coming", () => {
    const heights = attributes(svg, "height");
    expect(heights).toHaveLength(7);
    const scale = heights[0]! / 30;
    const values = [30, 10, 20, 40, 20, 50, 10];
    for (const [node, value] of values.entries()) expect(heights[node]! / scale).toBeCloseTo(value, 6);
    const labels = [...svg.matchAll(/<text[^>]*>([^<]+)<\/text>/g)].map(([, text]) => text);
    expect(labels).toEqual([
      "grid A  30 t",
      "grid B  10 t",
      "servers  20 t",
      "electricity  40 t",
      "making  20 t",
      "training  50 t",
      "serving  10 t",
    ]);
  });

  it("tiles each node with the ribbons that begin or end at it", () => {
    const paths = [...svg.matchAll(/<path[^>]* d="(M[^"]+)"/g)].map(([, path]) => path!);
    const corners = paths.map((path) => path.split(/[MCLZ]/).filter((part) => part !== ""));
    const last = (part: string) => Number(part.split(",").at(-1));
    // Of each ribbon: where it begins, the curve to its end, across the end, and the curve back.
    const spans = corners.map(([begin, there, across, back]) => ({
      from: [last(begin!), last(back!)].sort((a, b) => a - b),
      to: [last(there!), last(across!)].sort((a, b) => a - b),
    }));
    expect(spans).toHaveLength(2 * FLOWS.length);
    const [tops, heights] = [attributes(svg, "y"), attributes(svg, "height")];
    const tile = (nodes: readonly number[], ends: readonly number[][]) => {
      for (const node of nodes) {
        const [top, bottom] = [tops[node]!, tops[node]! + heights[node]!];
        const own = ends
          .filter(([y1, y2]) => y1! > top - 0.01 && y2! < bottom + 0.01)
          .sort((a, b) => a[0]! - b[0]!);
        expect(own[0]![0]).toBeCloseTo(top, 2);
        expect(own.at(-1)![1]).toBeCloseTo(bottom, 2);
        for (const [i, end] of own.slice(1).entries()) expect(end[0]).toBeCloseTo(own[i]![1]!, 2);
      }
    };
    tile(
      [0, 1, 2],
      spans.slice(0, 3).map(({ from }) => from),
    );
    tile(
      [3, 4],
      spans.slice(0, 3).map(({ to }) => to),
    );
    tile(
      [3, 4],
      spans.slice(3).map(({ from }) => from),
    );
    tile(
      [5, 6],
      spans.slice(3).map(({ to }) => to),
    );
  });

  it("shortens names that its margin has no room for", () => {
    const long = "electricity of a place with a name that does not end";
    const drawn = sankey([{ path: [long, "b"], value: 1, colour: "#111111" }], String);
    expect(drawn).toContain("electricity of a place with…");
    expect(drawn).not.toContain(long);
  });
});
