/**
 * The rate at which nodes fail, as an estimate. Published clusters give a gamma prior whose mean and spread are those
 * between the clusters; the failures and node-days of a log update it (conjugate gamma), so that a log counts for
 * exactly the exposure that it has.
 */
import { basename } from "node:path";
import betainc from "@stdlib/math-base-special-betainc";
import {
  type Evidence,
  FigureTable,
  gammaQuantile,
  type Sampler,
  type Source,
  weakest,
} from "../core/index.ts";
import {
  type FailureCount,
  type FailureRate,
  type RateWithInterval,
  ratePerThousandNodeDays,
} from "./mttf.ts";

/** Failures of a log, with where they were counted. */
export interface LoggedFailures extends FailureCount {
  readonly source: Source;
}

/** A gamma distribution of failures per node-day; `shape` failures over `nodeDays` are what it is worth as a log. */
export interface GammaRate {
  readonly shape: number;
  readonly nodeDays: number;
}

export interface FailureRateEstimate {
  /** What to plan with: the prior updated with the log, or the prior alone. */
  readonly rate: FailureRate;
  readonly prior: GammaRate & { readonly clusters: readonly string[] };
  readonly posterior: GammaRate;
  /** The log's own rate per 1000 node-days with its exact 90 % interval; undefined without exposure. */
  readonly own: RateWithInterval | undefined;
  /** Share of the combined mean that rests on the log: its node-days over all node-days. */
  readonly logWeight: number;
  /** Set where the log is surprising under the prior (below 1 % either way), and says what was done. */
  readonly disagreement: string | undefined;
}

let figures: FigureTable | undefined;

/** The published figures of failures, `data/failures.csv`. */
export function failureFigures(): FigureTable {
  figures ??= new FigureTable("failures");
  return figures;
}

/** Method of moments over the published rates of whole clusters: one voice each, however large. Our choice. */
export function publishedPrior(): GammaRate & { clusters: readonly string[]; evidence: Evidence } {
  const table = failureFigures();
  const rows = table.subjects.flatMap((subject) => {
    const figure = table.find(subject, "node failure rate");
    return figure ? [{ subject, figure, perNodeDay: figure.value * figure.unit.scale * 86_400 }] : [];
  });
  const mean = rows.reduce((sum, { perNodeDay }) => sum + perNodeDay, 0) / rows.length;
  const variance =
    rows.reduce((sum, { perNodeDay }) => sum + (perNodeDay - mean) ** 2, 0) / (rows.length - 1);
  return {
    shape: mean ** 2 / variance,
    nodeDays: mean / variance,
    clusters: rows.map(({ subject }) => subject),
    evidence: weakest(rows.map(({ figure }) => figure.evidence)),
  };
}

/** Share of a mean that rests on a log where published clusters are the other voice: its node-days over all node-days. */
export function logWeight({ nodeDays }: FailureCount): number {
  return nodeDays / (publishedPrior().nodeDays + nodeDays);
}

/** Below this tail probability under the prior a log is said to disagree with it. */
const SURPRISE = 0.01;

/**
 * The failure rate of a node, drawn under the name `fleet/failure-rate`, or `fleet/failure-rate/<log>` where a log of
 * attempts (`nodeFailures`) is given: its name without its folder, so that draws do not depend on where it lies. Rates
 * are of nodes of eight accelerators, as the published ones are.
 */
export function failureRate(sampler: Sampler, log?: LoggedFailures): FailureRateEstimate {
  const prior = publishedPrior();
  const counted = log && log.nodeDays > 0 ? log : undefined;
  const posterior: GammaRate = {
    shape: prior.shape + (counted?.failures ?? 0),
    nodeDays: prior.nodeDays + (counted?.nodeDays ?? 0),
  };
  const evidence = counted
    ? weakest([prior.evidence, { basis: "measured", sources: [counted.source] }])
    : prior.evidence;
  const name = counted ? `fleet/failure-rate/${basename(counted.source.id)}` : "fleet/failure-rate";
  const rate = sampler.draw(name, gammaQuantile(posterior.shape, posterior.nodeDays), "1/node/day", evidence);
  const own = counted ? ratePerThousandNodeDays(counted) : undefined;
  return {
    rate,
    prior,
    posterior,
    own,
    logWeight: counted ? logWeight(counted) : 0,
    disagreement: counted && own ? disagreement(counted, own, prior, posterior) : undefined,
  };
}

function disagreement(
  log: LoggedFailures,
  own: RateWithInterval,
  prior: GammaRate,
  posterior: GammaRate,
): string | undefined {
  const high = atLeast(log.failures, prior, log.nodeDays);
  const low = 1 - atLeast(log.failures + 1, prior, log.nodeDays);
  if (high >= SURPRISE && low >= SURPRISE) return undefined;
  const perThousand = (rate: GammaRate) => digits((1000 * rate.shape) / rate.nodeDays);
  return (
    `${log.source.title} shows ${log.failures} node failures in ${digits(log.nodeDays)} node-days ` +
    `(${digits(own.rate)} per 1000 node-days, 90 % interval ${digits(own.low)} to ${digits(own.high)}), ` +
    `far ${high < SURPRISE ? "above" : "below"} the ${perThousand(prior)} of published clusters. ` +
    `The published rates count as ${digits(prior.shape)} failures in ${digits(prior.nodeDays)} node-days, ` +
    `so the two together give ${perThousand(posterior)}. ` +
    (log.nodeDays < prior.nodeDays / 10
      ? "A log this short cannot say more; if its failures were provoked, leave it out."
      : "The log has the exposure to be believed: look for what makes this cluster different.")
  );
}

/**
 * Probability of `count` or more failures in `nodeDays` under a gamma rate: the tail of the negative binomial,
 * I_p(count, shape) with p = T / (T + T0).
 */
function atLeast(count: number, { shape, nodeDays: priorDays }: GammaRate, nodeDays: number): number {
  return count <= 0 ? 1 : betainc(nodeDays / (nodeDays + priorDays), count, shape);
}

function digits(value: number): string {
  return Number(value.toPrecision(3)).toString();
}
