/** A trained network, read from a run folder or a checkpoint, ready to score, to generate and to be exported. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { InputError } from "../../core/index.ts";
import {
  loadCheckpoint,
  newestCheckpoint,
  parameterState,
  Runtime,
  type RuntimeOptions,
  requireSame,
  type StoredTensors,
} from "../../engine/index.ts";
import type { Tokenizer } from "../tokens/index.ts";
import { tokenizerNamed } from "../training/data.ts";
import {
  type Compile,
  type LanguageModel,
  type ModelConfig,
  modelOf,
  readModelConfig,
  Scorer,
} from "../training/index.ts";

export class TrainedModel {
  readonly config: ModelConfig;
  readonly model: LanguageModel;
  readonly weights: StoredTensors;
  /** Updates it was trained for. */
  readonly steps: number;
  readonly runtime: Runtime;
  readonly scorer: Scorer;

  private constructor(
    config: ModelConfig,
    model: LanguageModel,
    weights: StoredTensors,
    steps: number,
    runtime: Runtime,
  ) {
    this.config = config;
    this.model = model;
    this.weights = weights;
    this.steps = steps;
    this.runtime = runtime;
    const state = parameterState(model.parameters);
    const compile: Compile = (name, trace, inputs) =>
      runtime.compile(name, (given, parameters) => ({ outputs: trace(parameters, given) }), {
        inputs,
        state,
      });
    this.scorer = new Scorer(model, compile);
  }

  /**
   * Opens the newest checkpoint of the run in `path`, or the checkpoint that `path` is.
   * @throws InputError where there is none, or where its weights are not those of the network that it describes.
   */
  static async open(path: string, options: RuntimeOptions = { threads: 1 }): Promise<TrainedModel> {
    const checkpoint = existsSync(join(path, "trainer.json"))
      ? path
      : await newestCheckpoint(join(path, "checkpoints"));
    if (checkpoint === undefined) {
      throw new InputError({
        place: { file: path },
        found: existsSync(path) ? "a folder without checkpoints" : "no such folder",
        expected: "the folder of a run, or of one of its checkpoints",
        remedy: "train first: terrarium lab train --out FOLDER",
      });
    }
    const { config: stored, parameters: weights, step } = await loadCheckpoint(checkpoint);
    const config = readModelConfig(stored, join(checkpoint, "config.json"));
    const model = modelOf(config);
    requireSame(join(checkpoint, "model.safetensors"), weights, parameterState(model.parameters));
    const runtime = new Runtime(options);
    try {
      await runtime.define(parameterState(model.parameters));
      await runtime.write(
        Object.fromEntries(Object.entries(weights).map(([name, { elements }]) => [name, elements])),
      );
      return new TrainedModel(config, model, weights, step, runtime);
    } catch (error) {
      await runtime.close();
      throw error;
    }
  }

  /** What turns text into its tokens. Throws an InputError where it was trained on a task, which has no text. */
  async tokenizer(): Promise<Tokenizer> {
    if (this.config.tokenizer !== undefined) return await tokenizerNamed(this.config.tokenizer);
    throw new InputError({
      found: "a network trained on a synthetic task",
      expected: "one trained on text",
      remedy: "train on a corpus: terrarium lab train --corpus moby-dick",
    });
  }

  close(): Promise<void> {
    return this.runtime.close();
  }
}
