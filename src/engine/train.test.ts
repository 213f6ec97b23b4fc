import { describe, expect, test } from "vitest";
import { RandomStream } from "../core/index.ts";
import { float32, int32 } from "./graph.ts";
import { add, silu, square, subtract } from "./operations/elementwise.ts";
import { gather, matmul } from "./operations/matmul.ts";
import { crossEntropy, rmsNorm } from "./operations/neural.ts";
import { sum } from "./operations/reduce.ts";
import { constantRate, cosineSchedule, trapezoidSchedule } from "./optimise/schedule.ts";
import { initialConstant, initialNormal, type ParameterSpec } from "./parameters.ts";
import type { Specs } from "./runtime.ts";
import { Trainer, type TrainerOptions, train } from "./train.ts";

const numbers = (stream: RandomStream, length: number): Float32Array =>
  Float32Array.from({ length }, () => stream.normal());

/** Least squares, whose gradient is known by hand: y ~ x w + b. */
const rows = 8;
const linear = {
  parameters: [
    { name: "w", shape: [3, 2], initial: initialNormal(1), decay: true },
    { name: "b", shape: [2], initial: initialNormal(1), decay: false },
  ],
  batch: { x: float32([rows, 3]), y: float32([rows, 2]) },
  loss: (p, { x, y }) => ({ total: sum(square(subtract(add(matmul(x, p.w!), p.b!), y))) }),
  optimiser: { learningRate: (step: number) => 0.02 / (1 + step), weightDecay: 0.3, clipNorm: 5 },
  stream: new RandomStream(1),
  runtime: { thread: "caller", threads: 1 },
} as const satisfies TrainerOptions<{ x: ReturnType<typeof float32>; y: ReturnType<typeof float32> }, never>;

/** A small classifier with an embedding, a norm and targets of which some are ignored. */
const vocabulary = 7;
const parameters: ParameterSpec[] = [
  { name: "embedding", shape: [vocabulary, 6], initial: initialNormal(0.5), decay: false },
  { name: "norm", shape: [6], initial: initialConstant(1), decay: false },
  { name: "in", shape: [6, 16], initial: initialNormal(0.4), decay: true },
  { name: "out", shape: [16, vocabulary], initial: initialNormal(0.25), decay: true },
];
function classifier(
  batch: number,
  options: Pick<TrainerOptions<Specs, never>, "batchesPerStep" | "runtime"> = {},
) {
  return Trainer.create({
    parameters,
    batch: { tokens: int32([batch]), targets: int32([batch]) },
    loss: (p, { tokens, targets }) => {
      const hidden = silu(matmul(rmsNorm(gather(p.embedding!, tokens), p.norm!), p.in!));
      const { losses, counted } = crossEntropy(matmul(hidden, p.out!), targets);
      return { total: sum(losses), weight: sum(counted), outputs: { losses } };
    },
    optimiser: { learningRate: constantRate(0.01) },
    stream: new RandomStream(3),
    runtime: { thread: "caller", threads: 1 },
    ...options,
  });
}
function tokensOf(step: number, batch: number) {
  const stream = new RandomStream(5).split(step);
  const tokens = Int32Array.from({ length: batch }, () => stream.integer(0, vocabulary - 1));
  const targets = tokens.map((token, i) => (i % 3 === 1 ? -100 : (token * 2 + 1) % vocabulary));
  return { tokens, targets };
}
const flat = (values: Readonly<Record<string, ArrayLike<number>>>): number[] =>
  Object.values(values).flatMap((elements) => Array.from(elements));

