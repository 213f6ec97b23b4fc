/** Scaling a pattern of layers to a target size by its width. */

import { InputError } from "../core/index.ts";
import { type Architecture, type ArchitectureSettings, architecture } from "./architecture.ts";
import { type Primitive, parseLayers } from "./notation.ts";
import { parameters } from "./parameters.ts";

const WIDEST = 65_536;

export interface SizeOptions {
  /** Widths are multiples of this. Default 128. */
  readonly multiple?: number;
  /** Settings at a width; the published defaults follow the width by themselves. */
  readonly settings?: (width: number) => ArchitectureSettings;
}

/**
 * The width whose model of `layers` has a non-embedding size (`primitives`) nearest in ratio to `target` parameters.
 * @throws InputError when the target lies outside what widths from `multiple` to 65,536 give.
 */
export function widthForSize(
  layers: string | readonly Primitive[],
  target: number,
  { multiple = 128, settings = () => ({}) }: SizeOptions = {},
): Architecture {
  if (!(target > 0 && Number.isFinite(target))) {
    throw new InputError({
      place: { path: "size" },
      found: String(target),
      expected: "a positive number of parameters",
    });
  }
  const list = typeof layers === "string" ? parseLayers(layers) : layers;
  let below: { model: Architecture; size: number } | undefined;
  for (let width = multiple; width <= WIDEST; width += multiple) {
    const model = architecture(list, width, settings(width));
    const size = parameters(model).primitives;
    if (size < target) {
      below = { model, size };
      continue;
    }
    if (below === undefined) {
      if (size === target) return model;
      throw new InputError({
        place: { path: "size" },
        found: `${target} parameters in ${list.length} layers`,
        expected: `at least ${size}, the size at width ${width}`,
        remedy: "use fewer layers or a smaller multiple for the width",
      });
    }
    return target / below.size < size / target ? below.model : model;
  }
  throw new InputError({
    place: { path: "size" },
    found: `${target} parameters in ${list.length} layers`,
    expected: `at most ${below?.size}, the size at width ${WIDEST}`,
    remedy: "use more layers",
  });
}
