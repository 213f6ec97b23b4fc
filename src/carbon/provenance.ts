/** Where a number of an account comes from, said on every record: so that a bundled average is never taken for a reading. */
import type { AnyEstimate } from "../core/index.ts";

/** Read off a meter; answered by a service at its `vintage`; carried in `data/`; written by the person who asked. */
export type Origin = "measured" | "live" | "bundled" | "given";

export interface Provenance {
  /** What was read: a zone, a file, a meter. */
  readonly what: string;
  readonly origin: Origin;
  /** Key of `data/sources.csv`, path of a file, or name of an instrument. */
  readonly source: string;
  /** Year or moment that the number speaks of; undefined where it has none. */
  readonly vintage?: string | undefined;
}

/** Where a figure of `data/` is from: the first source that `data/sources.csv` has of it, and its year. */
export function bundled(what: string, { sources }: AnyEstimate): Provenance {
  const { id, year } = sources.find((source) => source.year !== undefined) ?? sources[0]!;
  return { what, origin: "bundled", source: id, vintage: year === undefined ? undefined : String(year) };
}
