import { spawn, spawnSync } from "node:child_process";
import { mkdir, mkdtemp, readdir, readFile, rm, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { InferenceSession, Tensor as RuntimeTensor } from "onnxruntime-node";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { InputError, RandomStream } from "../core/index.ts";
import {
  loadCheckpoint,
  newestCheckpoint,
  restoreTrainer,
  saveCheckpoint,
  saveTrainer,
} from "./checkpoint.ts";
import { exportOnnx } from "./export.ts";
import { float32 } from "./graph.ts";
import { add, gelu, square, subtract } from "./operations/elementwise.ts";
import { matmul } from "./operations/matmul.ts";
import { sum } from "./operations/reduce.ts";
import { initialNormal } from "./parameters.ts";
import { readSafetensors, writeSafetensors } from "./safetensors.ts";
import { Trainer, train } from "./train.ts";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "checkpoint-"));
});
afterEach(() => rm(folder, { recursive: true }));

const config = { model_type: "test", hidden_size: 5 };
const inputs = { x: float32([4, 3]) };
const network = (
  p: Readonly<Record<string, import("./graph.ts").Tensor>>,
  { x }: { x: import("./graph.ts").Tensor },
) => ({
  y: add(matmul(gelu(matmul(x, p["layers.0.in"]!)), p["layers.0.out"]!), p.bias!),
});
const create = (hidden = 5) =>
  Trainer.create({
    parameters: [
      { name: "layers.0.in", shape: [3, hidden], initial: initialNormal(1), decay: true },
      { name: "layers.0.out", shape: [hidden, 2], initial: initialNormal(1), decay: true },
      { name: "bias", shape: [2], initial: initialNormal(1), decay: false },
    ],
    batch: { ...inputs, target: float32([4, 2]) },
    loss: (p, { x, target }) => ({ total: sum(square(subtract(network(p, { x }).y, target))) }),
    optimiser: { learningRate: (step) => 0.01 / (1 + step) },
    stream: new RandomStream(1),
    runtime: { thread: "caller", threads: 1 },
  });
const batch = (step: number) => {
  const stream = new RandomStream(9).split(step);
  const draw = (length: number): Float32Array => Float32Array.from({ length }, () => stream.normal());
  return { x: draw(12), target: draw(8) };
};

describe("a trainer's checkpoint", () => {
  test("goes on to the same bytes as a run that never stopped", async () => {
    await using whole = await create();
    await train(whole, { steps: 10, batch });
    const expected = await saveTrainer(whole, join(folder, "whole"), { config, position: null });

    await using first = await create();
    await train(first, { steps: 4, batch });
    await saveTrainer(first, join(folder, "parts"), { config, position: { epoch: 1, seen: 16 } });
    await using second = await create();
    const restored = await restoreTrainer(second, (await newestCheckpoint(join(folder, "parts")))!);
    expect(restored).toMatchObject({ config, position: { epoch: 1, seen: 16 } });
    expect(second.step).toBe(4);
    await train(second, { steps: 10, batch });
    const found = await saveTrainer(second, join(folder, "parts"), { config, position: null });
    for (const file of ["model.safetensors", "optimizer.safetensors", "trainer.json", "config.json"]) {
      expect(await readFile(join(found, file)), file).toEqual(await readFile(join(expected, file)));
    }
  });

  test("of another network is refused by the names and shapes that differ, and changes nothing", async () => {
    await using small = await create(5);
    const path = await saveTrainer(small, folder, { config, position: null });
    await using large = await create(6);
    const before = await large.readParameters();
    const error = (await restoreTrainer(large, path).catch((e: unknown) => e)) as InputError;
    expect(error).toBeInstanceOf(InputError);
    expect(error.message.replaceAll(path, "")).toMatchInlineSnapshot(`
      "/model.safetensors  layers.0.in
        found     float32[3, 5]
        expected  float32[3, 6]

      /model.safetensors  layers.0.out
        found     float32[5, 2]
        expected  float32[6, 2]"
    `);
    expect(await large.readParameters()).toEqual(before);
  });

  test("is kept as often as asked, the newest last", async () => {
    await using trainer = await create();
    for (const steps of [1, 2, 3]) {
      await train(trainer, { steps, batch });
      await saveTrainer(trainer, folder, { config, position: null, keep: 2 });
    }
    await saveTrainer(trainer, folder, { config, position: null, keep: 2 });
    expect(await readdir(folder)).toEqual(["step-00000003", "step-00000003-2"]);
    expect(await newestCheckpoint(folder)).toBe(join(folder, "step-00000003-2"));
    expect(await newestCheckpoint(join(folder, "nothing here"))).toBeUndefined();
  });
});

