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
        const { quantityFlag } = await import("../flags.ts");
        const budget = quantityFlag("--budget", options.budget, "FLOP", { least: 1 });
        const contexts = [...new Set([2048, 8192, 32_768, 131_072, context])].sort((a, b) => a - b);
        const rows = contexts.map((length) => ({
          context: length,
          flopsPerToken: model.trainingFlopsPerToken(architecture, length),
          tokensForBudget: model.tokensForBudget(architecture, budget, length),
          cacheBytes: model.cacheBytes(architecture, length).total,
        }));
        print(
          options,
          { pattern: model.printLayers(architecture.layers), width: architecture.width, budget, rows },
          () =>
            core.terminalTable(
              [
                "context",
                "training compute",
                `tokens for ${core.Estimate.exact(budget, "FLOP")}`,
                "cache of one sequence",
              ],
              rows.map((row) => [
                row.context.toLocaleString("en"),
                String(core.Estimate.exact(row.flopsPerToken, "FLOP/token")),
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
  const [core, model, { quantityFlag }] = await Promise.all([
    import("../../core/index.ts"),
    import("../../model/index.ts"),
    import("../flags.ts"),
  ]);
  const context = Math.round(quantityFlag("--context", options.context, "token", { binary: true, least: 1 }));
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
      ? model.widthForSize(layers, quantityFlag("--size", size, "1", { least: 1 }))
      : model.architecture(layers, options.width ?? 2048);
  const notes = scaled ? [] : ["no --width or --size was given: width 2048 is used"];
  return { core, model, context, architecture, notes };
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
    [
      "training",
      `${Estimate.exact(summary.trainingFlopsPerToken, "FLOP/token")} at ${summary.context} tokens`,
    ],
    ["cache", `${bytes(summary.cache.total)} for one sequence of ${summary.context} tokens`],
    [
      "decoding",
      `${bytes(summary.decode.bytesMoved)} moved and ${Estimate.exact(summary.decode.flops, "FLOP/token")}`,
    ],
    ...notes.map((note): [string, string] => ["note", note]),
  ];
  const width = Math.max(...lines.map(([name]) => name.length));
  return lines.map(([name, value]) => `${name.padEnd(width)}  ${value}`).join("\n");
}
