/**
 * The same programs on WebGPU, with nothing left to the CPU. Without a GPU, a software Vulkan device serves:
 * SwiftShader, from Debian's chromium-common, with libvulkan1.
 */

import { existsSync } from "node:fs";
import { afterAll, describe, expect, test } from "vitest";
import { missing } from "../../test/requirements.ts";
import { RandomStream } from "../core/index.ts";
import { float32, int32 } from "./graph.ts";
import { causalAttention } from "./operations/attention.ts";
import { add, multiply, silu, softplus } from "./operations/elementwise.ts";
import { gather, matmul } from "./operations/matmul.ts";
import { causalConvolution, crossEntropy, layerNorm, rmsNorm } from "./operations/neural.ts";
import { cumulativeSum, sum } from "./operations/reduce.ts";
import { reshape, split } from "./operations/shape.ts";
import { initialConstant, initialNormal } from "./parameters.ts";
import { probe } from "./providers.ts";
import { Runtime } from "./runtime.ts";
import { Trainer, train } from "./train.ts";

const SOFTWARE_DEVICE = "/usr/lib/chromium/vk_swiftshader_icd.json";
if (existsSync(SOFTWARE_DEVICE)) process.env.VK_ICD_FILENAMES ??= SOFTWARE_DEVICE;
const { works } = await probe("webgpu");
const skip = missing("a WebGPU device", works, "apt-get install libvulkan1 chromium-common");

const [batch, time, width] = [2, 16, 8];
const matrix = (name: string, shape: readonly number[]) => ({
  name,
  shape,
  initial: initialNormal(0.3),
  decay: true,
});
const vector = (name: string, value: number) => ({
  name,
  shape: [width],
  initial: initialConstant(value),
  decay: false,
});

/** Every composition once: embedding, attention, convolution, running sum, both norms, cross-entropy. */
const create = (provider: string) =>
  Trainer.create({
    parameters: [
      matrix("embedding", [11, width]),
      matrix("qkv", [width, 3 * width]),
      matrix("taps", [4, width]),
      matrix("head", [width, 11]),
      vector("scale", 1),
      vector("shift", 0),
      vector("gain", 1),
    ],
    batch: { tokens: int32([batch, time]), targets: int32([batch, time]) },
    loss: (p, { tokens, targets }) => {
      const x = layerNorm(gather(p.embedding!, tokens), p.scale!, p.shift!);
      const [q, k, v] = split(matmul(x, p.qkv!), 2, [width, width, width]).map((part) =>
        reshape(part, [batch, 1, time, width]),
      ) as [typeof x, typeof x, typeof x];
      const mixed = add(x, reshape(causalAttention(q, k, v), [batch, time, width]));
      const filtered = silu(causalConvolution(mixed, p.taps!));
      const summed = add(filtered, multiply(cumulativeSum(softplus(mixed), 1), 0.1));
      const { losses, counted } = crossEntropy(matmul(rmsNorm(summed, p.gain!), p.head!), targets);
      return { total: sum(losses), weight: sum(counted) };
    },
    optimiser: { learningRate: () => 0.01 },
    stream: new RandomStream(1),
    runtime: { provider, threads: 1, fallback: false },
  });

const tokensOf = (step: number) => {
  const stream = new RandomStream(2).split(step);
  const draw = (): Int32Array => Int32Array.from({ length: batch * time }, () => stream.integer(0, 10));
  const tokens = draw();
  return { tokens, targets: tokens.map((token, i) => (i % 5 === 0 ? -100 : (token + 3) % 11)) };
};

describe.skipIf(skip)("on WebGPU", () => {
  const closing: { close(): Promise<void> }[] = [];
  afterAll(() => Promise.all(closing.map((item) => item.close())));

  test("training gives the losses and parameters that the CPU gives", async () => {
    const results = [];
    for (const provider of ["cpu", "webgpu"]) {
      const trainer = await create(provider);
      closing.push(trainer);
      const losses: number[] = [];
      await train(trainer, { steps: 4, batch: tokensOf, onStep: ({ loss }) => void losses.push(loss) });
      results.push({ losses, parameters: await trainer.readParameters() });
    }
    const [cpu, gpu] = results as [(typeof results)[0], (typeof results)[0]];
    for (const [i, loss] of cpu!.losses.entries()) expect(gpu!.losses[i]).toBeCloseTo(loss, 4);
    for (const [name, elements] of Object.entries(cpu!.parameters)) {
      for (const [i, value] of elements.entries()) {
        expect(Math.abs(gpu!.parameters[name]![i]! - value), `${name}[${i}]`).toBeLessThan(1e-3);
      }
    }
  });

  test("rows are written into state that stays on the device", async () => {
    const runtime = new Runtime({ provider: "webgpu", fallback: false });
    closing.push(runtime);
    const append = await runtime.compile(
      "append rows",
      ({ rows, at }, { cache }) => ({
        outputs: { before: sum(cache) },
        state: { cache: { rows, axis: 1, at } },
      }),
      { inputs: { rows: float32([2, 2, 2]), at: int32([1]) }, state: { cache: float32([2, 3, 2]) } },
    );
    const rows = Float32Array.of(1, 2, 3, 4, 5, 6, 7, 8);
    await append.run({ rows, at: Int32Array.of(1) });
    expect((await append.run({ rows, at: Int32Array.of(0) })).before[0]).toBe(36);
    expect((await runtime.read(["cache"])).cache).toEqual(
      Float32Array.of(1, 2, 3, 4, 3, 4, 5, 6, 7, 8, 7, 8),
    );
  });
});
