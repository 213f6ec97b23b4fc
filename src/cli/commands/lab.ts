/** `terrarium lab`: small, real experiments on this machine. */
import { join } from "node:path";
import { Command } from "commander";
import { interruptible } from "../interruptible.ts";
import { print, progressLine, wholeNumber, withCommonOptions, writeFiles } from "../output.ts";

interface TrainOptions {
  readonly json?: boolean;
  readonly seed: number;
  readonly depth?: number;
  readonly width?: number;
  readonly size?: string;
  readonly corpus: string;
  readonly tokenizer: string;
  readonly task?: string;
  readonly set?: readonly string[];
  readonly context?: number;
  readonly batch?: number;
  readonly budget?: string;
  readonly tokens?: string;
  readonly steps?: number;
  readonly rate?: string;
  readonly schedule?: "cosine" | "constant" | "trapezoid";
  readonly threads: number;
  readonly out: string;
  readonly resume?: string;
}

export function labCommand(): Command {
  const command = new Command("lab").description(
    "Train, measure and compare small networks on this machine.",
  );
  command.addCommand(trainCommand());
  command.addCommand(generateCommand());
  command.addCommand(evalCommand());
  command.addCommand(exportCommand());
  command.addCommand(compareCommand());
  return command;
}

function trainCommand(): Command {
  return withCommonOptions(new Command("train"))
    .description("Train one network in a run folder; stop at any time and go on.")
    .argument("[layers]", "a layer string; with --depth, one block of it", "(SF)4")
    .option(
      "--depth <blocks>",
      "repeat the layers so often; sets width and learning rate",
      wholeNumber("--depth", 1),
    )
    .option("--width <channels>", "width of the residual stream", wholeNumber("--width", 1))
    .option("--size <parameters>", "non-embedding parameters, instead of --width")
    .option("--corpus <name or path>", "moby-dick, brown, a .txt, a folder of them, or a .jsonl", "moby-dick")
    .option("--tokenizer <name or path>", "bytes, or a tokenizer.json", "bytes")
    .option("--task <name>", "a synthetic task instead of a corpus, such as in-context-recall")
    .option("--set <setting=value...>", "settings of the task")
    .option("--context <tokens>", "tokens of a sequence", wholeNumber("--context", 2))
    .option("--batch <sequences>", "sequences of a step", wholeNumber("--batch", 1))
    .option("--budget <flops>", "training compute to spend, such as 2e13")
    .option("--tokens <count>", "tokens to train on, instead of --budget")
    .option("--steps <count>", "steps, instead of --budget (default: 200)", wholeNumber("--steps", 1))
    .option("--rate <learning rate>", "highest learning rate")
    .option("--schedule <name>", "cosine, constant or trapezoid")
    .option("--threads <count>", "threads of one operation", wholeNumber("--threads", 1), 1)
    .option("--out <folder>", "the run folder", "runs/lab")
    .option("--resume <folder>", "go on with the run in this folder, as it was planned")
    .addHelpText(
      "after",
      `
  terrarium lab train "(SF)4" --corpus moby-dick --out runs/mamba
  terrarium lab train "SF AF" --depth 4 --budget 2e12 --out runs/hybrid
  terrarium lab train AFAF --width 64 --task in-context-recall --steps 400 --rate 1e-3 --out runs/recall
  terrarium lab train --resume runs/mamba`,
    )
    .action(trainAction);
}

async function trainAction(layers: string, options: TrainOptions): Promise<void> {
  const [core, lab, flags] = await Promise.all([
    import("../../core/index.ts"),
    import("../../lab/index.ts"),
    import("../flags.ts"),
  ]);
  const folder = options.resume ?? options.out;
  const planned = options.resume === undefined ? undefined : new lab.RunFolder(folder).plan();
  if (options.resume !== undefined && !planned) {
    throw new core.InputError({
      place: { path: "--resume", file: folder },
      found: "no run",
      expected: "a run folder",
    });
  }
  const quantity = (path: string, text: string | undefined, symbol: string) =>
    text === undefined ? undefined : flags.quantityFlag(path, text, symbol, { least: 0 });
  const flops = quantity("--budget", options.budget, "FLOP");
  const tokens = quantity("--tokens", options.tokens, "token");
  const plan =
    planned ??
    (await lab.planRun({
      layers,
      ...options,
      size: quantity("--size", options.size, "1"),
      data:
        options.task === undefined
          ? { corpus: options.corpus, tokenizer: options.tokenizer }
          : { task: options.task, settings: settingsFlag(core, options.set ?? []) },
      budget:
        flops !== undefined
          ? { flops }
          : tokens !== undefined
            ? { tokens }
            : options.steps
              ? { steps: options.steps }
              : undefined,
      learningRate: quantity("--rate", options.rate, "1"),
    }));
  const result = await interruptible(`terrarium lab train --resume ${folder}`, (signal) =>
    lab.train(folder, plan, { threads: options.threads, progress: progressLine(), signal }),
  );
  if (!result) return;
  const timings = new lab.RunFolder(folder).timings();
  print(options, { folder, plan, result, timings }, () =>
    [
      `${core.formatNumber(result.parameters)} parameters, ${result.steps} steps, ${core.formatNumber(result.tokens)} tokens, ${core.formatNumber(result.flops)} FLOP`,
      `training loss ${result.trainLoss.toFixed(3)} nats a token over the last tenth of the steps`,
      ...result.accuracy.slice(-1).map(({ accuracy }) => `test accuracy ${accuracy.toFixed(3)}`),
      `${core.formatNumber(timings?.tokensPerSecond ?? Number.NaN)} tokens/s on this machine`,
      `run: ${folder}    next: terrarium lab eval ${folder}`,
    ].join("\n"),
  );
}

