/** `terrarium search`: look at studies on disk, also while another process works on them. */
import { Command } from "commander";
import { print, withCommonOptions } from "../output.ts";

interface Options {
  readonly json?: boolean;
}

export function searchCommand(): Command {
  const command = new Command("search").description(
    "Look at a study: how far it is, what it found, all its trials.",
  );
  command.addCommand(
    withCommonOptions(new Command("status"), { seed: false })
      .description("Trials by state, what was spent, and the best that was found.")
      .argument("<study>", "the folder of a study")
      .action(async (folder: string, options: Options) => {
        const { search, study } = await load(folder);
        const status = search.status(study);
        print(options, { ...status, notices: study.notices }, () => {
          const trials = Object.entries(status.trials).filter(([, count]) => count > 0);
          return [
            `${status.domain}, policy ${status.policy}: ${trials.map(([state, count]) => `${count} ${state}`).join(", ") || "no trials yet"}`,
            ...(status.hypervolume === undefined ? [] : [`hypervolume ${status.hypervolume.toPrecision(6)}`]),
            ...status.best.map(
              ({ trial, candidate, metrics }) =>
                `trial ${trial}: ${JSON.stringify(candidate)} ${JSON.stringify(metrics)}`,
            ),
            ...status.failures.map(({ reason, count }) => `${count} failed: ${reason}`),
            ...study.notices,
          ].join("\n");
        });
      }),
  );
  command.addCommand(
    withCommonOptions(new Command("show"), { seed: false })
      .description("One trial, whole.")
      .argument("<study>", "the folder of a study")
      .argument("<trial>", "the number of a trial")
      .action(async (folder: string, number: string, options: Options) => {
        const { core, search, study } = await load(folder);
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
              ([name, value]) =>
                `${name.padEnd(10)} ${typeof value === "string" ? value : JSON.stringify(value)}`,
            )
            .join("\n"),
        );
      }),
  );
  command.addCommand(
    withCommonOptions(new Command("export"), { seed: false })
      .description("All trials, as CSV or with --json as JSON, on standard output.")
      .argument("<study>", "the folder of a study")
      .action(async (folder: string, options: Options) => {
        const { search, study } = await load(folder);
        print(options, search.trialRows(study.history), () => search.trialsCsv(study.history).trimEnd());
      }),
  );
  return command;
}

async function load(folder: string) {
  const [core, search] = await Promise.all([import("../../core/index.ts"), import("../../search/index.ts")]);
  return { core, search, study: search.readStudy(folder) };
}
