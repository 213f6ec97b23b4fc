/** `terrarium carbon`: operational and embodied carbon over the life of a model. */
import { join } from "node:path";
import { Command } from "commander";
import type { CarbonReport, Ledger, LedgerModel, TrainingOptions } from "../../carbon/index.ts";
import type { Sampler } from "../../core/index.ts";
import { type CommonOptions, print, progressLine, withCommonOptions, writeFiles } from "../output.ts";
import { intensity } from "./carbon-intensity.ts";
import { meter } from "./carbon-meter.ts";
import { refresh } from "./carbon-refresh.ts";

const load = async () => ({
  ...(await import("../../core/index.ts")),
  carbon: await import("../../carbon/index.ts"),
});

export function carbonCommand(): Command {
  const command = new Command("carbon").description(
    "Carbon of AI work: from electricity and from making the hardware.",
  );
  for (const verb of [train(), serve(), ledger(), embodied(), compare(), refresh(), intensity(), meter()])
    command.addCommand(verb);
  return command;
}

/** Where and on what: flags that training and serving share. Every quantity may be a range, as in "350..420 W". */
function withSite(command: Command): Command {
  return withCommonOptions(command, { out: true })
    .option("--accelerator <name>", "such as h100-sxm: gives power and embodied carbon", "h100-sxm")
    .option("--power <watts>", "mean draw of one; that of the accelerator at this work where left out")
    .option("--load <share>", "without --power: the share of the time in which kernels run")
    .option("--host-factor <ratio>", "power of the whole server over that of its accelerators")
    .option("--facility <kind>", "whose PUE to take: hyperscale, research-centre or average (the default)")
    .option("--pue <ratio>", "power usage effectiveness, instead of that of a kind of facility")
    .option("--grid <zone>", "grid zone, country or intensity: US-CAL-CISO, FR, 57 gCO2e/kWh")
    .option("--market <intensity>", "intensity of the contracts in place, beside the grid's own")
    .option("--embodied <mass>", "embodied carbon of an accelerator and its share of the host")
    .option("--lifetime <time>", "how long the servers are used")
    .option("--utilisation <share>", "share of their life in which they work");
}

interface SiteFlags extends CommonOptions {
  readonly accelerator: string;
  readonly power?: string;
  readonly load?: string;
  readonly hostFactor?: string;
  readonly facility?: "hyperscale" | "research-centre" | "average";
  readonly pue?: string;
  readonly grid?: string;
  readonly market?: string;
  readonly embodied?: string;
  readonly lifetime?: string;
  readonly utilisation?: string;
}

/** The flags as the carbon room takes them. */
function site(flags: SiteFlags) {
  return given({
    kind: flags.accelerator,
    power: flags.power,
    load: flags.load,
    "host-factor": flags.hostFactor,
    facility: flags.facility,
    pue: flags.pue,
    grid: flags.grid,
    market: flags.market,
    embodied: flags.embodied,
    lifetime: flags.lifetime,
    utilisation: flags.utilisation,
  });
}

/** Without what nobody gave. */
function given<T extends object>(flags: T): { [K in keyof T]: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(flags).filter(([, value]) => value !== undefined)) as {
    [K in keyof T]: Exclude<T[K], undefined>;
  };
}

function train(): Command {
  return withSite(new Command("train"))
    .description(
      "Energy and carbon of a training run, from its accelerators and hours or its size and tokens.",
    )
    .requiredOption("--count <number>", "accelerators")
    .option("--time <time>", "wall-clock time, such as 400 h or 21 days")
    .option("--parameters <number>", "with --tokens, --peak and --efficiency: works the time out as 6 N D")
    .option("--tokens <number>")
    .option("--peak <rate>", "of an accelerator, such as 989 TFLOP/s")
    .option("--efficiency <share>", "model FLOP utilisation")
    .addHelpText(
      "after",
      `
  terrarium carbon train --accelerator a100-sxm-80 --count 2048 --time "499 h" --power "400 W" --host-factor 1 --pue 1.1 --grid "385 gCO2e/kWh"
  terrarium carbon train --count 512 --time "18..21 days" --grid FR --out carbon/run

--out receives report.html and disclosure.json, which states every figure with its assumptions.`,
    )
    .action(
      async (
        flags: SiteFlags & { count: string } & Pick<
            TrainingOptions,
            "time" | "parameters" | "tokens" | "peak" | "efficiency"
          >,
      ) => {
        const { carbon } = await load();
        const { count: accelerators, time, parameters, tokens, peak, efficiency } = flags;
        const model = await carbon.trainingModel({
          accelerators,
          ...given({ time, parameters, tokens, peak, efficiency }),
          ...site(flags),
        });
        await showLedger(flags, model, carbon.trainingReport);
      },
    );
}

