/**
 * The aggregator of arXiv:2510.00379: k-means over the scores of everything that a search tried, and in the best cluster
 * the commonest letter at each place (N_c clustering). A mode over many is steadier than one lucky winner.
 */
import { ckmeans } from "simple-statistics";
import type { RandomStream } from "../core/index.ts";

/** Layers with what they came to; lower is better. */
export interface Scored {
  readonly layers: string;
  readonly score: number;
}

export interface Aggregation {
  /** The paper's 5. */
  readonly clusters: number;
  /**
   * c of N_c: how many of the layers before a place its letter is conditioned on. 0, the paper's best, takes every
   * place by itself; "full" conditions on all layers before.
   */
  readonly context: number | "full";
}

export interface Aggregate {
  readonly layers: string;
  /** The best cluster, best first. */
  readonly cluster: readonly Scored[];
}

/**
 * Clusters are those that minimise the squares within them exactly (one dimension, by dynamic programming), so nothing
 * depends on a start. Where two letters are equally common, the one in the better scored candidate is taken.
 * Throws a `RangeError` on an empty list.
 */
export function aggregate(tried: readonly Scored[], { clusters, context }: Aggregation): Aggregate {
  const sorted = [...tried].sort((a, b) => a.score - b.score || (a.layers < b.layers ? -1 : 1));
  const scores = sorted.map(({ score }) => score);
  const [best] = ckmeans(scores, Math.min(clusters, new Set(scores).size));
  const cluster = sorted.slice(0, best!.length);
  const length = cluster[0]!.layers.length;
  const reach = context === "full" ? length : context;
  let layers = "";
  while (layers.length < length) {
    const from = Math.max(0, layers.length - reach);
    const given = layers.slice(from);
    const fitting = cluster.filter((one) => one.layers.slice(from, layers.length) === given);
    layers += mode(fitting.map((one) => one.layers[layers.length]!));
  }
  return { layers, cluster };
}

/** The commonest letter; of equally common ones the first in the list. */
function mode(letters: readonly string[]): string {
  const counts = new Map<string, number>();
  for (const letter of letters) counts.set(letter, (counts.get(letter) ?? 0) + 1);
  return [...counts].reduce((best, next) => (next[1] > best[1] ? next : best))[0];
}

export interface Agreement {
  /** Share of resamples that give the same layers as all candidates together. */
  readonly whole: number;
  /** For each place, the share of resamples with the same letter there. */
  readonly byPlace: readonly number[];
}

/** How sure an aggregate is of what was tried: the aggregator run again on `resamples` bootstrap samples of it. */
export function agreement(
  tried: readonly Scored[],
  aggregation: Aggregation,
  stream: RandomStream,
  resamples = 1000,
): Agreement {
  const { layers } = aggregate(tried, aggregation);
  const byPlace = Array.from(layers, () => 0);
  let whole = 0;
  for (let i = 0; i < resamples; i++) {
    const again = aggregate(
      tried.map(() => stream.pick(tried)),
      aggregation,
    );
    if (again.layers === layers) whole++;
    for (let place = 0; place < layers.length; place++)
      if (again.layers[place] === layers[place]) byPlace[place]!++;
  }
  return { whole: whole / resamples, byPlace: byPlace.map((count) => count / resamples) };
}
