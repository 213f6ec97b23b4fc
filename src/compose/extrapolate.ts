/**
 * From a small architecture to a large one at the large one's widths (arXiv:2510.00379). Sizes are non-embedding
 * parameters without norms: counting embeddings too would give 26 layers where the paper has 27.
 */
import { InputError } from "../core/index.ts";
import {
  type Architecture,
  architecture,
  layerParameters,
  MOST_LAYERS,
  type Primitive,
} from "../model/index.ts";

/** `stack` repeats the whole and appends a shrunk copy of it; `stretch` lengthens each run of equal layers. */
export const EXTRAPOLATIONS = ["stack", "stretch"] as const;
export type Extrapolation = (typeof EXTRAPOLATIONS)[number];

/** Our reading of the paper, which stacks its 6-layer find and stretches that of 16: a short block stretched is all A, then all F. */
const STRETCHED_FROM = 16;

/** The paper's rule for a small architecture of so many layers. */
export function defaultExtrapolation(layers: number): Extrapolation {
  return layers < STRETCHED_FROM ? "stack" : "stretch";
}

/**
 * The layers `found`, deepened to `target` non-embedding parameters with the widths of `like`. With m the size of `found`
 * at those widths:
 *
 *   stretch: each run (p, h) becomes (p, ceil(h target / m));
 *   stack: floor(target / m) copies, then a copy stretched by (target mod m) / m.
 *
 * Rounding up makes the result a little larger than asked for, at most by one layer a run. Below m both come to stretching.
 * @throws InputError where the target is no size, or asks for more layers than any model has.
 */
export function extrapolate(
  found: readonly Primitive[],
  target: number,
  by: Extrapolation,
  like: Architecture,
): Architecture {
  if (!(target > 0 && Number.isFinite(target))) {
    throw new InputError({
      place: { path: "to" },
      found: String(target),
      expected: "a positive number of parameters",
    });
  }
  const size = found.reduce((total, layer) => total + layerParameters(like, layer).primitive, 0);
  // Looked at first, so that an absurd target does not fill the memory.
  if ((found.length * target) / size > MOST_LAYERS - found.length) {
    throw new InputError({
      place: { path: "to" },
      found: `${target} parameters, some ${Math.ceil((found.length * target) / size)} layers of width ${like.width}`,
      expected: `at most ${MOST_LAYERS} layers`,
      remedy: "take the widths of a larger model",
    });
  }
  const copies = by === "stack" ? Math.floor(target / size) : 0;
  const rest = target - copies * size;
  const layers = [...Array.from({ length: copies }, () => found).flat(), ...stretched(found, rest, size)];
  const { name: _, ...settings } = like;
  return architecture(layers, like.width, settings);
}

/** Each run of equal layers, lengthened or shortened by `to` / `from`, rounded up. */
function stretched(layers: readonly Primitive[], to: number, from: number): Primitive[] {
  return runsOf(layers).flatMap(([primitive, count]) =>
    Array<Primitive>(Math.ceil((count * to) / from)).fill(primitive),
  );
}

function runsOf(layers: readonly Primitive[]): [Primitive, number][] {
  const runs: [Primitive, number][] = [];
  for (const layer of layers) {
    const last = runs.at(-1);
    if (last?.[0] === layer) last[1]++;
    else runs.push([layer, 1]);
  }
  return runs;
}
