/** `terrarium fleet simulate`: a cluster in simulated time, under a policy that can be tried. */
import { Command } from "commander";
import type { JobMix, Lifetime, SchedulingPolicy, SimulatedJobs } from "../../fleet/index.ts";
import {
  type CommonOptions,
  FlagError,
  print,
  progressLine,
  wholeNumber,
  withCommonOptions,
} from "../output.ts";
import { type LogFlags, readLogsGiven, withReadingFlags } from "./fleet-logs.ts";

interface SimulateFlags extends CommonOptions, LogFlags {
  readonly nodes: number;
  readonly perNode: number;
  readonly rate?: string;
  readonly failure?: string;
  readonly repair: string;
  readonly lemons: number;
  readonly lemonFactor: string;
  readonly log: string[];
  readonly high?: string;
  readonly mix?: string;
  readonly load: string;
  readonly days: string;
  readonly interval: string;
  readonly write: string;
  readonly restart: string;
  readonly hold: string;
  readonly preempt?: boolean;
  readonly exempt: string;
  readonly backfill: number;
  readonly repeats: number;
}

export function simulateCommand(): Command {
  return withReadingFlags(withCommonOptions(new Command("simulate")))
    .description("Simulate a cluster: failures, queue, checkpoints, preemption; ETTR, goodput and waits.")
    .requiredOption("--nodes <count>", "nodes of the cluster", wholeNumber("--nodes", 1))
    .option("--per-node <count>", "accelerators of a node", wholeNumber("--per-node", 1), 8)
    .option("--rate <rate>", "failures of a node a day; else what published clusters and the log say")
    .option("--failure <distribution>", "of a node's time to failure, instead of a rate")
    .option("--repair <distribution>", "of the time to repair a node", "exponential:1 day")
    .option("--lemons <count>", "nodes that fail more often", wholeNumber("--lemons", 0), 0)
    .option("--lemon-factor <times>", "how many times as often", "10")
    .option(
      "--log <file...>",
      "run the jobs of these logs again, at the times at which they were submitted",
      [],
    )
    .option("--high <partition>", "jobs of this partition or QOS of the log go first")
    .option("--mix <kinds>", "jobs to draw instead: ACCELERATORS:MEAN WORK:WEIGHT[:PRIORITY], …")
    .option("--load <share>", "accelerator-hours that drawn jobs need, of all there are", "0.8")
    .option("--days <time>", "time in which drawn jobs arrive", "30 days")
    .option("--interval <time>", "between checkpoints", "60 min")
    .option("--write <time>", "time that writing a checkpoint holds training up", "0 s")
    .option("--restart <time>", "from the start of an attempt to its first new step", "5 min")
    .option("--hold <time>", "from an interruption until the job may queue again", "121 s")
    .option("--preempt", "jobs may preempt those of lower priority")
    .option("--exempt <time>", "a job cannot be preempted before it has run so long", "2 h")
    .option(
      "--backfill <count>",
      "jobs looked at behind the first that is blocked",
      wholeNumber("--backfill", 0),
      100,
    )
    .option(
      "--repeats <count>",
      "simulations, each with its own seed and rate",
      wholeNumber("--repeats", 1),
      10,
    )
    .addHelpText(
      "after",
      `
  terrarium fleet simulate --nodes 256 --rate 0.0065 --interval "30 min"
  terrarium fleet simulate --nodes 256 --mix "1024:2 days:1:10, 64:12 h:20, 8:4 h:100" --preempt
  terrarium fleet simulate --nodes 256 --failure "weibull:0.7:120 days" --repair "lognormal:1:8 h" --lemons 4
  terrarium fleet simulate --nodes 4 --log sacct.psv --high hi --preempt

Distributions: exponential:MEAN, weibull:SHAPE:SCALE, lognormal:SIGMA:MEDIAN, fixed:TIME, never.
Without --rate and --failure every repeat has its own rate, from the 5 % to the 95 % of what is known, so that
intervals hold what is not known of the rate beside chance. Without --mix: many jobs of one node, some of an
eighth of the cluster, few of half of it with a higher priority.`,
    )
    .action(simulateAction);
}

