/** `terrarium carbon intensity`: what a grid emits, as bundled and, with a token, live. */
import { Command } from "commander";
import { type CommonOptions, FlagError, print, withCommonOptions } from "../output.ts";

interface Flags extends CommonOptions {
  readonly from?: string;
  readonly until?: string;
  readonly record?: string;
}

export function intensity(): Command {
  return withCommonOptions(new Command("intensity"))
    .description("Carbon intensity of a grid zone: the bundled yearly mean, or live from Electricity Maps.")
    .argument("<zone>", "such as FR or US-CAL-CISO")
    .option("--record <file>", "ask the service, and write its answer there for a ledger's series to read")
    .option("--from <moment>", "with --record: the first hour, such as 2026-03-01T00:00Z; else the last 24")
    .option("--until <moment>", "with --record: where the last hour ends")
    .addHelpText(
      "after",
      `
  terrarium carbon intensity US-CAL-CISO
  ELECTRICITY_MAPS_TOKEN=... terrarium carbon intensity FR --record fr.json --from 2026-03-01T00:00Z --until 2026-03-08T00:00Z`,
    )
    .action(async (zone: string, flags: Flags) => {
      const { Sampler } = await import("../../core/index.ts");
      const carbon = await import("../../carbon/index.ts");
      const { record } = flags;
      if (record === undefined && (flags.from ?? flags.until) !== undefined) {
        throw new FlagError({ path: "--record" }, "nothing", "a file for the answer about these hours");
      }
      if (record === undefined) {
        const known = carbon.gridIntensity(new Sampler(flags.seed), zone, { place: { path: "<zone>" } });
        const text = carbon.terminalReport(carbon.gridReport(known));
        print(flags, known, () => text);
        return;
      }
      const { writeFileSync } = await import("node:fs");
      const answer = await carbon.askElectricityMaps(zone, {
        token: carbon.electricityMapsToken(process.env),
        span: carbon.writtenSpan(flags.from, flags.until),
      });
      writeFileSync(record, `${JSON.stringify(answer, null, 2)}\n`);
      const series = carbon.readIntensitySeries(record);
      const text = carbon.terminalReport(carbon.seriesReport(series));
      print(flags, series, () => text);
      process.stderr.write(`record: ${record}\n`);
    });
}
