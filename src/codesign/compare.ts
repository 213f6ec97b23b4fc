/** Studies side by side: what each objective set leads to, and what one optimum costs in the terms of another. */
import { InputError } from "../core/index.ts";
import { isFeasible, type Point, readStudy } from "../search/index.ts";
import type { Direction } from "./quality.ts";
import { scenario } from "./scenario.ts";
import {
  OBJECTIVES,
  type ObjectiveName,
  type SearchPoint,
  type SearchResult,
  type StudiedProblem,
  summarise,
} from "./search.ts";
import type { Confirmation } from "./trained.ts";

export interface ReadResult extends Omit<SearchResult, "ending"> {
  readonly folder: string;
  /** `quality, carbon`. */
  readonly title: string;
  readonly family: string;
  readonly estimator: string;
  readonly region: string;
  readonly inferences: number;
  /** USD. */
  readonly costPerJoule: number;
  readonly quality?: { readonly direction: Direction } | undefined;
  /** Every feasible trial. */
  readonly points: readonly SearchPoint[];
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
    const good = pointsOf(study, quality);
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

/** The feasible trials that are at least as good as `floor`, where one is given and quality is known. */
function pointsOf({ points, quality }: ReadResult, floor: number | undefined): readonly SearchPoint[] {
  if (floor === undefined || !quality) return points;
  const sign = quality.direction === "maximise" ? 1 : -1;
  return points.filter(({ metrics }) => sign * metrics.quality! >= sign * floor);
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
    pointsOf(study, quality).map((point) => ({
      point,
      kilowattHours: point.metrics.energy! / study.inferences,
    })),
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

/** Studies side by side, as it is printed and drawn. */
export interface SideBySide {
  readonly studies: readonly ReadResult[];
  readonly trades: readonly Trade[];
  readonly placements: readonly Placement[];
  /** The least quality that trades and placements were taken at. */
  readonly quality?: number | undefined;
  /** Models that were found, trained. */
  readonly confirmations: readonly Confirmation[];
  readonly notes: readonly string[];
}

export interface SideBySideOptions {
  readonly quality?: number | undefined;
  /** Contrasting ones unless given. */
  readonly regions?: readonly string[] | undefined;
  readonly lifetimes?: readonly number[] | undefined;
  readonly confirmations?: readonly Confirmation[] | undefined;
  readonly notes?: readonly string[] | undefined;
}

/** Throws an `InputError` where a folder holds no study of this room, and for an unknown region. */
export function sideBySide(folders: readonly string[], options: SideBySideOptions = {}): SideBySide {
  const { quality, regions = CONTRASTING_REGIONS, lifetimes = CONTRASTING_LIFETIMES } = options;
  const studies = folders.map(readCodesign);
  return {
    studies,
    trades: trades(studies, quality),
    placements: placements(studies, regions, lifetimes, quality),
    quality,
    confirmations: options.confirmations ?? [],
    notes: options.notes ?? [],
  };
}

function least(points: readonly SearchPoint[], metric: string): SearchPoint | undefined {
  return points.reduce<SearchPoint | undefined>(
    (best, point) => (best && best.metrics[metric]! <= point.metrics[metric]! ? best : point),
    undefined,
  );
}
