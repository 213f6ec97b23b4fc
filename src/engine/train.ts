/** Training: forward, backward, clipping and update as one program whose parameters and moments stay in the runtime. */

import type { RandomStream, Supervision } from "../core/index.ts";
import { gradients } from "./differentiate.ts";
import type { Values } from "./executor.ts";
import { type Elements, fill, float32, OperationError, type Tensor } from "./graph.ts";
import { add, divide, maximum } from "./operations/elementwise.ts";
import {
  type AdamWOptions,
  adamw,
  clipByGlobalNorm,
  type ResolvedAdamW,
  resolveAdamW,
  type StepInputs,
  stepInputs,
  stepValues,
} from "./optimise/adamw.ts";
import { initialise, type ParameterSpec, parameterState } from "./parameters.ts";
import {
  type Program,
  Runtime,
  type RuntimeOptions,
  requireInputs,
  type Specs,
  type TensorsOf,
  type Traced,
  type ValuesOf,
} from "./runtime.ts";
import type { StoredTensors } from "./safetensors.ts";

export type Parameters = Readonly<Record<string, Tensor>>;

/** What a loss function returns for one batch. */
export interface Loss<O extends string = string> {
  /** Scalar: the sum of the losses of everything that counts. */
  readonly total: Tensor;
  /**
   * Scalar: how much counts (such as the number of targets). The loss is total / weight, over all batches of a step
   * together, so that unequal batches are weighed rightly. Default 1, for a `total` that is a mean already.
   */
  readonly weight?: Tensor;
  /** Anything else worth having back from each batch. */
  readonly outputs?: Readonly<Record<O, Tensor>>;
}

export interface TrainerOptions<B extends Specs, O extends string> {
  readonly parameters: readonly ParameterSpec[];
  readonly batch: B;
  readonly loss: (parameters: Parameters, batch: TensorsOf<B>) => Loss<O>;
  readonly optimiser: AdamWOptions;
  /** First values are drawn from it, by parameter name. */
  readonly stream: RandomStream;
  /**
   * Batches a step. 1 makes one program of everything; more add up gradients first, in memory of their own. Default 1.
   */
  readonly batchesPerStep?: number;
  readonly runtime?: RuntimeOptions;
}

export interface StepResult<O extends string = string> {
  /** Number of this update, from 0. */
  readonly step: number;
  /** total / weight over the step's batches, before the update. Nats, if the losses are. */
  readonly loss: number;
  /** Norm of the gradient of `loss`, before clipping. */
  readonly gradientNorm: number;
  readonly learningRate: number;
  /** The outputs of each batch. */
  readonly outputs: readonly Readonly<Record<O, Elements>>[];
}

/** Everything that training goes on from. */
export interface TrainerState {
  /** Updates done. */
  readonly step: number;
  readonly parameters: StoredTensors;
  /** The scaled moments of AdamW. */
  readonly optimiser: StoredTensors;
}

const FIRST = "adamw.first.";
const SECOND = "adamw.second.";
const SUM = "sum.";
/** Outputs of the trainer itself, beside those of the loss function. */
const OWN = "trainer.";
const TOTAL = "sum of losses";
const WEIGHT = "sum of weights";

export class Trainer<B extends Specs = Specs, O extends string = string> {
  readonly runtime: Runtime;
  readonly parameters: readonly ParameterSpec[];
  readonly #optimiser: ResolvedAdamW;
  readonly #batchesPerStep: number;
  readonly #batch: B;
  readonly #programs: StepPrograms;
  #step = 0;

  private constructor(runtime: Runtime, options: TrainerOptions<B, O>, programs: StepPrograms) {
    this.runtime = runtime;
    this.parameters = options.parameters;
    this.#optimiser = resolveAdamW(options.optimiser);
    this.#batchesPerStep = options.batchesPerStep ?? 1;
    this.#batch = options.batch;
    this.#programs = programs;
  }

  /** Traces and compiles the step, and draws the first values. */
  static async create<B extends Specs, O extends string = never>(
    options: TrainerOptions<B, O>,
  ): Promise<Trainer<B, O>> {
    const first = initialise(options.parameters, options.stream);
    const runtime = new Runtime(options.runtime);
    try {
      const programs = await compileStep(runtime, options);
      await runtime.write(Object.fromEntries(first));
      return new Trainer(runtime, options, programs);
    } catch (error) {
      await runtime.close();
      throw error;
    }
  }

  /** Updates done or asked for so far. */
  get step(): number {
    return this.#step;
  }

