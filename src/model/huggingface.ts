/**
 * Reads the `config.json` of a Hugging Face checkpoint into an architecture. A family that our primitives cannot price
 * exactly is refused with the reason rather than approximated.
 */

import { z } from "zod";
import { InputError, parseConfig, readText, suggest } from "../core/index.ts";
import { type Architecture, architecture } from "./architecture.ts";
import { FAMILIES, STATE_SPACES } from "./huggingface-families.ts";

export interface HuggingFaceModel {
  readonly architecture: Architecture;
  /** What of the file was not used, and why that is right or what it leaves open. */
  readonly notes: readonly string[];
}

/** Families that we know of and do not price, because an approximation would pass for a count. */
const REFUSED: Readonly<Record<string, string>> = {
  jamba: "its state-space layers are Mamba-1, which has other projections and no heads",
  mamba: "its layers are Mamba-1, which has other projections and no heads",
  falcon_mamba: "its layers are Mamba-1, which has other projections and no heads",
  zamba: "it shares the weights of its attention blocks between depths and its other layers are Mamba-1",
  zamba2: "it shares the weights of its attention blocks between depths",
  deepseek_v2: "its attention compresses keys and values into a latent vector",
  deepseek_v3: "its attention compresses keys and values into a latent vector",
  gemma2: "its layers have norms after the mixers as well as before",
  gemma3: "its layers have norms after the mixers as well as before",
};

/** Fields that never change what a model costs. */
const HARMLESS =
  /^(_.*|architectures|model_type|torch_dtype|dtype|transformers_version|auto_map|.*_token_id|use_cache|use_mamba_kernels|initializer_.*|rescale_prenorm_residual|.*norm_eps.*|.*_epsilon|.*dropout.*|hidden_act|mlp_hidden_act|mamba_hidden_act|max_position_embeddings|pretraining_tp|residual_in_fp32|fused_add_norm|.*time_step.*|.*multipliers?|.*chunk_size|num_logits_to_keep|.*aux_loss.*|.*_loss_coefficient|norm_topk_prob|output_router_logits|router_jitter_noise|expand|attn_cfg)$/;

/** Reads a `config.json` from disk. */
export function readHuggingFace(file: string): HuggingFaceModel {
  return parseHuggingFace(readText(file, "the config.json of a Hugging Face checkpoint"), file);
}

/**
 * The architecture that the text of a `config.json` describes.
 * @throws InputError when the text is not JSON, the family is unknown or refused, or a field is missing or impossible.
 */
export function parseHuggingFace(text: string, file = "config.json"): HuggingFaceModel {
  const outer = z.looseObject({ model_type: z.string().optional(), ssm_cfg: z.unknown().optional() });
  const { value: raw, placeOf } = parseConfig(text, outer, file);
  const native = raw.model_type === undefined && raw.ssm_cfg !== undefined;
  const type = raw.model_type ?? "";
  const known = native ? STATE_SPACES : Object.hasOwn(FAMILIES, type) ? FAMILIES[type] : undefined;
  if (!known) {
    const reason = Object.hasOwn(REFUSED, type) ? REFUSED[type] : undefined;
    throw new InputError({
      place: { file, ...(raw.model_type === undefined ? {} : placeOf(["model_type"])), path: "model_type" },
      found: raw.model_type === undefined ? "nothing" : JSON.stringify(type),
      expected:
        reason === undefined ? "a known family of models" : `a family that can be priced exactly; ${reason}`,
      remedy: suggest(reason === undefined ? type : "", Object.keys(FAMILIES)),
    });
  }
  const { value } = parseConfig(text, known.schema.loose(), file);
  const { layers, width, ...settings } = known.read(value as z.output<z.ZodObject>);
  return {
    architecture: inFile(file, () => architecture(layers, width, settings)),
    notes: notesOn(raw, known.schema),
  };
}

/** Names the file in complaints about the settings that were read from it. */
function inFile<T>(file: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof InputError)) throw error;
    throw new InputError(
      error.problems.map((problem) => ({ ...problem, place: { file, ...problem.place } })),
    );
  }
}

function notesOn(raw: Readonly<Record<string, unknown>>, schema: z.ZodObject): string[] {
  const notes: string[] = [];
  const unused = Object.keys(raw).filter((key) => !(key in schema.shape) && !HARMLESS.test(key));
  if (unused.includes("quantization_config")) {
    notes.push(
      "quantization_config: the bytes of a weight are not part of the architecture; give them as the precision",
    );
  }
  if (raw.rope_scaling != null) notes.push("rope_scaling: changes positions, not costs");
  const others = unused.filter((key) => key !== "quantization_config" && key !== "rope_scaling");
  if (others.length > 0) notes.push(`not used: ${others.sort().join(", ")}`);
  return notes;
}
