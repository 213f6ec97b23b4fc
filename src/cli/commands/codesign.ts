/** `terrarium codesign`: a model and its accelerator, costed and searched together. */
import { join } from "node:path";
import { Command } from "commander";
import { interruptible } from "../interruptible.ts";
import {
  type CommonOptions,
  print,
  progressLine,
  wholeNumber,
  withCommonOptions,
  writeFiles,
} from "../output.ts";

interface ModelOptions {
  readonly width?: number;
  readonly batch: number;
  readonly prompt?: string;
  readonly output?: string;
  readonly decode?: string;
}

interface EvaluateOptions extends CommonOptions, ModelOptions {
  readonly design?: string;
  readonly estimator: string;
  readonly region: string[];
  readonly inferences?: string;
  readonly node?: string;
}

interface MapOptions extends CommonOptions {
  readonly design: string;
  readonly estimator: string;
}

interface RunOptions extends CommonOptions, ModelOptions {
  readonly objectives: string[];
  readonly trials: number;
  readonly estimator: string;
  readonly region?: string;
  readonly inferences?: string;
  readonly node: string;
  readonly quality?: string;
  readonly architectures?: string;
  readonly lowerIsBetter?: boolean;
  readonly latency?: string;
  readonly fix: string[];
  readonly policy: string;
  readonly out: string;
  readonly floor?: string;
}

interface FrontOptions extends CommonOptions {
  readonly region: string[];
  readonly inferences: string[];
  readonly floor?: string;
}

const collect = (value: string, previous: string[]): string[] => [...previous, value];
const ESTIMATOR = [
  "--estimator <name>",
  "published (the paper's energies and mappings), remapped (its energies, best mappings), physical (corrected)",
] as const;

export function codesignCommand(): Command {
  const command = new Command("codesign").description(
    "Design a model and its accelerator together, for carbon, latency, energy or cost.",
  );
  command.addCommand(
    withModelOptions(withCommonOptions(new Command("evaluate"), { seed: false }))
      .description("Latency, energy, area and lifetime carbon of a model on an accelerator.")
      .argument("<model>", "a published CLIP, vit-b16, bert-base, a published decoder, or a layer string")
      .option("--design <numbers>", "cores, width, depth, SRAM KB, SRAM words a cycle, buffer MB")
      .option(...ESTIMATOR, "physical")
      .option("--region <zone>", "where it works; may be given several times", collect, [])
      .option("--inferences <count>", "over its life; 30 million where left out")
      .option("--node <node>", "process node whose wafer carbon to take", "22nm")
      .addHelpText("after", EVALUATE_EXAMPLES)
      .action(evaluateAction),
  );
  command.addCommand(
    withCommonOptions(new Command("map"), { seed: false })
      .description("The best mapping of one matrix product: tiles, unrolling, cycles and energy.")
      .argument("<product>", "rows x depth x columns, such as 197x768x3072")
      .requiredOption("--design <numbers>", "cores, width, depth, SRAM KB, SRAM words a cycle, buffer MB")
      .option(...ESTIMATOR, "physical")
      .action(mapAction),
  );
  command.addCommand(
    withModelOptions(withCommonOptions(new Command("run")))
      .description(
        "Search models and accelerators jointly; each objective set is a study that can be continued.",
      )
      .argument(
        "<family>",
        "clip-b16, clip-b32, vit-b16, bert-base; one model, to search hardware alone; or a .yaml of models to train here",
      )
      .requiredOption("--out <folder>", "studies and the report are written there")
      .option("--objectives <names>", "such as quality,carbon; may be given several times", collect, [])
      .option("--trials <count>", "trials of each study", wholeNumber("--trials", 1), 100)
      .option(...ESTIMATOR, "physical")
      .option("--policy <name>", "policy of the search: bayesian, nsga2, random, sobol", "bayesian")
      .option("--region <zone>", "where it works")
      .option("--inferences <count>", "over its life; 30 million where left out")
      .option("--node <node>", "process node whose wafer carbon to take", "22nm")
      .option("--latency <time>", "most latency; 50 ms where left out")
      .option("--quality <file>", "CSV of own models with their quality, a column a parameter")
      .option(
        "--architectures <file>",
        "CSV of decoders with layers, width and quality, in place of the family",
      )
      .option("--lower-is-better", "quality is a loss")
      .option("--fix <name=value>", "hold a parameter; may be given several times", collect, [])
      .option("--floor <quality>", "compare optima among designs of this quality or better")
      .addHelpText("after", RUN_EXAMPLES)
      .action(runAction),
  );
  command.addCommand(
    withCommonOptions(new Command("front"), { seed: false, out: true })
      .description(
        "Studies side by side: fronts, what one optimum costs in another's terms, places and lifetimes.",
      )
      .argument("<folders...>", "folders of studies that run made")
      .option("--floor <quality>", "compare optima among designs of this quality or better")
      .option("--region <zone>", "also place the best designs there; may be given several times", collect, [])
      .option("--inferences <count>", "also over this life; may be given several times", collect, [])
      .action(frontAction),
  );
  return command;
}

