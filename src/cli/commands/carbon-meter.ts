/** `terrarium carbon meter`: measures a command, and stays out of its way. */
import { Command } from "commander";
import { type CommonOptions, FlagError, print, withCommonOptions } from "../output.ts";

export function meter(): Command {
  return withCommonOptions(new Command("meter"))
    .description("Run a command and measure what this machine can: RAPL counters, nvidia-smi.")
    .argument("<command...>", "the command to run, after --")
    .option("--grid <zone>", "where this machine stands, or an intensity: for its carbon")
    .option("--record <file>", "where the record is written, for a ledger to read", "carbon-meter.json")
    .addHelpText(
      "after",
      `
  terrarium carbon meter --grid FR -- node train.js > trained.txt

Standard output is the command's own, and the report goes to standard error. With --json standard output is the
record, and all that the command writes goes to standard error. The exit code is the command's.`,
    )
    .action(async (words: string[], options: CommonOptions & { grid?: string; record: string }) => {
      const { Sampler } = await import("../../core/index.ts");
      const carbon = await import("../../carbon/index.ts");
      const { accessSync, constants, existsSync, writeFileSync } = await import("node:fs");
      const { dirname } = await import("node:path");
      const sampler = new Sampler(options.seed);
      const grid = carbon.writtenGrid(options.grid, sampler, {
        place: { path: "--grid" },
        source: "command line",
      });
      // Before the command runs, which may take days: a record that cannot be written then is lost.
      try {
        accessSync(existsSync(options.record) ? options.record : dirname(options.record), constants.W_OK);
      } catch (error) {
        const { code } = error as NodeJS.ErrnoException;
        throw new FlagError(
          { path: "--record" },
          `"${options.record}", which cannot be written (${code})`,
          "a file in a folder that exists",
        );
      }
      // The terminal sends Ctrl-C to the command as well: it ends by it, and what was measured is kept.
      process.on("SIGINT", () => {});
      const stop = new AbortController();
      process.once("SIGTERM", () => stop.abort());
      const record = await carbon.meterCommand(words, {
        now: () => Date.now() / 1000,
        output: options.json ? "stderr" : "inherit",
        signal: stop.signal,
      });
      writeFileSync(options.record, `${JSON.stringify(record, null, 2)}\n`);
      if (options.json) print(options, record, () => "");
      else {
        const account = carbon.meterReport(record, sampler, grid);
        process.stderr.write(`${carbon.terminalReport(account)}\n`);
      }
      process.stderr.write(`record: ${options.record}\n`);
      process.exitCode = record.exitCode;
    });
}
