/**
 * The engine beside PyTorch: the same weights and batches, gradients compared, then steps timed in turns.
 * Usage: see README.md.
 */

import { type ChildProcess, spawn } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { loadavg, tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface, type Interface } from "node:readline";
import { parseArgs } from "node:util";
import { RandomStream } from "../../src/core/index.ts";
import { initialise, sizeOf, writeSafetensors } from "../../src/engine/index.ts";
import { MODELS, parametersOf, VOCABULARY } from "./models.ts";

const { values: options } = parseArgs({
  options: {
    python: { type: "string", default: "python3" },
    threads: { type: "string", default: "1" },
    rounds: { type: "string", default: "10" },
    models: { type: "string", default: Object.keys(MODELS).join(",") },
  },
});

type Reply = Readonly<Record<string, number>> & {
  readonly tokens?: readonly number[];
  readonly version?: string;
};

/** A process that answers one line with one line. */
class Side {
  readonly #child: ChildProcess;
  readonly #lines: AsyncIterator<string>;

  constructor(command: string, parameters: readonly string[]) {
    this.#child = spawn(command, parameters, { stdio: ["pipe", "pipe", "inherit"] });
    const lines: Interface = createInterface({ input: this.#child.stdout! });
    this.#lines = lines[Symbol.asyncIterator]();
  }

  async ask(act: string): Promise<Reply> {
    this.#child.stdin!.write(`${JSON.stringify(act)}\n`);
    const { value, done } = await this.#lines.next();
    if (done) throw new Error(`${this.#child.spawnfile} ended`);
    return JSON.parse(value) as Reply;
  }

  close(): void {
    this.#child.stdin!.end();
  }
}

const median = (values: readonly number[]): number => {
  const sorted = values.toSorted((a, b) => a - b);
  return (sorted[Math.floor((sorted.length - 1) / 2)]! + sorted[Math.ceil((sorted.length - 1) / 2)]!) / 2;
};

async function compare(model: string, folder: string): Promise<void> {
  const sizes = MODELS[model]!;
  const parameters = parametersOf(sizes);
  const stream = new RandomStream(1);
  const first = initialise(parameters, stream.split("parameters"));
  const stored = parameters.map(({ name, shape }) => [
    name,
    { shape, dataType: "float32" as const, elements: first.get(name)! },
  ]);
  await writeSafetensors(join(folder, "parameters.safetensors"), Object.fromEntries(stored));
  const shape = [4, sizes.batch, sizes.length];
  const tokens = Int32Array.from({ length: sizeOf(shape) }, () => stream.integer(0, VOCABULARY - 1));
  // A rule to learn, so that the losses fall.
  const targets = tokens.map((token) => (token * 7 + 3) % VOCABULARY);
  const batches = Object.entries({ tokens, targets });
  await writeSafetensors(
    join(folder, "batches.safetensors"),
    Object.fromEntries(
      batches.map(([name, elements]) => [name, { shape, dataType: "int32" as const, elements }]),
    ),
  );

  const here = import.meta.dirname;
  const { python, threads } = options;
  const engine = new Side(process.execPath, [
    ...process.execArgv,
    join(here, "engine.ts"),
    model,
    folder,
    threads,
  ]);
  const peer = new Side(python, [join(here, "peer.py"), JSON.stringify(sizes), folder, threads]);
  const sides = { engine, peer };
  const { version } = await peer.ask("version");
  console.log(
    `\n${model}: ${[...first.values()].reduce((n, v) => n + v.length, 0)} parameters, beside ${version}, threads ${threads}`,
  );

  const steps: Record<"engine" | "peer", Reply[]> = { engine: [], peer: [] };
  const warmUp = 3;
  for (let round = 0; round < Number(options.rounds) + warmUp; round++) {
    for (const side of ["engine", "peer"] as const) steps[side].push(await sides[side].ask("update"));
  }
  const timed = (side: "engine" | "peer", key: string): number[] =>
    steps[side].slice(warmUp).map((reply) => reply[key]!);
  const lossGap = Math.max(...steps.engine.map(({ loss }, i) => Math.abs(loss! - steps.peer[i]!.loss!)));
  for (const key of ["cpuSeconds", "wallSeconds"]) {
    const [ours, theirs] = [timed("engine", key), timed("peer", key)];
    const ratios = ours.map((value, i) => theirs[i]! / value).toSorted((a, b) => a - b);
    console.log(
      `  step, ${key === "cpuSeconds" ? "processor" : "wall"} ms: engine ${(1e3 * median(ours)).toFixed(1)}, peer ${(1e3 * median(theirs)).toFixed(1)}; ` +
        `peer/engine ${median(ratios).toFixed(2)} (${ratios[0]!.toFixed(2)}..${ratios.at(-1)!.toFixed(2)})`,
    );
  }
  console.log(`  largest difference of a loss in ${steps.engine.length} steps: ${lossGap.toExponential(1)}`);
  const [ours, theirs] = [(await engine.ask("memory")).peakBytes!, (await peer.ask("memory")).peakBytes!];
  console.log(
    `  peak memory, MB: engine ${(ours / 1e6).toFixed(0)}, peer ${(theirs / 1e6).toFixed(0)}; peer/engine ${(theirs / ours).toFixed(2)}`,
  );
  engine.close();
  peer.close();

  const fresh = {
    engine: new Side(process.execPath, [
      ...process.execArgv,
      join(here, "engine.ts"),
      model,
      folder,
      threads,
    ]),
    peer: new Side(python, [join(here, "peer.py"), JSON.stringify(sizes), folder, threads]),
  };
  await Promise.all([fresh.engine.ask("gradients"), fresh.peer.ask("gradients")]);
  console.log(`  ${await gradientError(model, folder)}`);
  if (sizes.kind === "transformer") {
    const speeds: Record<"engine" | "peer", number[]> = { engine: [], peer: [] };
    const found: (readonly number[])[] = [];
    for (let round = 0; round < 4; round++) {
      for (const side of ["engine", "peer"] as const) {
        const { tokens: decoded, wallSeconds } = await fresh[side].ask("decode");
        if (round > 0) speeds[side].push(decoded!.length / wallSeconds!);
        found.push(decoded!);
      }
    }
    const same = found[0]!.filter((token, i) => found.every((other) => other[i] === token)).length;
    console.log(
      `  decode, tokens/s: engine ${median(speeds.engine).toFixed(0)}, peer ${median(speeds.peer).toFixed(0)}; ` +
        `engine/peer ${(median(speeds.engine) / median(speeds.peer)).toFixed(2)}; ${same} of ${found[0]!.length} tokens the same`,
    );
  }
  fresh.engine.close();
  fresh.peer.close();
}

/** The relative L2 error of the worst parameter's gradient. */
async function gradientError(model: string, folder: string): Promise<string> {
  const [ours, theirs] = await Promise.all(
    ["gradients.engine.bin", "gradients.bin"].map(async (name) => {
      const bytes = await readFile(join(folder, name));
      return new Float32Array(new Uint8Array(bytes).buffer);
    }),
  );
  let worst = { name: "", error: -1 };
  let offset = 0;
  for (const { name, shape } of parametersOf(MODELS[model]!)) {
    let difference = 0;
    let size = 0;
    for (let i = offset; i < offset + sizeOf(shape); i++) {
      difference += (ours![i]! - theirs![i]!) ** 2;
      size += theirs![i]! ** 2;
    }
    offset += sizeOf(shape);
    const error = Math.sqrt(difference / size);
    if (error > worst.error) worst = { name, error };
  }
  if (!(worst.error < 1e-5)) throw new Error(`the gradients differ: ${worst.error} in ${worst.name}`);
  return `gradients: worst relative difference ${worst.error.toExponential(1)} (${worst.name})`;
}

console.log(
  `load before: ${loadavg()
    .map((load) => load.toFixed(1))
    .join(" ")}`,
);
for (const model of options.models.split(",")) {
  const folder = await mkdtemp(join(tmpdir(), "engine-bench-"));
  await compare(model, folder).finally(() => rm(folder, { recursive: true }));
}
