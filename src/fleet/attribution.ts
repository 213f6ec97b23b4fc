/**
 * Which domain a failed attempt may be blamed on. Every signal on one of its nodes between ten minutes before its end
 * and five minutes after takes domains away; what is left is reported, and nothing is guessed.
 *
 * Source of the window and of what counts as a hardware failure: arXiv:2410.21680.
 */
import type { AttemptTable } from "./attempts.ts";
import { isOutage, type NodeEvent, type Signal } from "./events.ts";
import { groupBy } from "./group.ts";
import type { NodeSets } from "./nodelist.ts";
import type { FailedNode } from "./readers/slurmctld.ts";
import { STATE_CODE } from "./states.ts";
import {
  DOMAINS,
  type Domain,
  intersectDomains,
  type Symptom,
  symptomOfExit,
  taxonomy,
  xid,
} from "./taxonomy.ts";

export const BEFORE_END_SECONDS = 600;
export const AFTER_END_SECONDS = 300;

export interface Attribution {
  readonly row: number;
  /** What was seen, most telling first: the names of `data/taxonomy.csv`. */
  readonly symptoms: readonly string[];
  readonly signals: readonly Signal[];
  /** What remains possible; empty where the symptoms contradict each other, so that more than one thing happened. */
  readonly domains: readonly Domain[];
  /** Nodes that the logs name as failed, or that showed a critical signal; empty where nothing tells. */
  readonly culprits: readonly string[];
  /** Counts as a failure of the hardware or the system: NODE_FAIL, or FAILED with a critical signal that fits. */
  readonly hardware: boolean;
}

export interface AttributionSources {
  readonly signals: readonly Signal[];
  readonly events: readonly NodeEvent[];
  readonly failedNodes: readonly FailedNode[];
}

export class Attributions {
  /** Failed attempts about which something is known beyond their state; all NODE_FAIL among them. */
  readonly known: readonly Attribution[];
  /** FAILED or out-of-memory attempts without any signal: every domain remains possible for the former. */
  readonly withoutSignal: number;
  readonly #byRow: Map<number, Attribution>;
  /** 1 for each row that failed with its node or hardware: every analysis asks it of every row. */
  readonly #hardware: Uint8Array;

  constructor(known: readonly Attribution[], withoutSignal: number, rows: number) {
    this.known = known;
    this.withoutSignal = withoutSignal;
    this.#byRow = new Map(known.map((attribution) => [attribution.row, attribution]));
    this.#hardware = new Uint8Array(rows);
    for (const { row, hardware } of known) this.#hardware[row] = Number(hardware);
  }

  of(row: number): Attribution | undefined {
    return this.#byRow.get(row);
  }

  /** Whether the attempt ended NODE_FAIL, or FAILED because of the hardware. */
  readonly isHardware = (row: number): boolean => this.#hardware[row] === 1;
}

/** Attributes every FAILED, NODE_FAIL and OUT_OF_MEMORY attempt. */
export function attributeFailures(
  table: AttemptTable,
  nodes: NodeSets,
  sources: AttributionSources,
  {
    beforeEndSeconds = BEFORE_END_SECONDS,
    afterEndSeconds = AFTER_END_SECONDS,
  }: { beforeEndSeconds?: number | undefined; afterEndSeconds?: number | undefined } = {},
): Attributions {
  const signals = byNode(sources.signals, nodes, ({ time }) => time);
  const outages = byNode(sources.events.filter(isOutage), nodes, ({ start }) => start);
  const named = groupBy(sources.failedNodes, ({ job }) => job);
  const known: Attribution[] = [];
  let withoutSignal = 0;
  for (let row = 0; row < table.length; row++) {
    const state = table.state[row];
    const nodeFailed = state === STATE_CODE.NODE_FAIL;
    if (!nodeFailed && state !== STATE_CODE.FAILED && state !== STATE_CODE.OUT_OF_MEMORY) continue;
    const end = table.end[row]!;
    const from = Math.max(end - beforeEndSeconds, Number.isNaN(table.start[row]!) ? end : table.start[row]!);
    const to = end + afterEndSeconds;
    const own = nodes.of(row);
    const seen: Signal[] = [];
    for (const node of own) {
      for (const signal of within(signals[node], from, to)) seen.push(signal);
    }
    if (seen.length === 0 && !nodeFailed) {
      withoutSignal++;
      continue;
    }
    const down = new Set<number>();
    for (const node of nodeFailed ? own : []) {
      if (within(outages[node], from, to).length > 0) down.add(node);
    }
    seen.sort((a, b) => Number(b.critical) - Number(a.critical) || a.time - b.time);
    known.push({
      row,
      ...residual(table, row, seen),
      signals: seen,
      culprits: culprits(table, row, seen, down, named.get(table.jobText(table.job[row]!)), nodes),
    });
  }
  return new Attributions(known, withoutSignal, table.length);
}

