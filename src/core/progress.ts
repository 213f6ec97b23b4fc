/** Progress as events: long work tells a listener, and only the command line decides how it looks. */

export interface ProgressEvent {
  /** What is being done, in the present participle: "reading sacct.psv". */
  readonly activity: string;
  readonly done: number;
  /** Undefined while the amount of work is unknown. */
  readonly total?: number | undefined;
  /** What `done` and `total` count: "rows", "steps", "trials". */
  readonly unit: string;
  /** The newest thing worth showing: "loss 2.31". */
  readonly note?: string | undefined;
}

export type ProgressListener = (event: ProgressEvent) => void;

/** The two things that any long work takes from its caller. */
export interface Supervision {
  readonly progress?: ProgressListener | undefined;
  /** Aborted by Ctrl-C or by the caller: work stops at the next safe point and can go on from there. */
  readonly signal?: AbortSignal | undefined;
}