describe("an update", () => {
  test("is AdamW with clipping: 20 steps agree with a direct computation in double precision to 1e-6", async () => {
    await using trainer = await Trainer.create(linear);
    const before = await trainer.readParameters();
    const w = Float64Array.from(before.w!);
    const b = Float64Array.from(before.b!);
    const moments = new Map(
      [w, b].map((p) => [p, { m: new Float64Array(p.length), v: new Float64Array(p.length) }]),
    );
    const { learningRate, weightDecay, clipNorm } = linear.optimiser;
    for (let step = 0; step < 20; step++) {
      const stream = new RandomStream(2).split(step);
      const batch = { x: numbers(stream, rows * 3), y: numbers(stream, rows * 2) };
      const result = await trainer.update(batch);

      const gw = new Float64Array(w.length);
      const gb = new Float64Array(b.length);
      let loss = 0;
      for (let i = 0; i < rows; i++) {
        for (let k = 0; k < 2; k++) {
          let error = b[k]! - batch.y[i * 2 + k]!;
          for (let j = 0; j < 3; j++) error += batch.x[i * 3 + j]! * w[j * 2 + k]!;
          loss += error * error;
          gb[k]! += 2 * error;
          for (let j = 0; j < 3; j++) gw[j * 2 + k]! += 2 * error * batch.x[i * 3 + j]!;
        }
      }
      const norm = Math.hypot(...gw, ...gb);
      expect(result.loss / loss).toBeCloseTo(1, 5);
      expect(result.gradientNorm / norm).toBeCloseTo(1, 5);
      expect(norm).toBeGreaterThan(clipNorm);
      const rate = learningRate(step);
      for (const [p, g] of [
        [w, gw],
        [b, gb],
      ] as const) {
        const { m, v } = moments.get(p)!;
        for (let i = 0; i < p.length; i++) {
          const clipped = g[i]! * Math.min(1, clipNorm / (norm + 1e-6));
          m[i] = 0.9 * m[i]! + 0.1 * clipped;
          v[i] = 0.95 * v[i]! + 0.05 * clipped * clipped;
          const ratio =
            m[i]! / (1 - 0.9 ** (step + 1)) / (Math.sqrt(v[i]! / (1 - 0.95 ** (step + 1))) + 1e-8);
          p[i] = p[i]! * (p === w ? 1 - rate * weightDecay : 1) - rate * ratio;
        }
      }
    }
    const after = await trainer.readParameters();
    for (const [i, exact] of [...w, ...b].entries()) {
      expect(Math.abs(flat(after)[i]! - exact)).toBeLessThan(1e-6 * Math.max(1, Math.abs(exact)));
    }
  });

  test("leaves a parameter that is not trained as it is, and keeps no moments for it", async () => {
    const [w, b] = linear.parameters;
    await using trainer = await Trainer.create({ ...linear, parameters: [w, { ...b, trained: false }] });
    const before = await trainer.readParameters();
    const stream = new RandomStream(4);
    await trainer.update({ x: numbers(stream, rows * 3), y: numbers(stream, rows * 2) });
    const after = await trainer.readParameters();
    expect(after.b).toEqual(before.b);
    expect(after.w).not.toEqual(before.w);
    expect(Object.keys(trainer.specs.optimiser)).toEqual(["adamw.first.w", "adamw.second.w"]);
  });

  test("of four batches equals that of one batch four times as large, however the targets are spread", async () => {
    await using whole = await classifier(16);
    await using parts = await classifier(4, { batchesPerStep: 4 });
    for (let step = 0; step < 5; step++) {
      const { tokens, targets } = tokensOf(step, 16);
      targets.fill(-100, 0, 3);
      const quarters = [0, 4, 8, 12].map((at) => ({
        tokens: tokens.slice(at, at + 4),
        targets: targets.slice(at, at + 4),
      }));
      const one = await whole.update({ tokens, targets });
      const four = await parts.update(quarters);
      expect(four.loss).toBeCloseTo(one.loss, 5);
      expect(four.gradientNorm).toBeCloseTo(one.gradientNorm, 5);
      expect(four.outputs.flatMap(({ losses }) => [...losses!])).toHaveLength(16);
    }
    const [a, b] = [flat(await whole.readParameters()), flat(await parts.readParameters())];
    // Adam divides by the root of v: where a gradient is near zero, its rounding shows in full.
    for (const [i, value] of a.entries()) expect(Math.abs(value - b[i]!)).toBeLessThan(2e-5);
  });

  test("in which no target counts changes nothing but by decay and momentum, and stays finite", async () => {
    await using trainer = await classifier(4);
    const { tokens } = tokensOf(0, 4);
    const before = await trainer.readParameters();
    const { loss, gradientNorm } = await trainer.update({ tokens, targets: new Int32Array(4).fill(-100) });
    expect([loss, gradientNorm]).toEqual([0, 0]);
    const after = await trainer.readParameters();
    expect(after.embedding).toEqual(before.embedding);
    for (const [i, value] of after.out!.entries())
      expect(value).toBeCloseTo(before.out![i]! * (1 - 0.01 * 0.1), 6);
  });

  test("rejects another number of batches, and elements of another length, by name", async () => {
    await using trainer = await classifier(4);
    await expect(trainer.update([])).rejects.toThrowErrorMatchingInlineSnapshot(
      `[RangeError: update: this trainer takes 1 batches a step, was given 0]`,
    );
    await expect(
      trainer.update({ tokens: new Int32Array(3), targets: new Int32Array(4) }),
    ).rejects.toThrowErrorMatchingInlineSnapshot(
      `[RangeError: update: "tokens" needs int32[4], was given 3 elements of int32]`,
    );
    expect(trainer.step).toBe(0);
  });
});

