/** `terrarium model`: what an architecture is and what it costs, without running it. */
import { Command } from "commander";
import { print, wholeNumber, withCommonOptions } from "../output.ts";

interface ModelOptions {
  readonly json?: boolean;
  readonly width?: number;
  readonly size?: string;
  readonly context: string;
}

export function modelCommand(): Command {
  const command = new Command("model").description("Describe an architecture and price it.");
  command.addCommand(
    withModelOptions(new Command("describe"))
      .description("Parameters by layer, training compute, cache and decoding cost.")
      .addHelpText("after", EXAMPLES)
      .action(async (what: string, options: ModelOptions) => {
        const { context, notes, architecture, core, model } = await load(what, options);
        const summary = model.describe(architecture, { context });
        print(options, { ...summary, notes }, () => describeText(summary, notes, core));
      }),
  );
  command.addCommand(
    withModelOptions(new Command("cost"))
      .description("Training compute, tokens for a budget, and cache by context.")
      .option("--budget <flops>", "training compute to spend, in FLOPs", "4.5e20")
      .addHelpText("after", EXAMPLES)
      .action(async (what: string, options: ModelOptions & { budget: string }) => {
        const { context, architecture, core, model } = await load(what, options);
        const budget = flag(core, "--budget", options.budget, (text) => core.parseQuantity(text, "FLOP"));
        const contexts = [...new Set([2048, 8192, 32_768, 131_072, context])].sort((a, b) => a - b);
        const rows = contexts.map((length) => ({
          context: length,
          flopsPerToken: model.trainingFlopsPerToken(architecture, length),
          tokensForBudget: model.tokensForBudget(architecture, budget, length),
          cacheBytes: model.cacheBytes(architecture, length).total,
        }));
        const { terminalTable } = await import("../../view/index.ts");
        print(
          options,
          { pattern: model.printLayers(architecture.layers), width: architecture.width, budget, rows },
          () =>
            terminalTable(
              [
                "context",
                "training FLOP a token",
                `tokens for ${budget.toPrecision(3)} FLOP`,
                "cache of one sequence",
              ],
              rows.map((row) => [
                core.formatNumber(row.context, 6),
                row.flopsPerToken.toPrecision(4),
                core.formatNumber(row.tokensForBudget),
                String(core.Estimate.exact(row.cacheBytes, "B")),
              ]),
              { right: [0, 1, 2, 3] },
            ),
        );
      }),
  );
  return command;
}

const EXAMPLES = `
An architecture is a layer string (A attention, W sliding window, S Mamba-2, H attention and Mamba-2
side by side, F feed-forward, E experts; counts repeat: "(SF)3 AF", "(2A 4F)4 A 2F"), the name of a
published model (llama-3-8b), or the path of a Hugging Face config.json.

  terrarium model describe "(SF)3 AF (SF)3 AF (SF)5" --size 1B --context 32k
  terrarium model describe llama-3-8b --json
  terrarium model cost "(AF)16" --width 2048 --budget 4.5e20`;

function withModelOptions(command: Command): Command {
  return withCommonOptions(command, { seed: false })
    .argument("<architecture>", "a layer string, a published model, or a config.json")
    .option(
      "--width <channels>",
      "width of the residual stream, for a layer string",
      wholeNumber("--width", 1),
    )
    .option("--size <parameters>", "non-embedding parameters to scale a layer string to, instead of --width")
    .option("--context <tokens>", "length of a sequence; 32k is 32,768", "8k");
}

async function load(what: string, options: ModelOptions) {
  const [core, model] = await Promise.all([import("../../core/index.ts"), import("../../model/index.ts")]);
  const context = flag(core, "--context", options.context, (text) =>
    Math.round(core.parseQuantity(text, "token", { binary: true })),
  );
  const scaled = options.width !== undefined || options.size !== undefined;
  if (what.endsWith(".json")) {
    const { architecture, notes } = model.readHuggingFace(what);
    return { core, model, context, architecture, notes };
  }
  if (!scaled && model.presets().has(what.toLowerCase())) {
    const { architecture, note } = model.preset(what);
    return { core, model, context, architecture, notes: note === "" ? [] : [note] };
  }
  const layers = model.parseLayers(what);
  const size = options.size;
  const architecture =
    size !== undefined
      ? model.widthForSize(
          layers,
          flag(core, "--size", size, (text) => core.parseQuantity(text, "1")),
        )
      : model.architecture(layers, options.width ?? 2048);
  const notes = scaled ? [] : ["no --width or --size was given: width 2048 is used"];
  return { core, model, context, architecture, notes };
}

function flag<T>(
  core: typeof import("../../core/index.ts"),
  path: string,
  text: string,
  read: (text: string) => T,
): T {
  try {
    return read(text);
  } catch (error) {
    if (!(error instanceof core.QuantityError)) throw error;
    throw new core.InputError({ place: { path }, found: `"${text}"`, expected: error.message });
  }
}

function describeText(
  summary: import("../../model/index.ts").ModelSummary,
  notes: readonly string[],
  { formatNumber, Estimate }: typeof import("../../core/index.ts"),
): string {
  const { parameters } = summary;
  const bytes = (value: number) => String(Estimate.exact(value, "B"));
  const lines: [string, string][] = [
    ["layers", `${summary.pattern}  (${summary.depth} layers, width ${summary.width})`],
    ...summary.layers.map(({ primitive, description, count, parameters: each }): [string, string] => [
      `  ${count} x ${primitive}`,
      `${description}: ${formatNumber(each.primitive)} parameters each`,
    ]),
    ["parameters", `${formatNumber(parameters.total)}  (${parameters.total.toLocaleString("en")})`],
    ["  non-embedding", formatNumber(parameters.nonEmbedding)],
    ...(parameters.active === parameters.total
      ? []
      : [["  active a token", formatNumber(parameters.active)] as [string, string]]),
    ["weights", `${bytes(summary.weightBytes)} in bf16`],
    ["training", `${summary.trainingFlopsPerToken.toPrecision(4)} FLOP a token at ${summary.context} tokens`],
    ["cache", `${bytes(summary.cache.total)} for one sequence of ${summary.context} tokens`],
    [
      "decoding",
      `${bytes(summary.decode.bytesMoved)} moved and ${summary.decode.flops.toPrecision(3)} FLOP a token`,
    ],
    ...notes.map((note): [string, string] => ["note", note]),
  ];
  const width = Math.max(...lines.map(([name]) => name.length));
  return lines.map(([name, value]) => `${name.padEnd(width)}  ${value}`).join("\n");
}
