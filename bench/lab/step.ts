/**
 * A training step of the lab's networks beside the same network written directly on the engine's operations
 * (bench/engine/models.ts), in turns: what the lab's layers cost over the bare engine. Prints medians and ratios.
 *
 *   node --import ./test/typescript.mjs bench/lab/step.ts [rounds]
 */
import { RandomStream } from "../../src/core/index.ts";
import {
  constantRate,
  crossEntropy,
  int32,
  type Loss,
  sum,
  type Tensor,
  Trainer,
} from "../../src/engine/index.ts";
import { network } from "../../src/lab/index.ts";
import { type Architecture, architecture } from "../../src/model/index.ts";
import { losses, MODELS, parametersOf, type Sizes, VOCABULARY } from "../engine/models.ts";

const LAB: Readonly<Record<string, (sizes: Sizes) => Architecture>> = {
  "transformer-0.9M": ({ width, heads, layers }) =>
    architecture(`(AF)${layers}`, width, {
      vocabulary: VOCABULARY,
      tiedEmbeddings: false,
      norm: "layer",
      attention: { heads, kvHeads: heads, headDim: width / heads, ropeTheta: null },
      feedForward: { hidden: 4 * width, gated: false },
    }),
  "mamba2-0.5M": ({ width, heads, layers }) =>
    architecture(`${layers}S`, width, {
      vocabulary: VOCABULARY,
      tiedEmbeddings: false,
      ssm: { innerWidth: 2 * width, headDim: (2 * width) / heads, stateSize: 32 },
    }),
};

const rounds = Number(process.argv[2] ?? 12);
for (const [name, of] of Object.entries(LAB)) {
  const sizes = MODELS[name]!;
  const shape = [sizes.batch, sizes.length];
  const common = {
    batch: { tokens: int32(shape), targets: int32(shape) },
    optimiser: { learningRate: constantRate(1e-3) },
    stream: new RandomStream(1),
    runtime: { threads: 1 },
  };
  const net = network(of(sizes));
  type Batch = { tokens: Tensor; targets: Tensor };
  type Named = Readonly<Record<string, Tensor>>;
  const labLoss = (p: Named, { tokens, targets }: Batch): Loss<never> => {
    const result = crossEntropy(net.logits(p, net.forward(p, tokens).hidden), targets);
    return { total: sum(result.losses), weight: sum(result.counted) };
  };
  const bareLoss = (p: Named, { tokens, targets }: Batch): Loss<never> => ({
    total: sum(losses(p, tokens, targets, sizes)),
  });
  const trainers = {
    bare: await Trainer.create({ ...common, parameters: parametersOf(sizes), loss: bareLoss }),
    lab: await Trainer.create({ ...common, parameters: net.parameters, loss: labLoss }),
  };
  const stream = new RandomStream(2);
  const draw = (): Int32Array =>
    Int32Array.from({ length: sizes.batch * sizes.length }, () => stream.integer(0, VOCABULARY - 1));
  const seconds: Record<keyof typeof trainers, number[]> = { bare: [], lab: [] };
  for (let round = 0; round < rounds + 3; round++) {
    const batch = { tokens: draw(), targets: draw() };
    for (const [kind, trainer] of Object.entries(trainers) as [keyof typeof trainers, Trainer][]) {
      const started = performance.now();
      await trainer.update(batch);
      // The first three steps meet memory for the first time.
      if (round >= 3) seconds[kind].push((performance.now() - started) / 1000);
    }
  }
  const median = (values: number[]): number => values.sort((a, b) => a - b)[Math.floor(values.length / 2)]!;
  const [bare, lab] = [median(seconds.bare), median(seconds.lab)];
  const best = Math.min(...seconds.lab) / Math.min(...seconds.bare);
  process.stdout.write(
    `${name}: bare ${(1000 * bare).toFixed(0)} ms, lab ${(1000 * lab).toFixed(0)} ms, ratio of medians ${(lab / bare).toFixed(2)}, of fastest ${best.toFixed(2)}\n`,
  );
  await Promise.all(Object.values(trainers).map((trainer) => trainer.close()));
}
