/**
 * Charts as SVG text, drawn by Observable Plot in a document that needs no browser. Every chart inherits its colours
 * from the page, so that one drawing serves light, dark and paper.
 */
import * as Plot from "@observablehq/plot";
import { parseHTML } from "linkedom";

/** Categorical colours that stay apart for colour-blind readers, on white and on near-black (Okabe and Ito). */
export const COLOURS = [
  "#0072b2",
  "#d55e00",
  "#009e73",
  "#cc79a7",
  "#b58900",
  "#56b4e9",
  "#8c6bb1",
  "#6c757d",
] as const;

const { document } = parseHTML("<html><body></body></html>");

/** Draws a plot; the text sizes and margins suit the width of a report's column. */
export function draw(options: Plot.PlotOptions): string {
  const figure = Plot.plot({
    // linkedom's document is complete enough for Plot, but is not typed as the browser's.
    document: document as unknown as NonNullable<Plot.PlotOptions["document"]>,
    width: 720,
    marginLeft: 64,
    marginBottom: 44,
    ...options,
    color: { range: [...COLOURS], ...options.color },
    style: { background: "transparent", color: "currentColor", fontFamily: "inherit", fontSize: "12px" },
  });
  return figure.outerHTML;
}

export { Plot };
