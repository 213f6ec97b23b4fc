/** Which architecture, at which size. */
import { type AnyEstimate, Estimate, exactly, formatNumber, InputError, suggest } from "../../core/index.ts";
import type { ArchitectureLaw } from "../../laws/index.ts";
import {
  type Architecture,
  architecture,
  cacheBytes,
  parameters,
  parseLayers,
  preset,
  presets,
  readHuggingFace,
  trainingFlopsPerToken,
} from "../../model/index.ts";
import { besideBrief } from "../brief.ts";
import { type FamilyRatio, familyDrift, type Scale } from "../comparison.ts";
import type { Decision } from "../decision.ts";
import type { Problem } from "../problem.ts";

/** An architecture at one width. */
export interface ModelOption {
  readonly name: string;
  readonly architecture: Architecture;
}

export interface ModelChoice {
  readonly name: string;
  readonly architecture: Architecture;
  readonly parameters: number;
  /** Without embedding and head, which is what scaling laws count. */
  readonly nonEmbedding: number;
  /** Training FLOPs of one token at the brief's context, head excluded. */
  readonly flopsPerToken: number;
  /** Loss of its family of architectures by size and tokens. */
  readonly law: ArchitectureLaw;
  /** Keys, values and states of one sequence at the brief's context, bytes. */
  readonly cacheBytes: number;
}

/** Widths are multiples of this, so that every tile of a matrix product is full. */
const WIDTH_STEP = 128;
const WIDEST = 32_768;
/** Sizes to compare for each architecture; more make the search longer and the steps too small to matter. */
const MOST_SIZES = 7;

export const model: Decision<ModelOption, ModelChoice> = {
  id: "model",
  title: "Model",
  question: "Which architecture, and how large?",

  options(problem) {
    return problem.open.candidates.flatMap((candidate, index) => optionsOf(candidate, index, problem));
  },

  evaluate({ name, architecture: a }, problem) {
    const counts = parameters(a);
    return {
      name,
      architecture: a,
      parameters: counts.total,
      nonEmbedding: counts.nonEmbedding,
      flopsPerToken: trainingFlopsPerToken(a, problem.open.context),
      law: problem.lawOf(a.layers),
      cacheBytes: cacheBytes(a, problem.open.context).total,
    };
  },

  label: ({ name, architecture: a }) => `${name}, ${formatNumber(parameters(a).total)} parameters`,

  explain(choice, problem) {
    const a = choice.architecture;
    const count = (value: number) => exactly(value);
    const figures: Record<string, AnyEstimate> = {
      parameters: count(choice.parameters),
      "non-embedding parameters": count(choice.nonEmbedding),
      "training compute": Estimate.exact(choice.flopsPerToken, "FLOP/token"),
      [`cache of one sequence of ${formatNumber(problem.open.context)} tokens`]: Estimate.exact(
        choice.cacheBytes,
        "B",
      ),
      ...measuredFigures(problem),
    };
    return {
      why: `${choice.name} at width ${a.width} has ${a.layers.length} layers. It is the size and shape on the Pareto front that best balances the brief's objectives; the alternatives show what every other candidate would give.`,
      figures,
      notes: measuredNotes(choice, problem),
    };
  },
};

/** How far each family's loss is above the geometric mean of the families that the brief's comparison measured. */
function measuredFigures({ families, open }: Problem): Record<string, AnyEstimate> {
  if (!open.comparison) return {};
  const excess = (ratio: FamilyRatio["measured"]) =>
    Estimate.combine([ratio], "1", (r) => r - 1).shownIn("%");
  const views = [...families].flatMap(([family, { published, measured, weighed }]) => [
    [`loss of ${family} over the mean, published`, excess(published)],
    [`loss of ${family} over the mean, measured`, excess(measured)],
    [`loss of ${family} over the mean, weighed`, excess(weighed)],
  ]);
  return {
    ...Object.fromEntries(views),
    "weight of the measurement": exactly(open.comparison.weight).shownIn("%"),
  };
}

