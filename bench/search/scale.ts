/**
 * A study of 100,000 trials: how long its journal takes to replay, and each policy a proposal, at that size. The first
 * proposal after opening also folds the policy's view over the whole history; it is listed apart. Processor time.
 *
 *   node --import tsx bench/search/scale.ts [TRIALS]
 */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { RandomStream } from "../../src/core/index.ts";
import { createPolicy, readStudy, Space, type StudyEvent, spaceOperators } from "../../src/search/index.ts";
import { specOf } from "../../src/search/spec.ts";

const TRIALS = Number(process.argv[2] ?? 100_000);
const POLICIES = [
  { name: "random" },
  { name: "sobol" },
  { name: "greedy" },
  { name: "mcts" },
  { name: "evolutionary", islands: 4, individualsPerGeneration: 20 },
  { name: "ageing" },
  { name: "rank" },
  { name: "nsga2" },
  { name: "bayesian" },
  { name: "bayesian", noise: false },
];
const CASES = [
  ...POLICIES.map((policy) => ({ policy, metrics: ["loss"] })),
  ...POLICIES.filter(({ name }) => name === "nsga2" || name === "bayesian").map((policy) => ({
    policy,
    metrics: ["loss", "other"],
  })),
];
const space = new Space(
  Object.fromEntries(
    Array.from({ length: 14 }, (_, i) => [`p${i}`, { kind: "integer", low: 0, high: 7 }] as const),
  ),
);

const folder = mkdtempSync(join(tmpdir(), "terrarium-scale-"));
const rows: Record<string, unknown>[] = [];
for (const { policy, metrics } of CASES) {
  const objectives = metrics.map((metric) => ({ metric, direction: "minimise" as const }));
  const spec = specOf({ domain: "bench", space, objectives, policy, budget: {}, seed: 1 });
  writeFileSync(join(folder, "study.json"), JSON.stringify(spec));
  writeFileSync(join(folder, "journal.jsonl"), journal(policy.name));
  let started = processorMilliseconds();
  const { history } = readStudy(folder);
  const replay = processorMilliseconds() - started;
  const chosen = createPolicy(spec, space);
  started = processorMilliseconds();
  chosen.propose(history, new RandomStream(0));
  const first = processorMilliseconds() - started;
  const times: number[] = [];
  for (let i = 0; i < 20; i++) {
    const trial = history.trials.length;
    started = processorMilliseconds();
    const decision = chosen.propose(history, new RandomStream(trial));
    times.push(processorMilliseconds() - started);
    if (typeof decision === "string") break;
    history.apply({
      event: "ask",
      at: 0,
      trial,
      candidate: space.sample(new RandomStream(trial)),
      ...decision,
    });
    history.apply({ event: "tell", at: 0, trial, metrics: { loss: trial % 97, other: trial % 89 } });
  }
  times.sort((a, b) => a - b);
  rows.push({
    policy: "noise" in policy ? "bayesian, no noise" : policy.name,
    objectives: metrics.length,
    "replay s": (replay / 1000).toFixed(2),
    "first proposal ms": first.toFixed(1),
    "median proposal ms": times[10]!.toFixed(2),
    "slowest of 20 ms": times.at(-1)!.toFixed(2),
  });
}
console.table(rows);
rmSync(folder, { recursive: true });

function processorMilliseconds(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

/** A journal as the policy's kind of search leaves it: drafts, then children of earlier trials. */
function journal(policy: string): string {
  const random = new RandomStream(1);
  const lines: string[] = [];
  const operators = spaceOperators(space);
  const note = policy === "evolutionary" ? { island: 0, generation: 0 } : undefined;
  const sample = operators.draft!.apply;
  for (let trial = 0; trial < TRIALS; trial++) {
    const { candidate } = sample({ random } as never) as { candidate: unknown };
    // Five drafts, then a tree five wide, as tree search builds it.
    const draft = trial < 5;
    const events: StudyEvent[] = [
      {
        event: "ask",
        at: trial,
        trial,
        operator: draft ? "draft" : "improve",
        parents: draft ? [] : [Math.floor((trial - 5) / 5)],
        ...(note === undefined ? {} : { note: { ...note, island: trial % 4 } }),
      },
      { event: "make", at: trial, trial, candidate },
      { event: "start", at: trial, trial },
      {
        event: "tell",
        at: trial,
        trial,
        metrics: { loss: random.normal(), other: random.normal() },
        spent: { seconds: 1 },
      },
    ];
    for (const event of events) lines.push(JSON.stringify(event));
  }
  return `${lines.join("\n")}\n`;
}
