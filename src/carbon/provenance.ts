/** Where a number of an account comes from, said on every record: so that a bundled average is never taken for a reading. */

/** Read off a meter; answered by a service at its `vintage`; carried in `data/`; written by the person who asked. */
export const ORIGINS = ["measured", "live", "bundled", "given"] as const;
export type Origin = (typeof ORIGINS)[number];

export interface Provenance {
  /** What was read: a zone, a file, a meter. */
  readonly what: string;
  readonly origin: Origin;
  /** Key of `data/sources.csv`, path of a file, or name of an instrument. */
  readonly source: string;
  /** Year or moment that the number speaks of; undefined where it has none. */
  readonly vintage?: string | undefined;
}
