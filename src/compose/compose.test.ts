import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { InputError } from "../core/index.ts";
import { readStudy } from "../search/index.ts";
import { type ComposeResult, compose } from "./compose.ts";
import { measured } from "./evaluate.ts";
import { predict } from "./predict.ts";
import { type ComposeRecipe, readComposeRecipe } from "./recipe.ts";
import { composePage, terminalComposition } from "./report.ts";
import { searchLayers } from "./search.ts";

const folder = mkdtempSync(join(tmpdir(), "compose-"));
const TINY = `title: tiny
primitives: AFS
layers: 2
search: { trials: 3, policy: { name: random } }
proxy:
  data: { task: in-context-recall, settings: { vocabularySize: 4, sequenceLength: 8 } }
  width: 16
  batch: 2
  steps: 2
  confirmSeeds: 2
check: { width: 16, context: 16, batch: 1, steps: 2, seeds: 2 }
`;
const nodeOptions = process.env.NODE_OPTIONS;
beforeAll(() => {
  // The processes of trials start threads, which read TypeScript only with this.
  process.env.NODE_OPTIONS = `--import ${new URL("../../test/typescript.mjs", import.meta.url).href}`;
});
afterAll(() => {
  if (nodeOptions === undefined) delete process.env.NODE_OPTIONS;
  else process.env.NODE_OPTIONS = nodeOptions;
  rmSync(folder, { recursive: true });
});

let recipes = 0;
async function read(text: string): Promise<ComposeRecipe> {
  const file = join(folder, `recipe-${recipes++}.yaml`);
  writeFileSync(file, text);
  return await readComposeRecipe(file);
}
const options = { clock: () => 0, workers: 2 };