function residual(
  table: AttemptTable,
  row: number,
  signals: readonly Signal[],
): { symptoms: string[]; domains: Domain[]; hardware: boolean } {
  const sets = signals.map(({ symptom, xid: code }) =>
    code === undefined ? (taxonomy().get(symptom)?.domains ?? DOMAINS) : xid(code).domains,
  );
  const symptoms = new Set(signals.map(({ symptom }) => symptom));
  const nodeFailed = table.state[row] === STATE_CODE.NODE_FAIL;
  const state = stateSymptom(table, row);
  if (!(nodeFailed && symptoms.size > 0)) symptoms.add(state.name);
  sets.push(state.domains);
  const domains = intersectDomains(sets);
  const critical = signals.some((signal) => signal.critical);
  // Two critical symptoms of different domains are two faults of the machine; one that only a user causes is not.
  const users = sets.some((set) => set.length === 1 && set[0] === "user program");
  return { symptoms: [...symptoms], domains, hardware: nodeFailed || (critical && !users) };
}

/** How an attempt ended is a symptom too; a lost heartbeat is what NODE_FAIL says where no event does. */
function stateSymptom(table: AttemptTable, row: number): Symptom {
  const state = table.state[row];
  if (state === STATE_CODE.OUT_OF_MEMORY) return taxonomy().get("Out of memory")!;
  if (state === STATE_CODE.NODE_FAIL) return taxonomy().get("Node heartbeat lost")!;
  return symptomOfExit(table.exitCode[row]!, table.signal[row]!);
}

/** Times of two logs of one failure differ by up to this much. */
const SAME_MOMENT_SECONDS = 60;

function culprits(
  table: AttemptTable,
  row: number,
  signals: readonly Signal[],
  down: ReadonlySet<number>,
  named: readonly FailedNode[] | undefined,
  nodes: NodeSets,
): string[] {
  const failedNode = table.texts.text(table.failedNode[row]!);
  if (failedNode !== "") return [failedNode];
  const told = named?.filter(({ time }) => Math.abs(time - table.end[row]!) <= SAME_MOMENT_SECONDS) ?? [];
  if (told.length > 0) return [...new Set(told.map(({ node }) => node))];
  const suspects = new Set([...down].map((node) => nodes.names[node]!));
  for (const { node, critical } of signals) if (critical) suspects.add(node);
  return [...suspects];
}

/** What happened to one node, in order of time. */
interface History<T> {
  readonly items: readonly T[];
  readonly times: Float64Array;
}

function byNode<T extends { readonly node: string }>(
  items: readonly T[],
  nodes: NodeSets,
  time: (item: T) => number,
): readonly (History<T> | undefined)[] {
  const histories: (History<T> | undefined)[] = [];
  for (const [node, list] of groupBy(items, ({ node: name }) => nodes.number(name))) {
    list.sort((a, b) => time(a) - time(b));
    histories[node] = { items: list, times: Float64Array.from(list, time) };
  }
  return histories;
}

/** What happened in [from, to]; mostly nothing. */
function within<T>(history: History<T> | undefined, from: number, to: number): readonly T[] {
  if (history === undefined) return NOTHING;
  const { items, times } = history;
  let low = 0;
  let high = times.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (times[middle]! < from) low = middle + 1;
    else high = middle;
  }
  let end = low;
  while (end < times.length && times[end]! <= to) end++;
  return end === low ? NOTHING : items.slice(low, end);
}

const NOTHING: readonly never[] = [];

export interface CauseShare {
  readonly symptom: string;
  readonly failures: number;
  /** Per million accelerator-hours of all attempts. */
  readonly perMillionAcceleratorHours: number;
}

/** Failures by each symptom seen; one failure counts under every symptom that it showed. */
export function failuresBySymptom(attributions: Attributions, acceleratorHours: number): CauseShare[] {
  const counts = new Map<string, number>();
  for (const { symptoms, hardware } of attributions.known) {
    if (!hardware) continue;
    for (const symptom of symptoms) {
      if (symptom !== "Job failed") counts.set(symptom, (counts.get(symptom) ?? 0) + 1);
    }
  }
  return [...counts]
    .map(([symptom, failures]) => ({
      symptom,
      failures,
      perMillionAcceleratorHours: (1e6 * failures) / acceleratorHours,
    }))
    .sort((a, b) => b.failures - a.failures);
}

export interface CoOccurrence {
  /** Failures that showed `of`. */
  readonly failures: number;
  /** Of these, how many also showed every one of `also`. */
  readonly together: number;
  readonly share: number;
}

/** How a signal is told apart in co-occurrences: a symptom, or an XID as `XID 79`. */
export type SignalLabel = string;

/**
 * Of the failures that showed `of`, the share that also showed all of `also` within the same window, as the paper
 * counts PCIe errors with XID 79 and with an IPMI critical interrupt.
 */
export function coOccurrence(
  attributions: Attributions,
  of: SignalLabel,
  also: readonly SignalLabel[],
): CoOccurrence {
  let failures = 0;
  let together = 0;
  for (const { signals } of attributions.known) {
    if (!signals.some((signal) => labelled(signal, of))) continue;
    failures++;
    if (also.every((label) => signals.some((signal) => labelled(signal, label)))) together++;
  }
  return { failures, together, share: failures === 0 ? Number.NaN : together / failures };
}

function labelled(signal: Signal, label: SignalLabel): boolean {
  const number = /^XID (\d+)$/.exec(label);
  if (number) return signal.xid === Number(number[1]);
  return signal.symptom === label || signal.detail.toLowerCase().includes(label.toLowerCase());
}
