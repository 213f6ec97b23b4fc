/** `terrarium fleet`: what failures cost a cluster. */
import { Command } from "commander";
import { collectCommand } from "./fleet-collect.ts";
import { lemonsCommand, mttfCommand, reportCommand } from "./fleet-report.ts";
import { ettrCommand, whatifCommand } from "./fleet-run.ts";
import { simulateCommand } from "./fleet-simulate.ts";

export function fleetCommand(): Command {
  const command = new Command("fleet")
    .description("What failures cost a cluster, from published rates or your logs.")
    .addHelpText(
      "after",
      `
Without a log, for a cluster that is only planned:
  terrarium fleet ettr --accelerators 16384
  terrarium fleet whatif --accelerators 16384 --write "2 min"
  terrarium fleet simulate --nodes 128

On a login node, and then wherever the files are:
  terrarium fleet collect --from now-90days --out logs
  terrarium fleet report logs/* --out reliability`,
    );
  for (const verb of [
    reportCommand(),
    mttfCommand(),
    ettrCommand(),
    lemonsCommand(),
    whatifCommand(),
    simulateCommand(),
    collectCommand(),
  ]) {
    command.addCommand(verb);
  }
  return command;
}
