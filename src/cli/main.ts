#!/usr/bin/env node
/** The command line: one file a command, each loading its rooms only when it runs, so that help is immediate. */
import { readFileSync } from "node:fs";
import { Command, CommanderError } from "commander";
import { carbonCommand } from "./commands/carbon.ts";
import { codesignCommand } from "./commands/codesign.ts";
import { composeCommand } from "./commands/compose.ts";
import { doctorCommand } from "./commands/doctor.ts";
import { fleetCommand } from "./commands/fleet.ts";
import { labCommand } from "./commands/lab.ts";
import { modelCommand } from "./commands/model.ts";
import { planCommand } from "./commands/plan.ts";
import { searchCommand } from "./commands/search.ts";
import { report } from "./output.ts";

const { version } = JSON.parse(readFileSync(new URL("../../package.json", import.meta.url), "utf8")) as {
  version: string;
};

const program = new Command("terrarium")
  .description("Plan an AI model through its whole life: grow it small, know it large.")
  .version(version)
  .showHelpAfterError("(add --help for what this command takes)")
  .configureHelp({ showGlobalOptions: true, sortSubcommands: false })
  .addHelpText(
    "after",
    `
Start here:
  terrarium plan examples/hybrid-1b/brief.yaml --out plans/hybrid-1b
      reads a one-page brief, decides, and writes plan.json and report.html
  terrarium model describe "(SF)3 AF" --width 2048
      parameters, FLOPs and cache of an architecture
  terrarium doctor
      what this machine offers, and what each missing part would add

Every figure is printed as its median and 90 % interval, with how it is known:
given, measured, fitted, published or assumed. --json gives the full object.
Exit codes: 0 done, 1 failed, 2 the input was wrong.`,
  )
  .exitOverride();

for (const command of [
  planCommand(version),
  modelCommand(),
  labCommand(),
  composeCommand(),
  fleetCommand(),
  carbonCommand(),
  searchCommand(),
  codesignCommand(),
  doctorCommand(),
]) {
  program.addCommand(command);
}

const inheritSettings = (parent: Command): void => {
  for (const command of parent.commands) {
    command.copyInheritedSettings(parent).exitOverride();
    inheritSettings(command);
  }
};
inheritSettings(program);

try {
  await program.parseAsync();
} catch (error) {
  // Commander has printed its own message already; what is left is to say whose mistake it was.
  if (error instanceof CommanderError) process.exitCode = error.exitCode === 0 ? 0 : 2;
  else process.exitCode = report(error);
}
