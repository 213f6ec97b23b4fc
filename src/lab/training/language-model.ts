/** A network with its output, as a loss to train and as scores to read: losses and predictions of batches. */
import {
  argMax,
  crossEntropy,
  int32,
  type Loss,
  type ParameterSpec,
  type Program,
  type Specs,
  sum,
  type Tensor,
  type TensorsOf,
} from "../../engine/index.ts";
import type { Architecture } from "../../model/index.ts";
import type { Batch } from "../batch.ts";
import { autoencoderDecoder } from "../networks/autoencoder.ts";
import { type Initialisation, type Network, network, type Tensors } from "../networks/index.ts";
import type { Task } from "../tasks/index.ts";

export interface LanguageModel {
  readonly network: Network;
  readonly parameters: readonly ParameterSpec[];
  /** Logits [batch, time, vocabulary] for tokens int32 [batch, time], and the loads of experts. */
  logits(parameters: Tensors, tokens: Tensor): { logits: Tensor; loads: Tensors };
}

/** The network of `architecture` with the output that a task's backbone asks for. */
export function languageModel(
  architecture: Architecture,
  initialisation: Partial<Initialisation>,
  backbone: Task["backbone"] = "language-model",
): LanguageModel {
  const net = network(architecture, initialisation);
  const decoder =
    backbone === "autoencoder" ? autoencoderDecoder(architecture.width, architecture.vocabulary) : undefined;
  return {
    network: net,
    parameters: [...net.parameters, ...(decoder?.parameters ?? [])],
    logits(p, tokens) {
      const { hidden, loads } = net.forward(p, tokens);
      return { logits: (decoder ?? net).logits(p, hidden), loads };
    },
  };
}

/** Cross-entropy over the targets that count, in nats. */
export function trainingLoss(model: LanguageModel) {
  return (p: Tensors, { tokens, targets }: { tokens: Tensor; targets: Tensor }): Loss<string> => {
    const { logits, loads } = model.logits(p, tokens);
    const { losses, counted } = crossEntropy(logits, targets);
    return { total: sum(losses), weight: sum(counted), outputs: loads };
  };
}

/** Makes a program that reads the parameters: a trainer's `compile`, or a runtime's with parameters in it. */
export type Compile = <I extends Specs, R extends string>(
  name: string,
  trace: (parameters: Tensors, inputs: TensorsOf<I>) => Readonly<Record<R, Tensor>>,
  inputs: I,
) => Promise<Program<I, R>>;

type ScoreProgram = Program<{ tokens: Specs[string]; targets: Specs[string] }, "losses" | "predictions">;

/** Scores batches with the parameters as they are; one program for each shape of batch. */
export class Scorer {
  readonly #model: LanguageModel;
  readonly #compile: Compile;
  readonly #programs = new Map<string, Promise<ScoreProgram>>();

  constructor(model: LanguageModel, compile: Compile) {
    this.#model = model;
    this.#compile = compile;
  }

  /** The loss in nats at each position, 0 where nothing is wanted, and the likeliest token there; the batch's shape. */
  async score(batch: Batch): Promise<{ losses: Float32Array; predictions: Int32Array }> {
    const key = batch.shape.join("x");
    let program = this.#programs.get(key);
    if (!program) {
      program = this.#make(batch.shape);
      this.#programs.set(key, program);
    }
    const { losses, predictions } = await (await program).run({
      tokens: batch.inputs,
      targets: batch.targets,
    });
    return { losses: losses as Float32Array, predictions: predictions as Int32Array };
  }

  #make(shape: Batch["shape"]): Promise<ScoreProgram> {
    return this.#compile(
      "score",
      (p, { tokens, targets }) => {
        const { logits } = this.#model.logits(p, tokens);
        return { losses: crossEntropy(logits, targets).losses, predictions: argMax(logits) };
      },
      { tokens: int32(shape), targets: int32(shape) },
    );
  }
}