/** What the brief's comparison says here, and what it cannot say. */
function measuredNotes({ law }: ModelChoice, { families, laws, open }: Problem): string[] {
  const { comparison } = open;
  if (!comparison) return [];
  const { title, at, target, distance, weight, unused } = comparison;
  const scale = ({ parameters: n, tokens }: Scale) =>
    `${formatNumber(n)} parameters and ${formatNumber(tokens)} tokens`;
  const percent = (share: number) => `${formatNumber(100 * share, 2)} %`;
  const notes = [
    `"${title}" compared ${comparison.families.join(", ")} at ${scale(at)}, ${comparison.seeds} seeds; this brief is about ${scale(target)}. Between published runs a family's loss, against the mean of the families, moves by ${percent(familyDrift())} for each factor of e in size and in tokens; ${formatNumber(distance, 2)} such factors lie between. That leaves the comparison a weight of ${percent(weight)}, and the published laws the rest.`,
  ];
  if (comparison.surprising(laws)) {
    notes.push(
      `it measured the families further apart from what the laws say than chance and drift explain: at its size it tells something else, such as how fast each begins to learn, and not what they come to.`,
    );
  }
  if (!families.has(law.composition.family!)) {
    notes.push(
      `it has no ${law.composition.family} model, so that of this one the published law stands alone.`,
    );
  }
  if (unused.length > 0) notes.push(`no published law covers ${unused.join(", ")}: not used.`);
  return notes;
}

function optionsOf(candidate: string, index: number, problem: Problem): ModelOption[] {
  const path = ["model", "candidates", index];
  const place = problem.brief.placeOf(path);
  const fixed = fixedArchitecture(candidate, path, problem);
  if (fixed) return [{ name: candidate, architecture: fixed }];
  const layers = inPlace(() => parseLayers(candidate), place, candidate);
  const name = candidate.trim();
  const sized = [];
  for (let width = WIDTH_STEP; width <= WIDEST; width += WIDTH_STEP) {
    const a = architecture(layers, width);
    const size = parameters(a).total;
    sized.push({ a, size });
    if (size > problem.open.size.high) break;
  }
  const { low, high } = problem.open.size;
  const [smallest, largest] = [sized[0]!.size, sized.at(-1)!.size];
  if (high < smallest || low > largest) {
    throw new InputError({
      place: problem.brief.placeOf(["model", "size"]),
      found: `${[...new Set([low, high])].map((size) => formatNumber(size)).join(" to ")} parameters`,
      expected: `a size that ${name} can have: ${formatNumber(smallest)} parameters at width ${WIDTH_STEP} to ${formatNumber(sizeAt(layers, WIDEST))} at width ${WIDEST}`,
      remedy: "change the size, or the number of layers of the candidate",
    });
  }
  const inside = sized.filter(({ size }) => size >= low && size <= high);
  // A range narrower than a step of width holds no size: take the nearest instead of refusing.
  const chosen = inside.length > 0 ? spread(inside, MOST_SIZES) : [nearestTo(sized, Math.sqrt(low * high))];
  return chosen.map(({ a }) => ({ name, architecture: a }));
}

/** A published model or a config.json, which have one size; undefined for a layer string. */
function fixedArchitecture(
  candidate: string,
  path: readonly PropertyKey[],
  { brief }: Problem,
): Architecture | undefined {
  if (candidate.endsWith(".json")) return readHuggingFace(besideBrief(brief, candidate, path)).architecture;
  return presets().has(candidate.toLowerCase()) ? preset(candidate).architecture : undefined;
}

/** Adds the line of the brief to a complaint about a layer string. */
function inPlace<T>(read: () => T, place: ReturnType<Problem["brief"]["placeOf"]>, candidate: string): T {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof InputError)) throw error;
    // A layer string has neither a hyphen nor a slash: what has one was meant as a name or a path.
    if (/[-/\\]/.test(candidate)) {
      throw new InputError({
        place,
        found: `"${candidate}"`,
        expected: "a layer string, the name of a published model, or the path of a config.json",
        remedy: suggest(candidate, [...presets().keys()]),
      });
    }
    throw new InputError(
      error.problems.map((problem) => ({
        ...problem,
        place,
        found: `"${candidate}": ${problem.found}`,
      })),
    );
  }
}

/** At most `most` items, the first and the last among them, evenly spaced by position. */
export function spread<T>(items: readonly T[], most: number): T[] {
  if (items.length <= most) return [...items];
  return Array.from({ length: most }, (_, i) => items[Math.round((i * (items.length - 1)) / (most - 1))]!);
}

const sizeAt = (layers: Parameters<typeof architecture>[0], width: number) =>
  parameters(architecture(layers, width)).total;

function nearestTo(sized: readonly { a: Architecture; size: number }[], size: number) {
  const off = (candidate: { size: number }) => Math.abs(Math.log(candidate.size / size));
  return sized.reduce((best, candidate) => (off(candidate) < off(best) ? candidate : best));
}
