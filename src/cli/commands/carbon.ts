/** `terrarium carbon`: operational and embodied carbon over the life of a model. */
import { join } from "node:path";
import { Command } from "commander";
import type { CarbonReport, Ledger, TrainingOptions } from "../../carbon/index.ts";
import { type CommonOptions, print, progressLine, withCommonOptions, writeFiles } from "../output.ts";

const load = async () => ({
  ...(await import("../../core/index.ts")),
  carbon: await import("../../carbon/index.ts"),
});

export function carbonCommand(): Command {
  const command = new Command("carbon").description(
    "Carbon of AI work: from electricity and from making the hardware.",
  );
  for (const verb of [train(), serve(), ledger(), embodied(), compare(), meter()]) command.addCommand(verb);
  return command;
}

/** Where and on what: flags that training and serving share. Every quantity may be a range, as in "350..420 W". */
function withSite(command: Command): Command {
  return withCommonOptions(command, { out: true })
    .option("--accelerator <name>", "such as h100-sxm: gives power and embodied carbon", "h100-sxm")
    .option(
      "--power <watts>",
      "mean power of an accelerator; the published range of the machine where left out",
    )
    .option("--host-factor <ratio>", "power of the whole server over that of its accelerators")
    .option("--pue <ratio>", "power usage effectiveness; that of a hyperscale site where left out")
    .option("--grid <zone>", "grid zone, country or intensity: US-CAL-CISO, FR, 57 gCO2e/kWh")
    .option("--market <intensity>", "intensity of the contracts in place, beside the grid's own")
    .option("--embodied <mass>", "embodied carbon of an accelerator and its share of the host")
    .option("--lifetime <time>", "how long the servers are used")
    .option("--utilisation <share>", "share of their life in which they work");
}

interface SiteFlags extends CommonOptions {
  readonly accelerator: string;
  readonly power?: string;
  readonly hostFactor?: string;
  readonly pue?: string;
  readonly grid?: string;
  readonly market?: string;
  readonly embodied?: string;
  readonly lifetime?: string;
  readonly utilisation?: string;
}

/** The flags as the carbon room takes them. Without a power, the accelerator's own range at this kind of work. */
async function site(flags: SiteFlags, program: "training" | "decoding") {
  const { Sampler, exactly } = await import("../../core/index.ts");
  const { accelerator, averagePower } = await import("../../hardware/index.ts");
  const machine = accelerator(flags.accelerator, { path: "--accelerator" });
  const draw = averagePower(new Sampler(flags.seed), machine, program, exactly(1)).interval("W/accelerator");
  const optional = {
    "host-factor": flags.hostFactor ?? (flags.power === undefined ? undefined : "1"),
    pue: flags.pue,
    grid: flags.grid,
    market: flags.market,
    embodied: flags.embodied,
    lifetime: flags.lifetime,
    utilisation: flags.utilisation,
  };
  return {
    kind: machine.name,
    power: flags.power ?? `${draw.low}..${draw.high} W`,
    ...Object.fromEntries(Object.entries(optional).filter(([, value]) => value !== undefined)),
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
  terrarium carbon train --accelerator a100-sxm-80 --count 2048 --time "499 h" --power "400 W" --pue 1.1 --grid "385 gCO2e/kWh"
  terrarium carbon train --count 512 --time "18..21 days" --grid FR --out carbon/run

--power is what the accelerator and its share of the host draw together; without it the accelerator's own draw
is taken and the host's share added.`,
    )
    .action(
      async (
        flags: SiteFlags & { count: string } & Pick<
            TrainingOptions,
            "time" | "parameters" | "tokens" | "peak" | "efficiency"
          >,
      ) => {
        const { carbon, Sampler } = await load();
        const { count: accelerators, time, parameters, tokens, peak, efficiency } = flags;
        const work = Object.fromEntries(
          Object.entries({ time, parameters, tokens, peak, efficiency }).filter(
            ([, value]) => value !== undefined,
          ),
        );
        const account = await carbon.trainingLedger(
          { accelerators, ...work, ...(await site(flags, "training")) },
          new Sampler(flags.seed),
        );
        await show(flags, carbon.ledgerReport(account), account);
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
        const account = await carbon.servingAccount(
          {
            ...(await site(flags, "decoding")),
            throughput: flags.throughput,
            ...(flags.tokensPerRequest === undefined ? {} : { "tokens-per-request": flags.tokensPerRequest }),
            ...(flags.requestsPerDay === undefined ? {} : { "requests-per-day": flags.requestsPerDay }),
          },
          new Sampler(flags.seed),
        );
        await show(flags, carbon.servingReport(account), account.ledger);
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
      const { carbon, Sampler } = await load();
      const account = await carbon.readLedger(file, new Sampler(options.seed), { progress: progressLine() });
      await show(options, carbon.ledgerReport(account), account);
    });
}

