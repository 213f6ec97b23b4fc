/** What the oracle says: how noisy seeds are, how stable the order is, and how well the proxy ranks larger models. */
import { bootstrap, quantile, RandomStream, type Supervision, spearman } from "../../core/index.ts";
import type { Aggregation } from "../aggregate.ts";
import { mean, meansByString, pooledDeviation } from "../statistics.ts";
import type { MeasuredRun } from "./measure.ts";
import { type RegretCurve, replayPolicies } from "./replay.ts";
import { completeSeeds, type OracleTable, scoresByString } from "./table.ts";

export interface OracleAnalysis {
  readonly strings: number;
  /** Seeds with which every string was trained; all that follows but `partial` uses these alone. */
  readonly seeds: readonly number[];
  /** Runs with other seeds, which are not complete. */
  readonly partial: number;
  /** Best first, means over seeds. */
  readonly order: readonly RankedString[];
  /** Share of runs that did not get to the mark. */
  readonly censored: number;
  /** Absent with one seed. */
  readonly noise?: Noise;
  readonly larger?: LargerScale;
  readonly regret: readonly RegretCurve[];
  readonly replays: number;
}

export interface RankedString {
  readonly layers: string;
  readonly mean: number;
  readonly scores: readonly number[];
  /** Runs that got to the mark. */
  readonly reached: number;
  /** Mean held-out loss at the larger size, where it was measured. */
  readonly largerLoss?: number | undefined;
}

export interface Noise {
  /** Standard deviation of the score over seeds, pooled over strings. */
  readonly withinStrings: number;
  /** The same over the strings that always got to the mark, where no score is a stand-in; absent without any. */
  readonly withinReached?: number;
  /** Standard deviation over strings of their means. */
  readonly betweenStrings: number;
  /** Spearman's correlation of the orders of each two seeds. */
  readonly orderCorrelations: readonly { readonly seeds: readonly [number, number]; readonly rho: number }[];
}

export interface LargerScale {
  readonly strings: number;
  readonly seeds: number;
  /** Spearman's, of mean score and mean held-out loss: 1 where the proxy orders as the larger size does. */
  readonly rho: number;
  /** Percentile bootstrap over strings, 95 %. */
  readonly interval: readonly [number, number];
}

export interface AnalyseOptions extends Supervision {
  readonly aggregation?: Aggregation;
  readonly trials?: number;
  readonly replays?: number;
}

/** Analyses a table with at least one complete seed. The same table gives the same bytes. */
export async function analyseOracle(
  { proxy, larger }: OracleTable,
  {
    aggregation = { clusters: 5, context: 0 },
    trials = 40,
    replays = 40,
    ...supervision
  }: AnalyseOptions = {},
): Promise<OracleAnalysis> {
  const seeds = completeSeeds(proxy);
  const runs = proxy.filter(({ seed }) => seeds.includes(seed));
  const scores = scoresByString(runs);
  const losses = new Map(meansByString(larger).map(({ layers, score }) => [layers, score]));
  const order = [...scores]
    .map(([layers, own]) => ({
      layers,
      mean: mean([...own.values()]),
      scores: seeds.map((seed) => own.get(seed)!),
      reached: runs.filter((run) => run.layers === layers && run.reached).length,
      largerLoss: losses.get(layers),
    }))
    .sort((a, b) => a.mean - b.mean || (a.layers < b.layers ? -1 : 1));
  const regret = await replayPolicies(runs, { trials, replays, aggregation, ...supervision });
  return {
    strings: order.length,
    seeds,
    partial: proxy.length - runs.length,
    order,
    censored: runs.filter(({ reached }) => reached === false).length / runs.length,
    ...(seeds.length > 1 && { noise: noiseOf(order, seeds) }),
    ...(losses.size > 2 && { larger: largerScale(order, larger) }),
    regret,
    replays,
  };
}

function noiseOf(order: readonly RankedString[], seeds: readonly number[]): Noise {
  const pairs = seeds.flatMap((a, i) =>
    seeds.slice(i + 1).map((b, j) => ({ seeds: [a, b] as const, at: [i, i + 1 + j] as const })),
  );
  const reached = order.filter((one) => one.reached === seeds.length);
  return {
    withinStrings: pooledDeviation(order.map(({ scores }) => scores)),
    ...(reached.length > 0 && { withinReached: pooledDeviation(reached.map(({ scores }) => scores)) }),
    betweenStrings: pooledDeviation([order.map((one) => one.mean)]),
    orderCorrelations: pairs.map(({ seeds, at: [a, b] }) => ({
      seeds,
      rho: spearman(
        order.map(({ scores }) => scores[a]!),
        order.map(({ scores }) => scores[b]!),
      ),
    })),
  };
}

function largerScale(order: readonly RankedString[], larger: readonly MeasuredRun[]): LargerScale {
  const both = order.flatMap(({ mean, largerLoss }) =>
    largerLoss === undefined ? [] : [[mean, largerLoss] as const],
  );
  const correlation = (sample: readonly (readonly [number, number])[]): number =>
    spearman(
      sample.map(([score]) => score),
      sample.map(([, loss]) => loss),
    );
  const { value, draws } = bootstrap(both, correlation, new RandomStream(0));
  // A resample of one string over and over has no order.
  const orders = draws.filter(Number.isFinite);
  return {
    strings: both.length,
    seeds: new Set(larger.map(({ seed }) => seed)).size,
    rho: value,
    interval: [quantile(orders, 0.025), quantile(orders, 0.975)],
  };
}
