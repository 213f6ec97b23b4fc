/** Trains by a plan in a run folder: stops at any time, goes on exactly where it was. */
import { InputError, RandomStream, type Supervision } from "../../core/index.ts";
import {
  cosineSchedule,
  int32,
  newestCheckpoint,
  type ParameterSpec,
  restoreTrainer,
  type Schedule,
  saveTrainer,
  Trainer,
  trapezoidSchedule,
} from "../../engine/index.ts";
import { parameters, trainingFlops } from "../../model/index.ts";
import { BALANCE, BALANCE_STEP } from "../networks/index.ts";
import { scoreOf, testTally } from "./accuracy.ts";
import { openData, type TrainingData } from "./data.ts";
import { type LanguageModel, languageModel, Scorer, trainingLoss } from "./language-model.ts";
import { configJson, modelConfig } from "./model-config.ts";
import type { OptimiserPlan, RunPlan } from "./plan.ts";
import { type AccuracyLine, diskProblem, RunFolder, type RunResult } from "./run-folder.ts";

export interface TrainOptions extends Supervision {
  /** Threads of one operation. Default 1: small products gain little from more, and two runs share a machine better. */
  readonly threads?: number;
  /** Seconds between checkpoints. Default 30. The result does not depend on it. */
  readonly checkpointSeconds?: number;
  /** Milliseconds, for the timings in the log. */
  readonly clock?: () => number;
}

/** Sequences that a task's accuracy is measured on: the same ones every time, unrelated to those of training. */
export const TEST_SEQUENCES = 128;

/**
 * Trains by `plan` in `folder`, or goes on with the run that is there, or returns the result of one that is finished.
 * When `signal` aborts, the step at work is finished, a checkpoint saved and the reason thrown; calling again goes on.
 * The result, the losses and the weights are the same bytes however often it was stopped or killed.
 * @throws InputError where the folder holds another run, the disk is full, or a checkpoint is not of this network.
 */
export async function train(folder: string, plan: RunPlan, options: TrainOptions = {}): Promise<RunResult> {
  const run = new RunFolder(folder);
  try {
    run.begin(plan);
    const finished = run.result();
    if (finished) return finished;
    const data = await openData(plan.data, plan, options);
    try {
      requireFit(plan, data);
      return await trainOn(run, plan, data, options);
    } finally {
      data.close();
    }
  } catch (error) {
    throw diskProblem(folder, error);
  }
}

async function trainOn(
  run: RunFolder,
  plan: RunPlan,
  data: TrainingData,
  options: TrainOptions,
): Promise<RunResult> {
  const model = languageModel(plan.architecture, plan.initialisation, data.task?.backbone);
  const shape = [plan.batch, data.length];
  const trainer = await Trainer.create({
    parameters: model.parameters,
    batch: { tokens: int32(shape), targets: int32(shape) },
    loss: trainingLoss(model),
    optimiser: { ...plan.optimiser, learningRate: scheduleOf(plan.optimiser, plan.steps) },
    stream: new RandomStream(plan.seed).split("parameters"),
    runtime: { threads: options.threads ?? 1 },
  });
  try {
    const curve = await update(trainer, model, run, plan, data, options);
    return finish(run, plan, data, trainer.step, curve);
  } finally {
    await trainer.close();
  }
}

/** Updates from the newest checkpoint to the end of the plan; returns the accuracies measured on the way. */
async function update(
  trainer: Trainer,
  model: LanguageModel,
  run: RunFolder,
  plan: RunPlan,
  data: TrainingData,
  { checkpointSeconds = 30, clock = () => performance.now(), progress, signal }: TrainOptions,
): Promise<AccuracyLine[]> {
  const curve: AccuracyLine[] = [];
  const newest = await newestCheckpoint(run.checkpoints);
  if (newest !== undefined) {
    const { position } = await restoreTrainer(trainer, newest);
    curve.push(...(position as { accuracy: AccuracyLine[] }).accuracy);
  }
  const balance = await ExpertBalance.of(trainer, model.parameters);
  const scorer = new Scorer(model, trainer.compile.bind(trainer));
  const config = configJson(modelConfig(plan, data));
  const save = (): Promise<string> =>
    saveTrainer(trainer, run.checkpoints, { config, position: { accuracy: curve } });

  const log = run.log();
  try {
    let saved = clock();
    let batch = data.batch(trainer.step);
    const done = (): boolean => trainer.step >= plan.steps || stoppedEarly(curve, plan);
    while (!done() && !signal?.aborted) {
      const started = clock();
      const update = trainer.update({ tokens: batch.inputs, targets: batch.targets });
      // The next batch is made while this one computes.
      batch = data.batch(trainer.step);
      const { step, loss, gradientNorm, learningRate, outputs } = await update;
      await balance?.answer(outputs[0]!);
      const tokens = trainer.step * plan.batch * data.length;
      log.append({ step, tokens, loss, learningRate, gradientNorm, seconds: (clock() - started) / 1000 });
      requireFinite(loss, step, run);
      progress?.({
        activity: "training",
        done: trainer.step,
        total: plan.steps,
        unit: "steps",
        note: `loss ${loss.toFixed(3)}${curve.length > 0 ? `, accuracy ${curve.at(-1)!.accuracy.toFixed(3)}` : ""}`,
      });
      if (
        data.task &&
        (trainer.step % (plan.evaluateEvery || plan.steps) === 0 || trainer.step === plan.steps)
      ) {
        const stream = new RandomStream(plan.seed).split("test");
        const tally = await testTally(scorer, data.task, TEST_SEQUENCES, stream, plan.batch);
        const accuracy = scoreOf(data.task, tally);
        curve.push({ step: trainer.step, accuracy });
        log.append({ step: trainer.step, accuracy });
      }
      if (clock() - saved >= 1000 * checkpointSeconds && !done()) {
        await save();
        saved = clock();
      }
    }
    await save();
    if (!done()) signal!.throwIfAborted();
  } finally {
    log.close();
  }
  return curve;
}

