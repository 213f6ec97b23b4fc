/** Found accelerators drawn to one scale: what of a die is buffer, SRAM, array and vector lanes. */
import { type AcceleratorDesign, designAreas, printDesign } from "../hardware/index.ts";
import { draw, Plot } from "../view/index.ts";

export interface DrawnDesign {
  /** What it is best in. */
  readonly title: string;
  readonly design: AcceleratorDesign;
}

/** Millimetres. */
interface Block {
  readonly title: string;
  readonly part: string;
  readonly x1: number;
  readonly x2: number;
  readonly y1: number;
  readonly y2: number;
}

/** One square die beside the other. The places of the parts are ours; their areas are those of the area model. */
export function drawDesigns(designs: readonly DrawnDesign[]): string {
  const blocks = designs.flatMap(({ title, design }) =>
    floorPlan(`${title}: ${printDesign(design)}`, design),
  );
  return draw({
    height: 60 + 660 / Math.max(2, designs.length),
    x: { label: "mm", ticks: 4 },
    y: { label: "mm", ticks: 4, nice: true },
    fx: { label: null, padding: 0.12 },
    color: { legend: true, domain: ["shared buffer", "SRAM", "array", "vector lanes"] },
    marks: [
      Plot.rect(blocks, {
        fx: "title",
        x1: "x1",
        x2: "x2",
        y1: "y1",
        y2: "y2",
        fill: "part",
        stroke: "currentColor",
        strokeWidth: 0.5,
      }),
    ],
  });
}

/** The shared buffer over the whole width, the cores beside each other above it. */
export function floorPlan(title: string, design: AcceleratorDesign): Block[] {
  const { buffer, sram, array, lanes } = designAreas(design);
  const area = 100 * (buffer + sram + array + lanes);
  const side = Math.sqrt(area);
  const bufferTop = (100 * buffer) / side;
  const coreWidth = side / design.cores;
  const parts = { SRAM: sram, array, "vector lanes": lanes };
  const cores = Array.from({ length: design.cores }, (_, core) => {
    let y = bufferTop;
    return Object.entries(parts).map(([part, squareCentimetres]): Block => {
      const y1 = y;
      y += (100 * squareCentimetres) / side;
      return { title, part, x1: core * coreWidth, x2: (core + 1) * coreWidth, y1, y2: y };
    });
  }).flat();
  return [{ title, part: "shared buffer", x1: 0, x2: side, y1: 0, y2: bufferTop }, ...cores];
}
