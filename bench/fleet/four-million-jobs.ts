/**
 * The report of four million synthetic jobs with planted failure rates, lemons and a change point: its time and memory,
 * and whether the truths come back. With --duckdb, reading is compared with DuckDB's CSV reader on the same file.
 * Run: npx tsx bench/fleet/four-million-jobs.ts [jobs] [--duckdb]
 */
import { closeSync, mkdtempSync, openSync, rmSync, statSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Database, Sampler } from "../../src/core/index.ts";
import { readClusterLog, readSacct, reliabilityReport } from "../../src/fleet/index.ts";
import {
  SYNTHETIC_EVENTS_HEADER,
  SYNTHETIC_SACCT_HEADER,
  writeSyntheticLog,
} from "../../src/fleet/testing/synthetic.ts";

const jobs = Number(process.argv.slice(2).find((argument) => !argument.startsWith("--")) ?? 4_000_000);
const folder = mkdtempSync(join(tmpdir(), "fleet-bench-"));
const sacctFile = join(folder, "sacct.psv");
const eventsFile = join(folder, "events.psv");
const seconds = (since: number) => Number(((performance.now() - since) / 1000).toFixed(2));
/** Processor time of this process so far, which a busy machine does not stretch as it does the clock. */
const processorSeconds = () => {
  const { user, system } = process.cpuUsage();
  return Number(((user + system) / 1e6).toFixed(2));
};
const peakMebibytes = () => Math.round(process.resourceUsage().maxRSS / 1024);

try {
  const sacct = openSync(sacctFile, "w");
  const events = openSync(eventsFile, "w");
  writeSync(sacct, SYNTHETIC_SACCT_HEADER);
  writeSync(events, SYNTHETIC_EVENTS_HEADER);
  let began = performance.now();
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
  console.log(
    `wrote ${truth.attempts} attempts, ${(statSync(sacctFile).size / 1e9).toFixed(2)} GB, in ${seconds(began)} s`,
  );

  began = performance.now();
  const streamed = await readSacct(sacctFile, { visit: () => false });
  console.log(`streamed in ${seconds(began)} s, ${streamed.reading.kept} rows, peak ${peakMebibytes()} MiB`);

  began = performance.now();
  const processorBefore = processorSeconds();
  const log = await readClusterLog([sacctFile, eventsFile]);
  const read = seconds(began);
  const processorRead = processorSeconds() - processorBefore;
  const analysing = performance.now();
  const report = reliabilityReport(log, new Sampler(1));
  console.log(
    `report in ${seconds(began)} s (read ${read}, analyse ${seconds(analysing)}), peak ${peakMebibytes()} MiB`,
  );
  const processorAll = processorSeconds() - processorBefore;
  console.log(`processor time ${processorAll.toFixed(2)} s (read ${processorRead.toFixed(2)})`);

  const flagged = new Set(report.lemons.nodes.filter(({ flagged }) => flagged).map(({ node }) => node));
  const right = truth.lemons.filter((node) => flagged.has(node)).length;
  const { before, after, expectedBefore, expectedAfter } = truth.exposure;
  console.log(
    `lemons: precision ${(right / flagged.size).toFixed(3)}, recall ${(right / truth.lemons.length).toFixed(3)}`,
  );
  console.log(`failures: ${report.timeline!.failures.reduce((a, b) => a + b, 0)} of ${truth.nodeFailures}`);
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
  for (const { size, failures, measuredHours, projectedHours, diverges } of report.mttf) {
    console.log(
      `MTTF at ${size}: ${measuredHours.value.toFixed(1)} h [${measuredHours.low.toFixed(1)}, ${measuredHours.high.toFixed(1)}] from ${failures}, projected ${projectedHours.toFixed(1)}${diverges ? " diverges" : ""}`,
    );
  }
  console.log(
    `Weibull shape ${JSON.stringify(report.hazard.weibull!.shape)}, p ${report.hazard.weibull!.pExponential.toFixed(3)}`,
  );

  if (process.argv.includes("--duckdb")) {
    // The same rows through DuckDB's CSV reader into JavaScript, which is what the analyses would need.
    began = performance.now();
    const before = processorSeconds();
    const database = await Database.open({ memoryLimit: "2GB", threads: 2 });
    let rows = 0;
    const query = `select * from read_csv('${sacctFile}', delim='|', header=true, quote='')`;
    for await (const _ of database.stream(query)) rows++;
    console.log(
      `DuckDB delivers ${rows} rows in ${seconds(began)} s, processor time ${(processorSeconds() - before).toFixed(2)} s`,
    );
    database.close();
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}
