import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test, vi } from "vitest";
import { newestCheckpoint, readSafetensors } from "../../engine/index.ts";
import { openCorpus } from "../corpora/index.ts";
import { evaluate } from "../evaluation/index.ts";
import { byteTokenizer } from "../tokens/index.ts";
import { TrainedModel } from "../trained/index.ts";
import { openData } from "./data.ts";
import { dial, type RunPlan, stepsFor } from "./plan.ts";
import { planRun } from "./request.ts";
import { diskProblem, RunFolder } from "./run-folder.ts";
import { train } from "./train.ts";

// Networks are trained here, which a busy machine makes slow.
vi.setConfig({ testTimeout: 300_000 });

const scratch = mkdtempSync(join(tmpdir(), "terrarium-lab-"));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));
let folders = 0;
const fresh = (): string => join(scratch, `run-${folders++}`);

/** A network of every kind of state that training carries: moments, balancing biases, convolutions, caches. */
const small = (changes: Partial<Parameters<typeof planRun>[0]> = {}): Promise<RunPlan> =>
  planRun({
    layers: "SEAF",
    width: 16,
    data: { corpus: "moby-dick", tokenizer: "bytes" },
    context: 32,
    batch: 2,
    budget: { steps: 12 },
    seed: 1,
    ...changes,
  });

/** Everything that must not depend on how often a run was stopped. */
async function bytesOf(folder: string): Promise<Record<string, string>> {
  const checkpoint = (await newestCheckpoint(join(folder, "checkpoints")))!;
  const files = readdirSync(checkpoint).map((name) => [
    name,
    readFileSync(join(checkpoint, name)).toString("base64"),
  ]);
  const losses = new RunFolder(folder).steps().map(({ seconds: _, ...line }) => line);
  return {
    ...Object.fromEntries(files),
    losses: JSON.stringify(losses),
    result: readFileSync(join(folder, "result.json"), "utf8"),
  };
}

describe("a run", () => {
  test("is the same bytes again, stopped or killed in the middle or not", async () => {
    const plan = await small();
    const whole = fresh();
    await train(whole, plan);

    const stopped = fresh();
    const cancel = new AbortController();
    const progress = ({ activity, done }: { activity: string; done: number }): void => {
      if (activity === "training" && done === 5) cancel.abort(new Error("enough"));
    };
    await expect(train(stopped, plan, { signal: cancel.signal, progress })).rejects.toThrow("enough");
    expect(existsSync(join(stopped, "result.json"))).toBe(false);
    expect(new RunFolder(stopped).steps()).toHaveLength(5);

    // A kill leaves a log that is ahead of the newest checkpoint, its last line cut off.
    const killed = fresh();
    cpSync(stopped, killed, { recursive: true });
    const log = join(killed, "log.jsonl");
    writeFileSync(log, `${readFileSync(log, "utf8")}{"step":5,"tokens":384,"loss":99}\n{"step":6,"los`);

    for (const folder of [stopped, killed]) {
      await train(folder, plan);
      expect(await bytesOf(folder)).toEqual(await bytesOf(whole));
    }
    // Finished: nothing is computed, nothing written.
    const before = readFileSync(join(whole, "log.jsonl"), "utf8");
    await train(whole, plan);
    expect(readFileSync(join(whole, "log.jsonl"), "utf8")).toBe(before);
  });

  test("differs by seed, in weights and in data", async () => {
    const losses = [];
    for (const seed of [1, 2]) {
      const folder = fresh();
      await train(folder, await small({ seed, budget: { steps: 2 } }));
      losses.push(new RunFolder(folder).steps().map(({ loss }) => loss));
    }
    expect(losses[0]![0]).not.toBe(losses[1]![0]);
  });

  test("moves the balancing biases of experts by one step a step, towards the mean load", async () => {
    const folder = fresh();
    await train(folder, await small());
    const checkpoint = (await newestCheckpoint(join(folder, "checkpoints")))!;
    const weights = await readSafetensors(join(checkpoint, "model.safetensors"));
    const biases = [...weights["layers.1.experts.balance"]!.elements];
    for (const bias of biases) {
      expect(Math.abs(bias)).toBeLessThanOrEqual(12 * 1e-3 + 1e-7);
      expect(Math.abs(bias / 1e-3 - Math.round(bias / 1e-3))).toBeLessThan(1e-3);
    }
    expect(Math.max(...biases)).toBeGreaterThan(0);
    expect(Math.min(...biases)).toBeLessThan(0);
  });

  test("trains on a fixed set of sequences where one is asked for", async () => {
    const source = { task: "memorization", settings: {}, trainSequences: 4 };
    const data = await openData(source, { length: 0, batch: 2, seed: 3 });
    const seen = new Set(
      Array.from({ length: 8 }, (_, step) => data.batch(step).inputs.slice(0, data.length).join()),
    );
    expect(seen.size).toBeLessThanOrEqual(4);
    const endless = await openData(
      { ...source, trainSequences: undefined },
      { length: 0, batch: 1, seed: 3 },
    );
    const all = Array.from({ length: 8 }, (_, step) => endless.batch(step).inputs.join());
    expect(new Set(all).size).toBe(8);
    expect(endless.batch(3).inputs).toEqual(endless.batch(3).inputs);
  });
});