function generateCommand(): Command {
  return withCommonOptions(new Command("generate"))
    .description("Continue a text with a trained network.")
    .argument("<run>", "a run folder or a checkpoint")
    .option("--prompt <text>", "what to continue", "Call me ")
    .option("--tokens <count>", "tokens to write", wholeNumber("--tokens", 1), 200)
    .option("--temperature <number>", "0 always takes the likeliest token", "0.8")
    .option("--top-k <count>", "draw among so many of the likeliest only", wholeNumber("--top-k", 1))
    .action(
      async (
        path: string,
        options: {
          json?: boolean;
          seed: number;
          prompt: string;
          tokens: number;
          temperature: string;
          topK?: number;
        },
      ) => {
        const [core, lab, flags] = await Promise.all([
          import("../../core/index.ts"),
          import("../../lab/index.ts"),
          import("../flags.ts"),
        ]);
        const trained = await lab.TrainedModel.open(path);
        try {
          const result = await lab.generate(trained, {
            ...options,
            temperature: flags.quantityFlag("--temperature", options.temperature, "1", { least: 0 }),
            stream: new core.RandomStream(options.seed),
          });
          print(options, result, () => result.prompt + result.text);
        } finally {
          await trained.close();
        }
      },
    );
}

function evalCommand(): Command {
  return withCommonOptions(new Command("eval"))
    .description("Held-out loss, loss by position, recall, and decoding speed of a trained network.")
    .argument("<run>", "a run folder or a checkpoint")
    .option("--corpus <name or path>", "the corpus whose held-out part is scored", "moby-dick")
    .option("--windows <count>", "held-out windows", wholeNumber("--windows", 1), 192)
    .option("--extrapolate <factor>", "also measure loss by position over so many training lengths")
    .option("--recall", "also measure recall of a passkey over depth and length")
    .option("--contexts <tokens...>", "contexts at which decoding is timed", ["256", "1024"])
    .action(
      async (
        path: string,
        options: {
          json?: boolean;
          seed: number;
          corpus: string;
          windows: number;
          extrapolate?: string;
          recall?: boolean;
          contexts: string[];
        },
      ) => {
        const [lab, flags] = await Promise.all([import("../../lab/index.ts"), import("../flags.ts")]);
        const trained = await lab.TrainedModel.open(path);
        try {
          const result = await lab.evaluate(trained, {
            ...options,
            extrapolate:
              options.extrapolate === undefined
                ? undefined
                : flags.quantityFlag("--extrapolate", options.extrapolate, "1"),
            contexts: options.contexts.map((text) =>
              flags.quantityFlag("--contexts", text, "token", { least: 2, binary: true }),
            ),
            progress: progressLine(),
          });
          print(options, result, () => lab.evaluationText(result));
        } finally {
          await trained.close();
        }
      },
    );
}

function exportCommand(): Command {
  return withCommonOptions(new Command("export"), { seed: false })
    .description("Write a trained network as ONNX and safetensors.")
    .argument("<run>", "a run folder or a checkpoint")
    .option("--out <folder>", "where to write", "export")
    .option(
      "--context <tokens>",
      "tokens of the ONNX graph's input (default: those of training)",
      wholeNumber("--context", 1),
    )
    .action(async (path: string, options: { json?: boolean; out: string; context?: number }) => {
      const lab = await import("../../lab/index.ts");
      const trained = await lab.TrainedModel.open(path);
      try {
        const files = await lab.exportModel(trained, options.out, options.context ?? trained.config.context);
        print(options, { files }, () => files.join("\n"));
      } finally {
        await trained.close();
      }
    });
}

function compareCommand(): Command {
  return withCommonOptions(new Command("compare"), { seed: false })
    .description(
      "Compare architectures by a recipe: sweep learning rates, train all seeds, test the differences.",
    )
    .argument("<recipe>", "a recipe in YAML or JSON, such as examples/lab/length-extrapolation.yaml")
    .option(
      "--out <folder>",
      "runs, comparison.json and report.html; go on with what is there",
      "runs/compare",
    )
    .option("--workers <count>", "runs at a time (default: one a core)", wholeNumber("--workers", 1))
    .action(async (path: string, options: { json?: boolean; out: string; workers?: number }) => {
      const lab = await import("../../lab/index.ts");
      const recipe = await lab.readRecipe(path);
      const found = await interruptible(`terrarium lab compare ${path} --out ${options.out}`, (signal) =>
        lab.compare(recipe, options.out, {
          ...(options.workers !== undefined && { workers: options.workers }),
          progress: progressLine(),
          signal,
        }),
      );
      if (!found) return;
      const { comparison, timings } = found;
      print(options, { ...comparison, timings }, () => lab.terminalComparison(comparison, timings));
      writeFiles(options.out, { "report.html": lab.htmlComparison(comparison, timings) });
      process.stderr.write(`\nreport: ${join(options.out, "report.html")}\n`);
    });
}

/** `sequenceLength=64 randomFiller=true` as an object. */
function settingsFlag(
  { InputError }: typeof import("../../core/index.ts"),
  texts: readonly string[],
): Record<string, number | boolean> {
  return Object.fromEntries(
    texts.map((text) => {
      const [, name, value] = /^(\w+)=(true|false|[-+.\deE]+)$/.exec(text) ?? [];
      if (name === undefined || value === undefined) {
        throw new InputError({
          place: { path: "--set" },
          found: `"${text}"`,
          expected: "setting=value, a number or true or false",
        });
      }
      return [name, value === "true" ? true : value === "false" ? false : Number(value)];
    }),
  );
}