describe("a save that does not finish", () => {
  const tensors = (value: number) => ({
    w: { ...float32([50_000]), elements: new Float32Array(50_000).fill(value) },
  });
  const checkpoint = (step: number) => ({
    step,
    config,
    position: null,
    parameters: tensors(step),
    optimiser: tensors(-step),
  });
  /** Saves steps 1, 2, 3, ... without end, keeping one. */
  const saver = (): string => `
    import { saveCheckpoint } from ${JSON.stringify(new URL("./checkpoint.ts", import.meta.url).href)};
    const tensors = (value) => ({ w: { shape: [50000], dataType: "float32", elements: new Float32Array(50000).fill(value) } });
    for (let step = 1; ; step++) {
      const checkpoint = { step, config: {}, position: null, parameters: tensors(step), optimiser: tensors(-step) };
      await saveCheckpoint(process.argv[1], checkpoint, 1);
      process.stdout.write(step + "\\n");
    }`;
  const loader = new URL("../../test/typescript.mjs", import.meta.url).href;
  const nodeArguments = (): string[] => [
    "--import",
    loader,
    "--input-type=module",
    "--eval",
    saver(),
    folder,
  ];

  test("because the process was killed leaves a whole checkpoint, no older than the last one reported", async () => {
    for (const killAfter of [1, 3, 4]) {
      const child = spawn(process.execPath, nodeArguments(), { stdio: ["ignore", "pipe", "inherit"] });
      let reported = 0;
      for await (const text of child.stdout) {
        reported = Number(String(text).trim().split("\n").at(-1));
        if (reported >= killAfter) break;
      }
      child.kill("SIGKILL");
      await new Promise((resolve) => child.once("exit", resolve));
      const found = await loadCheckpoint((await newestCheckpoint(folder))!);
      expect(found.step).toBeGreaterThanOrEqual(reported);
      expect(new Set(found.parameters.w!.elements)).toEqual(new Set([found.step]));
      expect(new Set(found.optimiser.w!.elements)).toEqual(new Set([-found.step]));
      await rm(folder, { recursive: true });
      await mkdir(folder);
    }
  });

  test("because nothing more can be written leaves the earlier one, and no rest of its own", async () => {
    await saveCheckpoint(folder, checkpoint(0));
    // A limit on the size of files stands for a full disk: each of these needs 200 kB.
    const quoted = nodeArguments().map((part) => `'${part.replaceAll("'", "'\\''")}'`);
    const limited = `ulimit -f 100; exec '${process.execPath}' ${quoted.join(" ")}`;
    const { status, stderr } = spawnSync("sh", ["-c", limited], { encoding: "utf8" });
    expect(status).toBe(1);
    expect(stderr).toContain("EFBIG");
    expect(await readdir(folder)).toEqual(["step-00000000"]);
    expect((await loadCheckpoint(join(folder, "step-00000000"))).step).toBe(0);
  });

  test("leaves a partial folder that is not taken for a checkpoint and goes with the next save", async () => {
    await saveCheckpoint(folder, checkpoint(3));
    await mkdir(join(folder, ".step-00000004.partial"));
    expect(await newestCheckpoint(folder)).toBe(join(folder, "step-00000003"));
    await saveCheckpoint(folder, checkpoint(5));
    expect(await readdir(folder)).toEqual(["step-00000003", "step-00000005"]);
  });
});

