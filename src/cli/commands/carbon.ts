/** `terrarium carbon`: operational and embodied carbon. */
import { Command } from "commander";
import { type CommonOptions, cells, print, wholeNumber, withCommonOptions } from "../output.ts";

interface TrainOptions extends CommonOptions {
  readonly accelerator: string;
  readonly count: number;
  readonly hours: string;
  readonly power?: string;
  readonly pue?: string;
  readonly region?: string;
  readonly intensity?: string;
}

export function carbonCommand(): Command {
  const command = new Command("carbon").description(
    "Carbon of AI work: from electricity and from making the hardware.",
  );
  command.addCommand(
    withCommonOptions(new Command("train"))
      .description("Energy and carbon of a training run, from its accelerators and hours.")
      .requiredOption("--accelerator <name>", "such as h100-sxm")
      .requiredOption("--count <number>", "accelerators", wholeNumber("--count", 1))
      .requiredOption("--hours <time>", "wall-clock time, such as 400 h or 21 days")
      .option(
        "--power <watts>",
        "mean power of an accelerator; the published range of training where left out",
      )
      .option("--pue <ratio>", "power usage effectiveness; that of a hyperscale site where left out")
      .option("--region <zone>", "grid zone or country, such as US-CAL-CISO or france")
      .option("--intensity <value>", "carbon intensity, such as 57 gCO2e/kWh, instead of a region's")
      .addHelpText(
        "after",
        `
  terrarium carbon train --accelerator a100-sxm-80 --count 2048 --hours "500 h" --power "400 W" --pue 1.1 --intensity 385
  terrarium carbon train --accelerator h100-sxm --count 512 --hours "21 days" --region FR

--power is what the accelerator and its share of the host draw together; without it the accelerator's own
draw is taken and the host's share added.`,
      )
      .action(trainAction),
  );
  return command;
}

async function trainAction(options: TrainOptions): Promise<void> {
  const [core, carbon, hardware, { quantityFlag }, view] = await Promise.all([
    import("../../core/index.ts"),
    import("../../carbon/index.ts"),
    import("../../hardware/index.ts"),
    import("../flags.ts"),
    import("../../view/index.ts"),
  ]);
  const { Estimate, exactly, formatEstimate } = core;
  const sampler = new core.Sampler(options.seed);
  const accelerator = hardware.accelerator(options.accelerator, { path: "--accelerator" });
  const grid =
    options.intensity === undefined
      ? carbon.gridIntensity(sampler, options.region, { place: { path: "--region" } })
      : undefined;
  const intensity = grid
    ? grid.intensity
    : Estimate.exact(quantityFlag("--intensity", options.intensity!, "gCO2e/kWh", { least: 0 }), "gCO2e/kWh");
  const given = options.power;
  const power =
    given === undefined
      ? hardware.averagePower(sampler, accelerator, "training", exactly(1))
      : Estimate.exact(quantityFlag("--power", given, "W", { least: 0 }), "W/accelerator");
  const run = carbon.runCarbon({
    accelerators: Estimate.exact(options.count, "accelerator"),
    wallClock: Estimate.exact(quantityFlag("--hours", options.hours, "h", { least: 0 }), "h"),
    power,
    hostFactor: given === undefined ? carbon.hostFactor(sampler) : exactly(1),
    pue:
      options.pue === undefined
        ? carbon.powerUsageEffectiveness(sampler, "hyperscale")
        : exactly(quantityFlag("--pue", options.pue, "1", { least: 1 })),
    intensity,
    embodied: carbon.acceleratorEmbodied(sampler, accelerator.name.split("-")[0]),
    lifetime: carbon.serverLifetime(sampler),
    utilisation: carbon.serverUtilisation(sampler),
  });
  const figures = {
    "power of an accelerator": power,
    "carbon intensity": intensity,
    energy: run.energy,
    "operational carbon": run.operational,
    "embodied carbon": run.embodied,
    "carbon in all": run.total,
  };
  const notes = [grid?.note].filter((note) => note !== undefined && note !== "");
  print(options, { figures, grid: grid && { ...grid, intensity: undefined }, notes }, () =>
    [
      view.terminalTable(
        ["figure", "median", "90 % interval", "basis"],
        Object.entries(figures).map(([name, estimate]) => [name, ...cells(estimate, formatEstimate)]),
      ),
      ...notes,
    ].join("\n"),
  );
}
