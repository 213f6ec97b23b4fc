/** The config.json beside the weights of a network: the ecosystem's keys, and the description that builds it again. */
import { InputError } from "../../core/index.ts";
import { type Architecture, architecture, printLayers } from "../../model/index.ts";
import { INITIALISATION } from "../networks/index.ts";
import type { Task } from "../tasks/index.ts";
import type { TrainingData } from "./data.ts";
import { type LanguageModel, languageModel } from "./language-model.ts";
import type { RunPlan } from "./plan.ts";

const MODEL_TYPE = "terrarium_hybrid";

/** What a checkpoint says about its network. */
export interface ModelConfig {
  readonly architecture: Architecture;
  readonly backbone: Task["backbone"];
  /** Tokens of a training sequence. */
  readonly context: number;
  /** What turned text into tokens, where text did: `bytes` or a path. */
  readonly tokenizer?: string;
}

export function modelConfig({ architecture: a, data }: RunPlan, { length, task }: TrainingData): ModelConfig {
  return {
    architecture: a,
    backbone: task?.backbone ?? "language-model",
    context: length,
    ...("corpus" in data && { tokenizer: data.tokenizer }),
  };
}

/** The content of config.json. */
export function configJson(config: ModelConfig) {
  const { architecture: a, context } = config;
  return {
    model_type: MODEL_TYPE,
    vocab_size: a.vocabulary,
    hidden_size: a.width,
    num_hidden_layers: a.layers.length,
    layers: printLayers(a.layers),
    max_position_embeddings: context,
    tie_word_embeddings: a.tiedEmbeddings,
    torch_dtype: "float32",
    terrarium: config,
  };
}

/** The description in a checkpoint's config. Throws an InputError naming `file` where it is none of ours. */
export function readModelConfig(config: unknown, file: string): ModelConfig {
  const own = (config as { terrarium?: ModelConfig } | null)?.terrarium;
  if (own?.architecture === undefined) {
    throw new InputError({
      place: { file },
      found: `a model of type ${JSON.stringify((config as { model_type?: string } | null)?.model_type)}`,
      expected: `a network of this lab (model_type ${MODEL_TYPE})`,
    });
  }
  const { layers, width, ...settings } = own.architecture;
  return { ...own, architecture: architecture(layers, width, settings) };
}

export function modelOf(config: ModelConfig): LanguageModel {
  return languageModel(config.architecture, INITIALISATION, config.backbone);
}
