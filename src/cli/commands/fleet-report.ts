/** `terrarium fleet report`, `mttf` and `lemons`: what a cluster's logs say. */
import { join } from "node:path";
import { Command } from "commander";
import type { ReliabilityReport, ReportTable, RunIdentity } from "../../fleet/index.ts";
import {
  type CommonOptions,
  jsonText,
  print,
  progressLine,
  wholeNumber,
  withCommonOptions,
  writeFiles,
} from "../output.ts";
import { LOGS_HELP, type LogFlags, readLogs, runIdentity, withLogFlags } from "./fleet-logs.ts";

interface ReportFlags extends CommonOptions, LogFlags {
  readonly runsBy: RunIdentity;
  readonly nodes?: number;
  readonly perNode: number;
  readonly interval?: string;
  readonly write?: string;
  readonly restart?: string;
  readonly repair?: string;
  readonly productive?: string;
  readonly shortestRun?: string;
  readonly largerThan?: number;
  readonly falseDiscovery?: string;
}

function withReportFlags(command: Command, common: { out?: boolean } = {}): Command {
  return withCommonOptions(withLogFlags(command), common)
    .option("--runs-by <what>", "what joins attempts to a run: job, name, array, comment", runIdentity, {
      by: "job",
    })
    .option(
      "--nodes <count>",
      "nodes of the run to plan for; the largest of the log where left out",
      wholeNumber("--nodes", 1),
    )
    .option("--per-node <count>", "accelerators of a node", wholeNumber("--per-node", 1), 8)
    .option(
      "--larger-than <count>",
      "count failures only of jobs of more accelerators",
      wholeNumber("--larger-than", 0),
    );
}

export function reportCommand(): Command {
  return withReportFlags(new Command("report"), { out: true })
    .description(
      "The whole account of a cluster: rates, MTTF, ETTR, causes, lost work, lemons, what would help.",
    )
    .option("--interval <time>", "between checkpoints, which accounting does not see")
    .option("--write <time>", "time that writing a checkpoint holds training up")
    .option("--restart <time>", "from the start of an attempt to its first new step")
    .option("--repair <time>", "time that a failed node is away; the log's median where left out")
    .option("--productive <time>", "time of the planned run's steps alone", "30 days")
    .option("--shortest-run <time>", "measure ETTR of runs of at least this wall-clock time", "24 h")
    .addHelpText(
      "after",
      `
  terrarium fleet report sacct.psv --out reliability
  terrarium fleet report logs/* --time-zone Europe/Paris --interval "30 min" --out reliability
  terrarium fleet report examples/fleet/lab/sacct-duplicates.psv examples/fleet/lab/slurmctld.log --shortest-run "1 min"

--out receives report.html, which needs no network, and report.json.
${LOGS_HELP}`,
    )
    .action(async (files: string[], flags: ReportFlags) => {
      const report = await makeReport(files, flags);
      const fleet = await import("../../fleet/index.ts");
      const text = fleet.terminalText(fleet.reportTables(report), [
        `${fleet.scopeSentence(report)}.`,
        ...report.unknowable.map((sentence) => `Note: ${sentence}`),
      ]);
      print(flags, report, () => text);
      if (flags.out === undefined) return;
      writeFiles(flags.out, {
        "report.json": `${jsonText(report)}\n`,
        "report.html": await fleet.htmlReport(report),
      });
      process.stderr.write(
        `report: ${join(flags.out, "report.html")}\nfigures: ${join(flags.out, "report.json")}\n`,
      );
    });
}

export function mttfCommand(): Command {
  return withReportFlags(new Command("mttf"))
    .description("Mean time to failure by size of job, measured, beside 1/(N r_f).")
    .addHelpText(
      "after",
      `
  terrarium fleet mttf sacct.psv
  terrarium fleet mttf sacct.psv slurmctld.log --larger-than 128

Intervals are exact (gamma); without a failure only a lower bound is known. Where the projection lies outside
of the interval, failures are not in proportion to nodes.
${LOGS_HELP}`,
    )
    .action((files: string[], flags: ReportFlags) =>
      showPart(
        files,
        flags,
        ({ mttf, projections, failureRate }) => ({ mttf, projections, failureRate }),
        (fleet) => fleet.mttfTable,
      ),
    );
}

export function lemonsCommand(): Command {
  return withReportFlags(new Command("lemons"))
    .description("Nodes that fail more often than chance allows, with the evidence against each.")
    .option("--false-discovery <share>", "share of flagged nodes that may be innocent", "0.05")
    .addHelpText(
      "after",
      `
  terrarium fleet lemons sacct.psv sacctmgr-events.psv kern.log
  terrarium fleet lemons logs/* --false-discovery 0.01

A node that runs large jobs all day meets more failures without being bad: p allows for its exposure, q for the
number of nodes that were looked at. The other signals are those of arXiv:2410.21680.
${LOGS_HELP}`,
    )
    .action((files: string[], flags: ReportFlags) =>
      showPart(
        files,
        flags,
        ({ lemons }) => lemons,
        (fleet) => fleet.lemonTable,
      ),
    );
}

/** Prints one part of the account. */
async function showPart(
  files: readonly string[],
  flags: ReportFlags,
  part: (report: ReliabilityReport) => object,
  table: (fleet: typeof import("../../fleet/index.ts")) => (report: ReliabilityReport) => ReportTable,
): Promise<void> {
  const report = await makeReport(files, flags);
  const fleet = await import("../../fleet/index.ts");
  const text = fleet.terminalText([table(fleet)(report)], [`${fleet.scopeSentence(report)}.`]);
  print(flags, part(report), () => text);
}

async function makeReport(files: readonly string[], flags: ReportFlags): Promise<ReliabilityReport> {
  const [{ Sampler }, fleet, { quantityFlag }] = await Promise.all([
    import("../../core/index.ts"),
    import("../../fleet/index.ts"),
    import("../flags.ts"),
  ]);
  const seconds = (path: string, text: string | undefined, least = 0) =>
    text === undefined ? undefined : quantityFlag(path, text, "s", { least });
  const options = {
    identity: flags.runsBy,
    nodes: flags.nodes,
    acceleratorsPerNode: flags.perNode,
    moreAcceleratorsThan: flags.largerThan,
    checkpointIntervalSeconds: seconds("--interval", flags.interval, 1),
    checkpointWriteSeconds: seconds("--write", flags.write),
    restartSeconds: seconds("--restart", flags.restart),
    repairSeconds: seconds("--repair", flags.repair),
    productiveSeconds: seconds("--productive", flags.productive, 1),
    shortestRunSeconds: seconds("--shortest-run", flags.shortestRun),
    lemons:
      flags.falseDiscovery === undefined
        ? undefined
        : {
            falseDiscoveryRate: quantityFlag("--false-discovery", flags.falseDiscovery, "1", {
              least: 0,
              most: 1,
            }),
          },
  };
  const log = await readLogs(files, flags);
  return fleet.reliabilityReport(log, new Sampler(flags.seed), { ...options, progress: progressLine() });
}
