/** The jobs that wait, by priority and then in order of arrival. Adding and removing take constant time. */

export class JobQueue {
  /** How many different priorities there are; class 0 is the highest. */
  readonly classes: number;
  length = 0;
  readonly #classOf: Int32Array;
  // A doubly linked list for each class.
  readonly #heads: Int32Array;
  readonly #tails: Int32Array;
  readonly #next: Int32Array;
  readonly #before: Int32Array;

  /** Takes the priority of every job that there will be. */
  constructor(priority: Int32Array) {
    const priorities = [...new Set(priority)].sort((a, b) => b - a);
    const classes = new Map(priorities.map((value, index) => [value, index]));
    this.classes = priorities.length;
    this.#classOf = priority.map((value) => classes.get(value)!);
    this.#heads = new Int32Array(priorities.length).fill(-1);
    this.#tails = new Int32Array(priorities.length).fill(-1);
    this.#next = new Int32Array(priority.length).fill(-1);
    this.#before = new Int32Array(priority.length).fill(-1);
  }

  classOf(job: number): number {
    return this.#classOf[job]!;
  }

  /** The first job of a class, or -1. */
  first(list: number): number {
    return this.#heads[list]!;
  }

  /** The job behind this one in its class, or -1. */
  after(job: number): number {
    return this.#next[job]!;
  }

  /** Adds a job at the end of its class, or at the front: a requeued job keeps its place. */
  add(job: number, front: boolean): void {
    const list = this.classOf(job);
    const other = front ? this.#heads[list]! : this.#tails[list]!;
    this.#next[job] = front ? other : -1;
    this.#before[job] = front ? -1 : other;
    if (other >= 0 && front) this.#before[other] = job;
    if (other >= 0 && !front) this.#next[other] = job;
    if (other < 0 || front) this.#heads[list] = job;
    if (other < 0 || !front) this.#tails[list] = job;
    this.length++;
  }

  remove(job: number): void {
    const list = this.classOf(job);
    const [before, next] = [this.#before[job]!, this.#next[job]!];
    if (before < 0) this.#heads[list] = next;
    else this.#next[before] = next;
    if (next < 0) this.#tails[list] = before;
    else this.#before[next] = before;
    this.length--;
  }
}
