/** `terrarium compose`: search small hybrids, aggregate, extrapolate, check; and the oracle that policies are judged by. */
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { Command, Option } from "commander";
import { interruptible } from "../interruptible.ts";
import {
  type CommonOptions,
  print,
  progressLine,
  wholeNumber,
  withCommonOptions,
  writeFiles,
} from "../output.ts";

interface RunOptions extends Pick<CommonOptions, "json"> {
  readonly out: string;
  readonly workers: number;
}

interface ExtrapolateOptions extends Pick<CommonOptions, "json"> {
  readonly to?: string;
  readonly like: string;
  readonly by?: "stack" | "stretch";
}

export function composeCommand(): Command {
  const command = new Command("compose").description(
    "Search small hybrid architectures, aggregate what was found, and extrapolate it to a large one.",
  );
  command.addCommand(
    withCommonOptions(new Command("run"), { seed: false })
      .description("Search by a recipe, aggregate, extrapolate, and check against the alternating baseline.")
      .argument("<recipe>", "a recipe in YAML or JSON, such as examples/compose/recall.yaml")
      .option(
        "--out <folder>",
        "studies, composer.json and report.html; go on with what is there",
        "runs/compose",
      )
      .option(
        "--workers <count>",
        "processes of the check and of fresh seeds (default: one a core)",
        wholeNumber("--workers", 1),
        availableParallelism(),
      )
      .action(runAction),
  );
  command.addCommand(
    withCommonOptions(new Command("extrapolate"), { seed: false })
      .description("Deepen a small architecture to the size of a large one, at its widths.")
      .argument("<layers>", 'a layer string, such as "2A 4F"')
      .option("--to <size>", "non-embedding parameters, such as 1B; those of --like where left out")
      .option("--like <model>", "a published model whose widths to take", "llama-3.2-1b")
      .addOption(
        new Option(
          "--by <rule>",
          "stack for short strings and stretch from 16 layers on where left out",
        ).choices(["stack", "stretch"]),
      )
      .action(extrapolateAction),
  );
  command.addCommand(
    withCommonOptions(new Command("oracle"), { seed: false })
      .description(
        "Every string of a space with several seeds: seed noise, rank correlation, regret of policies.",
      )
      .argument(
        "[recipe]",
        "a recipe to measure by; without one, the packaged table of six layers is analysed",
      )
      .option("--out <folder>", "tables and oracle.html; go on with what is there", "runs/oracle")
      .option(
        "--workers <count>",
        "processes (default: one a core)",
        wholeNumber("--workers", 1),
        availableParallelism(),
      )
      .action(oracleAction),
  );
  return command;
}

async function runAction(path: string, options: RunOptions): Promise<void> {
  const compose = await import("../../compose/index.ts");
  const recipe = await compose.readComposeRecipe(path);
  const result = await interruptible(`terrarium compose run ${path} --out ${options.out}`, (signal) =>
    compose.compose(recipe, options.out, {
      clock: () => performance.now(),
      workers: options.workers,
      progress: progressLine(),
      signal,
    }),
  );
  if (!result) return;
  print(options, result, () => compose.terminalComposition(result));
  writeFiles(options.out, { "report.html": compose.composePage(result) });
  process.stderr.write(`\nreport: ${join(options.out, "report.html")}\n`);
}

async function extrapolateAction(layers: string, options: ExtrapolateOptions): Promise<void> {
  const [compose, flags] = await Promise.all([import("../../compose/index.ts"), import("../flags.ts")]);
  const to = options.to === undefined ? undefined : flags.quantityFlag("--to", options.to, "1");
  const result = compose.predictWritten(layers, { ...options, to });
  print(options, result, () => compose.terminalExtrapolation(result));
}

async function oracleAction(path: string | undefined, options: RunOptions): Promise<void> {
  const compose = await import("../../compose/index.ts");
  const recipe = path === undefined ? undefined : await compose.readComposeRecipe(path);
  const command = ["terrarium compose oracle", ...(path ? [path] : [])].join(" ");
  const analysis = await interruptible(`${command} --out ${options.out}`, async (signal) => {
    const supervision = { progress: progressLine(), signal };
    const table = recipe
      ? await compose.measureOracle(options.out, recipe, command, {
          clock: () => performance.now(),
          workers: options.workers,
          ...supervision,
        })
      : compose.packagedOracle();
    return await compose.analyseOracle(table, supervision);
  });
  if (!analysis) return;
  print(options, analysis, () => compose.terminalOracle(analysis));
  writeFiles(options.out, { "oracle.html": compose.oraclePage(analysis) });
  process.stderr.write(`\nreport: ${join(options.out, "oracle.html")}\n`);
}
