/**
 * A log of a cluster that never was, with planted truths: a failure rate that steps, nodes that fail more often, users
 * whose programs fail. What the analyses recover from it can be checked against what was planted.
 */
import { RandomStream } from "../../core/index.ts";

const DAY = 86_400;

export interface SyntheticCluster {
  readonly jobs: number;
  readonly nodes: number;
  readonly days: number;
  /** Failures per node-day before and after the step. */
  readonly rateBefore: number;
  readonly rateAfter: number;
  readonly stepDay: number;
  readonly lemons: number;
  /** How many times as often lemons fail. */
  readonly lemonFactor: number;
  /** Mean node-hours of a job are what the cluster has, times this. */
  readonly utilisation: number;
  readonly seed: number;
}

export interface SyntheticTruth {
  readonly lemons: readonly string[];
  readonly stepTime: number;
  attempts: number;
  nodeFailures: number;
  /** Node-days before and after the step, and the failures to be expected in them. */
  readonly exposure: { before: number; after: number; expectedBefore: number; expectedAfter: number };
}

const BEGIN = Date.UTC(2026, 0, 1) / 1000;
const SIZES: readonly { nodes: number; accelerators: number; weight: number }[] = [
  { nodes: 1, accelerators: 1, weight: 45 },
  { nodes: 1, accelerators: 8, weight: 45 },
  { nodes: 4, accelerators: 32, weight: 7 },
  { nodes: 16, accelerators: 128, weight: 2.5 },
  { nodes: 64, accelerators: 512, weight: 0.5 },
];
const TOTAL_WEIGHT = SIZES.reduce((sum, { weight }) => sum + weight, 0);

function pickSize(u: number): (typeof SIZES)[number] {
  let left = u * TOTAL_WEIGHT;
  for (const size of SIZES) {
    left -= size.weight;
    if (left < 0) return size;
  }
  return SIZES[0]!;
}

export const SYNTHETIC_SACCT_HEADER =
  "JobIDRaw|JobName|User|Partition|Submit|Eligible|Start|End|ElapsedRaw|AllocNodes|NodeList|AllocTRES|State|ExitCode\n";
export const SYNTHETIC_EVENTS_HEADER = "NodeName|TimeStart|TimeEnd|State|Reason|User\n";

/**
 * Writes the accounting log and the node events in pieces, and returns what was planted. Jobs run on rows of
 * neighbouring nodes; a job whose node fails is requeued under its id after two minutes.
 */
export function writeSyntheticLog(
  cluster: SyntheticCluster,
  sacct: (text: string) => void,
  events: (text: string) => void,
): SyntheticTruth {
  const stream = new RandomStream(cluster.seed);
  const factor = new Float64Array(cluster.nodes).fill(1);
  const order = stream.split("lemons").shuffle(Array.from({ length: cluster.nodes }, (_, node) => node));
  for (const node of order.slice(0, cluster.lemons)) factor[node] = cluster.lemonFactor;
  const summed = new Float64Array(cluster.nodes + 1);
  for (let node = 0; node < cluster.nodes; node++) summed[node + 1] = summed[node]! + factor[node]!;
  const name = (node: number) => `n${String(node).padStart(4, "0")}`;
  const stepTime = BEGIN + cluster.stepDay * DAY;
  const truth: SyntheticTruth = {
    lemons: order.slice(0, cluster.lemons).map(name).sort(),
    stepTime,
    attempts: 0,
    nodeFailures: 0,
    exposure: { before: 0, after: 0, expectedBefore: 0, expectedAfter: 0 },
  };
  const meanNodes = SIZES.reduce((sum, { nodes, weight }) => sum + nodes * weight, 0) / TOTAL_WEIGHT;
  const meanSeconds = (cluster.utilisation * cluster.nodes * cluster.days * DAY) / cluster.jobs / meanNodes;
  const draw = stream.split("jobs");
  const rows: string[] = [];
  const flush = () => sacct(rows.splice(0).join(""));

  for (let job = 1; job <= cluster.jobs; job++) {
    const size = pickSize(draw.uniform());
    const first = draw.integer(0, cluster.nodes - size.nodes);
    let submit = Math.floor(BEGIN + ((job - 1) / cluster.jobs) * cluster.days * DAY);
    let left = Math.max(1, draw.exponential(1 / meanSeconds));
    let eligible = submit;
    const list =
      size.nodes === 1 ? name(first) : `n[${name(first).slice(1)}-${name(first + size.nodes - 1).slice(1)}]`;
    const head = `${job}|train|user${job % 97}|${size.nodes > 4 ? "large" : "small"}|`;
    for (;;) {
      const start = eligible + Math.floor(draw.exponential(1 / 60));
      const weight = summed[first + size.nodes]! - summed[first]!;
      const [slow, fast] = [(cluster.rateBefore * weight) / DAY, (cluster.rateAfter * weight) / DAY];
      // The hazard steps within an attempt: a unit exponential is used up at one rate and then at the other.
      const untilStep = Math.max(0, stepTime - start);
      const hazard = draw.exponential(1);
      const untilFailure =
        hazard < slow * untilStep ? hazard / slow : untilStep + (hazard - slow * untilStep) / fast;
      const failed = untilFailure < left;
      const end = start + Math.ceil(Math.min(untilFailure, left));
      let state = "NODE_FAIL";
      if (!failed) {
        const chance = draw.uniform();
        state =
          chance < 0.24 ? "FAILED" : chance < 0.28 ? "CANCELLED" : chance < 0.286 ? "TIMEOUT" : "COMPLETED";
      }
      rows.push(
        `${head}${stamp(submit)}|${stamp(eligible)}|${stamp(start)}|${stamp(end)}|${end - start}|${size.nodes}|${list}|billing=1,cpu=8,gres/gpu=${size.accelerators},node=${size.nodes}|${state}|${state === "FAILED" ? "1:0" : "0:0"}\n`,
      );
      truth.attempts++;
      const before = Math.min(end - start, untilStep);
      const after = end - start - before;
      truth.exposure.before += (before * size.nodes) / DAY;
      truth.exposure.after += (after * size.nodes) / DAY;
      truth.exposure.expectedBefore += before * slow;
      truth.exposure.expectedAfter += after * fast;
      if (!failed) break;
      truth.nodeFailures++;
      let culprit = first;
      for (let v = draw.uniform() * weight - factor[first]!; v >= 0 && culprit < first + size.nodes - 1; ) {
        v -= factor[++culprit]!;
      }
      events(`${name(culprit)}|${stamp(end)}|${stamp(end + 3600)}|DOWN*|Not responding|root(0)\n`);
      left = Math.max(1, left - untilFailure);
      submit = end;
      eligible = end + 121;
    }
    if (rows.length >= 4096) flush();
  }
  flush();
  return truth;
}

let stampedDay = -1;
let dayText = "";

function stamp(seconds: number): string {
  const day = Math.floor(seconds / DAY);
  if (day !== stampedDay) {
    stampedDay = day;
    dayText = new Date(day * DAY * 1000).toISOString().slice(0, 11);
  }
  const rest = seconds - day * DAY;
  const two = (n: number) => (n < 10 ? `0${n}` : `${n}`);
  return `${dayText}${two(Math.floor(rest / 3600))}:${two(Math.floor((rest % 3600) / 60))}:${two(rest % 60)}`;
}
