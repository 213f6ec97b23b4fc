/** A tornado chart: how far each of several inputs alone moves one figure. */
import { COLOURS, draw, Plot } from "./charts.ts";

export interface TornadoBar {
  readonly label: string;
  /** The figure with this input at its low and at its high end. */
  readonly atLow: number;
  readonly atHigh: number;
}

/** Letters that the margin has room for. */
const LONGEST_LABEL = 48;

/** Bars from the top, as they come; `axis` names the figure and its unit, `middle` is where no input is moved. */
export function tornado(bars: readonly TornadoBar[], axis: string, middle: number): string {
  const named = bars.map((bar) => ({
    ...bar,
    label: bar.label.length > LONGEST_LABEL ? `${bar.label.slice(0, LONGEST_LABEL)}…` : bar.label,
  }));
  return draw({
    height: 70 + 26 * bars.length,
    marginLeft: 330,
    x: { label: `${axis} →`, grid: true, nice: true },
    y: { label: null, domain: named.map(({ label }) => label) },
    marks: [
      Plot.ruleY(named, {
        y: "label",
        x1: "atLow",
        x2: "atHigh",
        stroke: "currentColor",
        strokeOpacity: 0.35,
        strokeWidth: 10,
      }),
      Plot.dot(named, { y: "label", x: "atLow", fill: COLOURS[0], r: 5 }),
      Plot.dot(named, { y: "label", x: "atHigh", fill: COLOURS[1], r: 5 }),
      Plot.ruleX([middle], { strokeDasharray: "3,3" }),
    ],
  });
}