function embodied(): Command {
  return withCommonOptions(new Command("embodied"), { out: true })
    .description("Embodied carbon of a machine from its bill of materials: dies, memory, disks, boards.")
    .argument("<file>", "a bill of materials; see examples/carbon/dell-r740.yaml")
    .action(async (file: string, options: CommonOptions) => {
      const { carbon, Sampler } = await load();
      const bill = carbon.readBill(file, new Sampler(options.seed));
      await show(options, carbon.billReport(bill), undefined, bill);
    });
}

function compare(): Command {
  return withCommonOptions(new Command("compare"), { out: true })
    .description("Ledgers side by side, draw by draw: how much less, and how surely.")
    .argument("<files...>", "ledgers; the first is what the others are held against")
    .action(async (files: string[], options: CommonOptions) => {
      const { carbon, Sampler } = await load();
      const sampler = new Sampler(options.seed);
      const ledgers: Ledger[] = [];
      for (const file of files) ledgers.push(await carbon.readLedger(file, sampler));
      const comparisons = carbon.compareLedgers(ledgers as [Ledger, ...Ledger[]]);
      await show(options, carbon.comparisonReport("comparison", comparisons), undefined, comparisons);
    });
}

function meter(): Command {
  return withCommonOptions(new Command("meter"))
    .description("Run a command and measure what this machine can: RAPL counters, nvidia-smi.")
    .argument("<command...>", "the command to run, after --")
    .option("--grid <zone>", "where this machine stands, for its carbon")
    .option("--record <file>", "where the record is written, for a ledger to read", "carbon-meter.json")
    .addHelpText("after", "\n  terrarium carbon meter --grid FR -- node train.js")
    .action(async (words: string[], options: CommonOptions & { grid?: string; record: string }) => {
      const { carbon, Sampler } = await load();
      const { writeFileSync } = await import("node:fs");
      const record = await carbon.meterCommand(words, { now: () => Date.now() / 1000 });
      writeFileSync(options.record, `${JSON.stringify(record, null, 2)}\n`);
      const account = carbon.meterReport(record, new Sampler(options.seed), options.grid);
      const text = carbon.terminalReport(account);
      print(options, record, () => text);
      process.stderr.write(`record: ${options.record}\n`);
      process.exitCode = record.exitCode ?? 1;
    });
}

/** Prints an account; with --out writes its page, and the disclosure where it is a ledger. */
async function show(
  options: CommonOptions,
  account: CarbonReport,
  of?: Ledger,
  object: unknown = of,
): Promise<void> {
  const { carbon } = await load();
  const disclosure = of && carbon.disclosure(of);
  const text = carbon.terminalReport(account);
  print(options, disclosure ?? object, () => text);
  if (options.out === undefined) return;
  writeFiles(options.out, {
    "report.html": await carbon.htmlReport(account),
    ...(disclosure && { "disclosure.json": `${JSON.stringify(disclosure, null, 2)}\n` }),
  });
  process.stderr.write(`report: ${join(options.out, "report.html")}\n`);
}
