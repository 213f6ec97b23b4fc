/**
 * A Sankey diagram in fixed columns: every flow passes one node of each, and nodes stand in the order in which they first
 * come, so that stages of a life keep their order.
 */
import { draw, Plot } from "./charts.ts";

export interface Flow {
  /** A node of each column, from left to right. */
  readonly path: readonly string[];
  readonly value: number;
  readonly colour: string;
}

/** Room for the labels of the outer columns, whose names have so many letters at the most. */
const MARGIN = { left: 240, right: 160 };
const LONGEST_NAME = 28;
/** Between two nodes of a column: a line of text. */
const GAP = 20;
const HEIGHT = 320;
/** Of a node, in columns. */
const NODE_WIDTH = 0.02;

interface Node {
  readonly name: string;
  readonly column: number;
  readonly value: number;
  readonly top: number;
  readonly bottom: number;
}

/** Draws flows; heights are in proportion to values, and `format` writes the value of a node beside its name. */
export function sankey(flows: readonly Flow[], format: (value: number) => string): string {
  const columns = Array.from({ length: Math.max(...flows.map(({ path }) => path.length)) }, (_, column) =>
    columnTotals(flows, column),
  );
  const most = Math.max(...columns.map((totals) => totals.size));
  const height = HEIGHT + GAP * (most - 1);
  const total = flows.reduce((sum, { value }) => sum + value, 0);
  const nodes = columns.map((totals, column) => placed(totals, column, HEIGHT / total, height));
  const last = columns.length - 1;
  const labels = (chosen: (column: number) => boolean, options: Plot.TextOptions) =>
    Plot.text(
      nodes.flat().filter(({ column }) => chosen(column)),
      {
        x: "column",
        y: ({ top, bottom }: Node) => (top + bottom) / 2,
        text: ({ name, value }: Node) => `${shortened(name)}  ${format(value)}`,
        fill: "currentColor",
        ...options,
      },
    );
  return draw({
    height: height + 16,
    marginLeft: MARGIN.left,
    marginRight: MARGIN.right,
    marginTop: 8,
    marginBottom: 8,
    x: { axis: null, domain: [0, last] },
    y: { axis: null, domain: [height, 0] },
    marks: [
      ...columns.slice(1).map((_, column) =>
        Plot.areaY(ribbons(flows, nodes, column, HEIGHT / total), {
          x: "x",
          y1: "y1",
          y2: "y2",
          z: "key",
          fill: "colour",
          fillOpacity: 0.45,
          curve: "bump-x",
        }),
      ),
      Plot.rect(nodes.flat(), {
        x1: ({ column }: Node) => column - NODE_WIDTH / 2,
        x2: ({ column }: Node) => column + NODE_WIDTH / 2,
        y1: "top",
        y2: "bottom",
        fill: "currentColor",
      }),
      labels((column) => column === 0, { textAnchor: "end", dx: -10 }),
      labels((column) => column > 0, {
        textAnchor: "start",
        dx: 10,
        stroke: "var(--paper)",
        strokeWidth: 4,
        strokeOpacity: 0.7,
      }),
    ],
  });
}

function shortened(name: string): string {
  return name.length > LONGEST_NAME ? `${name.slice(0, LONGEST_NAME - 1)}…` : name;
}

function columnTotals(flows: readonly Flow[], column: number): Map<string, number> {
  const totals = new Map<string, number>();
  for (const { path, value } of flows) totals.set(path[column]!, (totals.get(path[column]!) ?? 0) + value);
  return totals;
}

/** A column's nodes from top to bottom, centred as a whole. */
function placed(totals: ReadonlyMap<string, number>, column: number, scale: number, height: number): Node[] {
  let top = (height - HEIGHT - GAP * (totals.size - 1)) / 2;
  return [...totals].map(([name, value]) => {
    const node = { name, column, value, top, bottom: top + value * scale };
    top = node.bottom + GAP;
    return node;
  });
}

/** Both ends of each ribbon between a column and the next: ordered at either side by where the other end is. */
function ribbons(flows: readonly Flow[], nodes: readonly (readonly Node[])[], column: number, scale: number) {
  const orderOf = (side: number) =>
    new Map(nodes[side]!.map((node, index) => [node.name, { index, filled: node.top }]));
  const [from, to] = [orderOf(column), orderOf(column + 1)];
  const links = flows.map(({ path, value, colour }, flow) => ({
    key: `${column}/${flow}`,
    source: from.get(path[column]!)!,
    target: to.get(path[column + 1]!)!,
    thickness: value * scale,
    colour,
  }));
  const spans = (side: "source" | "target", other: "source" | "target", x: number) =>
    [...links]
      .sort((a, b) => a[side].index - b[side].index || a[other].index - b[other].index)
      .map((link) => {
        const y1 = link[side].filled;
        link[side].filled += link.thickness;
        return { x, y1, y2: link[side].filled, key: link.key, colour: link.colour };
      });
  return [...spans("source", "target", column), ...spans("target", "source", column + 1)];
}
