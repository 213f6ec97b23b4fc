import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as onnxruntime from "onnxruntime-node";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { RandomStream } from "../../core/index.ts";
import { float32, int32, parameterState, sizeOf } from "../../engine/index.ts";
import { decodeSpeed } from "../evaluation/index.ts";
import { byteTokenizer } from "../tokens/index.ts";
import { planRun, train } from "../training/index.ts";
import { Decoder } from "./decoder.ts";
import { exportModel } from "./export.ts";
import { generate } from "./generate.ts";
import { TrainedModel } from "./trained-model.ts";
import { continued } from "./writing.ts";

const scratch = mkdtempSync(join(tmpdir(), "terrarium-trained-"));
const trainedOf = async (layers: string, folder: string): Promise<TrainedModel> => {
  const plan = await planRun({
    layers,
    width: 16,
    data: { corpus: "moby-dick", tokenizer: "bytes" },
    context: 48,
    batch: 2,
    budget: { steps: 12 },
    seed: 1,
  });
  await train(folder, plan);
  return TrainedModel.open(folder);
};
let trained: TrainedModel;
beforeAll(async () => {
  trained = await trainedOf("SWHAEF", join(scratch, "run"));
});
afterAll(async () => {
  await trained.close();
  rmSync(scratch, { recursive: true, force: true });
});

const PROMPT =
  "It was the whiteness of the whale that above all things appalled me. But how can I hope to explain";
const ids = (prompt: string): number[] => [256, ...new TextEncoder().encode(prompt)];

describe("generated text", () => {
  test("at temperature 0 is what repeated full passes give, through a prompt longer than a piece", async () => {
    const options = { prompt: PROMPT, tokens: 20, temperature: 0, stream: new RandomStream(1) };
    const { text, tokens } = await generate(trained, options);
    expect(tokens).toBeGreaterThan(0);
    const written: number[] = [];
    while (written.length < tokens) {
      const inputs = Int32Array.from([...ids(PROMPT), ...written]);
      const { predictions } = await trained.scorer.score({
        inputs,
        targets: inputs,
        shape: [1, inputs.length],
      });
      written.push(predictions.at(-1)!);
    }
    expect(text).toBe(byteTokenizer.decode(written));
  });

  test("comes from a network that keeps nothing of its prompt, too", async () => {
    const forgetful = await trainedOf("F", join(scratch, "forgetful"));
    const ends = ["whale", "the tale"].map((prompt) =>
      generate(forgetful, { prompt, tokens: 12, temperature: 0, stream: new RandomStream(1) }),
    );
    const [first, second] = await Promise.all(ends).finally(() => forgetful.close());
    expect(first!.tokens).toBe(12);
    expect(second!.text).toBe(first!.text);
  });

  test("is the same for a seed and another for another seed", async () => {
    const texts = [];
    for (const seed of [1, 1, 2]) {
      texts.push(
        (await generate(trained, { prompt: "Call me", tokens: 30, stream: new RandomStream(seed) })).text,
      );
    }
    expect(texts[1]).toBe(texts[0]);
    expect(texts[2]).not.toBe(texts[0]);
  });

  test("does not depend on how many tokens a run makes", async () => {
    const { runtime, model } = trained;
    const sampling = { temperature: 0.8, topK: 100 };
    const stream = new RandomStream(7);
    const chances = Float32Array.from({ length: 24 }, () => stream.uniform());
    const decoder = await Decoder.create(runtime, model, chances.length, sampling);
    const expected: number[] = [];
    for await (const some of decoder.write(65, chances)) expected.push(...some);
    await decoder.close();
    expect(new Set(expected).size).toBeGreaterThan(8);

    const cache = model.network.cache(1, chances.length);
    for (const size of [1, 3]) {
      const program = await runtime.compile(
        `write ${size}`,
        (given, state) => {
          const { tokens, cache: next } = continued(
            model.network,
            state,
            state,
            given,
            chances.length,
            sampling,
          );
          return { outputs: { tokens }, state: next };
        },
        {
          inputs: { token: int32([1]), start: int32([1]), chances: float32([size]) },
          state: cache,
          fixed: parameterState(model.parameters),
        },
      );
      const zeros = Object.entries(cache).map(([name, { shape }]) => [name, new Float32Array(sizeOf(shape))]);
      await runtime.write(Object.fromEntries(zeros));
      const found: number[] = [];
      while (found.length < chances.length) {
        const { tokens } = await program.run({
          token: Int32Array.of(found.at(-1) ?? 65),
          start: Int32Array.of(found.length),
          chances: chances.slice(found.length, found.length + size),
        });
        found.push(...(tokens as Int32Array));
      }
      await program.unload();
      expect(found, `${size} a run`).toEqual(expected);
    }
  });

  test("that there is no room for is refused", async () => {
    const decoder = await Decoder.create(trained.runtime, trained.model, 2, { temperature: 0 });
    await decoder.read([1, 2]);
    await expect(decoder.read([3])).rejects.toThrow(/3 tokens[\s\S]*at most 2/);
    await expect(decoder.write(3, new Float32Array(1)).next()).rejects.toThrow(/3 tokens[\s\S]*at most 2/);
    await decoder.close();
  });
});

test("decoding keeps the bytes that the description predicts, at any context", async () => {
  // The window of 512 and sink of 64 are allocated whole; the description counts what a context fills of them.
  for (const speed of await decodeSpeed(trained, { contexts: [600, 700] })) {
    expect(speed.cacheBytes).toBe(speed.predictedCacheBytes);
    expect(speed.tokensPerSecond).toBeGreaterThan(0);
  }
});

describe("a trained network as files", () => {
  test("is ONNX that another runtime computes the same with", async () => {
    const [onnx, , config] = await exportModel(trained, join(scratch, "export"), 16);
    const session = await onnxruntime.InferenceSession.create(onnx!);
    const tokens = Int32Array.from({ length: 16 }, (_, i) => 97 + i);
    const fed = { input_ids: new onnxruntime.Tensor("int32", tokens, [1, 16]) };
    const { logits } = await session.run(fed);
    expect(logits!.dims).toEqual([1, 16, 258]);
    const { predictions } = await trained.scorer.score({ inputs: tokens, targets: tokens, shape: [1, 16] });
    const last = (logits!.data as Float32Array).slice(15 * 258);
    expect(last.indexOf(Math.max(...last))).toBe(predictions[15]);
    expect(JSON.parse(readFileSync(config!, "utf8"))).toMatchObject({
      layers: "SWHAEF",
      hidden_size: 16,
      vocab_size: 258,
    });
  });

  test.skipIf(!existsSync("/dev/full"))(
    "on a full disk leaves the files that were there as they were",
    async () => {
      const folder = join(scratch, "full");
      const files = await exportModel(trained, folder, 16);
      const before = files.map((file) => readFileSync(file));
      for (const file of files) {
        // Every byte written to this device finds no space.
        symlinkSync("/dev/full", `${file}.partial`);
        await expect(exportModel(trained, folder, 8), file).rejects.toThrow(/no space left on the disk/);
        expect(readdirSync(folder).sort()).toEqual(["config.json", "model.onnx", "model.safetensors"]);
      }
      expect(readFileSync(files[2]!)).toEqual(before[2]);
    },
  );
});