function finish(
  run: RunFolder,
  plan: RunPlan,
  data: TrainingData,
  steps: number,
  accuracy: readonly AccuracyLine[],
): RunResult {
  const lines = run.steps(steps);
  const tail = lines.slice(-Math.max(1, Math.floor(lines.length / 10)));
  const flops = trainingFlops(plan.architecture, data.length);
  const result: RunResult = {
    steps,
    tokens: steps * plan.batch * data.length,
    flops: steps * plan.batch * flops.total,
    headFlops: steps * plan.batch * flops.head,
    parameters: parameters(plan.architecture).total,
    trainLoss: tail.reduce((total, { loss }) => total + loss, 0) / tail.length,
    accuracy,
  };
  const seconds = lines.map((line) => line.seconds).sort((a, b) => a - b);
  run.writeJson("timings.json", {
    seconds: seconds.reduce((total, value) => total + value, 0),
    tokensPerSecond: (plan.batch * data.length) / seconds[Math.floor(seconds.length / 2)]!,
  });
  run.writeJson("result.json", result);
  return result;
}

function stoppedEarly(curve: readonly AccuracyLine[], { stopAtAccuracy }: RunPlan): boolean {
  const last = curve.at(-1);
  return last !== undefined && stopAtAccuracy !== undefined && last.accuracy >= stopAtAccuracy;
}

function scheduleOf(
  { learningRate: peak, schedule, warmupSteps, floor }: OptimiserPlan,
  steps: number,
): Schedule {
  switch (schedule) {
    case "cosine":
      return cosineSchedule({ peak, warmupSteps, steps, floor });
    case "trapezoid":
      // A fifth for the decay, as in arXiv:2510.04800 appendix E.
      return trapezoidSchedule({ peak, warmupSteps, steps, floor, decaySteps: Math.ceil(steps / 5) });
    case "constant":
      return trapezoidSchedule({ peak, warmupSteps, steps, decaySteps: 0 });
  }
}

/** Moves the balancing biases of experts after each step, by the loads of that step. */
class ExpertBalance {
  readonly #trainer: Pick<Trainer, "writeParameters">;
  readonly #biases: Record<string, Float32Array>;

  private constructor(trainer: Pick<Trainer, "writeParameters">, biases: Record<string, Float32Array>) {
    this.#trainer = trainer;
    this.#biases = biases;
  }

  static async of(
    trainer: Pick<Trainer, "writeParameters" | "runtime">,
    specs: readonly ParameterSpec[],
  ): Promise<ExpertBalance | undefined> {
    const names = specs.map(({ name }) => name).filter((name) => name.endsWith(`.${BALANCE}`));
    if (names.length === 0) return undefined;
    const biases = (await trainer.runtime.read(names)) as Record<string, Float32Array>;
    return new ExpertBalance(trainer, { ...biases });
  }

  /** `loads`: tokens of each expert, by the name of its layer's bias. */
  async answer(loads: Readonly<Record<string, ArrayLike<number>>>): Promise<void> {
    for (const [name, bias] of Object.entries(this.#biases)) {
      const load = Array.from(loads[name]!);
      const mean = load.reduce((total, tokens) => total + tokens, 0) / load.length;
      this.#biases[name] = bias.map(
        (value, expert) => value + BALANCE_STEP * Math.sign(mean - load[expert]!),
      );
    }
    // Copies: a written buffer belongs to the runtime.
    const copies = Object.entries(this.#biases).map(([name, bias]) => [name, bias.slice()]);
    await this.#trainer.writeParameters(Object.fromEntries(copies));
  }
}

function requireFit({ architecture, data: source }: RunPlan, data: TrainingData): void {
  if (architecture.vocabulary >= data.vocabulary) return;
  throw new InputError({
    place: { path: "architecture.vocabulary" },
    found: String(architecture.vocabulary),
    expected: `at least ${data.vocabulary}, the ids of ${"corpus" in source ? `the tokenizer of ${data.name}` : data.name}`,
  });
}

/** Training that came to a loss which is no number: a learning rate that is too high for the network. */
export class DivergedError extends InputError {}

function requireFinite(loss: number, step: number, { path }: RunFolder): void {
  if (Number.isFinite(loss)) return;
  throw new DivergedError({
    place: { file: path },
    found: `a loss of ${loss} at step ${step}`,
    expected: "a finite loss",
    remedy: "lower the learning rate",
  });
}
