/**
 * A measured comparison of architectures as evidence for the choice of a model, weighed against the published laws.
 *
 * Let u be the logarithm of a family's loss less the mean over the families that were compared; ratios of losses do not
 * depend on the tokenizer. The laws give u with a variance s² at the brief's size; the comparison gives m with an error e at
 * its own. How families differ drifts with scale: between published runs by g for each factor of e in parameters and in
 * tokens, of which there are d from the comparison to the brief. So m tells u with a variance r² = e² + (g d)², and two
 * normal statements about u meet at the share w = s² / (s² + r²) of the way to m.
 */
import { basename } from "node:path";
import {
  Estimate,
  type Evidence,
  InputError,
  normalQuantile,
  type Place,
  type Sampler,
  studentQuantile,
} from "../core/index.ts";
import type { MeasuredLosses } from "../lab/index.ts";
import {
  type ArchitectureLaw,
  asPoint,
  compositionOf,
  type DrawnFamilies,
  isoFlopRuns,
} from "../laws/index.ts";
import { parseLayers } from "../model/index.ts";

type Ratio = ReturnType<typeof Estimate.exact<"1">>;
type Compared = MeasuredLosses["architectures"][number] & { readonly family: string };

/** Where families are compared: non-embedding parameters and tokens. */
export interface Scale {
  readonly parameters: number;
  readonly tokens: number;
}

/** A family's loss against the mean of the families that were compared, in three views. */
export interface FamilyRatio {
  readonly published: Ratio;
  readonly measured: Ratio;
  /** The two weighed: what to plan with. */
  readonly weighed: Ratio;
}

export class MeasuredComparison {
  readonly title: string;
  readonly seeds: number;
  readonly families: readonly string[];
  /** Names of architectures of a mixture that no published law covers. */
  readonly unused: readonly string[];
  /** Geometric means over the architectures. */
  readonly at: Scale;
  readonly target: Scale;
  /** The share w of the way from the laws to the measurement. */
  readonly weight: number;
  readonly #architectures: readonly Compared[];
  readonly #means: ReadonlyMap<string, number>;
  /** s², e and r, of a family by itself: its distance from the mean of all varies by the share `#free` of their squares. */
  readonly #prior: number;
  readonly #error: number;
  readonly #reach: number;
  readonly #evidence: Evidence;

