/** The engine's side of the bench: the same commands as peer.py. */

import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { RandomStream } from "../../src/core/index.ts";
import {
  constantRate,
  float32,
  gradients,
  int32,
  mean,
  parameterState,
  readSafetensors,
  type Specs,
  type Tensor,
  Trainer,
} from "../../src/engine/index.ts";
import { decode, TOKENS_A_RUN } from "./decode.ts";
import { losses, MODELS, parametersOf } from "./models.ts";

const [model, folder, threads] = process.argv.slice(2) as [string, string, string];
const sizes = MODELS[model]!;
const tokenSpec = int32([sizes.batch, sizes.length]);
const specs = { tokens: tokenSpec, targets: tokenSpec };
const parameters = parametersOf(sizes);

const trainer = await Trainer.create({
  parameters,
  batch: specs,
  loss: (p, { tokens, targets }) => ({ total: mean(losses(p, tokens, targets, sizes)) }),
  optimiser: { learningRate: constantRate(1e-3) },
  stream: new RandomStream(1),
  // In this process's own thread, so that its processor time is the process's.
  runtime: { thread: "caller", threads: Number(threads) },
});
const first = await readSafetensors(join(folder, "parameters.safetensors"));
await trainer.writeParameters(
  Object.fromEntries(Object.entries(first).map(([name, { elements }]) => [name, elements])),
);
const { tokens, targets } = await readSafetensors(join(folder, "batches.safetensors"));
const batchCount = tokens!.shape[0]!;
const batchAt = (step: number) => {
  const size = sizes.batch * sizes.length;
  const from = (step % batchCount) * size;
  const cut = (t: typeof tokens): Int32Array => t!.elements.slice(from, from + size) as Int32Array;
  return { tokens: cut(tokens), targets: cut(targets) };
};

const acts: Record<string, () => Promise<Record<string, unknown>>> = {
  update: async () => {
    const { loss, gradientNorm } = await trainer.update(batchAt(trainer.step));
    return { loss, norm: gradientNorm };
  },
  gradients: async () => {
    const program = await trainer.compile(
      "gradients",
      (p, batch) => {
        const found = gradients(
          mean(losses(p, batch.tokens, batch.targets, sizes)),
          parameters.map(({ name }) => p[name]!),
        );
        return Object.fromEntries(found.map((g, i) => [parameters[i]!.name, g]));
      },
      specs,
    );
    const found = await program.run(batchAt(0));
    await program.unload();
    const bytes = parameters.map(({ name }) => Buffer.from(found[name]!.buffer));
    await writeFile(join(folder, "gradients.engine.bin"), Buffer.concat(bytes));
    return {};
  },
  decode: async () => {
    decoder ??= await compileDecoder();
    const found: number[] = [];
    for (let at = 0; at < sizes.length; at += TOKENS_A_RUN) {
      const { tokens: some } = await decoder.run({
        token: Int32Array.of(found.at(-1) ?? 1),
        at: Int32Array.of(at),
      });
      found.push(...some!);
    }
    return { tokens: found.slice(0, sizes.length - 1) };
  },
  memory: async () => ({ peakBytes: process.resourceUsage().maxRSS * 1024 }),
  version: async () => ({ version: "engine" }),
};

let decoder: Awaited<ReturnType<typeof compileDecoder>> | undefined;
function compileDecoder() {
  const cache = float32([1, sizes.heads, sizes.length, sizes.width / sizes.heads]);
  const caches: Specs = Object.fromEntries(
    Array.from({ length: sizes.layers }, (_, i) => [
      [`${i}.keys`, cache],
      [`${i}.values`, cache],
    ]).flat() as [string, typeof cache][],
  );
  return trainer.runtime.compile(
    "decode",
    (inputs, state: Readonly<Record<string, Tensor>>) => decode(state, inputs.token, inputs.at, sizes),
    { inputs: { token: int32([1]), at: int32([1]) }, state: caches, fixed: parameterState(parameters) },
  );
}

for await (const line of createInterface({ input: process.stdin })) {
  const cpu = process.cpuUsage();
  const start = process.hrtime.bigint();
  const result = await acts[JSON.parse(line) as string]!();
  const wallSeconds = Number(process.hrtime.bigint() - start) / 1e9;
  const { user, system } = process.cpuUsage(cpu);
  process.stdout.write(`${JSON.stringify({ ...result, cpuSeconds: (user + system) / 1e6, wallSeconds })}\n`);
}
await trainer.close();
