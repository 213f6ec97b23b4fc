/** Published Chinchilla laws (`data/scaling-laws.csv`) as laws that can be drawn. */
import { FigureTable, InputError, RandomStream, suggest, weakest } from "../core/index.ts";
import type { Coefficients, ScalingLaw } from "./chinchilla.ts";

/** The authors' own fit, rounded in print and from the TeX source, and the replication with its uncertainty. */
export const PUBLISHED_LAWS = ["epoch", "hoffmann", "hoffmann-rounded"] as const;
export type PublishedLaw = (typeof PUBLISHED_LAWS)[number];

/** Pairs of draws from the normal distribution of an uncertain law, each with its mirror image, so that the mean is exact. */
const PAIRS = 500;

let table: FigureTable | undefined;

/** The figures of all laws. Read once, at first use. */
export function lawFigures(): FigureTable {
  table ??= new FigureTable("scaling-laws");
  return table;
}

/**
 * The published law called `name`. Only `epoch` is uncertain: normal in E, the size term A / N0^alpha, alpha, the data term
 * B / D0^beta and beta at the reference size and tokens, coordinates in which the loss is nearly linear. Its published
 * standard errors leave out the correlations, so the covariance is our bootstrap of the same runs.
 */
export function publishedLaw(name: PublishedLaw): ScalingLaw {
  const figures = lawFigures();
  if (!PUBLISHED_LAWS.includes(name)) {
    throw new InputError({
      found: `"${name}"`,
      expected: "a published law",
      remedy: suggest(name, PUBLISHED_LAWS),
    });
  }
  const value = (figure: string) => figures.get(name, figure).value;
  const point: Coefficients = {
    floor: value("E"),
    lnA: value("ln A"),
    alpha: value("alpha"),
    lnB: value("ln B"),
    beta: value("beta"),
  };
  const uncertain = figures.find(name, "reference parameters") !== undefined;
  return {
    name,
    fits: uncertain ? normalFits(name, point) : [point],
    range: {
      parameters: [value("parameters low"), value("parameters high")],
      tokens: [value("tokens low"), value("tokens high")],
    },
    evidence: weakest(figures.of(name).map((figure) => figure.evidence)),
  };
}

const COORDINATES = ["E", "size term", "alpha", "data term", "beta"] as const;

function normalFits(name: PublishedLaw, point: Coefficients): Coefficients[] {
  const figures = lawFigures();
  const lnN = Math.log(figures.get(name, "reference parameters").value);
  const lnD = Math.log(figures.get(name, "reference tokens").value);
  const centre = [
    point.floor,
    Math.exp(point.lnA - point.alpha * lnN),
    point.alpha,
    Math.exp(point.lnB - point.beta * lnD),
    point.beta,
  ];
  const factor = cholesky(
    COORDINATES.map((row, i) =>
      COORDINATES.slice(0, i + 1).map((column) => figures.get(name, `covariance ${column} x ${row}`).value),
    ),
  );
  const stream = new RandomStream(0).split(`laws/${name}`);
  return Array.from({ length: PAIRS }, () => COORDINATES.map(() => stream.normal())).flatMap((normals) =>
    [1, -1].map((sign) => {
      const [floor, size, alpha, data, beta] = centre.map(
        (mean, i) => mean + sign * factor[i]!.reduce((sum, entry, k) => sum + entry * normals[k]!, 0),
      ) as [number, number, number, number, number];
      return { floor, lnA: Math.log(size) + alpha * lnN, alpha, lnB: Math.log(data) + beta * lnD, beta };
    }),
  );
}

/** The lower triangular L with L L' = `lower` (given by its lower triangle). */
function cholesky(lower: readonly (readonly number[])[]): number[][] {
  const factor: number[][] = [];
  for (const [i, row] of lower.entries()) {
    factor.push([]);
    for (const [j, entry] of row.entries()) {
      let rest = entry;
      for (let k = 0; k < j; k++) rest -= factor[i]![k]! * factor[j]![k]!;
      factor[i]!.push(i === j ? Math.sqrt(rest) : rest / factor[j]![j]!);
    }
  }
  return factor;
}
