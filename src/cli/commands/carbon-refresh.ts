/** `terrarium carbon refresh`: when newer hardware pays back the carbon of its making. */
import { Command } from "commander";
import type { RefreshOptions } from "../../carbon/index.ts";
import { type CommonOptions, print, withCommonOptions } from "../output.ts";

export function refresh(): Command {
  return withCommonOptions(new Command("refresh"))
    .description(
      "When a newer accelerator pays back its embodied carbon, how long to keep it, what idling costs.",
    )
    .requiredOption("--old <accelerator>", "in use, such as a100-sxm-80")
    .requiredOption("--new <accelerator>", "such as h100-sxm")
    .requiredOption("--speedup <ratio>", "work per time of the new one over the old one's, such as 2.2..3.1")
    .option("--age <time>", "of the old one", "3 years")
    .option("--grid <zone>", "grid zone, country or intensity")
    .option("--facility <kind>", "whose PUE to take: hyperscale, research-centre or average (the default)")
    .option("--pue <ratio>", "instead of that of a kind of facility")
    .option("--utilisation <share>", "share of time at work")
    .option("--lifetime <time>", "of the new one")
    .addHelpText(
      "after",
      `
  terrarium carbon refresh --old a100-sxm-80 --new h100-sxm --speedup 2.2..3.1 --grid US-CAL-CISO --utilisation 0.5`,
    )
    .action(async (flags: CommonOptions & RefreshOptions) => {
      const { Sampler } = await import("../../core/index.ts");
      const carbon = await import("../../carbon/index.ts");
      const { json: _, seed, ...options } = flags;
      const account = carbon.refreshAccount(options, new Sampler(seed));
      const text = carbon.terminalReport(carbon.refreshReport(account));
      print(flags, account, () => text);
    });
}