describe("learning", () => {
  test("a byte model of Moby-Dick gets below what any model without context reaches", async () => {
    const folder = fresh();
    const plan = await planRun({
      layers: "SF",
      width: 48,
      data: { corpus: "moby-dick", tokenizer: "bytes" },
      context: 128,
      batch: 8,
      budget: { steps: 100 },
      learningRate: 1e-2,
      seed: 1,
    });
    await train(folder, plan);
    const trained = await TrainedModel.open(folder);
    try {
      const { heldOut } = await evaluate(trained, { corpus: "moby-dick", windows: 64 });
      // The entropy of the held-out bytes by themselves bounds what frequencies can reach.
      const corpus = await openCorpus("moby-dick", { tokenizer: byteTokenizer });
      const counts = new Float64Array(256);
      for (const byte of corpus.heldOut.read(0, 64 * 128)) counts[byte % 256]! += 1;
      corpus.close();
      const entropy = counts.reduce((sum, n) => sum - (n > 0 ? (n / 8192) * Math.log(n / 8192) : 0), 0);
      expect(entropy).toBeGreaterThan(2.8);
      expect(heldOut.mean).toBeLessThan(entropy - 0.5);
      expect(heldOut.interval[0]).toBeLessThan(heldOut.mean);
      expect(heldOut.mean).toBeLessThan(heldOut.interval[1]);
    } finally {
      await trained.close();
    }
  });

  const recall = async (layers: string, steps: number) => {
    const settings = { vocabularySize: 8, sequenceLength: 32 };
    const data = { task: "in-context-recall", settings };
    const plan = await planRun({ layers, width: 32, data, budget: { steps }, seed: 1 });
    return (await train(fresh(), { ...plan, stopAtAccuracy: 0.95 })).accuracy.at(-1)!;
  };

  test("attention learns to recall in context", async () => {
    expect((await recall("AFAF", 400)).accuracy).toBeGreaterThanOrEqual(0.95);
  });

  test("feed-forward layers alone stay at chance, since they see one token", async () => {
    expect((await recall("FF", 80)).accuracy).toBeLessThan(0.35);
  });

  test("the decoder of the compression task learns from the last state alone", async () => {
    const folder = fresh();
    const settings = { vocabularySize: 3, sequenceLength: 6 };
    const data = { task: "compression", settings };
    const plan = await planRun({
      layers: "SF",
      width: 32,
      data,
      budget: { steps: 80 },
      learningRate: 1e-2,
      seed: 1,
    });
    const { accuracy } = await train(folder, plan);
    // The best guess without the sequence has (5 / 2 + 1) / 6.
    expect(accuracy.at(-1)!.accuracy).toBeGreaterThan(0.8);
    const trained = await TrainedModel.open(folder);
    try {
      await expect(trained.tokenizer()).rejects.toThrow(/trained on a synthetic task/);
    } finally {
      await trained.close();
    }
  });
});

