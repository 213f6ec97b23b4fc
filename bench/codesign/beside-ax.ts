/**
 * The joint search of CLIP-B/16 and its accelerator beside Ax (its default, noisy expected hypervolume improvement): the
 * same space, evaluator, objectives, reference, latency limit, count of initial trials and budget, over the same seeds.
 * Area and throughput, which we know before a trial, are outcome constraints to Ax, as in the original. A seed's results
 * are kept in the folder, so that a bench which was stopped goes on.
 *
 *   python3 -m venv .venv && .venv/bin/pip install -r bench/peers/requirements.txt
 *   npx tsx bench/codesign/beside-ax.ts [folder] [trials] [seeds] [python]
 */
import { spawn } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import {
  candidateMetrics,
  codesign,
  family,
  jointSpace,
  scenario,
  studyRequest,
} from "../../src/codesign/index.ts";
import { designFigure } from "../../src/hardware/index.ts";
import {
  hypervolume,
  isFeasible,
  lossesOf,
  type Point,
  paretoFront,
  referenceLosses,
} from "../../src/search/index.ts";

const [folder = "bench-ax", trialsText = "100", seeds = "3", python = ".venv/bin/python"] =
  process.argv.slice(2);
const trials = Number(trialsText);
/** What our Bayesian policy takes for these fourteen parameters. */
const INITIAL = 20;

const problem = {
  family: family("clip-b16"),
  objectives: ["quality", "carbon"] as const,
  scenario: scenario(),
  estimator: "published" as const,
  trials,
};

interface Run {
  readonly hypervolume: number;
  /** Processor time of the proposals. */
  readonly seconds: number;
}

async function ours(seed: number): Promise<Run> {
  const study = join(folder, `study-${seed}`);
  rmSync(study, { recursive: true, force: true });
  const started = process.cpuUsage();
  const result = await codesign(study, { ...problem, seed }, { clock: () => performance.now() });
  const { user, system } = process.cpuUsage(started);
  return { hypervolume: result.hypervolume.at(-1)!, seconds: (user + system) / 1e6 };
}

async function ax(seed: number): Promise<Run> {
  const space = jointSpace(problem.family);
  const metricsOf = candidateMetrics(problem);
  const { objectives, outcomeConstraints = [] } = studyRequest({ ...problem, seed }, space);
  const goal = { objectives, outcomeConstraints };
  const peer = spawn(python, [fileURLToPath(new URL("peer.py", import.meta.url))], {
    stdio: ["pipe", "pipe", "inherit"],
  });
  const send = (message: unknown) => peer.stdin.write(`${JSON.stringify(message)}\n`);
  send({
    seed,
    trials,
    initial: INITIAL,
    parameters: Object.fromEntries(
      Object.entries(space.parameters).map(([name, parameter]) => [
        name,
        parameter.kind === "ordered" ? parameter.values : [],
      ]),
    ),
    objective: "quality, -carbon",
    constraints: [
      `quality >= ${objectives[0]!.reference}`,
      `carbon <= ${objectives[1]!.reference}`,
      ...outcomeConstraints.map(({ metric, atMost }) => `${metric} <= ${atMost}`),
      `area <= ${designFigure("constraint", "area") * 100}`,
      `throughput <= ${designFigure("constraint", "throughput")}`,
    ],
  });
  const losses: number[][] = [];
  let seconds = 0;
  let told = 0;
  for await (const line of createInterface({ input: peer.stdout })) {
    const proposal = JSON.parse(line) as { candidate: Point; seconds: number };
    seconds += proposal.seconds;
    const { quality, carbon, latency, area, throughput } = metricsOf(proposal.candidate);
    const metrics = {
      quality: quality!,
      carbon: carbon!,
      latency: latency!,
      area: area!,
      throughput: throughput!,
    };
    if (isFeasible(goal, metrics) && !space.violated(proposal.candidate))
      losses.push([...lossesOf(goal, metrics)]);
    send(metrics);
    told++;
    if (told % 10 === 0)
      console.error(`  Ax, seed ${seed}: ${told} trials, ${seconds.toFixed(0)} s of processor time`);
  }
  if (told < trials) throw new Error(`Ax ended after ${told} trials`);
  const front = paretoFront(losses).map((i) => losses[i]!);
  return { hypervolume: hypervolume(front, referenceLosses(goal)!), seconds };
}

/** What a seed gave, done once. */
async function kept(who: string, seed: number, run: (seed: number) => Promise<Run>): Promise<Run> {
  const file = join(folder, `${who}-${trials}-${seed}.json`);
  if (!existsSync(file)) writeFileSync(file, JSON.stringify(await run(seed)));
  return JSON.parse(readFileSync(file, "utf8"));
}

async function main(): Promise<void> {
  mkdirSync(folder, { recursive: true });
  const ratios: number[] = [];
  for (let seed = 1; seed <= Number(seeds); seed++) {
    const us = await kept("terrarium", seed, ours);
    const them = await kept("ax", seed, ax);
    ratios.push(us.hypervolume / them.hypervolume);
    console.log(
      `seed ${seed}: hypervolume ${us.hypervolume.toFixed(5)}, Ax ${them.hypervolume.toFixed(5)}, ratio ${ratios.at(-1)!.toFixed(3)};`,
      `processor time ${us.seconds.toFixed(0)} s with evaluation, Ax ${them.seconds.toFixed(0)} s for proposals alone`,
    );
  }
  const mean = ratios.reduce((sum, ratio) => sum + ratio, 0) / ratios.length;
  console.log(`hypervolume over Ax's, mean of ${ratios.length} seeds: ${mean.toFixed(3)}`);
}

await main();
