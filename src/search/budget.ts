/** Budgets are hard: asked before each act, and handed on as the most that the act may use. */
import type { Spending, Spent } from "./events.ts";
import type { Budget } from "./spec.ts";

/** What has been used and promised when an act is considered. */
export interface Usage {
  readonly trials: number;
  readonly wallSeconds: number;
  readonly spent: Spending;
  /** Promised to acts under way, beyond what they have reported. */
  readonly reserved: Spending;
}

/** Which budget is used up, in words, or undefined when a new trial may be asked for. */
export function exhausted(budget: Budget, usage: Usage, newTrial: boolean): string | undefined {
  const { trials, wallSeconds, evaluationSeconds, tokens, usd } = budget;
  if (newTrial && trials !== undefined && usage.trials >= trials) return `all ${trials} trials are used`;
  if (wallSeconds !== undefined && usage.wallSeconds >= wallSeconds)
    return `the wall-clock time (${wallSeconds} s) is used up`;
  if (evaluationSeconds !== undefined && usage.spent.seconds >= evaluationSeconds)
    return `the evaluation time (${evaluationSeconds} s) is used up`;
  if (tokens !== undefined && usage.spent.tokens >= tokens) return `the ${tokens} tokens are used up`;
  if (usd !== undefined && usage.spent.usd >= usd) return `the ${usd} USD are used up`;
  return undefined;
}

/**
 * The most that one of `freeSlots` coming acts may use: an equal share of what is neither spent nor promised, so that
 * acts side by side cannot overstep the budget together. Absent where there is no limit.
 */
export function allowance(budget: Budget, usage: Usage, freeSlots: number): Spent {
  const share = (limit: number | undefined, spent: number, reserved: number): number =>
    limit === undefined ? Infinity : Math.max(0, limit - spent - reserved) / Math.max(1, freeSlots);
  const seconds = Math.min(
    share(budget.evaluationSeconds, usage.spent.seconds, usage.reserved.seconds),
    budget.secondsPerTrial ?? Infinity,
    budget.wallSeconds === undefined ? Infinity : Math.max(0, budget.wallSeconds - usage.wallSeconds),
  );
  const tokens = Math.floor(share(budget.tokens, usage.spent.tokens, usage.reserved.tokens));
  const usd = share(budget.usd, usage.spent.usd, usage.reserved.usd);
  return {
    ...(Number.isFinite(seconds) ? { seconds } : {}),
    ...(Number.isFinite(tokens) ? { tokens } : {}),
    ...(Number.isFinite(usd) ? { usd } : {}),
  };
}
