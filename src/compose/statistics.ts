/** Summaries of scores. */

import type { Scored } from "./aggregate.ts";

export function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

/** The root of the mean variance within groups, weighted by their degrees of freedom; NaN where there are none. */
export function pooledDeviation(groups: readonly (readonly number[])[]): number {
  let squares = 0;
  let degrees = 0;
  for (const group of groups) {
    const centre = mean(group);
    squares += group.reduce((sum, value) => sum + (value - centre) ** 2, 0);
    degrees += Math.max(0, group.length - 1);
  }
  return Math.sqrt(squares / degrees);
}

/** Each string once, with the mean of its scores. */
export function meansByString(tried: readonly Scored[]): Scored[] {
  const scores = new Map<string, number[]>();
  for (const { layers, score } of tried) scores.set(layers, [...(scores.get(layers) ?? []), score]);
  return [...scores].map(([layers, list]) => ({ layers, score: mean(list) }));
}