async function simulateAction(flags: SimulateFlags): Promise<void> {
  const [core, fleet, { quantityFlag }] = await Promise.all([
    import("../../core/index.ts"),
    import("../../fleet/index.ts"),
    import("../flags.ts"),
  ]);
  const seconds = (path: string, text: string, least = 0) => quantityFlag(path, text, "s", { least });
  const policy: SchedulingPolicy = {
    checkpointIntervalSeconds: seconds("--interval", flags.interval, 1),
    checkpointWriteSeconds: seconds("--write", flags.write),
    restartSeconds: seconds("--restart", flags.restart),
    requeueHoldSeconds: seconds("--hold", flags.hold),
    preempt: flags.preempt,
    preemptExemptSeconds: seconds("--exempt", flags.exempt),
    backfillDepth: flags.backfill,
  };
  const repair = lifetime("--repair", flags.repair, seconds);
  const failure = flags.failure === undefined ? undefined : lifetime("--failure", flags.failure, seconds);
  const given =
    flags.rate === undefined ? undefined : quantityFlag("--rate", flags.rate, "1/node/day", { least: 0 });
  const lemonFactor = quantityFlag("--lemon-factor", flags.lemonFactor, "1", { least: 1 });
  const arrivalSeconds = 86_400 * quantityFlag("--days", flags.days, "day", { least: 1 / 24 });
  const load = quantityFlag("--load", flags.load, "1", { least: 0.001 });
  const kinds = flags.mix === undefined ? defaultMix(flags) : mix(flags.mix, seconds);

  const log = await readLogsGiven(flags.log, flags);
  const replayed = log && replay(fleet, log, policy, flags.high);
  const evidence = log && fleet.clusterEvidence(log);
  const known = fleet.failureRate(new core.Sampler(flags.seed), evidence?.failures).rate;
  const jobsOf = (stream: InstanceType<typeof core.RandomStream>): SimulatedJobs =>
    replayed ?? fleet.drawJobs(jobCount(kinds, load, arrivalSeconds, flags), arrivalSeconds, kinds, stream);

  const seeds = new core.RandomStream(flags.seed).split("repeats");
  const progress = progressLine();
  const runs = Array.from({ length: flags.repeats }, (_, repeat) => {
    progress({ activity: "simulating", done: repeat, total: flags.repeats, unit: "clusters" });
    const stream = seeds.split(repeat);
    const perDay = given ?? known.quantile((repeat + 0.5) / flags.repeats, "1/node/day");
    const jobs = jobsOf(stream.split("jobs"));
    const result = fleet.simulate(
      {
        nodes: flags.nodes,
        acceleratorsPerNode: flags.perNode,
        failure: failure ?? lifetimeOfRate(perDay),
        repair,
        lemons: new Map(
          Array.from({ length: Math.min(flags.lemons, flags.nodes) }, (_, node) => [node, lemonFactor]),
        ),
      },
      jobs,
      policy,
      { seed: stream.integer(0, 2 ** 31 - 1), untilSeconds: latestEnd(jobs) },
    );
    return { jobs, result };
  });
  const summary = fleet.summariseSimulations(runs as [(typeof runs)[number], ...typeof runs]);
  const text = fleet.terminalText(fleet.simulationTables(summary), [
    `${flags.nodes} nodes of ${flags.perNode} accelerators, ${summary.jobs} jobs ${log ? "of the log" : "drawn"}.`,
  ]);
  print(flags, summary, () => text);
}

function replay(
  fleet: typeof import("../../fleet/index.ts"),
  log: import("../../fleet/index.ts").ClusterLog,
  policy: SchedulingPolicy,
  high: string | undefined,
): SimulatedJobs {
  const { attempts } = log;
  const runs = new fleet.Runs(attempts);
  const attributions = fleet.attributeFailures(attempts, new fleet.NodeSets(attempts), log);
  const isHigh = (row: number) =>
    [attempts.partition, attempts.qos].some((column) => attempts.texts.text(column[row]!) === high);
  if (high !== undefined && !Array.from({ length: attempts.length }, (_, row) => row).some(isHigh)) {
    throw new FlagError({ path: "--high" }, `"${high}"`, "a partition or QOS of the log");
  }
  const jobs = fleet.jobsOfLog(runs, {
    ...policy,
    hardwareFailure: attributions.isHardware,
    priority: (row) => Number(high !== undefined && isHigh(row)),
  });
  if (jobs.submitSeconds.length === 0) {
    throw new FlagError(
      { path: "--log" },
      "no job that did any work",
      "a log of jobs that ran for longer than --restart",
    );
  }
  return jobs;
}

