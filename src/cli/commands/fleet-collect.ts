/** `terrarium fleet collect`: the logs of the Slurm cluster that this machine belongs to. */
import { Command } from "commander";
import { type CommonOptions, print, progressLine, withCommonOptions } from "../output.ts";

export function collectCommand(): Command {
  return withCommonOptions(new Command("collect"), { seed: false })
    .description("Take the logs of the Slurm cluster that this machine belongs to. Only reads.")
    .requiredOption("--out <folder>", "where the files are written")
    .option("--from <time>", "as sacct's --starttime takes it", "now-30days")
    .option("--to <time>", "as sacct's --endtime takes it", "now")
    .addHelpText(
      "after",
      `
  terrarium fleet collect --from now-90days --out logs
  terrarium fleet collect --from 2026-01-01 --to 2026-07-01 --out logs/spring

Runs sacct, sacctmgr show event, sinfo and scontrol show jobs once each, and writes what they print. Accounting is
asked once and in one piece, since Slurm's manual warns against asking it in a loop. Only your own jobs are in it
where accounting is private; ask an operator then. Add slurmctld.log and kernel logs by hand if you can read them.`,
    )
    .action(async (flags: CommonOptions & { out: string; from: string; to: string }) => {
      const { collectSlurm } = await import("../../fleet/index.ts");
      const collected = await collectSlurm({
        into: flags.out,
        from: flags.from,
        to: flags.to,
        progress: progressLine(),
      });
      print(flags, collected, () =>
        [
          ...collected.files,
          ...collected.missing.map(({ command, complaint }) => `not to be had: ${command}: ${complaint}`),
        ].join("\n"),
      );
      process.stderr.write(`next: terrarium fleet report ${collected.files.join(" ")} --out reliability\n`);
    });
}
