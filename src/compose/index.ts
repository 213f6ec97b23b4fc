/** Composer: search small hybrids, aggregate, extrapolate, check. See README.md. */
export * from "./oracle-study.ts";
