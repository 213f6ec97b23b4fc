/** Studies side by side: what each objective set leads to, and what one optimum costs in the terms of another. */
import { InputError } from "../core/index.ts";
import { isFeasible, type Point, readStudy } from "../search/index.ts";
import { scenario } from "./scenario.ts";
import { OBJECTIVES, type ObjectiveName, type SearchPoint, type SearchResult, summarise } from "./search.ts";

export interface ReadResult extends Omit<SearchResult, "ending"> {
  readonly folder: string;
  /** `quality, carbon`. */
  readonly title: string;
  readonly family: string;
  readonly estimator: string;
  readonly region: string;
  readonly inferences: number;
  /** Every feasible trial. */
  readonly points: readonly SearchPoint[];
}

/** What `study.json` keeps beside the space. */
export interface StudiedProblem {
  readonly family: string;
  readonly estimator: string;
  readonly region: string;
  readonly inferences: number;
}

/** Throws an `InputError` where the folder holds no study of this room. */
export function readCodesign(folder: string): ReadResult {
  const { spec, history } = readStudy<Point>(folder);
  if (spec.domain !== "codesign") {
    throw new InputError({
      place: { file: folder },
      found: `a study of ${spec.domain}`,
      expected: "a study that `terrarium codesign run` made",
    });
  }
  const { problem } = spec.space as unknown as { problem: StudiedProblem };
  const result = summarise(spec, history);
  return {
    ...problem,
    ...result,
    folder,
    title: result.objectives.join(", "),
    points: history.trials
      .filter(({ metrics }) => metrics && isFeasible(spec, metrics))
      .map(({ id, candidate, metrics }) => ({ trial: id, candidate: candidate!, metrics: metrics! })),
  };
}

export interface Trade {
  readonly study: string;
  /** What was sought beside quality. */
  readonly sought: ObjectiveName;
  readonly best: SearchPoint;
  /** Each metric over that of the first trade. */
  readonly ratios: Readonly<Partial<Record<ObjectiveName, number>>>;
}

/** Each study's best design in each thing that it sought beside quality, among those of at least the given quality. */
export function trades(studies: readonly ReadResult[], quality?: number): Trade[] {
  const found = studies.flatMap((study) => {
    const good = study.points.filter(
      ({ metrics }) => quality === undefined || metrics.quality === undefined || metrics.quality >= quality,
    );
    return study.objectives
      .filter((name) => name !== "quality")
      .flatMap((sought) => {
        const best = least(good, sought);
        return best ? [{ study: study.title, sought, best }] : [];
      });
  });
  const first = found[0]?.best.metrics;
  return found.map((trade) => ({
    ...trade,
    ratios: Object.fromEntries(
      Object.keys(OBJECTIVES)
        .filter((name) => first?.[name] !== undefined && trade.best.metrics[name] !== undefined)
        .map((name) => [name, trade.best.metrics[name]! / first![name]!]),
    ),
  }));
}

/** Coal-heavy, average and nearly free of carbon; a tenth of the paper's life, its own, and ten times it. */
export const CONTRASTING_REGIONS = ["india", "US-CAL-CISO", "iceland"] as const;
export const CONTRASTING_LIFETIMES = [3e6, 30e6, 300e6] as const;

export interface Placement {
  readonly region: string;
  readonly inferences: number;
  readonly best: SearchPoint;
  readonly carbon: number;
  readonly embodiedShare: number;
}

/**
 * The design of least carbon in other places and over other lives: energy and embodied carbon of a trial do not depend on
 * where it works, so nothing is evaluated again. Throws an `InputError` for an unknown region.
 */
export function placements(
  studies: readonly ReadResult[],
  regions: readonly string[],
  lifetimes: readonly number[],
  quality?: number,
): Placement[] {
  const points = studies.flatMap((study) =>
    study.points
      .filter(({ metrics }) => quality === undefined || (metrics.quality ?? quality) >= quality)
      .map((point) => ({ point, kilowattHours: point.metrics.energy! / study.inferences })),
  );
  return regions.flatMap((region) =>
    lifetimes.flatMap((inferences) => {
      const life = scenario({ region, inferences }, { path: "--region" });
      const placed = points.map(({ point, kilowattHours }) => ({
        best: point,
        carbon: kilowattHours * inferences * 3.6e6 * life.carbonPerJoule + point.metrics.embodied!,
      }));
      const found = placed.reduce<(typeof placed)[number] | undefined>(
        (best, each) => (best && best.carbon <= each.carbon ? best : each),
        undefined,
      );
      if (!found) return [];
      const embodiedShare = found.best.metrics.embodied! / found.carbon;
      return [{ region, inferences, ...found, embodiedShare }];
    }),
  );
}

function least(points: readonly SearchPoint[], metric: string): SearchPoint | undefined {
  return points.reduce<SearchPoint | undefined>(
    (best, point) => (best && best.metrics[metric]! <= point.metrics[metric]! ? best : point),
    undefined,
  );
}