const EVALUATE_EXAMPLES = `
  terrarium codesign evaluate CLIP-B/16 --estimator published
  terrarium codesign evaluate CarbonCLIP-S --region taiwan --region iceland
  terrarium codesign evaluate "(SF)3 AF" --width 512 --decode 1k --design 1,64,16,64,64,2`;

const RUN_EXAMPLES = `
  terrarium codesign run clip-b16 --objectives quality,carbon --objectives quality,latency --out studies/clip
  terrarium codesign run CLIP-B/16 --objectives carbon,latency --out studies/clip-hardware
  terrarium codesign run examples/codesign/small-decoders.yaml --objectives quality,carbon,latency --out studies/decoders

Quality of CLIP is a surrogate through the published points (arXiv:2505.01386, Tables 3 and 9), that of models
trained here one through their held-out losses; it says where it extrapolates. What the search finds of the latter is
trained too. Ctrl-C stops; the same command goes on.`;

function withModelOptions(command: Command): Command {
  return command
    .option("--width <channels>", "width of a layer string", wholeNumber("--width", 1))
    .option("--batch <count>", "inputs at once", wholeNumber("--batch", 1), 1)
    .option("--prompt <tokens>", "prefill of a decoder; 512 where left out")
    .option("--output <tokens>", "also the decoding steps that answer the prompt")
    .option("--decode <tokens>", "one decoding step of a decoder after so many tokens");
}

async function load() {
  const [core, codesign, hardware, flags] = await Promise.all([
    import("../../core/index.ts"),
    import("../../codesign/index.ts"),
    import("../../hardware/index.ts"),
    import("../flags.ts"),
  ]);
  const count = (path: string, text: string | undefined) =>
    text === undefined ? undefined : flags.quantityFlag(path, text, "1", { least: 1 });
  const tokens = (path: string, text: string | undefined) =>
    text === undefined
      ? undefined
      : Math.round(flags.quantityFlag(path, text, "token", { binary: true, least: 1 }));
  const model = ({ width, batch, prompt, output, decode }: ModelOptions) => ({
    width,
    batch,
    phase: codesign.phaseOf({
      prompt: tokens("--prompt", prompt),
      output: tokens("--output", output),
      decode: tokens("--decode", decode),
    }),
  });
  return { core, codesign, hardware, flags, count, model };
}

async function evaluateAction(what: string, options: EvaluateOptions): Promise<void> {
  const { core, codesign, hardware, count, model } = await load();
  const named = codesign.namedWorkload(what, model(options), { path: "<model>" });
  const design =
    options.design === undefined ? named.design : hardware.parseDesign(options.design, { path: "--design" });
  if (!design) {
    throw new core.InputError({
      place: { path: "--design" },
      found: "none",
      expected: `an accelerator: none is published for ${named.workload.name}`,
      remedy: "give --design 1,256,8,64,128,2 or search for one with codesign run",
    });
  }
  const estimator = codesign.requireEstimator(options.estimator, "--estimator");
  const costs = codesign.costModel(estimator);
  const inferences = count("--inferences", options.inferences);
  const regions = options.region.length > 0 ? options.region : [undefined];
  const lives = regions.map((region) =>
    codesign.scenario({ region, inferences, node: options.node }, { path: "evaluate" }),
  );
  const results = lives.map((life) => codesign.evaluate(named.workload, design, life, costs));
  const evaluated = { model: named.workload.name, design, estimator, lives, results };
  print(options, evaluated, () => codesign.terminalEvaluation(evaluated));
}

