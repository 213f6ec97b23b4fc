/**
 * Loss by architecture: laws fitted to the published isoFLOP runs of arXiv:2510.04800 (Table 14), one a family, drawn
 * together so that what is common to two families cancels in their difference.
 */
import {
  dataFile,
  Estimate,
  type Evidence,
  formatNumber,
  GIVEN,
  InputError,
  normalQuantile,
  RandomStream,
  readCsv,
  type Sampler,
  source,
  uniformQuantile,
} from "../core/index.ts";
import { type Primitive, printLayers } from "../model/index.ts";
import {
  type Coefficients,
  DrawnLaw,
  drawRow,
  type FittedRange,
  lossAt,
  type Nats,
  type Reach,
  rangeOf,
  reach,
} from "./chinchilla.ts";
import {
  type Composition,
  compositionOf,
  type Effect,
  placementEffect,
  referenceRuns,
  shareEffect,
  sharesTrained,
} from "./composition.ts";
import { bootstrapFits } from "./goodness.ts";
import { asPoint, FAMILIES, type Family, isoFlopRuns } from "./hybrid-runs.ts";
import { variableProjection } from "./variable-projection.ts";

/** About 1.345 times the scatter about the fit (0.017 nats), Huber's constant; it leaves the one misprinted cell no pull. */
const HUBER_NATS = 0.02;
const RESAMPLES = 1000;

/** Laws of all families from one fit: E, alpha and beta are shared, A and B are each family's own. */
export interface FamilyLaws {
  /** In the order of `FAMILIES`. */
  readonly point: readonly Coefficients[];
  /** Bootstrap resamples of `point`, each a fit of all families. */
  readonly resamples: readonly (readonly Coefficients[])[];
  readonly ranges: readonly FittedRange[];
  /** Standard deviations in nats of what a training set-up other than that of the isoFLOP runs adds. */
  readonly setUp: { readonly common: number; readonly family: number };
}

let fitted: FamilyLaws | undefined;

/**
 * The laws of the published families, as fitted by `fitFamilies` and kept in `data/hybrid-fits.csv`: the fit and its
 * resamples take half a second, and only change with the runs. The set-up terms come from the same models trained on equal
 * tokens in the paper's other set-up (Tables 2 and 10), which the fit does not see: how far a size's four residuals lie from
 * 0 together, and how far each lies from their mean.
 */
export function familyLaws(): FamilyLaws {
  if (fitted) return fitted;
  const [point, ...resamples] = readCsv(dataFile(FITS_FILE)).map(({ row }) => fromFields(row));
  const ranges = isoFlopRuns().map((runs) => rangeOf(runs.map(asPoint)));
  fitted = { point: point!, resamples, ranges, setUp: setUpSpread(point!) };
  return fitted;
}

/** The table of `data/`, remade by `npm run fits`: the fit to all runs, then a fit to each bootstrap resample. */
export const FITS_FILE = "hybrid-fits.csv";

/** Fits all families to their isoFLOP runs, and to resamples of them; the same each time. */
export function fitFamilies(resamples = RESAMPLES): (readonly Coefficients[])[] {
  const groups = isoFlopRuns().map((runs) => runs.map(asPoint));
  const { fits: point } = variableProjection(groups, { huber: HUBER_NATS });
  const start = point[0]!;
  return [
    point,
    ...bootstrapFits(
      groups,
      (sample) => variableProjection(sample, { huber: HUBER_NATS, start }).fits,
      new RandomStream(0).split("hybrid laws"),
      resamples,
    ),
  ];
}

/** The text of `FITS_FILE`. E, alpha and beta are the same for all families and stand once. */
export function fitsTable(fits: readonly (readonly Coefficients[])[]): string {
  const header = [
    "floor",
    "alpha",
    "beta",
    ...FAMILIES.flatMap((family) => [`lnA ${family}`, `lnB ${family}`]),
  ];
  const lines = fits.map((families) => {
    const { floor, alpha, beta } = families[0]!;
    return [floor, alpha, beta, ...families.flatMap(({ lnA, lnB }) => [lnA, lnB])].join(",");
  });
  return `${[header.join(","), ...lines].join("\n")}\n`;
}

function fromFields(row: Readonly<Record<string, string>>): Coefficients[] {
  const [floor, alpha, beta] = [Number(row.floor), Number(row.alpha), Number(row.beta)];
  return FAMILIES.map((family) => ({
    floor,
    alpha,
    beta,
    lnA: Number(row[`lnA ${family}`]),
    lnB: Number(row[`lnB ${family}`]),
  }));
}

function setUpSpread(point: readonly Coefficients[]): FamilyLaws["setUp"] {
  const residuals = referenceRuns().map((run) => {
    const { parameters, tokens, loss } = asPoint(run);
    return {
      size: run.size,
      value: loss - lossAt(point[FAMILIES.indexOf(run.family as Family)]!, parameters, tokens),
    };
  });
  const sizes = [...new Set(residuals.map(({ size }) => size))];
  const means = new Map(
    sizes.map((size) => {
      const values = residuals.filter((residual) => residual.size === size).map(({ value }) => value);
      return [size, values.reduce((sum, value) => sum + value, 0) / values.length];
    }),
  );
  const squares = (values: readonly number[]) => values.reduce((sum, value) => sum + value * value, 0);
  return {
    common: Math.sqrt(squares([...means.values()]) / sizes.length),
    family: Math.sqrt(
      squares(residuals.map(({ size, value }) => value - means.get(size)!)) /
        (residuals.length - sizes.length),
    ),
  };
}

