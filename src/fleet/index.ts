export * from "./attempts.ts";
export * from "./ettr.ts";
export * from "./exposure.ts";
export * from "./failure-rate.ts";
export * from "./mttf.ts";
export * from "./readers/reading.ts";
export * from "./readers/sacct.ts";
export * from "./states.ts";
