/** `terrarium search`: look at studies on disk, also while another process works on them, and go on with them. */
import { Command } from "commander";
import { type CommonOptions, print, progressLine, withCommonOptions, writeFiles } from "../output.ts";

interface StatusOptions extends CommonOptions {
  readonly follow?: boolean;
}

export function searchCommand(): Command {
  const command = new Command("search").description(
    "Look at a study: how far it is, what it found, all its trials; and go on with it.",
  );
  command.addCommand(
    withCommonOptions(new Command("status"), { seed: false })
      .description("Trials by state, what was spent, time left, and the best that was found.")
      .argument("<study>", "the folder of a study")
      .option("--follow", "first follow the process that works on it, to its end or Ctrl-C")
      .action(statusAction),
  );
  command.addCommand(
    withCommonOptions(new Command("show"), { seed: false, out: true })
      .description(
        "What was found and which parts of a candidate matter, with a page of charts; or one trial, whole.",
      )
      .argument("<study>", "the folder of a study")
      .argument("[trial]", "the number of a trial")
      .action(showAction),
  );
  command.addCommand(
    new Command("resume")
      .description("Run the command again that worked on the study last: finished trials are not repeated.")
      .argument("<study>", "the folder of a study")
      .action(resumeAction),
  );
  command.addCommand(
    withCommonOptions(new Command("export"), { seed: false })
      .description("All trials, as CSV or with --json as JSON, on standard output.")
      .argument("<study>", "the folder of a study")
      .action(async (folder: string, options: CommonOptions) => {
        const { search, study } = await load(folder);
        print(options, search.trialRows(study.history), () => search.trialsCsv(study.history).trimEnd());
      }),
  );
  return command;
}

async function statusAction(folder: string, options: StatusOptions): Promise<void> {
  if (options.follow) {
    const { followStudy } = await import("../../search/index.ts");
    const stop = new AbortController();
    const onInterrupt = () => stop.abort();
    process.once("SIGINT", onInterrupt);
    await followStudy(folder, progressLine(), stop.signal);
    process.removeListener("SIGINT", onInterrupt);
  }
  const { core, search, study } = await load(folder);
  const status = search.status(study);
  const time = (seconds: number) => core.formatEstimate(core.Estimate.exact(seconds, "s")).text;
  print(options, { ...status, notices: study.notices }, () =>
    [
      `${status.domain}, policy ${status.policy}: ${counts(status.trials) || "no trials yet"}`,
      [
        `${time(status.elapsedSeconds)} of work`,
        `${time(status.spent.seconds)} of evaluation`,
        ...(status.secondsLeft
          ? [`about ${time(status.secondsLeft)} left of ${status.budget.trials} trials`]
          : []),
      ].join(", "),
      ...(status.hypervolume === undefined ? [] : [`hypervolume ${status.hypervolume.toPrecision(6)}`]),
      ...(status.best.length > 1
        ? [`${status.best.length} trials on the front: terrarium search show ${folder}`]
        : status.best.map(
            ({ trial, candidate, metrics }) =>
              `best, trial ${trial}: ${JSON.stringify(candidate)} ${JSON.stringify(metrics)}`,
          )),
      ...status.failures.map(({ reason, count }) => `${count} failed: ${reason}`),
      ...study.notices,
    ].join("\n"),
  );
}

async function showAction(folder: string, number: string | undefined, options: CommonOptions): Promise<void> {
  const { core, search, study } = await load(folder);
  if (number === undefined) {
    const found = search.summary(study);
    const table = search.bestTable(study.spec, found.status.best);
    const files = options.out
      ? writeFiles(options.out, { "report.html": await search.studyPage(study) })
      : [];
    print(options, found, () =>
      [
        `${found.status.domain}, policy ${found.status.policy}: ${counts(found.status.trials) || "no trials yet"}`,
        core.terminalTable(table.head, table.rows, { right: table.numeric }),
        ...found.importances.map(({ metric, parts, leaveOneOutRSquared }) =>
          core.terminalTable(
            ["part", `total effect on ${metric} (R² ${leaveOneOutRSquared.toFixed(2)})`],
            parts.map(({ part, totalEffect }) => [part, totalEffect.toFixed(2)]),
            { right: [1] },
          ),
        ),
        ...files.map((file) => `Written: ${file}`),
      ].join("\n\n"),
    );
    return;
  }
  const trial = search.trialRows(study.history).find((row) => String(row.trial) === number);
  if (!trial) {
    throw new core.InputError({
      place: { file: folder, path: "trial" },
      found: number,
      expected: `a trial of this study, 0 to ${study.history.trials.length - 1}`,
    });
  }
  print(options, trial, () =>
    Object.entries(trial)
      .map(
        ([name, value]) => `${name.padEnd(10)} ${typeof value === "string" ? value : JSON.stringify(value)}`,
      )
      .join("\n"),
  );
}

async function resumeAction(folder: string): Promise<void> {
  const { search, study } = await load(folder);
  process.exitCode = await search.resumeStudy(folder, study.spec, (line) =>
    process.stderr.write(`${line}\n`),
  );
}

function counts(trials: Readonly<Record<string, number>>): string {
  return Object.entries(trials)
    .filter(([, count]) => count > 0)
    .map(([state, count]) => `${count} ${state}`)
    .join(", ");
}

async function load(folder: string) {
  const [core, search] = await Promise.all([import("../../core/index.ts"), import("../../search/index.ts")]);
  return { core, search, study: search.readStudy(folder) };
}
