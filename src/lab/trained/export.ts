/** A trained network as files that other programs read: ONNX, safetensors, config.json. */

import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { exportOnnx, int32, writeSafetensors } from "../../engine/index.ts";
import { printLayers } from "../../model/index.ts";
import { configJson } from "../training/model-config.ts";
import { diskProblem, writeWhole } from "../training/run-folder.ts";
import type { TrainedModel } from "./trained-model.ts";

/**
 * Writes `model.onnx` (input `input_ids` int32 [1, length], output `logits` [1, length, vocabulary]; shapes are fixed),
 * `model.safetensors` and `config.json` into `folder`, each whole or not at all. Returns their paths.
 * @throws InputError where the disk will not take them.
 */
export async function exportModel(trained: TrainedModel, folder: string, length: number): Promise<string[]> {
  const { config, weights, model } = trained;
  const [onnx, safetensors, json] = ["model.onnx", "model.safetensors", "config.json"].map((name) =>
    join(folder, name),
  ) as [string, string, string];
  try {
    mkdirSync(folder, { recursive: true });
    await exportOnnx(onnx, {
      name: printLayers(config.architecture.layers),
      parameters: weights,
      inputs: { input_ids: int32([1, length]) },
      network: (parameters, { input_ids }) => ({ logits: model.logits(parameters, input_ids).logits }),
    });
    await writeSafetensors(safetensors, weights);
    writeWhole(json, `${JSON.stringify(configJson(config), null, 2)}\n`);
  } catch (error) {
    throw diskProblem(folder, error);
  }
  return [onnx, safetensors, json];
}
