/**
 * Reads `slurmctld.log`, which alone knows two things: which job another was preempted for, and which node of a job
 * failed. Lines of every other kind are passed over.
 */
import type { Supervision } from "../../core/index.ts";
import type { NodeEvent } from "../events.ts";
import { expandNodeList } from "../nodelist.ts";
import { decode } from "../texts.ts";
import { forEachLine, type LogSource, sourceName } from "./lines.ts";
import { Reading, type ReadingOptions } from "./reading.ts";
import { TimeReader, WallClock } from "./times.ts";

export interface Preemption {
  readonly time: number;
  readonly victim: string;
  readonly instigator: string;
  readonly line: number;
}

export interface FailedNode {
  readonly time: number;
  readonly job: string;
  readonly node: string;
  readonly line: number;
}

export interface ControllerLog {
  readonly preemptions: Preemption[];
  readonly failedNodes: FailedNode[];
  /** Changes of nodes' states that the log tells of: set down, not responding, returned to service. */
  readonly events: NodeEvent[];
  readonly reading: Reading;
}

// An array task is written JobId=12_1(13): the number in brackets is the id that accounting uses.
const JOB = "JobId=(\\d+)(?:_\\d+\\((\\d+)\\))?";
const PREEMPTED = new RegExp(
  `preempted ${JOB} has been (?:requeued|killed|suspended|checkpointed)[^J]* (?:to reclaim resources )?for ${JOB}`,
);
const REQUEUED_FOR_NODE = new RegExp(`requeue job ${JOB} due to failure of node (\\S+)`);
const KILLED_ON_NODE = new RegExp(`Killing ${JOB} on failed node (\\S+)`);
const REASON = /update_node: node (\S+) reason set to: (.*)$/;
const STATE = /update_node: node (\S+) state set to (\S+)/;
const NOT_RESPONDING = /Nodes? (\S+) not responding, setting DOWN/;
const RETURNED = /[Nn]ode (\S+) returned to service/;

/** Reads the log of the controller, with times in local time as Slurm writes them by default. */
export async function readControllerLog(
  source: LogSource,
  options: ReadingOptions & Supervision & { timeZone?: string | undefined } = {},
): Promise<ControllerLog> {
  const file = sourceName(source);
  const reading = new Reading(file, options);
  const clock = new TimeReader(new WallClock(options.timeZone));
  const preemptions: Preemption[] = [];
  const failedNodes: FailedNode[] = [];
  const events: NodeEvent[] = [];
  const reasons = new Map<string, string>();
  const open = new Map<string, NodeEvent>();
  const down = (
    node: string,
    time: number,
    state: string,
    reason: string,
    notResponding: boolean,
    line: number,
  ) => {
    open.set(node, {
      kind: "state",
      node,
      start: time,
      end: Number.NaN,
      state,
      reason,
      notResponding,
      file,
      line,
    });
  };
  const up = (node: string, time: number) => {
    const event = open.get(node);
    if (!event) return;
    events.push({ ...event, end: time });
    open.delete(node);
  };

  reading.lines = await forEachLine(
    source,
    (bytes, start, end, line) => {
      if (end === start) return reading.pass("blank line");
      const text = decode(bytes, start, end);
      const stamp = /^\[([^\]]+)\] /.exec(text);
      const time = stamp ? clock.text(stamp[1]!) : Number.NaN;
      if (!stamp || !Number.isFinite(time)) {
        return reading.skip("no time at the start of the line", line, text, "[2026-11-22T20:05:26.466] ...");
      }
      const preempted = PREEMPTED.exec(text);
      const failed = REQUEUED_FOR_NODE.exec(text) ?? KILLED_ON_NODE.exec(text);
      const reason = REASON.exec(text);
      const state = STATE.exec(text);
      const silent = NOT_RESPONDING.exec(text);
      const returned = RETURNED.exec(text);
      if (preempted) {
        const [, victim, victimTask, instigator, instigatorTask] = preempted;
        preemptions.push({
          time,
          victim: victimTask ?? victim!,
          instigator: instigatorTask ?? instigator!,
          line,
        });
      } else if (failed) {
        failedNodes.push({ time, job: failed[2] ?? failed[1]!, node: failed[3]!, line });
      } else if (reason) {
        reasons.set(reason[1]!, reason[2]!);
      } else if (state && /^(DOWN|DRAIN|FAIL)/.test(state[2]!)) {
        down(state[1]!, time, state[2]!, reasons.get(state[1]!) ?? "", false, line);
      } else if (silent) {
        for (const node of expandNodeList(silent[1]!)) down(node, time, "DOWN", "Not responding", true, line);
      } else if (state || returned) {
        up((state ?? returned)![1]!, time);
      } else {
        return reading.pass("other messages");
      }
      reading.kept++;
    },
    (line) => reading.skip("the line is longer than 1 MiB", line, "", "a message"),
    options,
  );
  events.push(...open.values());
  events.sort((a, b) => a.start - b.start);
  return { preemptions, failedNodes, events, reading };
}