  /**
   * Weighs the losses of `file` for a model at `target`, by what `laws` say there.
   * @throws InputError at `place` where it does not compare two families of the laws over two seeds or more.
   */
  constructor(losses: MeasuredLosses, file: string, place: Place, target: Scale, laws: DrawnFamilies) {
    const { title, seeds, architectures } = losses;
    const compared = architectures.flatMap((one) => {
      const { family } = compositionOf(parseLayers(one.pattern));
      return family === undefined ? [] : [{ ...one, family }];
    });
    this.title = title;
    this.seeds = seeds.length;
    this.families = [...new Set(compared.map(({ family }) => family))];
    this.unused = architectures.flatMap(({ name }) =>
      compared.some((one) => one.name === name) ? [] : [name],
    );
    if (this.families.length < 2 || this.seeds < 2) {
      throw new InputError({
        place,
        found: `a comparison of ${this.families.join(", ") || "no known family"} over ${this.seeds} seeds`,
        expected:
          "two families of architectures or more, such as attention alone and Mamba-2 alone, over two seeds or more",
        remedy: "add architectures or seeds to the recipe and compare again; what is done is kept",
      });
    }
    this.#architectures = compared;
    this.at = {
      parameters: geometricMean(compared.map(({ nonEmbedding }) => nonEmbedding)),
      tokens: geometricMean(compared.map(({ tokens }) => tokens)),
    };
    this.target = target;
    this.#evidence = { basis: "measured", sources: [{ id: file, title: `${title} (${basename(file)})` }] };

    // By seed, then the mean: what a seed does to all families alike is no error of their differences.
    const bySeed = seeds.map((_, at) =>
      centred(
        this.families.map((family) => average(this.#of(family).map(({ losses }) => Math.log(losses[at]!)))),
      ),
    );
    const means = this.families.map((_, f) => average(bySeed.map((values) => values[f]!)));
    const degrees = (seeds.length - 1) * (this.families.length - 1);
    const squares = bySeed.flatMap((values) => values.map((value, f) => (value - means[f]!) ** 2));
    const spread = squares.reduce((sum, square) => sum + square, 0) / degrees;
    // Widened, so that the 90 % interval of a normal of this width is that of Student's t.
    const student = studentQuantile(degrees)(0.95) / normalQuantile()(0.95);
    this.#means = new Map(this.families.map((family, f) => [family, means[f]!]));
    this.#error = student * Math.sqrt(spread / seeds.length);
    this.#reach = Math.hypot(this.#error, familyDrift() * this.distance);
    this.#prior = average([...this.#logRatios(laws).values()].map(variance)) / this.#free;
    this.weight = this.#prior / (this.#prior + this.#reach ** 2);
  }

  /** d: factors of e in parameters and in tokens from the comparison to the brief. */
  get distance(): number {
    return logDistance(this.at, this.target);
  }

  /** The three views of each family under the draws of `laws` and `sampler`. */
  ratios(laws: DrawnFamilies, sampler: Sampler): ReadonlyMap<string, FamilyRatio> {
    const published = this.#logRatios(laws);
    const errors = centredEstimates(
      new Map(
        this.families.map((family) => [
          family,
          sampler.draw(`lab/comparison/${family}`, normalQuantile(), "1", this.#evidence),
        ]),
      ),
    );
    return new Map(
      this.families.map((family) => {
        const [law, error] = [published.get(family)!, errors.get(family)!];
        const mean = this.#means.get(family)!;
        return [
          family,
          {
            published: Estimate.combine([law], "1", Math.exp),
            measured: Estimate.combine([error], "1", (z) => Math.exp(mean + this.#error * z)),
            weighed: Estimate.combine([law, error], "1", (u, z) =>
              Math.exp(u + this.weight * (mean + this.#reach * z - u)),
            ),
          },
        ] as const;
      }),
    );
  }

  /** Whether measurement and laws lie further apart for some family than chance and drift explain, at 99 %. */
  surprising(laws: DrawnFamilies): boolean {
    const expected = normalQuantile()(0.995) * Math.sqrt(this.#free * (this.#prior + this.#reach ** 2));
    return [...this.#logRatios(laws)].some(
      ([family, law]) => Math.abs(this.#means.get(family)! - law.mean()) > expected,
    );
  }

  get #free(): number {
    return 1 - 1 / this.families.length;
  }

  #of(family: string): readonly Compared[] {
    return this.#architectures.filter((one) => one.family === family);
  }

  /** u by the laws, with the sizes and tokens of the architectures in the proportions in which they were compared. */
  #logRatios(laws: DrawnFamilies): ReadonlyMap<string, Ratio> {
    const logs = this.families.map((family) => {
      const losses = this.#of(family).map(({ pattern, nonEmbedding, tokens }) =>
        laws
          .of(parseLayers(pattern))
          .loss(
            (this.target.parameters * nonEmbedding) / this.at.parameters,
            Estimate.exact((this.target.tokens * tokens) / this.at.tokens, "token"),
          ),
      );
      return [family, Estimate.combine(losses, "1", (...values) => average(values.map(Math.log)))] as const;
    });
    return centredEstimates(new Map(logs));
  }
}

/** `law` with a factor on its loss. */
export function scaled(law: ArchitectureLaw, factor: Ratio): ArchitectureLaw {
  return { ...law, loss: (size, tokens) => law.loss(size, tokens).times(factor) };
}

let drift: number | undefined;

/**
 * g: how far a family's log loss, less the mean over families, moves for each factor of e in parameters and in tokens;
 * root mean square over all pairs of the isoFLOP cells of arXiv:2510.04800, Table 14. Scatter of the runs is counted in.
 */
export function familyDrift(): number {
  if (drift !== undefined) return drift;
  const families = isoFlopRuns();
  const cells = families[0]!.flatMap(({ size, budgetFlops }) => {
    const cell = families.flatMap((runs) =>
      runs.filter((run) => run.size === size && run.budgetFlops === budgetFlops).map(asPoint),
    );
    if (cell.length < families.length) return [];
    return {
      ratios: centred(cell.map(({ loss }) => Math.log(loss))),
      parameters: geometricMean(cell.map((point) => point.parameters)),
      tokens: geometricMean(cell.map((point) => point.tokens)),
    };
  });
  let [squares, distances] = [0, 0];
  for (const [i, a] of cells.entries()) {
    for (const b of cells.slice(0, i)) {
      const moved = a.ratios.reduce((sum, ratio, f) => sum + (ratio - b.ratios[f]!) ** 2, 0);
      squares += moved / (families.length - 1);
      distances += logDistance(a, b) ** 2;
    }
  }
  drift = Math.sqrt(squares / distances);
  return drift;
}

const logDistance = (a: Scale, b: Scale): number =>
  Math.abs(Math.log(a.parameters / b.parameters)) + Math.abs(Math.log(a.tokens / b.tokens));

function average(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

const geometricMean = (values: readonly number[]): number => Math.exp(average(values.map(Math.log)));

function centred(values: readonly number[]): number[] {
  const mean = average(values);
  return values.map((value) => value - mean);
}

function centredEstimates(estimates: ReadonlyMap<string, Ratio>): ReadonlyMap<string, Ratio> {
  const mean = Estimate.combine([...estimates.values()], "1", (...values) => average(values));
  return new Map([...estimates].map(([name, estimate]) => [name, estimate.minus(mean)]));
}

/** Of the draws; 0 for an exact estimate. */
function variance(estimate: Ratio): number {
  const mean = estimate.mean();
  return average([...estimate.draws].map((draw) => (draw - mean) ** 2));
}
