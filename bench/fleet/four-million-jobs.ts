/**
 * The report of four million synthetic jobs with planted failure rates, lemons and a change point: its time and memory
 * beside a pandas script that makes the same groupings of the same file, and whether the truths come back.
 * Run: npm run build && npx tsx bench/fleet/four-million-jobs.ts [jobs] [--rounds N] [--python PYTHON]
 * PYTHON has pandas (bench/peers/requirements.txt); with pyarrow beside it, pandas reads with that. Default python3.
 */
import { execFileSync } from "node:child_process";
import { closeSync, mkdtempSync, openSync, rmSync, statSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import type { ReliabilityReport } from "../../src/fleet/index.ts";
import {
  SYNTHETIC_EVENTS_HEADER,
  SYNTHETIC_SACCT_HEADER,
  type SyntheticTruth,
  writeSyntheticLog,
} from "../../src/fleet/testing/synthetic.ts";

const { values, positionals } = parseArgs({
  options: { rounds: { type: "string", default: "3" }, python: { type: "string", default: "python3" } },
  allowPositionals: true,
});
const jobs = Number(positionals[0] ?? 4_000_000);
const here = fileURLToPath(new URL("./", import.meta.url));
const folder = mkdtempSync(join(tmpdir(), "fleet-bench-"));
const files = [join(folder, "sacct.psv"), join(folder, "events.psv")] as const;

/** What one program took, and what it found. */
interface Round<F> {
  readonly seconds: number;
  readonly processorSeconds: number;
  readonly peakMebibytes: number;
  readonly figures: F;
}

interface PeerFigures {
  readonly engine: string;
  readonly pandas: string;
  readonly attempts: number;
  readonly runs: number;
  readonly byState: Record<string, number>;
  readonly acceleratorHours: number;
  readonly firstOrderHours: number;
  readonly failuresBySize: Record<string, number>;
  readonly nodes: number;
}

function child<F>(program: string, ...words: string[]): Round<F> {
  return JSON.parse(execFileSync(program, [...words, ...files], { maxBuffer: 1 << 28, encoding: "utf8" }));
}

function writeLog(): SyntheticTruth {
  const [sacct, events] = files.map((file) => openSync(file, "w")) as [number, number];
  writeSync(sacct, SYNTHETIC_SACCT_HEADER);
  writeSync(events, SYNTHETIC_EVENTS_HEADER);
  const truth = writeSyntheticLog(
    {
      jobs,
      nodes: 2000,
      days: 330,
      rateBefore: 0.005,
      rateAfter: 0.01,
      stepDay: 200,
      lemons: 24,
      lemonFactor: 10,
      utilisation: 0.83,
      seed: 1,
    },
    (text) => writeSync(sacct, text),
    (text) => writeSync(events, text),
  );
  closeSync(sacct);
  closeSync(events);
  return truth;
}

const least = (rounds: readonly Round<unknown>[], of: "seconds" | "processorSeconds" | "peakMebibytes") =>
  Math.min(...rounds.map((round) => round[of]));
const describe = (name: string, rounds: readonly Round<unknown>[]) =>
  console.log(
    `${name}: ${least(rounds, "seconds").toFixed(1)} s, processor time ${least(rounds, "processorSeconds").toFixed(1)} s, peak ${Math.round(least(rounds, "peakMebibytes"))} MiB (best of ${rounds.length})`,
  );

function compareFigures(report: ReliabilityReport, peer: PeerFigures): void {
  const close = (a: number, b: number) => Math.abs(a / b - 1) < 1e-9;
  const same: Record<string, boolean> = {
    attempts: report.log.attempts === peer.attempts,
    runs: report.log.runs === peer.runs,
    nodes: report.log.nodes === peer.nodes,
    states: Object.entries(report.log.byState).every(([state, count]) => peer.byState[state] === count),
    "accelerator-hours": close(report.log.acceleratorHours, peer.acceleratorHours),
    "lost accelerator-hours": close(report.goodput.firstOrderHours, peer.firstOrderHours),
    "failures by size": report.mttf.every(({ size, failures }) => peer.failuresBySize[size] === failures),
  };
  const different = Object.keys(same).filter((name) => !same[name]);
  console.log(
    different.length === 0
      ? `both count the same: ${Object.keys(same).join(", ")}`
      : `DIFFERENT: ${different.join(", ")}`,
  );
}

function compareTruth(report: ReliabilityReport, truth: SyntheticTruth): void {
  const flagged = new Set(report.lemons.nodes.filter((lemon) => lemon.flagged).map(({ node }) => node));
  const right = truth.lemons.filter((node) => flagged.has(node)).length;
  console.log(
    `lemons: precision ${(right / flagged.size).toFixed(3)}, recall ${(right / truth.lemons.length).toFixed(3)}`,
  );
  const failures = report.mttf.reduce((sum, size) => sum + size.failures, 0);
  console.log(`failures: ${failures} of ${truth.nodeFailures}`);
  const { before, after, expectedBefore, expectedAfter } = truth.exposure;
  for (const [index, { rate }] of report.timeline!.segments.entries()) {
    const planted = (1000 * (index === 0 ? expectedBefore / before : expectedAfter / after)).toFixed(2);
    console.log(
      `segment ${index}: ${rate.rate.toFixed(2)} [${rate.low.toFixed(2)}, ${rate.high.toFixed(2)}], planted ${planted}`,
    );
  }
  for (const { time, low, high, ratio } of report.timeline!.changes) {
    const days = (t: number) => ((t - truth.stepTime) / 86_400).toFixed(1);
    console.log(
      `change ${days(time)} days from the planted one [${days(low)}, ${days(high)}], ratio ${ratio.toFixed(2)}`,
    );
  }
  for (const { size, failures: failed, measuredHours, projectedHours, diverges } of report.mttf) {
    console.log(
      `MTTF at ${size}: ${measuredHours.value.toFixed(1)} h [${measuredHours.low.toFixed(1)}, ${measuredHours.high.toFixed(1)}] from ${failed}, projected ${projectedHours.toFixed(1)}${diverges ? " diverges" : ""}`,
    );
  }
  const { shape, pExponential } = report.hazard.weibull!;
  console.log(
    `Weibull shape ${shape.value.toFixed(3)} [${shape.low.toFixed(3)}, ${shape.high.toFixed(3)}], planted 1; p ${pExponential.toFixed(3)}`,
  );
}

try {
  const truth = writeLog();
  console.log(`${truth.attempts} attempts, ${(statSync(files[0]).size / 1e9).toFixed(2)} GB`);
  const ours: Round<ReliabilityReport>[] = [];
  const theirs: Round<PeerFigures>[] = [];
  for (let round = 0; round < Number(values.rounds); round++) {
    ours.push(child(process.execPath, join(here, "report-once.mjs")));
    theirs.push(child(values.python, join(here, "peer.py")));
  }
  const { figures: report } = ours[0]!;
  const { figures: peer } = theirs[0]!;
  describe("report", ours);
  describe(`pandas ${peer.pandas}, read with ${peer.engine}`, theirs);
  const ratio = (of: "seconds" | "processorSeconds") => (least(theirs, of) / least(ours, of)).toFixed(1);
  console.log(
    `pandas takes ${ratio("seconds")} times as long, ${ratio("processorSeconds")} times the processor time`,
  );
  compareFigures(report, peer);
  compareTruth(report, truth);
} finally {
  rmSync(folder, { recursive: true, force: true });
}
