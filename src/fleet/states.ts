/** Slurm's job states, and the one reading of how logs spell them. Source: Slurm's "Job State Codes" manual page. */

/** States that an attempt's row may show; the position of a state is its code in a table of attempts. */
export const STATES = [
  "UNKNOWN",
  "PENDING",
  "RUNNING",
  "SUSPENDED",
  "COMPLETED",
  "CANCELLED",
  "FAILED",
  "TIMEOUT",
  "NODE_FAIL",
  "PREEMPTED",
  "BOOT_FAIL",
  "DEADLINE",
  "OUT_OF_MEMORY",
  "REQUEUED",
  "RESIZING",
  "REVOKED",
  "COMPLETING",
  "CONFIGURING",
] as const;
export type State = (typeof STATES)[number];

export const STATE_CODE = Object.fromEntries(STATES.map((state, code) => [state, code])) as Record<
  State,
  number
>;

const SHORT: Readonly<Record<string, State>> = {
  BF: "BOOT_FAIL",
  CA: "CANCELLED",
  CD: "COMPLETED",
  CF: "CONFIGURING",
  CG: "COMPLETING",
  DL: "DEADLINE",
  F: "FAILED",
  NF: "NODE_FAIL",
  OOM: "OUT_OF_MEMORY",
  PD: "PENDING",
  PR: "PREEMPTED",
  R: "RUNNING",
  RQ: "REQUEUED",
  RS: "RESIZING",
  RV: "REVOKED",
  S: "SUSPENDED",
  TO: "TIMEOUT",
};

/** Words of other schedulers and published traces, in lower case. */
const FOREIGN: Readonly<Record<string, State>> = {
  pass: "COMPLETED",
  success: "COMPLETED",
  succeeded: "COMPLETED",
  terminated: "COMPLETED",
  canceled: "CANCELLED",
  killed: "CANCELLED",
  stopped: "CANCELLED",
  waiting: "PENDING",
  interrupted: "NODE_FAIL",
};

/**
 * The state that `text` names: `CANCELLED by 1000`, a name cut short (`CANCELLED+`), a two-letter code, a list with
 * flags (`COMPLETED,REQUEUED`, where the base state comes first) or another scheduler's word. Undefined if none.
 */
export function parseState(text: string): State | undefined {
  const word = text.split(/[ ,+]/, 1)[0]!;
  const upper = word.toUpperCase();
  if (upper in STATE_CODE) return upper as State;
  if (Object.hasOwn(SHORT, upper)) return SHORT[upper];
  const foreign = FOREIGN[word.toLowerCase()];
  if (foreign) return foreign;
  return text.endsWith("+") ? STATES.find((state) => state.startsWith(upper)) : undefined;
}

/** Still waiting or running when the log was written: how it ends is not known. */
export const OPEN_STATES: ReadonlySet<State> = new Set([
  "PENDING",
  "RUNNING",
  "SUSPENDED",
  "COMPLETING",
  "CONFIGURING",
  "RESIZING",
]);
