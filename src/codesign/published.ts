/** The models and accelerators that CATransformers prints (Tables 3 and 9), with what it says of them. */
import { FigureTable, InputError, type Place, suggest } from "../core/index.ts";
import { type AcceleratorDesign, DESIGN_PARAMETERS } from "../hardware/index.ts";
import type { ClipShape } from "./workloads/clip.ts";
import type { EncoderShape } from "./workloads/encoder.ts";

export interface PublishedDesign {
  readonly name: string;
  readonly shape: ClipShape;
  readonly design: AcceleratorDesign;
  /** Mean zero-shot accuracy over 41 data sets, as a share. */
  readonly accuracy: number;
  readonly latencySeconds: number;
  /** kgCO2e over 30 million inferences. */
  readonly carbon: number;
}

let loaded: readonly PublishedDesign[] | undefined;

export function publishedDesigns(): readonly PublishedDesign[] {
  loaded ??= read();
  return loaded;
}

export function publishedDesign(name: string, place?: Place): PublishedDesign {
  const designs = publishedDesigns();
  const found = designs.find((design) => design.name.toLowerCase() === name.toLowerCase());
  if (found) return found;
  throw new InputError({
    place,
    found: `"${name}"`,
    expected: "a published model",
    remedy: suggest(
      name,
      designs.map((design) => design.name),
    ),
  });
}

function read(): PublishedDesign[] {
  const table = new FigureTable("codesign-models");
  return table.subjects.map((name) => {
    const value = (figure: string): number => {
      const { value: number, unit } = table.get(name, figure);
      return number * unit.scale;
    };
    const tower = (side: string): EncoderShape => ({
      layers: value(`${side}.layers`),
      feedForward: value(`${side}.feedForward`),
      width: value(`${side}.width`),
      heads: value(`${side}.heads`),
    });
    const design = Object.fromEntries(DESIGN_PARAMETERS.map((part) => [part, value(`design.${part}`)]));
    return {
      name,
      shape: { text: tower("text"), vision: tower("vision"), patch: value("patch") },
      design: design as unknown as AcceleratorDesign,
      accuracy: value("accuracy"),
      latencySeconds: value("latency"),
      carbon: value("carbon"),
    };
  });
}