async function mapAction(text: string, options: MapOptions): Promise<void> {
  const { codesign, hardware } = await load();
  const product = hardware.parseProduct(text, { path: "<product>" });
  const design = hardware.parseDesign(options.design, { path: "--design" });
  const estimator = codesign.requireEstimator(options.estimator, "--estimator");
  const { convention, space } = codesign.costModel(estimator).options;
  const mapping = hardware.mapProduct(product, hardware.hierarchy(design, convention), space);
  print(options, { product, design, convention, space, mapping }, () =>
    codesign.terminalMapping(product, mapping),
  );
}

async function runAction(what: string, options: RunOptions): Promise<void> {
  const loaded = await load();
  const { codesign, flags, count } = loaded;
  const latency =
    options.latency === undefined ? undefined : flags.quantityFlag("--latency", options.latency, "s");
  const sets = options.objectives.map((set) => codesign.parseObjectives(set, { path: "--objectives" }));
  const request = {
    scenario: codesign.scenario(
      { region: options.region, inferences: count("--inferences", options.inferences), node: options.node },
      { path: "run" },
    ),
    estimator: codesign.requireEstimator(options.estimator, "--estimator"),
    limits: { latencySeconds: latency },
    fixed: codesign.parseFixed(options.fix, { path: "--fix" }),
    policy: options.policy === "bayesian" ? undefined : { name: options.policy },
    trials: options.trials,
    seed: options.seed,
  };
  const quality = qualityFloor(loaded, options);
  const progress = progressLine();
  const found = await interruptible("the same command", async (signal) => {
    const family = await familyOf(loaded, what, options, { progress, signal });
    return codesign.runStudies({ ...request, family }, sets, options.out, {
      quality,
      clock: () => performance.now(),
      progress,
      signal,
    });
  });
  if (found) await show(loaded, found, options);
}

/** What is searched: a file of models to train, decoders of a table, a family or a model by name. */
async function familyOf(
  { codesign, model }: Awaited<ReturnType<typeof load>>,
  what: string,
  options: RunOptions,
  supervision: import("../../core/index.ts").Supervision,
) {
  const named = model(options);
  if (/\.(ya?ml|json)$/.test(what))
    return codesign.trainedFamily(what, join(options.out, "lab"), { ...named, ...supervision });
  const direction = options.lowerIsBetter ? "minimise" : "maximise";
  const family =
    options.architectures === undefined
      ? codesign.namedFamily(what, named, { path: "<family>" })
      : codesign.readArchitectures(options.architectures, direction, named.phase);
  return options.quality === undefined
    ? family
    : codesign.withQualityTable(family, options.quality, direction);
}

async function frontAction(folders: string[], options: FrontOptions): Promise<void> {
  const loaded = await load();
  const { codesign, count } = loaded;
  const some = <T>(list: readonly T[]) => (list.length > 0 ? list : undefined);
  const sideBySide = codesign.sideBySide(folders, {
    quality: qualityFloor(loaded, options),
    regions: some(options.region),
    lifetimes: some(options.inferences.map((text) => count("--inferences", text)!)),
  });
  await show(loaded, sideBySide, options);
}

function qualityFloor({ flags }: Awaited<ReturnType<typeof load>>, { floor }: { floor?: string }) {
  return floor === undefined ? undefined : flags.quantityFlag("--floor", floor, "1");
}

/** The comparison of studies, printed and, with a folder to write to, as a page. */
async function show(
  { codesign }: Awaited<ReturnType<typeof load>>,
  content: import("../../codesign/index.ts").SideBySide,
  options: CommonOptions,
): Promise<void> {
  const files = options.out
    ? writeFiles(options.out, {
        "report.html": codesign.codesignPage(content),
        ...codesign.partFiles(content),
      })
    : [];
  print(options, content, () =>
    [codesign.terminalSideBySide(content), ...files.map((file) => `Written: ${file}`)].join("\n"),
  );
}