  /**
   * One update from one batch, or from as many as `batchesPerStep` says. Steps may be asked for before earlier ones are
   * done, so that the next batch is made while this one computes.
   */
  async update(batches: ValuesOf<B> | readonly ValuesOf<B>[]): Promise<StepResult<O>> {
    const list = (Array.isArray(batches) ? batches : [batches]) as readonly ValuesOf<B>[];
    if (list.length !== this.#batchesPerStep) {
      throw new RangeError(
        `update: this trainer takes ${this.#batchesPerStep} batches a step, was given ${list.length}`,
      );
    }
    // All are looked at before any runs: half a step must not happen.
    for (const batch of list) requireInputs("update", this.#batch, batch);
    const step = this.#step++;
    const values = stepValues(this.#optimiser, step);
    const { accumulate, apply } = this.#programs;
    const runs = accumulate
      ? [...list.map((batch) => accumulate.run(batch)), apply.run(values)]
      : [apply.run({ ...list[0], ...values })];
    const results = await Promise.all(runs);
    const own = results.at(-1)!;
    return {
      step,
      loss: own[`${OWN}loss`]![0]!,
      gradientNorm: own[`${OWN}norm`]![0]!,
      learningRate: this.#optimiser.learningRate(step),
      outputs: results.slice(0, list.length).map(withoutOwn<O>),
    };
  }

  /** A program that sees the parameters as they are when it runs. */
  compile<I extends Specs, R extends string>(
    name: string,
    trace: (parameters: Parameters, inputs: TensorsOf<I>) => Readonly<Record<R, Tensor>>,
    inputs: I,
  ): Promise<Program<I, R>> {
    const run = (given: TensorsOf<I>, state: Parameters): Traced<R, never> => ({
      outputs: trace(state, given),
    });
    return this.runtime.compile(name, run, { inputs, state: parameterState(this.parameters) });
  }

  /** Copies of the parameters. */
  async readParameters(): Promise<Values> {
    return await this.runtime.read(this.parameters.map(({ name }) => name));
  }

  /** Replaces the values of some parameters (pretrained weights, a router's bias). */
  async writeParameters(values: Values): Promise<void> {
    await this.runtime.write(values);
  }

  /** All that `restore` needs, once the updates asked for are done. */
  async state(): Promise<TrainerState> {
    const step = this.#step;
    const { parameters, optimiser } = this.specs;
    const values = await this.runtime.read([...Object.keys(parameters), ...Object.keys(optimiser)]);
    const stored = (specs: Specs): StoredTensors =>
      Object.fromEntries(
        Object.entries(specs).map(([name, spec]) => [name, { ...spec, elements: values[name]! }]),
      );
    return { step, parameters: stored(parameters), optimiser: stored(optimiser) };
  }

  /** Goes on exactly from `state`. */
  async restore({ step, parameters, optimiser }: TrainerState): Promise<void> {
    const all = Object.entries({ ...parameters, ...optimiser });
    await this.runtime.write(Object.fromEntries(all.map(([name, { elements }]) => [name, elements])));
    this.#step = step;
  }

  /** What the state consists of. */
  get specs(): { readonly parameters: Specs; readonly optimiser: Specs } {
    return { parameters: parameterState(this.parameters), optimiser: momentState(this.parameters) };
  }

  close(): Promise<void> {
    return this.runtime.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

const isTrained = ({ trained }: ParameterSpec): boolean => trained ?? true;

function momentState(parameters: readonly ParameterSpec[]): Specs {
  const trained = parameterState(parameters.filter(isTrained));
  return { ...prefix(FIRST, trained), ...prefix(SECOND, trained) };
}

interface StepPrograms {
  /** Adds a batch's gradients to the sums; absent when a step is one batch. */
  readonly accumulate?: Program;
  /** Updates the parameters, from the sums or from the one batch. */
  readonly apply: Program;
}

async function compileStep<B extends Specs, O extends string>(
  runtime: Runtime,
  options: TrainerOptions<B, O>,
): Promise<StepPrograms> {
  const optimiser = resolveAdamW(options.optimiser);
  const trained = options.parameters.filter(isTrained);
  if (trained.length === 0) throw new RangeError("a trainer needs at least one parameter that is trained");
  const specs = parameterState(options.parameters);
  const trainedSpecs = parameterState(trained);
  const moments = momentState(options.parameters);
  const names = trained.map(({ name }) => name);

  const backward = (inputs: Parameters, state: Parameters) => {
    const loss = options.loss(state, inputs as TensorsOf<B>);
    requireScalar("total", loss.total);
    const weight = loss.weight ?? fill(1, []);
    requireScalar("weight", weight);
    const wanted = names.map((name) => state[name]!);
    return { loss, weight, found: gradients(loss.total, wanted) };
  };
  const update = (
    state: Parameters,
    inputs: Parameters,
    found: readonly Tensor[],
    total: Tensor,
    counted: Tensor,
  ) => {
    // A step in which nothing counts has a zero gradient, not 0 / 0.
    const weight = maximum(counted, 1e-9);
    const { norm, factor } = clipByGlobalNorm(found, weight, optimiser.clipNorm);
    const next: Record<string, Tensor> = {};
    trained.forEach(({ name, decay }, i) => {
      const before = { parameter: state[name]!, first: state[FIRST + name]!, second: state[SECOND + name]! };
      const after = adamw(before, found[i]!, factor, decay, inputs as StepInputs, optimiser);
      next[name] = after.parameter;
      next[FIRST + name] = after.first;
      next[SECOND + name] = after.second;
    });
    return { outputs: { [`${OWN}loss`]: divide(total, weight), [`${OWN}norm`]: norm }, state: next };
  };

  if ((options.batchesPerStep ?? 1) === 1) {
    const apply = await runtime.compile(
      "train",
      (inputs: Parameters, state: Parameters) => {
        const { loss, weight, found } = backward(inputs, state);
        const updated = update(state, inputs, found, loss.total, weight);
        return { outputs: { ...loss.outputs, ...updated.outputs }, state: updated.state };
      },
      { inputs: { ...options.batch, ...stepInputs } as Specs, state: { ...specs, ...moments } as Specs },
    );
    return { apply };
  }
  const sums: Specs = { ...prefix(SUM, trainedSpecs), [TOTAL]: float32([]), [WEIGHT]: float32([]) };
  const accumulate = await runtime.compile(
    "accumulate",
    (inputs: Parameters, state: Parameters) => {
      const { loss, weight, found } = backward(inputs, state);
      const next = Object.fromEntries(
        names.map((name, i) => [SUM + name, add(state[SUM + name]!, found[i]!)]),
      );
      return {
        outputs: loss.outputs ?? ({} as Record<string, Tensor>),
        state: { ...next, [TOTAL]: add(state[TOTAL]!, loss.total), [WEIGHT]: add(state[WEIGHT]!, weight) },
      };
    },
    { inputs: options.batch as Specs, state: { ...specs, ...sums } },
  );
  const apply = await runtime.compile(
    "apply",
    (inputs: Parameters, state: Parameters) => {
      const found = names.map((name) => state[SUM + name]!);
      const updated = update(state, inputs, found, state[TOTAL]!, state[WEIGHT]!);
      const cleared = Object.entries(sums).map(([name, { shape }]) => [name, fill(0, shape)]);
      return { outputs: updated.outputs, state: { ...updated.state, ...Object.fromEntries(cleared) } };
    },
    { inputs: stepInputs as Specs, state: { ...parameterState(trained), ...moments, ...sums } as Specs },
  );
  return { accumulate, apply };
}

const prefix = <T>(text: string, record: Readonly<Record<string, T>>): Record<string, T> =>
  Object.fromEntries(Object.entries(record).map(([name, value]) => [text + name, value]));

function requireScalar(part: string, t: Tensor): void {
  if (t.shape.length !== 0 || t.dataType !== "float32") {
    throw new OperationError("loss", [t], `the loss function's ${part} must be a float32 scalar`);
  }
}

function withoutOwn<O extends string>(results: Values): Readonly<Record<O, Elements>> {
  const kept = Object.entries(results).filter(([name]) => !name.startsWith(OWN));
  return Object.fromEntries(kept) as Record<O, Elements>;
}

export interface TrainOptions<B extends Specs, O extends string> extends Supervision {
  /** Train until this many updates are done, counting those before a restore. */
  readonly steps: number;
  /** The batch, or batches, of an update; must depend on nothing but `step` to be repeatable. */
  readonly batch: (step: number) => ValuesOf<B> | readonly ValuesOf<B>[];
  /** Called after each update, in order; awaited before the next is asked for but one. */
  readonly onStep?: (result: StepResult<O>) => void | Promise<void>;
}

/**
 * Updates until `steps` are done. One update is always asked for ahead, so that batches are made while the runtime
 * computes. When `signal` aborts, what was asked for is finished and the reason thrown: the trainer is whole and can go on.
 */
export async function train<B extends Specs, O extends string>(
  trainer: Trainer<B, O>,
  { steps, batch, onStep, progress, signal }: TrainOptions<B, O>,
): Promise<void> {
  const finish = async (asked: Promise<StepResult<O>>): Promise<void> => {
    const result = await asked;
    progress?.({
      activity: "training",
      done: result.step + 1,
      total: steps,
      unit: "steps",
      note: `loss ${result.loss.toFixed(4)}`,
    });
    await onStep?.(result);
  };
  let ahead: Promise<StepResult<O>> | undefined;
  while (trainer.step < steps && !signal?.aborted) {
    const asked = trainer.update(batch(trainer.step));
    // Its failure is met when it is awaited, one turn from now.
    asked.catch(() => undefined);
    if (ahead) await finish(ahead);
    ahead = asked;
  }
  if (ahead) await finish(ahead);
  signal?.throwIfAborted();
}
