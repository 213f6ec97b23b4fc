/** `terrarium fleet ettr` and `whatif`: one training run, on a cluster of published or measured reliability. */
import { Command } from "commander";
import type { RunEstimates } from "../../fleet/index.ts";
import { type CommonOptions, cells, print, wholeNumber, withCommonOptions } from "../output.ts";
import { LOGS_HELP, type LogFlags, readLogsGiven, withReadingFlags } from "./fleet-logs.ts";

interface RunFlags extends CommonOptions, LogFlags {
  readonly accelerators: number;
  readonly perNode: number;
  readonly log: string[];
  readonly rate?: string;
  readonly interval?: string;
  readonly write: string;
  readonly restart: string;
  readonly queue?: string;
  readonly productive: string;
}

/** A wait for nodes where nothing is measured: Slurm's hold-off of a requeued job. */
const QUEUE = "2 min";

function withRunFlags(command: Command): Command {
  return withReadingFlags(withCommonOptions(command))
    .requiredOption("--accelerators <count>", "accelerators of the job", wholeNumber("--accelerators", 1))
    .option("--per-node <count>", "accelerators of a node", wholeNumber("--per-node", 1), 8)
    .option("--log <file...>", "logs of the cluster, of any kind, to measure it by", [])
    .option(
      "--rate <rate>",
      "failures of a node a day, such as 0.0065, instead of a published or measured rate",
    )
    .option("--interval <time>", "checkpoint interval; the best one where left out")
    .option("--write <time>", "time that writing a checkpoint blocks", "30 s")
    .option("--restart <time>", "time from a failure to the first new step", "10 min")
    .option(
      "--queue <time>",
      `wait for nodes after a failure; ${QUEUE} where left out, weighed with the logs' mean`,
    )
    .option("--productive <time>", "time of the steps alone", "30 days");
}

export function ettrCommand(): Command {
  return withRunFlags(new Command("ettr"))
    .description(
      "Mean time to failure, the best checkpoint interval, and the share of time that makes progress.",
    )
    .addHelpText(
      "after",
      `
  terrarium fleet ettr --accelerators 16000 --rate 0.0065 --interval "60 min" --restart "5 min"
  terrarium fleet ettr --accelerators 512 --log sacct.psv sacctmgr-events.psv

ETTR is productive time over wall-clock time (arXiv:2410.21680). Logs are worth their node-days: the rates of
published clusters stand in for what short ones cannot say.
${LOGS_HELP}`,
    )
    .action(ettrAction);
}

async function ettrAction(flags: RunFlags): Promise<void> {
  const [{ formatEstimate, terminalTable }, fleet] = await Promise.all([
    import("../../core/index.ts"),
    import("../../fleet/index.ts"),
  ]);
  const { run, log, notes } = await plannedRun(flags, undefined);
  const expected = fleet.ettr(run);
  const figures = {
    nodes: run.nodes,
    "failure rate of a node": run.failureRate.shownIn("1/node/day"),
    "mean time to failure": fleet.mttf(run.failureRate, run.nodes),
    "checkpoint interval": run.checkpointInterval,
    ETTR: expected.ettr.shownIn("%"),
  };
  if (expected.warning !== undefined) notes.push(expected.warning);
  print(flags, { figures, log, notes }, () =>
    [
      terminalTable(
        ["figure", "median", "90 % interval", "basis"],
        Object.entries(figures).map(([name, estimate]) => [name, ...cells(estimate, formatEstimate)]),
      ),
      ...notes,
    ].join("\n"),
  );
}

interface WhatifFlags extends RunFlags {
  readonly failureFactor: string;
  readonly lemonShare: string;
  readonly restartFactor: string;
}

