/** From the few things that a person asks for to a whole plan of a run. */
import { InputError } from "../../core/index.ts";
import { type ArchitectureSettings, architecture, parseLayers, widthForSize } from "../../model/index.ts";
import { INITIALISATION } from "../networks/index.ts";
import { type DataSource, taskOf, tokenizerNamed } from "./data.ts";
import { DEFAULTS } from "./defaults.ts";
import { type Budget, dial, type OptimiserPlan, type RunPlan, stepsFor } from "./plan.ts";

export interface RunRequest {
  /** A layer string: the whole model, or one block of it where `depth` is given. */
  readonly layers: string;
  /** At most one of the three. `depth` repeats the layers and sets width and learning rate. */
  readonly depth?: number | undefined;
  readonly width?: number | undefined;
  /** Non-embedding parameters. */
  readonly size?: number | undefined;
  readonly data: DataSource;
  readonly context?: number | undefined;
  readonly batch?: number | undefined;
  readonly budget?: Budget | undefined;
  readonly learningRate?: number | undefined;
  readonly schedule?: OptimiserPlan["schedule"] | undefined;
  readonly seed: number;
  readonly evaluateEvery?: number | undefined;
}

/** Widths that `size` chooses among are multiples of this. */
const WIDTH_STEP = 16;

/**
 * The settings of a small model: SwiGLU of 8/3 the width, Mamba-2 with a state of 32 and about four heads, rotary base
 * 10,000. The published ones are for widths that are ten times as large.
 */
export function smallModel(width: number): ArchitectureSettings {
  const inner = 2 * width;
  const headDim = [4, 2, 1].map((heads) => inner / heads).find(Number.isInteger)!;
  return {
    attention: { ropeTheta: 10_000 },
    ssm: { innerWidth: inner, headDim, stateSize: 32 },
    feedForward: { hidden: Math.round((8 / 3) * width) },
  };
}

/** Throws an InputError for sizes that contradict each other, unknown layers, tasks or tokenizers, and small budgets. */
export async function planRun(request: RunRequest): Promise<RunPlan> {
  const { data, depth, width, size, seed } = request;
  const sizes = Object.entries({ depth, width, size }).filter(([, value]) => value !== undefined);
  if (sizes.length > 1) {
    throw new InputError({
      place: { path: sizes.map(([name]) => name).join(", ") },
      found: `${sizes.length} sizes`,
      expected: "one of depth, width and size",
    });
  }
  const task = "task" in data ? taskOf(data.task, data.settings) : undefined;
  const vocabulary =
    task?.vocabularySize ??
    (await tokenizerNamed("corpus" in data ? data.tokenizer : "bytes")).vocabularySize;
  const block = parseLayers(request.layers);
  const dialled = depth === undefined ? undefined : dial(depth);
  const layers = Array.from({ length: depth ?? 1 }, () => block).flat();
  const settings = (at: number): ArchitectureSettings => ({ ...smallModel(at), vocabulary });
  const chosen = dialled?.width ?? width ?? DEFAULTS.width;
  const built =
    size === undefined
      ? architecture(layers, chosen, settings(chosen))
      : widthForSize(layers, size, { multiple: WIDTH_STEP, settings });
  const length = task?.sequenceLength ?? request.context ?? DEFAULTS.context;
  const batch = request.batch ?? (task ? DEFAULTS.taskBatch : DEFAULTS.batch);
  return {
    architecture: built,
    initialisation: INITIALISATION,
    data,
    length,
    batch,
    steps: stepsFor(request.budget ?? { steps: DEFAULTS.steps }, built, length, batch),
    optimiser: {
      ...DEFAULTS.optimiser,
      schedule: request.schedule ?? (task ? "constant" : "cosine"),
      learningRate: request.learningRate ?? dialled?.learningRate ?? DEFAULTS.optimiser.learningRate,
    },
    seed,
    evaluateEvery: task ? (request.evaluateEvery ?? DEFAULTS.evaluateEvery) : 0,
  };
}