/** Jobs that arrive later wait, and jobs that cannot finish would run for ever: long after the last arrival it ends. */
function latestEnd({ submitSeconds }: SimulatedJobs): number {
  const [first, last] = [submitSeconds[0]!, submitSeconds.at(-1)!];
  return last + Math.max(90 * 86_400, 3 * (last - first));
}

function lifetimeOfRate(perDay: number): Lifetime {
  return perDay > 0 ? { kind: "exponential", meanSeconds: 86_400 / perDay } : { kind: "never" };
}

function defaultMix({ nodes, perNode }: SimulateFlags): JobMix[] {
  const whole = (share: number) => Math.max(1, Math.floor(nodes * share)) * perNode;
  return [
    { accelerators: perNode, meanWorkSeconds: 4 * 3600, weight: 90, priority: 0 },
    { accelerators: whole(1 / 8), meanWorkSeconds: 12 * 3600, weight: 9, priority: 0 },
    { accelerators: whole(1 / 2), meanWorkSeconds: 24 * 3600, weight: 1, priority: 1 },
  ];
}

/** As many jobs as need the asked share of the cluster in the time in which they arrive. */
function jobCount(
  kinds: readonly JobMix[],
  load: number,
  arrivalSeconds: number,
  flags: SimulateFlags,
): number {
  const weight = kinds.reduce((sum, kind) => sum + kind.weight, 0);
  const mean =
    kinds.reduce((sum, kind) => sum + kind.weight * kind.accelerators * kind.meanWorkSeconds, 0) / weight;
  return Math.max(1, Math.round((load * flags.nodes * flags.perNode * arrivalSeconds) / mean));
}

type Seconds = (path: string, text: string, least?: number) => number;

function positive(path: string, text: string | undefined): number {
  const value = Number(text);
  if (text !== undefined && text.trim() !== "" && value > 0 && Number.isFinite(value)) return value;
  throw new FlagError({ path }, `"${text ?? ""}"`, "a number above 0");
}

function mix(text: string, seconds: Seconds): JobMix[] {
  return text.split(",").map((kind) => {
    const [accelerators, work, weight, priority = "0", ...rest] = kind.split(":").map((part) => part.trim());
    if (weight === undefined || rest.length > 0) {
      throw new FlagError(
        { path: "--mix" },
        `"${kind.trim()}"`,
        "ACCELERATORS:MEAN WORK:WEIGHT[:PRIORITY], such as 64:12 h:20",
      );
    }
    return {
      accelerators: wholeNumber("--mix", 1)(accelerators!),
      meanWorkSeconds: seconds("--mix", work!, 1),
      weight: positive("--mix", weight),
      priority: wholeNumber("--mix", 0)(priority),
    };
  });
}

function lifetime(path: string, text: string, seconds: Seconds): Lifetime {
  const [kind, ...parts] = text.split(":").map((part) => part.trim());
  const time = (index: number, least = 1) => seconds(path, parts[index] ?? "", least);
  const wanted = { exponential: 1, weibull: 2, lognormal: 2, fixed: 1, never: 0 }[kind!];
  if (parts.length === wanted) {
    switch (kind) {
      case "exponential":
        return { kind, meanSeconds: time(0) };
      case "weibull":
        return { kind, shape: positive(path, parts[0]), scaleSeconds: time(1) };
      case "lognormal":
        return { kind, sigma: positive(path, parts[0]), medianSeconds: time(1) };
      case "fixed":
        return { kind, seconds: time(0, 0) };
      case "never":
        return { kind };
    }
  }
  throw new FlagError(
    { path },
    `"${text}"`,
    "exponential:MEAN, weibull:SHAPE:SCALE, lognormal:SIGMA:MEDIAN, fixed:TIME or never",
  );
}