export function whatifCommand(): Command {
  return withRunFlags(new Command("whatif"))
    .description("What each mitigation would gain for a run, alone and all together.")
    .option("--failure-factor <share>", "failures left after repairs and better hardware", "0.5")
    .option("--lemon-share <share>", "share of failures that lemon nodes cause", "0.13")
    .option("--restart-factor <share>", "restart time left after the work on it", "0.5")
    .addHelpText(
      "after",
      `
  terrarium fleet whatif --accelerators 16384 --write "2 min" --interval "60 min"
  terrarium fleet whatif --accelerators 2048 --log sacct.psv --failure-factor 0.8

Each mitigation changes one quantity that ETTR depends on, priced by the exact renewal form. Without --interval
the run saves every hour, as arXiv:2410.21680 assumes, and the best interval is among the mitigations.`,
    )
    .action(async (flags: WhatifFlags) => {
      const fleet = await import("../../fleet/index.ts");
      const { quantityFlag } = await import("../flags.ts");
      const share = (path: string, text: string) => quantityFlag(path, text, "1", { least: 0, most: 1 });
      const options = {
        failureFactor: share("--failure-factor", flags.failureFactor),
        lemonShare: share("--lemon-share", flags.lemonShare),
        restartFactor: share("--restart-factor", flags.restartFactor),
      };
      const { run, log, notes } = await plannedRun(flags, fleet.assumedHabits().checkpointIntervalSeconds);
      const study = fleet.mitigationStudy(run, options);
      const text = fleet.terminalText([fleet.mitigationTable(study)], notes);
      print(flags, { ...study, log, notes }, () => text);
    });
}

/** The run that flags describe. Without an interval it takes `otherwiseSeconds`, or the best where that is undefined. */
async function plannedRun(
  flags: RunFlags,
  otherwiseSeconds: number | undefined,
): Promise<{ run: RunEstimates; log: object | undefined; notes: string[] }> {
  const [{ Estimate, formatNumber, Sampler }, fleet, { quantityFlag }] = await Promise.all([
    import("../../core/index.ts"),
    import("../../fleet/index.ts"),
    import("../flags.ts"),
  ]);
  const seconds = (path: string, text: string) =>
    Estimate.exact(quantityFlag(path, text, "s", { least: 0 }), "s");
  const sampler = new Sampler(flags.seed);
  const log = await readLogsGiven(flags.log, flags);
  const evidence = log && fleet.clusterEvidence(log);
  const rate =
    flags.rate === undefined
      ? fleet.failureRate(sampler, evidence?.failures)
      : {
          rate: Estimate.exact(quantityFlag("--rate", flags.rate, "1/node/day", { least: 0 }), "1/node/day"),
          own: undefined,
          disagreement: undefined,
        };
  const nodes = Estimate.exact(Math.ceil(flags.accelerators / flags.perNode), "node");
  const write = seconds("--write", flags.write);
  const otherwise =
    otherwiseSeconds ??
    fleet.optimalIntervalExact(rate.rate.value("1/node/s") * nodes.value(), write.value("s"));
  const interval =
    flags.interval === undefined ? otherwise : quantityFlag("--interval", flags.interval, "s", { least: 1 });
  const run = {
    failureRate: rate.rate,
    nodes,
    checkpointInterval: Estimate.exact(interval, "s"),
    restart: seconds("--restart", flags.restart),
    queue:
      flags.queue === undefined && evidence
        ? fleet.requeueWait(sampler, evidence, seconds("--queue", QUEUE))
        : seconds("--queue", flags.queue ?? QUEUE),
    checkpointWrite: write,
    productive: seconds("--productive", flags.productive),
  };
  const notes = [
    ...(log?.readings.flatMap((reading) => reading.sentences()) ?? []),
    log &&
      `attempts by state: ${Object.entries(log.attempts.byState())
        .map(([state, n]) => `${n} ${state}`)
        .join(", ")}`,
    rate.own &&
      `the log's own rate: ${formatNumber(rate.own.rate)} failures per 1000 node-days [${formatNumber(rate.own.low)}, ${formatNumber(rate.own.high)}]`,
    rate.disagreement,
  ].filter((note) => note !== undefined);
  return { run, log: log && { readings: log.readings, states: log.attempts.byState() }, notes };
}
