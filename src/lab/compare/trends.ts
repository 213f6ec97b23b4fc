/** Published trends: what a recipe says was found elsewhere, and whether it is seen here. */
import { betterSide, type Difference, NO_DIFFERENCE, ONE_PAIR } from "./differences.ts";
import type { Metric } from "./metrics.ts";

/** As a recipe states it: `better` was found to be better than `than` by `metric`. */
export interface Trend {
  readonly claim: string;
  /** Paper and table. */
  readonly source: string;
  readonly better: string;
  readonly than: string;
  readonly metric: Metric;
}

export interface JudgedTrend extends Trend {
  /** Of `better` minus `than`. */
  readonly difference: Difference;
  readonly here: "holds" | "reversed" | typeof NO_DIFFERENCE | typeof ONE_PAIR;
}

/** Judges a trend by the difference of its two, `better` minus `than`. */
export function judge(trend: Trend, difference: Difference): JudgedTrend {
  const side = betterSide(difference.metric, difference.interval);
  const seen = { first: "holds", second: "reversed" } as const;
  const here = side ? seen[side] : difference.interval ? NO_DIFFERENCE : ONE_PAIR;
  return { ...trend, difference, here };
}