describe("a composer run", () => {
  let result: ComposeResult;
  let recipe: ComposeRecipe;
  const out = join(folder, "run");

  beforeAll(async () => {
    recipe = await read(TINY);
    result = await compose(recipe, out, options);
  }, 300_000);

  it("finds an architecture with its prediction and its evidence", () => {
    expect(result.found).toMatch(/^[AFS]{2}$/);
    expect(result.stages[0]!.tried.length).toBeGreaterThan(0);
    expect(result.stages[0]!.tried.flatMap(({ scores }) => scores)).toHaveLength(3);
    const { by, predicted, baseline } = result;
    expect({ by, predicted, baseline }).toMatchObject(
      (({ by, predicted, baseline }) => ({ by, predicted, baseline }))(
        predict([...result.found] as never, recipe.extrapolate, ["A", "F"]),
      ),
    );
    expect(result.confirmed[0]).toMatchObject({ layers: result.found });
    for (const { scores } of result.confirmed) expect(scores).toHaveLength(2);
    expect(result.agreement.byPlace).toHaveLength(2);
    expect(result.check.architectures.map(({ name }) => name)).toEqual(["found", "baseline"]);
    expect(result.check.differences[0]).toMatchObject({
      first: "found",
      second: "baseline",
      metric: "heldOutLoss",
    });
  });

  it("leaves the journal of a study and no runs of candidates", () => {
    const { spec, history } = readStudy(join(out, "search", "stage-1"));
    expect(spec.domain).toBe("compose");
    expect(history.completeCount).toBe(3);
    expect(() => readFileSync(join(out, "search", "stage-1", "runs", "0", "run.json"))).toThrow();
  });

  it("trains fresh seeds only to confirm", () => {
    const searched = Math.max(1, ...result.stages[0]!.tried.map(({ scores }) => scores.length));
    const { history } = readStudy<{ seed: number }>(join(out, "confirm"));
    for (const { candidate } of history.trials) expect(candidate!.seed).toBeGreaterThan(searched);
  });

  it("started again does nothing anew and ends with the same bytes", async () => {
    const before = readFileSync(join(out, "composer.json"), "utf8");
    const journal = readFileSync(join(out, "search", "stage-1", "journal.jsonl"), "utf8");
    expect(await compose(recipe, out, options)).toEqual(JSON.parse(before));
    expect(readFileSync(join(out, "composer.json"), "utf8")).toBe(before);
    expect(readFileSync(join(out, "search", "stage-1", "journal.jsonl"), "utf8")).toBe(journal);
  });

  it("says what it found and how sure it is, on a terminal and on a page without network", () => {
    const text = terminalComposition(result);
    for (const words of ["bootstrap samples", "Seed noise", "over 2 paired seeds", result.predicted.layers])
      expect(text).toContain(words);
    const page = composePage(result);
    expect(page).toContain("<svg");
    expect(page).not.toMatch(/(src|href)="http/);
    expect(page).not.toMatch(/NaN|undefined|\[object/);
  });

  it("refuses a folder with the work of another recipe", async () => {
    const other = await read(TINY.replace("batch: 2", "batch: 3"));
    await expect(compose(other, out, options)).rejects.toThrow(/the same space/);
  });

  it("stops when it is told to, and says so by the signal's reason", async () => {
    const stop = new AbortController();
    const stopped = join(folder, "stopped");
    const progress = () => stop.abort(new Error("enough"));
    await expect(compose(recipe, stopped, { ...options, progress, signal: stop.signal })).rejects.toThrow(
      "enough",
    );
    expect(await compose(recipe, stopped, options)).toEqual(result);
  }, 300_000);
});

describe("incremental strategies", () => {
  const staged = TINY.replace("layers: 2", "layers: 4").replace(
    "trials: 3",
    "trials: 1, step: 2, strategy: STRATEGY",
  );

  it.each([
    ["end-incremental", (found: string) => ({ head: found, tail: "" })],
    ["middle-incremental", (found: string) => ({ head: found[0], tail: found[1] })],
  ])(
    "%s builds on what the stage before found",
    async (strategy, frame) => {
      const recipe = await read(staged.replace("STRATEGY", strategy));
      const stages = await searchLayers(join(folder, strategy), recipe, options);
      expect(stages).toHaveLength(2);
      const { head, tail, tried, layers } = stages[1]!;
      expect({ head, tail }).toEqual(frame(stages[0]!.layers));
      for (const one of tried) {
        expect(one.layers).toHaveLength(4);
        expect(one.layers.startsWith(head) && one.layers.endsWith(tail)).toBe(true);
      }
      expect(layers).toHaveLength(4);
    },
    300_000,
  );
});

describe("the score", () => {
  const outcome = (steps: number, reached: boolean, accuracy: number) =>
    measured({ metrics: { accuracy, accuracyArea: 0.5 }, stepsTo95: { steps, reached } } as never, 500)
      .score!;

  it("is the steps to 95 %, and keeps the order of runs that did not get there", () => {
    expect(outcome(260, true, 0.99)).toBe(260);
    expect(outcome(500, false, 0.9)).toBeCloseTo(525, 9);
    expect(outcome(500, false, 0.3)).toBeGreaterThan(outcome(500, false, 0.31));
    expect(outcome(500, false, 0.949)).toBeGreaterThan(outcome(500, true, 0.95));
  });

  it("is the held-out loss on text, and a failure where training diverged", () => {
    expect(measured({ metrics: { heldOutLoss: 2.1 } } as never, 500)).toEqual({ score: 2.1 });
    expect(() => measured({ metrics: {}, failed: "a loss of NaN at step 3" } as never, 500)).toThrow(
      "diverged",
    );
  });
});

describe("the example", () => {
  it("is a recipe, and the guide's one too", async () => {
    const example = await readComposeRecipe("examples/compose/recall.yaml");
    expect(example).toMatchObject({
      primitives: "AF",
      layers: 6,
      extrapolate: { by: "stack", to: 973_078_528 },
    });
    const [, guide] = /```yaml\n(.*?)```/s.exec(readFileSync("docs/compose.md", "utf8"))!;
    expect(await read(guide!)).toMatchObject({ primitives: "ASF", extrapolate: { to: 1e9 } });
  });
});

describe("a wrong recipe", () => {
  it.each([
    ["a letter that is no primitive", "primitives: AFS", "primitives: AX", 2, "different letters"],
    ["one primitive", "primitives: AFS", "primitives: A", 2, "two or more"],
    ["an unknown key", "layers: 2", "layer: 2", 3, 'did you mean "layers"|layers'],
    ["an unknown task", "in-context-recall", "in-context-recal", 6, "in-context-recall"],
    ["a setting that the task lacks", "vocabularySize: 4", "vocabulary: 4", 6, "vocabularySize"],
    ["a value that the task refuses", "sequenceLength: 8", "sequenceLength: 7", 6, "even"],
    ["a width that heads do not divide", "  width: 16", "  width: 15", 7, "head"],
    ["no step", "trials: 3", "trials: 3, strategy: end-incremental", 4, "divides 2"],
    [
      "a step that does not divide",
      "trials: 3",
      "trials: 3, step: 3, strategy: end-incremental",
      4,
      "divides 2",
    ],
    ["an unknown model", "check:", "extrapolate: { like: lama-3.2-1b }\ncheck:", 11, "llama-3.2-1b"],
    ["a size that is none", "check:", "extrapolate: { to: much }\ncheck:", 11, "1B"],
    ["an unknown policy", "name: random", "name: baysian", 4, "bayesian"],
    ["an option that the policy lacks", "name: random", "name: random, kernel: rbf", 4, "kernel"],
    [
      "a baseline that is no layers",
      "steps: 2, seeds: 2",
      "steps: 2, seeds: 2, baseline: AX",
      11,
      "one of A",
    ],
  ])("%s is told with its line", async (_, from, to, line, words) => {
    const error = await read(TINY.replace(from, to)).then(
      () => undefined,
      (thrown: unknown) => thrown,
    );
    expect(error).toBeInstanceOf(InputError);
    expect((error as Error).message).toMatch(new RegExp(`:${line}:`));
    expect((error as Error).message).toMatch(new RegExp(words));
  });
});