describe("a safetensors file", () => {
  test("gives back names, shapes, types and bits", async () => {
    const file = join(folder, "a.safetensors");
    const tensors = {
      "a.b": { shape: [2, 1], dataType: "float32", elements: Float32Array.of(1.5, -0) },
      scalar: { shape: [], dataType: "float64", elements: Float64Array.of(Math.PI) },
      none: { shape: [0, 3], dataType: "int32", elements: new Int32Array(0) },
      "a name ü": { shape: [3], dataType: "bool", elements: Uint8Array.of(1, 0, 1) },
    } as const;
    await writeSafetensors(file, tensors);
    expect(await readSafetensors(file)).toEqual(tensors);
    // The format's own rule: the elements begin at a multiple of eight bytes.
    expect(Number((await readFile(file)).readBigUInt64LE(0)) % 8).toBe(0);
  });

  test("widens half-precision elements", async () => {
    const file = join(folder, "half.safetensors");
    // 1, -2, 65504 (largest), 2^-14 (smallest normal), 2^-24 (smallest), infinity: IEEE 754 binary16.
    const halves = Uint16Array.of(0x3c00, 0xc000, 0x7bff, 0x0400, 0x0001, 0x7c00, 0x0300);
    const header = JSON.stringify({
      __metadata__: { format: "pt" },
      h: { dtype: "F16", shape: [7], data_offsets: [0, 14] },
      b: { dtype: "BF16", shape: [1], data_offsets: [14, 16] },
    });
    const length = Buffer.alloc(8);
    length.writeBigUInt64LE(BigInt(header.length));
    const bfloat = Uint16Array.of(0xc049);
    await writeFile(
      file,
      Buffer.concat([length, Buffer.from(header), Buffer.from(halves.buffer), Buffer.from(bfloat.buffer)]),
    );
    const { h, b } = await readSafetensors(file);
    expect([...h!.elements]).toEqual([
      1,
      -2,
      65504,
      2 ** -14,
      2 ** -24,
      Number.POSITIVE_INFINITY,
      3 * 2 ** -16,
    ]);
    expect(b!.elements[0]).toBeCloseTo(-3.14, 2);
  });

  test("that is cut short, no such file, or of a strange type is refused by name", async () => {
    const file = join(folder, "a.safetensors");
    const reason = async (): Promise<string> => {
      const error = await readSafetensors(file).catch((e: unknown) => e);
      expect(error).toBeInstanceOf(InputError);
      return (error as Error).message.replaceAll(folder, "");
    };
    const reasons = [await reason()];
    await writeSafetensors(file, { w: { ...float32([4]), elements: new Float32Array(4) } });
    for (const size of [75, 20, 3]) {
      await truncate(file, size);
      reasons.push(await reason());
    }
    const text = (header: string) => {
      const length = Buffer.alloc(8);
      length.writeBigUInt64LE(BigInt(header.length));
      return writeFile(file, Buffer.concat([length, Buffer.from(header)]));
    };
    await text("{nonsense");
    reasons.push(await reason());
    await text(JSON.stringify({ w: { dtype: "F4", shape: [2], data_offsets: [0, 1] } }));
    reasons.push(await reason());
    expect(reasons.join("\n")).toMatchInlineSnapshot(`
      "/a.safetensors
        found     cannot be read (ENOENT)
        expected  a safetensors file
      /a.safetensors  w
        found     bytes 0 to 16 of 11
        expected  16 bytes for F32 [4], within the file
      /a.safetensors
        found     20 bytes, header of 56
        expected  a whole safetensors file; this one was cut short
      /a.safetensors
        found     3 bytes, header of NaN
        expected  a whole safetensors file; this one was cut short
      /a.safetensors
        found     Expected property name or '}' in JSON at position 1
        expected  a JSON header
      /a.safetensors  w
        found     elements of F4
        expected  one of F32, F64, I32, BOOL, BF16, F16"
    `);
  });
});

test("an exported network computes the same in a fresh session, with standard operators only", async () => {
  await using trainer = await create();
  await train(trainer, { steps: 3, batch });
  const program = await trainer.compile("network", network, inputs);
  const { x } = batch(0);
  const { y } = await program.run({ x });

  const file = join(folder, "network.onnx");
  const { parameters } = await trainer.state();
  await exportOnnx(file, { name: "network", parameters, inputs, network });
  expect((await readFile(file)).includes("com.microsoft")).toBe(false);
  const session = await InferenceSession.create(file);
  expect(session.inputNames).toEqual(["x"]);
  expect(session.outputNames).toEqual(["y"]);
  const found = await session.run({ x: new RuntimeTensor("float32", x, [4, 3]) });
  for (const [i, value] of y.entries()) expect(found.y!.data[i]).toBeCloseTo(value, 6);
});
