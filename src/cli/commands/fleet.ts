/** `terrarium fleet`: what failures cost a cluster. */
import { Command } from "commander";
import { type CommonOptions, cells, print, progressLine, wholeNumber, withCommonOptions } from "../output.ts";

interface EttrOptions extends CommonOptions {
  readonly accelerators: number;
  readonly perNode: number;
  readonly log?: string;
  readonly rate?: string;
  readonly interval?: string;
  readonly write: string;
  readonly restart: string;
  readonly queue: string;
  readonly productive: string;
}

export function fleetCommand(): Command {
  const command = new Command("fleet").description(
    "What failures cost a cluster, from published rates or your logs.",
  );
  command.addCommand(
    withCommonOptions(new Command("ettr"))
      .description(
        "Mean time to failure, the best checkpoint interval, and the share of time that makes progress.",
      )
      .requiredOption("--accelerators <count>", "accelerators of the job", wholeNumber("--accelerators", 1))
      .option("--per-node <count>", "accelerators of a node", wholeNumber("--per-node", 1), 8)
      .option("--log <file>", "output of sacct --parsable2 to measure the failure rate from")
      .option(
        "--rate <rate>",
        "failures of a node a day, such as 0.0065, instead of a published or measured rate",
      )
      .option("--interval <time>", "checkpoint interval; the best one where left out")
      .option("--write <time>", "time that writing a checkpoint blocks", "30 s")
      .option("--restart <time>", "time from a failure to the first new step", "10 min")
      .option("--queue <time>", "wait for nodes after a failure", "2 min")
      .option("--productive <time>", "time of the steps alone", "30 days")
      .addHelpText(
        "after",
        `
  terrarium fleet ettr --accelerators 16000 --rate 0.0065 --interval "60 min" --restart "5 min"
  terrarium fleet ettr --accelerators 512 --log sacct.psv

ETTR is productive time over wall-clock time (arXiv:2410.21680). A log is worth its node-days: the rates
of published clusters stand in for what a short log cannot say. The best log is
  sacct -a -X -D --parsable2 -S START -E END --format=JobIDRaw,JobID,State,ExitCode,Submit,Eligible,Start,End,ElapsedRaw,AllocNodes,NodeList,AllocTRES`,
      )
      .action(ettrAction),
  );
  return command;
}

async function ettrAction(options: EttrOptions): Promise<void> {
  const [core, fleet, { quantityFlag }] = await Promise.all([
    import("../../core/index.ts"),
    import("../../fleet/index.ts"),
    import("../flags.ts"),
  ]);
  const { Estimate, formatEstimate, formatNumber } = core;
  const seconds = (path: string, text: string) =>
    Estimate.exact(quantityFlag(path, text, "s", { least: 0 }), "s");
  const log =
    options.log === undefined ? undefined : await fleet.readSacct(options.log, { progress: progressLine() });
  const rate =
    options.rate === undefined
      ? fleet.failureRate(new core.Sampler(options.seed), log && fleet.nodeFailures(log.attempts))
      : {
          rate: Estimate.exact(
            quantityFlag("--rate", options.rate, "1/node/day", { least: 0 }),
            "1/node/day",
          ),
          own: undefined,
          disagreement: undefined,
        };
  const nodes = Estimate.exact(Math.ceil(options.accelerators / options.perNode), "node");
  const write = seconds("--write", options.write);
  const interval =
    options.interval === undefined
      ? Estimate.exact(
          fleet.optimalIntervalExact(rate.rate.value("1/node/s") * nodes.value(), write.value("s")),
          "s",
        )
      : Estimate.exact(quantityFlag("--interval", options.interval, "s", { least: 1 }), "s");
  const expected = fleet.ettr({
    failureRate: rate.rate,
    nodes,
    checkpointInterval: interval,
    restart: seconds("--restart", options.restart),
    queue: seconds("--queue", options.queue),
    checkpointWrite: write,
    productive: seconds("--productive", options.productive),
  });
  const figures = {
    nodes,
    "failure rate of a node": rate.rate.shownIn("1/node/day"),
    "mean time to failure": fleet.mttf(rate.rate, nodes),
    "checkpoint interval": interval,
    ETTR: expected.ettr.shownIn("%"),
  };
  const notes = [
    ...(log?.reading.sentences() ?? []),
    log &&
      `attempts by state: ${Object.entries(log.attempts.byState())
        .map(([state, n]) => `${n} ${state}`)
        .join(", ")}`,
    rate.own &&
      `the log's own rate: ${formatNumber(rate.own.rate)} failures per 1000 node-days [${formatNumber(rate.own.low)}, ${formatNumber(rate.own.high)}]`,
    rate.disagreement,
    expected.warning,
  ].filter((note) => note !== undefined);
  print(
    options,
    { figures, log: log && { reading: log.reading, states: log.attempts.byState() }, notes },
    () =>
      [
        core.terminalTable(
          ["figure", "median", "90 % interval", "basis"],
          Object.entries(figures).map(([name, estimate]) => [name, ...cells(estimate, formatEstimate)]),
        ),
        ...notes,
      ].join("\n"),
  );
}