describe("determinism", () => {
  const run = async (threads: number): Promise<number[]> => {
    await using trainer = await classifier(64, { runtime: { thread: "caller", threads } });
    await train(trainer, { steps: 10, batch: (step) => tokensOf(step, 64) });
    return flat(await trainer.readParameters());
  };

  test("the same seed gives the same bits, on one thread and on two", async () => {
    const first = await run(1);
    expect(await run(1)).toEqual(first);
    expect(await run(2)).toEqual(first);
  });

  test("a parameter's first values depend on the seed and its name, not on what else there is", async () => {
    await using all = await classifier(4);
    await using fewer = await Trainer.create({
      ...linear,
      parameters: [...linear.parameters, parameters[2]!],
      stream: new RandomStream(3),
    });
    expect((await fewer.readParameters()).in).toEqual((await all.readParameters()).in);
  });
});

describe("training", () => {
  test("runs in a worker without holding up the caller, reports progress, and is cancelled between updates", async () => {
    const uninterrupted = await classifier(64, { runtime: { threads: 1 } });
    await train(uninterrupted, { steps: 12, batch: (step) => tokensOf(step, 64) });

    await using trainer = await classifier(64, { runtime: { threads: 1 } });
    const cancel = new AbortController();
    const seen: number[] = [];
    const notes: string[] = [];
    const options = {
      steps: 12,
      batch: (step: number) => tokensOf(step, 64),
      progress: ({ note }: { note?: string | undefined }) => notes.push(note!),
      onStep: ({ step }: { step: number }) => {
        seen.push(step);
        if (step === 3) cancel.abort(new Error("enough"));
      },
    };
    await expect(train(trainer, { ...options, signal: cancel.signal })).rejects.toThrow("enough");
    expect(seen).toEqual([...Array(trainer.step).keys()]);
    expect(trainer.step).toBeLessThan(6);
    await train(trainer, options);
    expect(seen).toEqual([...Array(12).keys()]);
    expect(notes[0]).toMatch(/^loss \d\.\d{4}$/);
    expect(flat(await trainer.readParameters())).toEqual(flat(await uninterrupted.readParameters()));
    await uninterrupted.close();
  });

  test("lowers the loss to that of the rule behind the data", async () => {
    await using trainer = await classifier(64);
    const losses: number[] = [];
    await train(trainer, {
      steps: 150,
      batch: (step) => tokensOf(step, 64),
      onStep: ({ loss }) => void losses.push(loss),
    });
    expect(losses[0]).toBeGreaterThan(1.5);
    expect(losses.at(-1)).toBeLessThan(0.05);
  });

  test("programs of the trainer see its newest parameters", async () => {
    await using trainer = await classifier(4);
    const norms = await trainer.compile("norms", (p) => ({ norm: sum(square(p.out!)) }), {});
    const before = (await norms.run({})).norm[0]!;
    await trainer.update(tokensOf(0, 4));
    const after = (await norms.run({})).norm[0]!;
    const direct = flat({ out: (await trainer.readParameters()).out! }).reduce(
      (total, x) => total + x * x,
      0,
    );
    expect(after).not.toBe(before);
    expect(after / direct).toBeCloseTo(1, 5);
  });
});

describe("schedules", () => {
  test("the trapezoid climbs, stays and falls to its floor", () => {
    const rate = trapezoidSchedule({ peak: 1, warmupSteps: 4, decaySteps: 4, steps: 12, floor: 0.2 });
    expect([0, 3, 4, 8].map(rate)).toEqual([0.25, 1, 1, 1]);
    expect(rate(10)).toBeCloseTo(0.6, 12);
    expect(rate(12)).toBeCloseTo(0.2, 12);
  });

  test("the cosine climbs, is half way in the middle, and ends at its floor", () => {
    const rate = cosineSchedule({ peak: 2, warmupSteps: 10, steps: 110, floor: 0.1 });
    expect(rate(4)).toBeCloseTo(1, 12);
    expect(rate(10)).toBeCloseTo(2, 12);
    expect(rate(60)).toBeCloseTo(1.1, 12);
    expect(rate(500)).toBeCloseTo(0.2, 12);
  });
});