describe("what a person may get wrong", () => {
  const folder = fresh();
  const run = async (): Promise<string> => {
    if (!existsSync(folder)) await train(folder, await small({ layers: "AF", budget: { steps: 1 } }));
    return folder;
  };

  test("a layer that there is not", async () => {
    await expect(small({ layers: "SX" })).rejects.toThrow(/found {5}"X"/);
  });

  test("a task, or a size, that there is not", async () => {
    const source = { task: "in-context-recal", settings: {} };
    await expect(small({ data: source })).rejects.toThrow(/did you mean "in-context-recall"/);
    const setting = { task: "in-context-recall", settings: { vocabularySise: 8 } };
    await expect(small({ data: setting })).rejects.toThrow(/did you mean "vocabularySize"/);
    await expect(small({ depth: 2 })).rejects.toThrow(/2 sizes[\s\S]*one of depth, width and size/);
    expect(() => dial(0)).toThrow(/a whole number of blocks/);
  });

  test("a corpus that is empty or no text", async () => {
    const empty = join(scratch, "empty.txt");
    writeFileSync(empty, "");
    const binary = join(scratch, "binary.txt");
    writeFileSync(
      binary,
      Uint8Array.from({ length: 4096 }, (_, i) => (i * 37) % 256),
    );
    for (const corpus of [empty, binary]) {
      const plan = await small({ data: { corpus, tokenizer: "bytes" } });
      await expect(train(fresh(), plan)).rejects.toMatchObject({ name: "InputError" });
    }
  });

  test("a budget that pays for no step", async () => {
    const { architecture } = await small();
    expect(() => stepsFor({ flops: 10 }, architecture, 32, 2)).toThrow(/10 flops[\s\S]*enough for one step/);
  });

  test("a vocabulary that is too small for the data", async () => {
    const plan = await small();
    const narrow = { ...plan, architecture: { ...plan.architecture, vocabulary: 10 } };
    await expect(train(fresh(), narrow)).rejects.toThrow(/found {5}10[\s\S]*at least 258/);
  });

  test("another run's folder", async () => {
    const other = await small({ layers: "AF", budget: { steps: 1 }, seed: 9 });
    await expect(train(await run(), other)).rejects.toThrow(/another run, which differs in seed/);
  });

  test("a checkpoint of another network", async () => {
    const mixed = fresh();
    cpSync(await run(), mixed, { recursive: true });
    rmSync(join(mixed, "result.json"));
    const plan = await small({ layers: "SF", budget: { steps: 1 } });
    writeFileSync(join(mixed, "run.json"), JSON.stringify(plan));
    await expect(train(mixed, plan)).rejects.toThrow(/layers\.0\.ssm\.input[\s\S]*no such tensor/);
    const checkpoint = (await newestCheckpoint(join(mixed, "checkpoints")))!;
    const config = JSON.parse(readFileSync(join(checkpoint, "config.json"), "utf8"));
    config.terrarium.architecture.width = 32;
    writeFileSync(join(checkpoint, "config.json"), JSON.stringify(config));
    await expect(TrainedModel.open(checkpoint)).rejects.toMatchObject({ name: "InputError" });
    writeFileSync(join(checkpoint, "config.json"), '{"model_type":"llama"}');
    await expect(TrainedModel.open(checkpoint)).rejects.toThrow(/a model of type "llama"/);
  });

  test("a folder without a run", async () => {
    await expect(TrainedModel.open(join(scratch, "nowhere"))).rejects.toThrow(/no such folder/);
  });

  test("a disk that takes no checkpoint or no run", async () => {
    const plan = await small({ layers: "AF", budget: { steps: 1 } });
    const blocked = fresh();
    mkdirSync(blocked);
    writeFileSync(join(blocked, "checkpoints"), "a file where the folder should be");
    await expect(train(blocked, plan)).rejects.toThrow(
      /a file where a folder should be[\s\S]*what was saved before is whole/,
    );
    expect(existsSync(join(blocked, "result.json"))).toBe(false);
    rmSync(join(blocked, "checkpoints"));
    expect((await train(blocked, plan)).steps).toBe(1);
    await expect(train(join(blocked, "result.json"), plan)).rejects.toThrow(
      /a file where a folder should be/,
    );

    const full = Object.assign(new Error("write"), { code: "ENOSPC" });
    expect(diskProblem("runs/a", full)).toMatchObject({
      name: "InputError",
      message: expect.stringMatching(/no space left/),
    });
    const ours = new TypeError("a mistake of ours");
    expect(diskProblem("runs/a", ours)).toBe(ours);
  });
});
