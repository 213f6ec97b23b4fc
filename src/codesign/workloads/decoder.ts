/**
 * Any architecture of model/, hybrids and experts included, as operations: its matrix products from the operators' gemm
 * fields, attention as products over what a token sees, recurrences and activations on the vector core.
 */
import { InputError } from "../../core/index.ts";
import {
  type Architecture,
  type AttentionSettings,
  attendedPairs,
  decodePass,
  mixers,
  type Operator,
  operators,
  type Pass,
  parameters,
  prefillPass,
} from "../../model/index.ts";
import type { Operation, Workload } from "./operation.ts";

/** Prefill of a prompt, one decoding step after `context` tokens, or a request: a prompt and the tokens that answer it. */
export type Phase =
  | { readonly kind: "prefill"; readonly tokens: number }
  | { readonly kind: "decode"; readonly context: number }
  | { readonly kind: "request"; readonly prompt: number; readonly output: number };

/** A prompt of 512 tokens where nothing is said. Throws an `InputError` for a decoding step beside a request. */
export function phaseOf({
  prompt,
  output,
  decode,
}: {
  readonly prompt?: number | undefined;
  readonly output?: number | undefined;
  readonly decode?: number | undefined;
}): Phase {
  if (decode === undefined) {
    return output === undefined
      ? { kind: "prefill", tokens: prompt ?? DEFAULT_PROMPT }
      : { kind: "request", prompt: prompt ?? DEFAULT_PROMPT, output };
  }
  if (prompt === undefined && output === undefined) return { kind: "decode", context: decode };
  throw new InputError({
    place: { path: "--decode" },
    found: "one decoding step beside a prompt or an output",
    expected: "either --decode, or --prompt and --output",
    remedy: "for a prompt and its answer give --prompt and --output",
  });
}

const DEFAULT_PROMPT = 512;

/** `prompt of 512`, `step after 1024`, `prompt of 512, answer of 128`. */
export function printPhase(phase: Phase): string {
  if (phase.kind === "decode") return `step after ${phase.context}`;
  if (phase.kind === "prefill") return `prompt of ${phase.tokens}`;
  return `prompt of ${phase.prompt}, answer of ${phase.output}`;
}

/** The datapath has one byte a word. */
const BYTE_PRECISION = { weights: 1, activations: 1, cache: 1 };

/** Throws an `InputError` where the pass has no tokens. */
export function decoderWorkload(a: Architecture, phase: Phase, batch = 1): Workload {
  return {
    name: `${a.name ?? "decoder"}, ${printPhase(phase)}`,
    parameters: parameters(a).total,
    operations: operationsOf(a, phase, batch),
  };
}

function operationsOf(a: Architecture, phase: Phase, batch: number): Operation[] {
  if (phase.kind === "request") {
    const { prompt, output } = phase;
    // Every step is taken for the one in the middle of the answer: what a step costs is linear in the context.
    const step = operationsOf(a, { kind: "decode", context: prompt + Math.floor(output / 2) }, batch);
    return [
      ...operationsOf(a, { kind: "prefill", tokens: prompt }, batch),
      ...step.map(({ name, count, work }) => ({ name: `decode: ${name}`, count: count * output, work })),
    ];
  }
  const pass =
    phase.kind === "prefill"
      ? prefillPass(batch, phase.tokens, BYTE_PRECISION)
      : decodePass(batch, phase.context, BYTE_PRECISION);
  return operators(a, pass).flatMap((operator) => translate(a, operator, pass));
}

function translate(a: Architecture, operator: Operator, pass: Pass): Operation[] {
  const { name, count, gemm, layer } = operator;
  if (gemm) {
    // Experts have expected rows, which a machine rounds up.
    const { m, k, n, times } = gemm;
    return [
      { name, count, work: { kind: "product", rows: Math.ceil(m), depth: k, columns: n, copies: times } },
    ];
  }
  switch (operator.kind) {
    case "embedding":
      return []; // a look-up moves no operand through a core
    case "attention": {
      const { attention, span } = mixers(a, layer as Exclude<Operator["layer"], "model">);
      return attentionProducts(operator, attention!, span ?? Number.POSITIVE_INFINITY, pass);
    }
    case "norm": {
      // The stream is read and written beside the layer's input where a residual is fused in.
      const streams = name === "pre_norm" || name === "final_norm" ? 2 : 1;
      return [
        {
          name,
          count,
          work: {
            kind: "norm",
            rows: pass.batch * pass.newTokens,
            channels: normChannels(operator, pass, streams),
          },
        },
      ];
    }
    default:
      return [{ name, count, work: vectorWork(operator) }];
  }
}

function normChannels({ writtenBytes }: Operator, { batch, newTokens }: Pass, streams: number): number {
  return Math.ceil(writtenBytes / streams / (batch * newTokens));
}

/** Scores, softmax and weighted values; query heads that share a key head are rows of one product. */
function attentionProducts(
  { name, count }: Operator,
  { heads, kvHeads, headDim, valueDim }: AttentionSettings,
  span: number,
  { batch, newTokens, position }: Pass,
): Operation[] {
  const seen = Math.min(position + newTokens, span);
  const rows = newTokens * (heads / kvHeads);
  // A causal prompt sees half of the square: so many of the products are done.
  const copies = (batch * kvHeads * attendedPairs(position, newTokens, span)) / (newTokens * seen);
  return [
    {
      name: `${name}: scores`,
      count,
      work: { kind: "product", rows, depth: headDim, columns: seen, copies },
    },
    {
      name: `${name}: softmax`,
      count,
      work: { kind: "softmax", rows: batch * heads * newTokens, columns: seen },
    },
    {
      name: `${name}: values`,
      count,
      work: { kind: "product", rows, depth: seen, columns: valueDim, copies },
    },
  ];
}

function vectorWork({ name, kind, flops, writtenBytes }: Operator): Operation["work"] {
  const each = (operations: readonly string[], elements: number, inputs: number): Operation["work"] => ({
    kind: "elementwise",
    operations,
    elements: Math.ceil(elements),
    inputs,
  });
  if (kind === "scan" || kind === "convolution") return each(["Mul", "Add"], flops / 2, 2);
  if (kind === "rotary") return each(["Mul", "Mul", "Add"], writtenBytes, 1);
  if (name.endsWith("activation")) return each(["SiLU", "Mul"], writtenBytes, 2);
  return each(["Mul"], writtenBytes, 2);
}
