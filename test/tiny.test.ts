/** Every verb of the built command line once, on little work: it exits with 0, and `--json` is JSON with what it is for. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createPolicy, drive, InProcessRunner, Space, Study, spaceOperators } from "../src/search/index.ts";
import { type Ran, root, terrarium } from "./cli.ts";

const folder = mkdtempSync(join(tmpdir(), "tiny-"));
const brief = join(folder, "brief.yaml");
const out = join(folder, "plan");
const study = join(folder, "study");
const designs = join(folder, "designs");
const run = join(folder, "run");
const recipe = join(folder, "recipe.yaml");
const composition = join(folder, "composition.yaml");
afterAll(() => rmSync(folder, { recursive: true }));

beforeAll(async () => {
  writeFileSync(
    brief,
    `model: {candidates: ["(AF)4"], size: 20M, context: 2k}
cluster: {accelerator: a100-sxm-80, count: [8]}
grid: {region: FR}
`,
  );
  writeFileSync(
    recipe,
    `title: tiny
data: {corpus: moby-dick}
context: 32
batch: 2
budget: {steps: 2}
model: {width: 16}
architectures: {ssm: SF, none: FF}
compare: [[ssm, none]]
learningRates: [1.0e-3]
seeds: 2
evaluation: {windows: 8, extrapolate: 2, longWindows: 4, decodeContexts: [64]}
`,
  );
  writeFileSync(
    composition,
    `title: tiny
primitives: AF
layers: 2
search: {trials: 1}
proxy:
  data: {task: in-context-recall, settings: {vocabularySize: 4, sequenceLength: 8}}
  width: 16
  batch: 2
  steps: 2
  confirmSeeds: 2
check: {width: 16, context: 16, batch: 1, steps: 2, seeds: 2}
oracle: {seeds: 1, largerStrings: 3, largerSeeds: 1}
`,
  );
  const space = new Space({ x: { kind: "integer", low: 0, high: 9 } });
  const clock = () => performance.now();
  const opened = Study.open(
    study,
    {
      domain: "tiny",
      space,
      objectives: [{ metric: "y", direction: "minimise" }],
      policy: { name: "random" },
      budget: { trials: 3 },
      seed: 1,
    },
    { clock },
  );
  await drive(opened, {
    policy: createPolicy(opened.spec, space),
    operators: spaceOperators(space),
    runner: new InProcessRunner(({ x }: Record<string, unknown>) => ({ y: (x as number) ** 2 }), { clock }),
  });
  opened.close();
});

const LOG = "examples/fleet/lab/sacct-duplicates.psv";

/** One line a verb: its arguments without `--json`, and keys that its JSON has, dots between. */
const VERBS: readonly (readonly [args: readonly string[], ...keys: string[]])[] = [
  [["plan", brief, "--out", out, "--seed", "7"], "outcomes.0.value", "decisions.4.choice", "search.designs"],
  [["model", "describe", "(SF)3 AF", "--width", "512"], "parameters.total", "cache.total"],
  [["model", "cost", "(AF)4", "--size", "100M"], "rows.0.flopsPerToken"],
  [["fleet", "ettr", "--accelerators", "512"], "figures.ETTR.value"],
  [["fleet", "report", LOG], "log.attempts", "failureRate.rate.value"],
  [["fleet", "mttf", LOG], "mttf.0"],
  [["fleet", "lemons", LOG], "nodes", "sentence"],
  [["fleet", "whatif", "--accelerators", "16384"], "together"],
  [["fleet", "simulate", "--nodes", "8", "--days", "2", "--repeats", "1"]],
  [
    ["carbon", "train", "--accelerator", "h100-sxm", "--count", "8", "--time", "10 h", "--grid", "FR"],
    "totals.energy.value",
  ],
  [["carbon", "serve", "--throughput", "2000 token/s", "--grid", "FR"], "sci.perUnit.value"],
  [["carbon", "ledger", "examples/carbon/model.yaml"], "totals.total.value", "phases.1.phase"],
  [["carbon", "embodied", "examples/carbon/dell-r740.yaml"], "total.value", "parts.0.carbon"],
  [["carbon", "compare", "examples/carbon/model.yaml", "examples/carbon/bloom.yaml"], "1.ratio.value"],
  [
    [
      "carbon",
      "refresh",
      "--old",
      "a100-sxm-80",
      "--new",
      "h100-sxm",
      "--speedup",
      "2.2..3.1",
      "--grid",
      "FR",
    ],
    "refresh.payback.value",
    "paybacks.0.byIntensity.0.payback",
  ],
  [["carbon", "intensity", "FR"], "intensity.value", "provenance.vintage"],
  [
    ["lab", "train", "SF", "--width", "16", "--steps", "3", "--context", "32", "--batch", "2", "--out", run],
    "result.trainLoss",
  ],
  [["lab", "generate", run, "--tokens", "4"], "text"],
  [["lab", "eval", run], "heldOut.mean", "decoding.0.cacheBytes"],
  [["lab", "export", run, "--out", join(folder, "exported")], "files.0"],
  [["lab", "compare", recipe, "--workers", "1", "--out", join(folder, "compared")], "differences.0"],
  [["compose", "run", composition, "--out", join(folder, "composed")], "found", "predicted.layers", "check"],
  [["compose", "extrapolate", "2A 4F", "--to", "1B"], "predicted.layers", "cacheReduction"],
  [["compose", "oracle", composition, "--out", join(folder, "oracle")], "order.3.mean", "regret.0.mean"],
  [["codesign", "evaluate", "CLIP-B/16", "--estimator", "published"], "results.0.latencySeconds"],
  [["codesign", "map", "197x768x3072", "--design", "1,256,8,64,128,2"]],
  [
    [
      "codesign",
      "run",
      "clip-b16",
      ...["--objectives", "quality,carbon", "--trials", "4", "--policy", "random"],
      "--out",
      designs,
    ],
    "trades",
  ],
  [["codesign", "front", join(designs, "quality-carbon")], "trades"],
  [["search", "status", study], "trials.complete", "best.0.metrics.y"],
  [["search", "show", study], "status.trials.complete", "importances"],
  [["search", "show", study, "0"], "candidate.x"],
  [["search", "export", study], "2.metrics.y"],
  [["doctor"], "machine", "parts.0.part"],
];

