/**
 * A year of 2,000 nodes and a million jobs, simulated on one core.
 * Run: npx tsx bench/fleet/simulator.ts
 */
import { RandomStream } from "../../src/core/index.ts";
import { drawJobs, simulate } from "../../src/fleet/index.ts";

const DAY = 86_400;
const nodes = 2000;
// Sizes as on RSC-1: most jobs take one accelerator, most of the time goes to jobs of 256 and more.
const mix = [
  { accelerators: 1, weight: 450, meanWorkSeconds: 3 * 3600 },
  { accelerators: 8, weight: 460, meanWorkSeconds: 3 * 3600 },
  { accelerators: 64, weight: 60, meanWorkSeconds: 4 * 3600, priority: 1 },
  { accelerators: 256, weight: 18, meanWorkSeconds: 5 * 3600, priority: 1 },
  { accelerators: 1024, weight: 4, meanWorkSeconds: 8 * 3600, priority: 2 },
  { accelerators: 4096, weight: 0.6, meanWorkSeconds: 12 * 3600, priority: 2 },
];
const jobs = drawJobs(1_000_000, 365 * DAY, mix, new RandomStream(1).split("jobs"));
const demand = jobs.workSeconds.reduce((sum, seconds, i) => sum + seconds * jobs.accelerators[i]!, 0);

const began = performance.now();
const result = simulate(
  {
    nodes,
    failure: { kind: "exponential", meanSeconds: DAY / 0.0065 },
    repair: { kind: "lognormal", medianSeconds: 6 * 3600, sigma: 1 },
    domains: Array.from({ length: nodes / 20 }, (_, pod) => ({
      name: `pod ${pod}`,
      nodes: Array.from({ length: 20 }, (_, i) => pod * 20 + i),
      failure: { kind: "exponential", meanSeconds: 500 * DAY },
      repair: { kind: "exponential", meanSeconds: 3600 },
    })),
  },
  jobs,
  { preempt: true },
  { seed: 1 },
);
const seconds = (performance.now() - began) / 1000;
const { user, system } = process.cpuUsage();
console.log(
  JSON.stringify(
    {
      seconds,
      processorSeconds: (user + system) / 1e6,
      loadOffered: demand / (nodes * 8 * 365 * DAY),
      finished: result.finished,
      attempts: result.attempts,
      nodeFailures: result.nodeFailures,
      domainFailures: result.domainFailures,
      preemptions: result.preemptions,
      secondOrderPreemptions: result.secondOrderPreemptions,
      days: result.endSeconds / DAY,
      hours: result.hours,
      peakMebibytes: process.resourceUsage().maxRSS / 1024,
    },
    null,
    2,
  ),
);
