/** Policies that do not learn from outcomes: random, exhaustive, quasi-random. */
import { InputError, RandomStream } from "../../core/index.ts";
import type { History } from "../history.ts";
import type { Policy } from "../policy.ts";
import { SobolSequence, sobolDimensions } from "../quasirandom.ts";
import { cellCentre } from "../space/parameter.ts";
import type { Point, Space } from "../space/space.ts";

/** Each candidate drawn afresh by the operator `draft`. */
export function randomPolicy(): Policy {
  return { propose: () => ({ operator: "draft", parents: [] }) };
}

/** Every candidate of a space without real parts, each once, in the order of the grid. */
export function exhaustivePolicy(space: Space): Policy {
  const { gridSize } = space;
  if (!Number.isSafeInteger(gridSize))
    throw new InputError({
      place: { path: "policy.name" },
      found: `"exhaustive" on a space of ${gridSize} grid points`,
      expected: "a space that can be counted, without real parameters",
      remedy: 'use "sobol" or "random"',
    });
  return {
    propose(history) {
      for (let index = lastIndex(history) + 1; index < gridSize; index++) {
        const unit = space.gridPoint(index);
        const candidate = space.decode(unit);
        // Where a part does not exist its levels make no difference: the first stands for all.
        const first = space.dimensions.every(
          ({ parameter, levels }, i) => parameter in candidate || unit[i] === cellCentre(0, levels),
        );
        if (first && !space.violated(candidate))
          return { operator: "grid", parents: [], candidate, note: { index } };
      }
      return "done";
    },
  };
}

/** Points of a scrambled Sobol sequence; those that a constraint rejects are passed over. */
export function sobolPolicy(space: Space, seed: number): Policy {
  const sequence = sequenceFor(space, seed);
  return {
    propose: (history) => ({
      operator: "sobol",
      parents: [],
      ...nextSobolPoint(space, sequence, lastIndex(history) + 1),
    }),
  };
}

/** The scrambled sequence that a study of `seed` uses. Throws an `InputError` when the space has too many dimensions. */
export function sequenceFor(space: Space, seed: number): SobolSequence {
  if (space.dimensions.length > sobolDimensions())
    throw new InputError({
      place: { path: "policy.name" },
      found: `a Sobol sequence on a space of ${space.dimensions.length} dimensions`,
      expected: `at most ${sobolDimensions()} dimensions`,
      remedy: 'use "random"',
    });
  return new SobolSequence(space.dimensions.length, new RandomStream(seed).split("sobol"));
}

/** The first point of `sequence` from `index` on that meets the constraints, with its index. */
export function nextSobolPoint(
  space: Space,
  sequence: SobolSequence,
  index: number,
): { candidate: Point; note: { index: number } } {
  let at = index - 1;
  const candidate = space.firstThatHolds(() => space.decode(sequence.point(++at)));
  return { candidate, note: { index: at } };
}

/** The index that the newest trial of such a policy was given, -1 before the first. */
export function lastIndex(history: History): number {
  const index = history.trials.at(-1)?.note.index;
  return typeof index === "number" ? index : -1;
}