const FITTED: Evidence = {
  basis: "fitted",
  sources: [source("hybrid-architectures", "Table 14, fitted here")],
};
const PUBLISHED: Evidence = {
  basis: "published",
  sources: [source("hybrid-architectures", "Tables 2, 10, 17, 21")],
};

/** The law of one architecture, drawn. */
export interface ArchitectureLaw {
  readonly composition: Composition;
  /** Loss at N non-embedding parameters and D tokens, nats a token on DCLM. */
  loss(parameters: number, tokens: Parameters<DrawnLaw["loss"]>[1]): Nats;
  /** Published effects that `loss` includes. */
  readonly effects: { readonly share: Effect; readonly placement: Effect };
  /** How far a query lies from the runs, and every other way in which the architecture differs from what was trained. */
  extrapolation(parameters: number, tokens: number): Reach & { readonly reasons: readonly string[] };
}

/** The families' laws with a sampler's draws. Make one for a sampler; `of` is then cheap. */
export class DrawnFamilies {
  readonly #laws: ReadonlyMap<Family | "sliding-window", DrawnLaw>;
  readonly #sampler: Sampler;

  /**
   * Draws `laws/hybrid fit` (a whole fit of all families, ranked by the mean loss that it promises at the far corner),
   * `laws/set-up` (common to all families) and `laws/set-up/<family>`.
   */
  constructor(sampler: Sampler) {
    const { resamples, ranges, setUp } = familyLaws();
    const parameters = Math.max(...ranges.map((range) => range.parameters[1]));
    const tokens = Math.max(...ranges.map((range) => range.tokens[1]));
    const promise = (fits: readonly Coefficients[]) =>
      fits.reduce((sum, fit) => sum + lossAt(fit, parameters, tokens), 0) / fits.length;
    const rows = drawRow("laws/hybrid fit", resamples, promise, FITTED, sampler);
    const common = sampler.draw("laws/set-up", normalQuantile(0, setUp.common), "nat", FITTED);
    this.#sampler = sampler;
    const ofFamily = (name: Family | "sliding-window", base: Family) => {
      const own = sampler.draw(`laws/set-up/${name}`, normalQuantile(0, setUp.family), "nat", FITTED);
      const fits = rows.map((row) => row[FAMILIES.indexOf(base)]!);
      return DrawnLaw.of(fits, FITTED).plus(common).plus(own);
    };
    this.#laws = new Map([
      ...FAMILIES.map((family) => [family, ofFamily(family, family)] as const),
      // No sweep of its own: the Transformer's law, but what another set-up adds is not the Transformer's.
      ["sliding-window", ofFamily("sliding-window", "transformer")],
    ]);
  }

  /** The law of a family's isoFLOP model: attention in one block of six for the hybrids, in the middle. */
  family(family: Family): DrawnLaw {
    return this.#laws.get(family)!;
  }

  /**
   * The law of a model of `layers`. Throws an `InputError` where no model with such a mixture of token mixers has been
   * published (`compositionOf(layers).family` is undefined).
   */
  of(layers: readonly Primitive[]): ArchitectureLaw {
    const composition = compositionOf(layers);
    const { family } = composition;
    if (family === undefined) {
      throw new InputError({
        place: { path: "layers" },
        found: printLayers(layers),
        expected:
          "attention, state space, sliding windows with attention, or one of the two hybrids of the first two",
        remedy: "train small models of this mixture and fit their runs",
      });
    }
    const effects = { share: shareEffect(composition), placement: placementEffect(composition) };
    const law = this.#laws
      .get(family)!
      .plus(this.#draw("laws/attention share", effects.share))
      .plus(this.#draw("laws/attention placement", effects.placement));
    const range =
      familyLaws().ranges[FAMILIES.indexOf(family === "sliding-window" ? "transformer" : family)]!;
    return {
      composition,
      effects,
      loss: (parameters, tokens) => law.loss(parameters, tokens),
      extrapolation: (parameters, tokens) => {
        const distance = reach(range, parameters, tokens);
        return { ...distance, reasons: reasons(composition, distance, range) };
      },
    };
  }

  /** An effect, somewhere between the values at the published sizes: the same place for all architectures. */
  #draw(name: string, { low, high }: Effect): Nats {
    if (low === high) return Estimate.exact(low, "nat", low === 0 ? GIVEN : PUBLISHED);
    const place = this.#sampler.draw(name, uniformQuantile(0, 1), "1", PUBLISHED);
    return Estimate.combine([place], "nat", (p) => low + p * (high - low));
  }
}

function reasons(composition: Composition, distance: Reach, range: FittedRange): string[] {
  const { family, attentionShare, alternating, experts } = composition;
  const list: string[] = [];
  const far = (name: string, factor: number, [low, high]: FittedRange["tokens"]) => {
    if (factor === 1) return;
    const span = `${formatNumber(low)} to ${formatNumber(high)}`;
    list.push(`${formatNumber(factor, 2)} times beyond the ${name} of the runs (${span})`);
  };
  far("parameters", distance.parameters, range.parameters);
  far("tokens", distance.tokens, range.tokens);
  const shares = sharesTrained(family);
  if (shares && (attentionShare < shares[0] || attentionShare > shares[1])) {
    const [share, low, high] = [attentionShare, ...shares].map((value) => formatNumber(value, 2));
    list.push(`attention in a share of ${share} of the blocks, beyond those of the runs (${low} to ${high})`);
  }
  if (!alternating) {
    list.push("a feed-forward layer does not follow each token mixer, as it does in every published run");
  }
  if (experts) list.push("the runs are dense, and this has a mixture of experts");
  return list;
}
