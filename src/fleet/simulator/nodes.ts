/**
 * The nodes of a simulated cluster and what is free on them. Jobs of up to one node take accelerators of the node that
 * they fill best; larger jobs take whole nodes. Every operation is constant time in the number of nodes.
 */
import type { RandomStream } from "../../core/index.ts";

export class NodePool {
  readonly count: number;
  readonly acceleratorsPerNode: number;
  /** Jobs on each node. */
  readonly jobsOn: number[][];
  readonly free: Int32Array;
  readonly up: Uint8Array;
  /** When the node will be empty by the limits of its jobs: never too early, which is what a reservation needs. */
  readonly busyUntil: Float64Array;
  freeAccelerators: number;
  readonly #stream: RandomStream;
  /** Nodes that are up, by how many of their accelerators are free. */
  readonly #byFree: Int32Array[];
  readonly #sizes: Int32Array;
  readonly #position: Int32Array;

  constructor(count: number, acceleratorsPerNode: number, stream: RandomStream) {
    this.count = count;
    this.acceleratorsPerNode = acceleratorsPerNode;
    this.#stream = stream;
    this.jobsOn = Array.from({ length: count }, () => []);
    this.free = new Int32Array(count).fill(acceleratorsPerNode);
    this.up = new Uint8Array(count).fill(1);
    this.busyUntil = new Float64Array(count);
    this.freeAccelerators = count * acceleratorsPerNode;
    this.#byFree = Array.from({ length: acceleratorsPerNode + 1 }, () => new Int32Array(count));
    this.#sizes = new Int32Array(acceleratorsPerNode + 1);
    this.#position = new Int32Array(count);
    for (let node = 0; node < count; node++) this.#list(node);
  }

  /** Whole nodes that a job needs; 0 where it shares a node. */
  wholeNodes(accelerators: number): number {
    return accelerators < this.acceleratorsPerNode ? 0 : Math.ceil(accelerators / this.acceleratorsPerNode);
  }

  /** Nodes that are up and empty. */
  get empty(): number {
    return this.#sizes[this.acceleratorsPerNode]!;
  }

  fits(accelerators: number): boolean {
    const whole = this.wholeNodes(accelerators);
    if (whole > 0) return this.empty >= whole;
    for (let free = accelerators; free <= this.acceleratorsPerNode; free++)
      if (this.#sizes[free]! > 0) return true;
    return false;
  }

  /** Places a job that fits, and returns its nodes. */
  allocate(job: number, accelerators: number, until: number): Int32Array {
    const whole = this.wholeNodes(accelerators);
    const nodes = new Int32Array(Math.max(1, whole));
    let list = this.acceleratorsPerNode;
    if (whole === 0) {
      // Best fit: the fullest node that still has room.
      list = accelerators;
      while (this.#sizes[list] === 0) list++;
    }
    const taken = whole === 0 ? accelerators : this.acceleratorsPerNode;
    for (let i = 0; i < nodes.length; i++) {
      const node = this.#byFree[list]![this.#stream.integer(0, this.#sizes[list]! - 1)]!;
      nodes[i] = node;
      this.#unlist(node);
      this.free[node]! -= taken;
      this.freeAccelerators -= taken;
      this.jobsOn[node]!.push(job);
      if (until > this.busyUntil[node]!) this.busyUntil[node] = until;
      this.#list(node);
    }
    return nodes;
  }

  release(job: number, nodes: Int32Array, accelerators: number): void {
    const returned = this.wholeNodes(accelerators) === 0 ? accelerators : this.acceleratorsPerNode;
    for (const node of nodes) {
      const jobs = this.jobsOn[node]!;
      jobs[jobs.indexOf(job)] = jobs.at(-1)!;
      jobs.pop();
      if (this.up[node]) this.#unlist(node);
      this.free[node]! += returned;
      if (jobs.length === 0) this.busyUntil[node] = 0;
      if (!this.up[node]) continue;
      this.freeAccelerators += returned;
      this.#list(node);
    }
  }

  /** Takes a node away; its jobs must have been released. */
  takeDown(node: number): void {
    this.#unlist(node);
    this.up[node] = 0;
    this.freeAccelerators -= this.free[node]!;
  }

  bringUp(node: number): void {
    this.up[node] = 1;
    this.freeAccelerators += this.free[node]!;
    this.#list(node);
  }

  /**
   * The earliest time by which `whole` nodes will be empty if every job runs to its limit; infinite where too few nodes
   * are up. Selection in linear time (Hoare).
   */
  emptyAt(whole: number, scratch: Float64Array): number {
    let length = 0;
    for (let node = 0; node < this.count; node++)
      if (this.up[node]) scratch[length++] = this.busyUntil[node]!;
    return length < whole ? Number.POSITIVE_INFINITY : select(scratch, length, whole - 1);
  }

  #list(node: number): void {
    const free = this.free[node]!;
    this.#position[node] = this.#sizes[free]!;
    this.#byFree[free]![this.#sizes[free]!++] = node;
  }

  #unlist(node: number): void {
    const free = this.free[node]!;
    const list = this.#byFree[free]!;
    const last = list[--this.#sizes[free]!]!;
    list[this.#position[node]!] = last;
    this.#position[last] = this.#position[node]!;
  }
}

/** The value of rank `k` (0-based) among the first `length` values, which are reordered. */
function select(values: Float64Array, length: number, k: number): number {
  let low = 0;
  let high = length - 1;
  while (low < high) {
    const pivot = values[(low + high) >> 1]!;
    let i = low;
    let j = high;
    while (i <= j) {
      while (values[i]! < pivot) i++;
      while (values[j]! > pivot) j--;
      if (i > j) break;
      const held = values[i]!;
      values[i++] = values[j]!;
      values[j--] = held;
    }
    if (k <= j) high = j;
    else if (k >= i) low = i;
    else return values[k]!;
  }
  return values[k]!;
}
