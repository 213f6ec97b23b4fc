/** What a list of layers is made of, in the terms of the published families, and what its details are worth. */
import type { Primitive } from "../model/index.ts";
import { type Family, type HybridRun, hybridRuns, type Mixers } from "./hybrid-runs.ts";

export interface Composition {
  /** Undefined where no run of such a mixture has been published. */
  readonly family: Family | "sliding-window" | undefined;
  readonly mixers: Mixers;
  /** Token-mixing layers. */
  readonly blocks: number;
  /** Blocks (from 1) that hold full attention or an intra-layer hybrid. */
  readonly attentionAt: readonly number[];
  /** Their share of the blocks. */
  readonly attentionShare: number;
  /** Whether a feed-forward layer or a mixture of experts follows each token mixer, as in every published run. */
  readonly alternating: boolean;
  /** Whether there is a mixture of experts. */
  readonly experts: boolean;
}

/** What `layers` (from `parseLayers`) is made of. */
export function compositionOf(layers: readonly Primitive[]): Composition {
  const blocks = layers.filter((layer) => layer !== "F" && layer !== "E");
  const mixers = { A: 0, W: 0, S: 0, H: 0 };
  for (const block of blocks) mixers[block as keyof Mixers] += 1;
  const attentionAt = blocks.flatMap((block, i) => (block === "A" || block === "H" ? [i + 1] : []));
  return {
    family: familyOf(mixers),
    mixers,
    blocks: blocks.length,
    attentionAt,
    attentionShare: shareOf(mixers),
    alternating:
      layers.length === 2 * blocks.length &&
      layers.every((layer, i) => (layer === "F" || layer === "E") === (i % 2 === 1)),
    experts: layers.includes("E"),
  };
}

function familyOf({ A, W, S, H }: Mixers): Composition["family"] {
  if (H > 0) return A + W === 0 ? "intra-layer" : undefined;
  if (W > 0) return S === 0 ? "sliding-window" : undefined;
  if (A > 0) return S > 0 ? "inter-layer" : "transformer";
  return S > 0 ? "ssm" : undefined;
}

function shareOf({ A, W, S, H }: Mixers): number {
  return (A + H) / Math.max(1, A + W + S + H);
}

/** An effect on the loss in nats: the lowest and highest among the published sizes. */
export interface Effect {
  readonly low: number;
  readonly high: number;
  /** What it was read from, for a report; empty where there is none. */
  readonly from: string;
}

const NO_EFFECT: Effect = { low: 0, high: 0, from: "" };

/**
 * What the share of attention is worth against the model that the family's law was fitted to (for sliding windows, against
 * attention throughout): linear between the shares that were trained on equal tokens, constant beyond them.
 */
export function shareEffect({ family, attentionShare }: Composition): Effect {
  if (family === undefined || family === "transformer" || family === "ssm") return NO_EFFECT;
  const runs = hybridRuns().filter(({ study }) => study === "equal tokens");
  const references = referenceRuns();
  const base = family === "sliding-window" ? "transformer" : family;
  const effects = references
    .filter((reference) => reference.family === base)
    .map((reference) => {
      const trained = runs.filter((run) => run.size === reference.size && run.family === family);
      const points = [...trained, ...(family === base ? [] : [reference])].map(
        (run): Point => ({ share: shareOf(run.mixers), effect: run.loss - reference.loss }),
      );
      return interpolate(points, attentionShare);
    });
  return between(effects, `attention share ${attentionShare.toFixed(2)}, arXiv:2510.04800 Tables 2 and 10`);
}

/** The lowest and highest share of attention of the runs on equal tokens; undefined for a family without any choice. */
export function sharesTrained(family: Composition["family"]): readonly [number, number] | undefined {
  if (family === undefined || family === "transformer" || family === "ssm") return undefined;
  const shares = hybridRuns()
    .filter((run) => run.study === "equal tokens" && run.family === family)
    .map((run) => shareOf(run.mixers));
  return [Math.min(...shares), Math.max(...shares)];
}

/** The equal-token runs of the models that the isoFLOP laws were fitted to: one a family and size. */
export function referenceRuns(): readonly HybridRun[] {
  const fitted = new Set(hybridRuns().flatMap(({ study, model }) => (study === "isoflop" ? [model] : [])));
  return hybridRuns().filter(
    ({ study, model }) => study === "equal tokens" && model !== undefined && fitted.has(model),
  );
}

/**
 * What it costs to put the attention where it stands instead of in the middle: the difference between the published
 * placement nearest in relative depth (of those with as near a count of attention blocks) and the best one of its series.
 * A placement with attention in the first block is only matched with its like, because that is where the loss is.
 */
export function placementEffect({ family, attentionAt, blocks }: Composition): Effect {
  if (family !== "inter-layer" && family !== "intra-layer") return NO_EFFECT;
  if (attentionAt.length === blocks) return NO_EFFECT;
  const runs = hybridRuns().filter((run) => run.study === "positions" && run.family === family);
  const first = attentionAt[0] === 1;
  const matches = [...new Set(runs.map(({ size }) => size))].flatMap((size) => {
    const series = runs.filter((run) => run.size === size);
    const alike = series.filter((run) => (run.attentionAt[0] === 1) === first);
    const nearestCount = Math.min(
      ...alike.map((run) => Math.abs(run.attentionAt.length - attentionAt.length)),
    );
    const candidates = alike.filter(
      (run) => Math.abs(run.attentionAt.length - attentionAt.length) === nearestCount,
    );
    const nearest = candidates.reduce((best, run) =>
      distance(run.attentionAt, blocksOf(run), attentionAt, blocks) <
      distance(best.attentionAt, blocksOf(best), attentionAt, blocks)
        ? run
        : best,
    );
    const rivals = series.filter((run) => run.attentionAt.length === nearest.attentionAt.length);
    return [{ nearest, effect: nearest.loss - Math.min(...rivals.map(({ loss }) => loss)) }];
  });
  const from = matches.map(
    ({ nearest }) =>
      `${nearest.size} with attention in ${nearest.attentionAt.join(", ")} of ${blocksOf(nearest)}`,
  );
  return between(
    matches.map(({ effect }) => effect),
    `${from.join(" and ")}, arXiv:2510.04800 Tables 17 and 21`,
  );
}

function blocksOf({ mixers: { A, W, S, H } }: HybridRun): number {
  return A + W + S + H;
}

/** Mean distance in relative depth between two placements, each block matched with the nearest of the other. */
function distance(a: readonly number[], aBlocks: number, b: readonly number[], bBlocks: number): number {
  const depths = (at: readonly number[], blocks: number) => at.map((block) => (block - 0.5) / blocks);
  const [x, y] = [depths(a, aBlocks), depths(b, bBlocks)];
  const oneWay = (from: number[], to: number[]) =>
    from.reduce((sum, depth) => sum + Math.min(...to.map((other) => Math.abs(depth - other))), 0) /
    from.length;
  return oneWay(x, y) + oneWay(y, x);
}

interface Point {
  readonly share: number;
  readonly effect: number;
}

function interpolate(points: readonly Point[], share: number): number {
  const sorted = points.toSorted((a, b) => a.share - b.share);
  const above = sorted.findIndex((point) => point.share >= share);
  if (above < 0) return sorted.at(-1)!.effect;
  const right = sorted[above]!;
  const left = sorted[Math.max(0, above - 1)]!;
  if (right.share === left.share) return right.effect;
  return left.effect + ((share - left.share) / (right.share - left.share)) * (right.effect - left.effect);
}

function between(effects: readonly number[], from: string): Effect {
  return { low: Math.min(...effects), high: Math.max(...effects), from };
}