const runs = new Map<string, Promise<Ran>>();
/** A run that several tests look at. */
function ran(args: readonly string[]): Promise<Ran> {
  const key = args.join("\0");
  const known = runs.get(key) ?? terrarium(args);
  runs.set(key, known);
  return known;
}

const at = (value: unknown, path: string): unknown =>
  path.split(".").reduce((part, key) => (part as Record<string, unknown> | undefined)?.[key], value);

describe("every verb", () => {
  const name = ([args]: (typeof VERBS)[number]) => args.filter((arg) => /^[a-z]+$/.test(arg)).join(" ");

  it.each(VERBS.map((verb) => [name(verb), ...verb] as const))(
    "%s",
    async (_, args, ...keys) => {
      const { code, stdout, stderr } = await ran([...args, "--json"]);
      expect({ code, stderr: code === 0 ? "" : stderr }).toEqual({ code: 0, stderr: "" });
      const value: unknown = JSON.parse(stdout);
      for (const key of keys) expect(at(value, key), key).toBeDefined();
    },
    180_000,
  );

  it("carbon meter, which takes its options before the command that it measures", async () => {
    const record = join(folder, "meter.json");
    const command = ["--", process.execPath, "-e", "console.log('its own'); process.exitCode = 3"];
    const json = await terrarium(["carbon", "meter", "--json", "--record", record, ...command]);
    expect(json.code).toBe(3);
    expect(JSON.parse(json.stdout)).toMatchObject({ format: "terrarium-meter", exitCode: 3 });
    expect(JSON.parse(readFileSync(record, "utf8"))).toEqual(JSON.parse(json.stdout));
    expect(json.stderr).toMatch(/^its own\n/);
    const text = await terrarium(["carbon", "meter", "--record", record, ...command]);
    expect(text).toMatchObject({ code: 3, stdout: "its own\n" });
    expect(text.stderr).toContain("measured");
  });

  it("search resume, which runs the command that made the study", async () => {
    const [made] = VERBS.find(([[room, verb]]) => room === "codesign" && verb === "run")!;
    await ran([...made, "--json"]);
    const { code, stdout, stderr } = await terrarium(["search", "resume", join(designs, "quality-carbon")]);
    expect(code).toBe(0);
    expect(stderr).toContain("codesign run");
    expect(JSON.parse(stdout).trades).toBeDefined();
  });

  it("is in this table", async () => {
    const listed = (help: string) =>
      [...(help.split("Commands:\n")[1]?.split("\n\n")[0] ?? "").matchAll(/^ {2}([a-z]+)\b/gm)]
        .map(([, verb]) => verb!)
        .filter((verb) => verb !== "help");
    const rooms = listed((await terrarium(["--help"])).stdout);
    const verbs = await Promise.all(
      rooms.map(async (room) => {
        const inside = listed((await terrarium([room, "--help"])).stdout);
        return inside.length > 0 ? inside.map((verb) => `${room} ${verb}`) : [room];
      }),
    );
    const tabled = [
      ...VERBS.map(([args]) => args.slice(0, 2).join(" ")),
      "carbon meter",
      "fleet collect",
      "search resume",
    ];
    expect(
      verbs.flat().filter((verb) => !tabled.some((known) => `${known} `.startsWith(`${verb} `))),
    ).toEqual([]);
  });
});

describe("what all verbs share", () => {
  it("--json prints what --out writes, and --seed fixes it byte for byte", async () => {
    const args = [...VERBS[0]![0], "--json"];
    const first = await ran(args);
    const written = readFileSync(join(out, "plan.json"), "utf8");
    expect(first.stdout).toBe(written);
    expect((await terrarium(args)).stdout).toBe(written);
    expect(readFileSync(join(out, "report.html"), "utf8")).toMatch(/^<!doctype html>/);
    expect(JSON.parse(written).seed).toBe(7);
  });

  it("--version is that of the package", async () => {
    const { version } = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as { version: string };
    expect(await terrarium(["--version"])).toEqual({
      code: 0,
      stdout: `${version}\n`,
      stderr: "",
    } satisfies Ran);
  });

  it.each([
    ["an unknown command", ["plant"], /unknown command 'plant'/],
    ["an unknown option", ["doctor", "--fix"], /unknown option '--fix'/],
    ["nothing to plan", ["plan"], /missing required argument 'brief'/],
    ["a seed that is no number", ["plan", brief, "--seed", "x"], /--seed\n {2}found {5}"x"/],
    ["an unknown layer", ["model", "describe", "AX"], /found {5}.*"X"/],
    ["accelerators below one", ["fleet", "ettr", "--accelerators", "0"], /--accelerators\n/],
    ["a time in dollars", ["fleet", "ettr", "--accelerators", "8", "--write", "3 USD"], /--write\n/],
  ])("%s: exit code 2, said on standard error", async (_, args, message) => {
    const { code, stdout, stderr } = await terrarium(args);
    expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
    expect(stderr).toMatch(message);
    expect(stderr).not.toMatch(/\n\s+at /);
  });
});
