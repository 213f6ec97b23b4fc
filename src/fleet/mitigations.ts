/**
 * What would help, and how much: each mitigation changes one of the quantities that ETTR depends on, and is priced with
 * the exact renewal form, singly and all together. And how many spare nodes keep a job from waiting for a repair.
 */

import { type Dimensionless, Estimate } from "../core/index.ts";
import { binomialUpperTail } from "./binomial.ts";
import { ettrExact, optimalIntervalExact, type RunEstimates } from "./ettr.ts";
import { failureFigures } from "./failure-rate.ts";

/** What a mitigation changes, in base units, draw by draw. */
export interface EttrTerms {
  readonly failuresPerSecond: number;
  readonly checkpointIntervalSeconds: number;
  readonly restartSeconds: number;
  readonly queueSeconds: number;
  readonly checkpointWriteSeconds: number;
  readonly productiveSeconds: number;
}

export interface Mitigation {
  readonly name: string;
  /** What is assumed to change, for a reader. */
  readonly change: string;
  readonly apply: (terms: EttrTerms) => EttrTerms;
}

export interface MitigationOptions {
  /** Restart time after the work on it, over today's. Default 0.5. */
  readonly restartFactor?: number | undefined;
  /** Share of failures that lemons cause. Default: the share of daily jobs that RSC-1's lemons touched. */
  readonly lemonShare?: number | undefined;
  /** Failure rate after repairs and better hardware, over today's. Default 0.5. */
  readonly failureFactor?: number | undefined;
}

/** The mitigations that the paper discusses, in an order in which they can be combined. */
export function mitigations({
  restartFactor = 0.5,
  lemonShare = failureFigures().get("RSC-1", "jobs touched by lemon nodes").value,
  failureFactor = 0.5,
}: MitigationOptions = {}): Mitigation[] {
  const percent = (share: number) => `${Math.round(100 * share)} %`;
  return [
    {
      name: "fewer failures",
      change: `failures fall to ${percent(failureFactor)}`,
      apply: (terms) => ({ ...terms, failuresPerSecond: terms.failuresPerSecond * failureFactor }),
    },
    {
      name: "lemon nodes removed",
      change: `the ${percent(lemonShare)} of failures that lemons cause are gone`,
      apply: (terms) => ({ ...terms, failuresPerSecond: terms.failuresPerSecond * (1 - lemonShare) }),
    },
    {
      name: "warm spares",
      change: "a spare node is ready, so a restart does not queue",
      apply: (terms) => ({ ...terms, queueSeconds: 0 }),
    },
    {
      name: "faster restart",
      change: `restarts take ${percent(restartFactor)} of the time`,
      apply: (terms) => ({ ...terms, restartSeconds: terms.restartSeconds * restartFactor }),
    },
    {
      name: "asynchronous checkpoints",
      change: "writing a checkpoint no longer holds training up",
      apply: (terms) => ({ ...terms, checkpointWriteSeconds: 0 }),
    },
    {
      name: "best checkpoint interval",
      change: "the interval is the best for the failure rate and the time to write",
      apply: (terms) => ({ ...terms, checkpointIntervalSeconds: bestInterval(terms) }),
    },
  ];
}

/** No checkpoint every few steps pays its bookkeeping: the shortest interval that is considered. Our choice. */
const SHORTEST_INTERVAL_SECONDS = 60;

function bestInterval(terms: EttrTerms): number {
  const best = optimalIntervalExact(terms.failuresPerSecond, terms.checkpointWriteSeconds);
  return Math.max(SHORTEST_INTERVAL_SECONDS, best);
}

export interface MitigationGain {
  readonly name: string;
  readonly change: string;
  readonly ettr: Estimate<Dimensionless>;
  /** ETTR after over before: how much sooner the run ends. */
  readonly gain: Estimate<Dimensionless>;
}

export interface MitigationStudy {
  readonly baseline: Estimate<Dimensionless>;
  /** Each alone, best first by the median. */
  readonly singly: readonly MitigationGain[];
  readonly together: MitigationGain;
}

/** Prices mitigations for a run, with the same draws before and after, so that gains are those of the same world. */
export function mitigationStudy(run: RunEstimates, options: MitigationOptions = {}): MitigationStudy {
  const list = mitigations(options);
  const priced = (apply: (terms: EttrTerms) => EttrTerms): Estimate<Dimensionless> =>
    Estimate.combine(
      [
        run.failureRate,
        run.nodes,
        run.checkpointInterval,
        run.restart,
        run.queue,
        run.checkpointWrite,
        run.productive,
      ],
      "1",
      (r, n, dt, u0, q, w, R) =>
        ettrExact(
          apply({
            failuresPerSecond: r * n,
            checkpointIntervalSeconds: dt,
            restartSeconds: u0,
            queueSeconds: q,
            checkpointWriteSeconds: w,
            productiveSeconds: R,
          }),
        ),
    );
  const baseline = priced((terms) => terms);
  const gain = (name: string, change: string, apply: (terms: EttrTerms) => EttrTerms): MitigationGain => {
    const after = priced(apply);
    return { name, change, ettr: after, gain: after.over(baseline) };
  };
  return {
    baseline,
    singly: list
      .map(({ name, change, apply }) => gain(name, change, apply))
      .sort((a, b) => b.gain.value() - a.gain.value()),
    together: gain("all together", list.map(({ change }) => change).join("; "), (terms) =>
      list.reduce((changed, { apply }) => apply(changed), terms),
    ),
  };
}

/**
 * Spare nodes that suffice with probability `level` for a job on `nodes` nodes, when a failed node is away for
 * `repairSeconds`: the quantile of a binomial count of nodes away at one moment (ByteRobust, arXiv:2509.16293, sizes
 * its standby at the 99th percentile).
 */
export function sparesNeeded(
  nodes: number,
  failuresPerNodeSecond: number,
  repairSeconds: number,
  level = 0.99,
): number {
  const load = failuresPerNodeSecond * repairSeconds;
  const away = load / (1 + load);
  let [low, high] = [-1, nodes];
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if (1 - binomialUpperTail(nodes, away, middle + 1) >= level) high = middle;
    else low = middle;
  }
  return high;
}