function serve(): Command {
  return withSite(new Command("serve"))
    .description("Carbon of a thousand tokens served, of a request, and of a year.")
    .requiredOption("--throughput <rate>", "tokens a second of one accelerator, such as 2000 token/s")
    .option("--tokens-per-request <number>", "prompt and answer, as the throughput counts them")
    .option("--requests-per-day <number>", "of the whole service")
    .addHelpText(
      "after",
      `
  terrarium carbon serve --throughput "2000 token/s" --tokens-per-request 1200 --requests-per-day 2M --grid US-CAL-CISO`,
    )
    .action(
      async (
        flags: SiteFlags & { throughput: string; tokensPerRequest?: string; requestsPerDay?: string },
      ) => {
        const { carbon, Sampler } = await load();
        const { throughput, tokensPerRequest, requestsPerDay } = flags;
        const model = await carbon.servingModel({
          ...site(flags),
          throughput,
          ...given({ "tokens-per-request": tokensPerRequest, "requests-per-day": requestsPerDay }),
        });
        const account = model(new Sampler(flags.seed));
        const figure = `carbon per ${account.ledger.functionalUnit!.name}`;
        const perUnit = (sampler: Sampler) => carbon.ledgerTotals(model(sampler).ledger).perUnit!;
        const moved = carbon.sensitivity(figure, perUnit, flags.seed);
        await show(flags, carbon.servingReport(account, moved), carbon.disclosure(account.ledger, moved));
      },
    );
}

function ledger(): Command {
  return withCommonOptions(new Command("ledger"), { out: true })
    .description("Add up a life cycle: every phase, operational and embodied, from a ledger in YAML.")
    .argument("<file>", "a ledger; see examples/carbon/")
    .addHelpText(
      "after",
      `
  terrarium carbon ledger examples/carbon/model.yaml --out carbon/model

--out receives report.html and disclosure.json, which states every figure with its assumptions.`,
    )
    .action(async (file: string, options: CommonOptions) => {
      const { carbon } = await load();
      await showLedger(options, await carbon.ledgerModel(file, {}, { progress: progressLine() }));
    });
}

function embodied(): Command {
  return withCommonOptions(new Command("embodied"), { out: true })
    .description(
      "Embodied carbon of an accelerator as published, or of a machine from its bill of materials.",
    )
    .argument("<what>", "a kind of accelerator, or a bill in YAML: dies, memory, disks, boards")
    .addHelpText(
      "after",
      `
  terrarium carbon embodied h100
  terrarium carbon embodied examples/carbon/dell-r740.yaml`,
    )
    .action(async (what: string, options: CommonOptions) => {
      const { carbon, Sampler } = await load();
      const sampler = new Sampler(options.seed);
      if (/\.(ya?ml|json)$/i.test(what)) {
        const bill = carbon.readBill(what, sampler);
        return show(options, carbon.billReport(bill), bill);
      }
      const footprint = carbon.acceleratorFootprint(sampler, what, { path: "<what>" });
      return show(options, carbon.footprintReport(footprint), footprint);
    });
}

function compare(): Command {
  return withCommonOptions(new Command("compare"), { out: true })
    .description("Ledgers side by side, draw by draw: how much less, and how surely.")
    .argument("<files...>", "ledgers; the first is what the others are held against")
    .option("--grids <zones>", "each ledger at each of these places instead of its own: PL,FR,SE-SE3")
    .addHelpText(
      "after",
      `
  terrarium carbon compare before.yaml after.yaml
  terrarium carbon compare examples/carbon/model.yaml --grids US-CAL-CISO,FR,PL

Entries with a grid of their own keep it.`,
    )
    .action(async (files: string[], options: CommonOptions & { grids?: string }) => {
      const { carbon, Sampler } = await load();
      const sampler = new Sampler(options.seed);
      const grids = options.grids?.split(",") ?? [undefined];
      // Here a place is a flag's mistake; in a ledger it would be said to stand in the file.
      for (const grid of grids) carbon.writtenGrid(grid, sampler, { place: { path: "--grids" }, source: "" });
      const ledgers: Ledger[] = [];
      for (const file of files) {
        for (const grid of grids) {
          const ledger = (await carbon.ledgerModel(file, { grid }))(sampler);
          ledgers.push(grid === undefined ? ledger : { ...ledger, name: `${ledger.name}, ${grid}` });
        }
      }
      const comparisons = carbon.compareLedgers(ledgers as [Ledger, ...Ledger[]]);
      await show(options, carbon.comparisonReport("comparison", comparisons), comparisons);
    });
}

/** Shows a ledger with what moves its total. */
async function showLedger(
  options: CommonOptions,
  model: LedgerModel,
  report?: typeof import("../../carbon/index.ts").ledgerReport,
): Promise<void> {
  const { carbon, Sampler } = await load();
  const ledger = model(new Sampler(options.seed));
  const total = (sampler: Sampler) => carbon.ledgerTotals(model(sampler)).total;
  const moved = carbon.sensitivity("total carbon", total, options.seed);
  await show(options, (report ?? carbon.ledgerReport)(ledger, moved), carbon.disclosure(ledger, moved));
}

/** Prints an account; with --out writes its page, and the disclosure where it is one. */
async function show(options: CommonOptions, account: CarbonReport, object: object): Promise<void> {
  const { carbon } = await load();
  const text = carbon.terminalReport(account);
  print(options, object, () => text);
  if (options.out === undefined) return;
  const isDisclosure = "format" in object;
  writeFiles(options.out, {
    "report.html": await carbon.htmlReport(account),
    ...(isDisclosure && { "disclosure.json": `${JSON.stringify(object, null, 2)}\n` }),
  });
  process.stderr.write(`report: ${join(options.out, "report.html")}\n`);
}
