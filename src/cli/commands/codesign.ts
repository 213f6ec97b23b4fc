/** `terrarium codesign`: a model and its accelerator, costed and searched together. */
import { join } from "node:path";
import { Command } from "commander";
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
      .argument("<family>", "clip-b16, clip-b32, vit-b16, bert-base; or one model, to search hardware alone")
      .requiredOption("--out <folder>", "studies and the report are written there")
      .option("--objectives <names>", "such as quality,carbon; may be given several times", collect, [])
      .option("--trials <count>", "trials of each study", wholeNumber("--trials", 1), 100)
      .option(...ESTIMATOR, "physical")
      .option("--policy <name>", "policy of the search: bayesian, nsga2, random, sobol", "bayesian")
      .option("--region <zone>", "where it works")
      .option("--inferences <count>", "over its life; 30 million where left out")
      .option("--latency <time>", "most latency; 50 ms where left out")
      .option("--quality <file>", "CSV of own models with their quality, a column a parameter")
      .option(
        "--architectures <file>",
        "CSV of decoders with layers, width and quality, in place of the family",
      )
      .option("--lower-is-better", "quality is a loss")
      .option("--fix <name=value>", "hold a parameter; may be given several times", collect, [])
      .option("--floor <quality>", "compare optima among designs of at least this quality")
      .addHelpText("after", RUN_EXAMPLES)
      .action(runAction),
  );
  command.addCommand(
    withCommonOptions(new Command("front"), { seed: false, out: true })
      .description(
        "Studies side by side: fronts, what one optimum costs in another's terms, places and lifetimes.",
      )
      .argument("<folders...>", "folders of studies that run made")
      .option("--floor <quality>", "compare optima among designs of at least this quality")
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

Quality of CLIP is a surrogate through the published points (arXiv:2505.01386, Tables 3 and 9), which says
where it extrapolates. Ctrl-C stops; the same command goes on.`;

function withModelOptions(command: Command): Command {
  return command
    .option("--width <channels>", "width of a layer string", wholeNumber("--width", 1))
    .option("--batch <count>", "inputs at once", wholeNumber("--batch", 1), 1)
    .option("--prompt <tokens>", "prefill of a decoder; 512 where left out")
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
  const tokens = (path: string, text: string) =>
    Math.round(flags.quantityFlag(path, text, "token", { binary: true, least: 1 }));
  const model = ({ width, batch, prompt, decode }: ModelOptions) => ({
    width,
    batch,
    phase:
      decode !== undefined
        ? { kind: "decode" as const, context: tokens("--decode", decode) }
        : prompt !== undefined
          ? { kind: "prefill" as const, tokens: tokens("--prompt", prompt) }
          : undefined,
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
  const first = results[0]!;
  const { Estimate } = core;
  const shown = (value: number, unit: string) => String(Estimate.exact(value, unit as "s"));
  print(options, { model: named.workload.name, design, estimator, lives, results }, () =>
    [
      `${named.workload.name} on ${hardware.printDesign(design)}, costed as "${estimator}"`,
      core.terminalTable(
        ["figure", "value"],
        [
          ["parameters", core.formatNumber(first.parameters)],
          ["latency", shown(first.latencySeconds, "s")],
          ["energy of an inference", shown(first.energyJoules, "J")],
          ["die area", shown(first.areaSquareCentimetres, "cm2")],
          ["peak throughput", shown(first.operationsPerSecond, "FLOP/s")],
        ],
        { right: [1] },
      ),
      core.terminalTable(
        ["region", "inferences", "operational", "embodied", "carbon", "die and electricity"],
        results.map((result, i) => [
          lives[i]!.region,
          core.formatNumber(lives[i]!.inferences),
          shown(result.operationalCarbon, "kgCO2e"),
          shown(result.embodiedCarbon, "kgCO2e"),
          shown(result.carbon, "kgCO2e"),
          shown(result.cost, "USD"),
        ]),
        { right: [1, 2, 3, 4, 5] },
      ),
      core.terminalTable(
        ["operation", "latency", "energy"],
        first.operations.map((row) => [
          row.name,
          shown(row.latencySeconds, "s"),
          shown(row.energyJoules, "J"),
        ]),
        { right: [1, 2] },
      ),
      ...lives.flatMap(({ notes }) => notes).map((note) => `Note: ${note}`),
    ].join("\n"),
  );
}

async function mapAction(text: string, options: MapOptions): Promise<void> {
  const { core, codesign, hardware } = await load();
  const product = hardware.parseProduct(text, { path: "<product>" });
  const design = hardware.parseDesign(options.design, { path: "--design" });
  const { convention, space } = codesign.costModel(
    codesign.requireEstimator(options.estimator, "--estimator"),
  ).options;
  const mapping = hardware.mapProduct(product, hardware.hierarchy(design, convention), space);
  const by = (tile: readonly number[]) => tile.join(" x ");
  print(options, { product, design, convention, space, mapping }, () =>
    core.terminalTable(
      ["mapping of rows x depth x columns", by([product.rows, product.depth, product.columns])],
      [
        ["tile of a register file", by(mapping.registerTile)],
        ["unrolled over an array", by(mapping.arrayUnroll)],
        ["tile of a core", by(mapping.coreTile)],
        ["unrolled over cores", by(mapping.coreUnroll)],
        ["tile of the shared buffer", by(mapping.bufferTile)],
        ["stays in registers, SRAM, buffer", mapping.stationary.join(", ")],
        ["cycles", core.formatNumber(mapping.cycles)],
        ["utilisation", String(core.Estimate.exact(mapping.utilisation, "1").shownIn("%"))],
        ["energy", String(core.Estimate.exact(mapping.energyJoules, "J"))],
      ],
    ),
  );
}

async function runAction(what: string, options: RunOptions): Promise<void> {
  const { codesign, core, flags, count, model } = await load();
  const direction = options.lowerIsBetter ? "minimise" : "maximise";
  const named = model(options);
  const base =
    options.architectures === undefined
      ? codesign.namedFamily(what, named, { path: "<family>" })
      : codesign.readArchitectures(options.architectures, direction, named.phase);
  const family =
    options.quality === undefined ? base : codesign.withQualityTable(base, options.quality, direction);
  const latency =
    options.latency === undefined ? undefined : flags.quantityFlag("--latency", options.latency, "s");
  const sets =
    options.objectives.length > 0
      ? options.objectives
      : [family.quality ? "quality,carbon" : "carbon,latency"];
  const request = {
    family,
    scenario: codesign.scenario(
      { region: options.region, inferences: count("--inferences", options.inferences) },
      { path: "run" },
    ),
    estimator: codesign.requireEstimator(options.estimator, "--estimator"),
    limits: { latencySeconds: latency },
    fixed: codesign.parseFixed(options.fix, { path: "--fix" }),
    policy: options.policy === "bayesian" ? undefined : { name: options.policy },
    trials: options.trials,
    seed: options.seed,
  };
  const objectives = sets.map((set) => codesign.parseObjectives(set, { path: "--objectives" }));
  const stop = new AbortController();
  const onInterrupt = () => stop.abort(new Error("interrupted"));
  process.once("SIGINT", onInterrupt);
  const folders: string[] = [];
  try {
    for (const names of objectives) {
      const folder = join(options.out, names.join("-"));
      const { ending } = await codesign.codesign(
        folder,
        { ...request, objectives: names },
        { clock: () => performance.now(), progress: progressLine(), signal: stop.signal },
      );
      folders.push(folder);
      if (ending.kind === "stopped") {
        process.stderr.write(`Stopped. The same command goes on from here.\n`);
        return;
      }
    }
  } finally {
    process.removeListener("SIGINT", onInterrupt);
  }
  const note = family.quality && qualityNote(family.quality, core.formatNumber);
  await show(folders, { ...options, region: [], inferences: [] }, note === undefined ? [] : [note]);
}

function qualityNote(
  quality: import("../../codesign/index.ts").QualitySurrogate,
  format: (value: number) => string,
): string {
  const basis = quality.evidence.basis === "measured" ? "your table" : "the published points";
  return `Quality is a surrogate through ${basis}; each point left out is missed by ${format(quality.leaveOneOutError)} (root mean square).`;
}

async function frontAction(folders: string[], options: FrontOptions): Promise<void> {
  await show(folders, options, []);
}

/** The comparison of studies, printed and, with a folder to write to, as a page. */
async function show(
  folders: readonly string[],
  options: FrontOptions,
  notes: readonly string[],
): Promise<void> {
  const { core, codesign, hardware, flags, count } = await load();
  const studies = folders.map((folder) => codesign.readCodesign(folder));
  const quality = options.floor === undefined ? undefined : flags.quantityFlag("--floor", options.floor, "1");
  const trades = codesign.trades(studies, quality);
  const regions = options.region.length > 0 ? options.region : codesign.CONTRASTING_REGIONS;
  const lifetimes =
    options.inferences.length > 0
      ? options.inferences.map((text) => count("--inferences", text)!)
      : codesign.CONTRASTING_LIFETIMES;
  const placements = codesign.placements(studies, regions, lifetimes, quality);
  const content = { studies, trades, placements, quality, notes };
  const files = options.out ? writeFiles(options.out, { "report.html": codesign.codesignPage(content) }) : [];
  const names = Object.keys(codesign.OBJECTIVES) as (keyof typeof codesign.OBJECTIVES)[];
  const shown = names.filter((name) => trades.some(({ best }) => name in best.metrics));
  print(options, content, () =>
    [
      core.terminalTable(
        ["study", "trials on the front", "feasible", "hypervolume"],
        studies.map(({ title, front, feasible, hypervolume }) => [
          title,
          String(front.length),
          String(feasible),
          core.formatNumber(hypervolume.at(-1) ?? 0),
        ]),
        { right: [1, 2, 3] },
      ),
      core.terminalTable(
        ["sought", ...shown.map((name) => codesign.objectiveLabel(name)), "accelerator"],
        trades.map(({ sought, best, ratios }) => [
          sought,
          ...shown.map((name) => `${core.formatNumber(best.metrics[name]!)} (${ratios[name]!.toFixed(2)})`),
          hardware.printDesign(codesign.designOf(best.candidate)),
        ]),
        { right: shown.map((_, i) => i + 1) },
      ),
      core.terminalTable(
        ["region", "inferences", "least carbon, kg", "embodied", "accelerator"],
        placements.map(({ region, inferences, best, carbon, embodiedShare }) => [
          region,
          core.formatNumber(inferences),
          carbon.toFixed(4),
          String(core.Estimate.exact(embodiedShare, "1").shownIn("%")),
          hardware.printDesign(codesign.designOf(best.candidate)),
        ]),
        { right: [1, 2, 3] },
      ),
      ...notes,
      ...files.map((file) => `Written: ${file}`),
    ].join("\n"),
  );
}
