/** What will happen in a simulation, soonest first: a binary heap of numbers, each a kind of event and its subject. */
import FlatQueue from "flatqueue";

export const EVENT = {
  jobEnds: 0,
  jobEligible: 1,
  nodeFails: 2,
  nodeReturns: 3,
  domainFails: 4,
  /** Nothing but a reason to schedule again. */
  wake: 5,
} as const;
export type EventKind = (typeof EVENT)[keyof typeof EVENT];

const KINDS = 8;

export class EventQueue {
  readonly #heap = new FlatQueue<number>();

  /** When the next event is; infinite where there is none. */
  get nextTime(): number {
    return this.#heap.peekValue() ?? Number.POSITIVE_INFINITY;
  }

  /** An event of a job, node or domain; one that never happens is forgotten. */
  push(kind: EventKind, subject: number, time: number): void {
    if (time < Number.POSITIVE_INFINITY) this.#heap.push(subject * KINDS + kind, time);
  }

  pop(): { kind: EventKind; subject: number } {
    const event = this.#heap.pop()!;
    const kind = (event % KINDS) as EventKind;
    return { kind, subject: (event - kind) / KINDS };
  }
}
