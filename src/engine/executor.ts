/**
 * Runs ONNX models and keeps tensors between runs. It is what a runtime's worker thread holds: it knows models, feeds
 * and a store of named state, and nothing of graphs, networks or training.
 */

import { env, InferenceSession, Tensor as RuntimeTensor } from "onnxruntime-node";
import {
  dataTypeOf,
  describe,
  type Elements,
  emptyElements,
  type Shape,
  sizeOf,
  type TensorSpec,
} from "./graph.ts";
import { encodeModel, OPERATOR_SET } from "./onnx/protobuf.ts";

// What goes wrong is thrown; the runtime would print it as well.
env.logLevel = "fatal";

export interface ExecutorOptions {
  /** Execution provider of ONNX Runtime: "cpu", "webgpu", "cuda", ... */
  readonly provider: string;
  readonly threads: number;
  /** Whether operations that the provider lacks may run on the CPU. */
  readonly fallback: boolean;
}

export interface ProgramDescription {
  readonly id: number;
  readonly model: Uint8Array;
  /** Model input by the caller's name for it. */
  readonly inputs: Readonly<Record<string, Port>>;
  readonly outputs: Readonly<Record<string, Port>>;
  /** Model input by the name of the state that it reads. */
  readonly stateInputs: Readonly<Record<string, string>>;
  /** Model output by the name of the state that it replaces. */
  readonly stateOutputs: Readonly<Record<string, string>>;
  /** Rows that are written into state at a position that the model gives out, by the state's name. */
  readonly rowOutputs: Readonly<Record<string, RowOutput>>;
  /** Plan all memory after the first run: faster for many small operations, costs memory for large ones (bench/engine). */
  readonly planMemory: boolean;
}

interface RowOutput {
  readonly rows: Port;
  /** Model output, int32 [1]. */
  readonly at: string;
  readonly axis: number;
}

/** A named place of a model and what goes through it. */
export interface Port extends TensorSpec {
  readonly name: string;
}

interface Cell {
  readonly spec: TensorSpec;
  current: RuntimeTensor;
  /** The buffer that the next new value is written to; it and `current` change places after each run. */
  spare: RuntimeTensor | undefined;
}

export type Values = Readonly<Record<string, Elements>>;

export class Executor {
  readonly #options: ExecutorOptions;
  readonly #state = new Map<string, Cell>();
  readonly #programs = new Map<number, { session: InferenceSession; description: ProgramDescription }>();
  /** Programs that bring a tensor of some type and shape from the device. */
  readonly #downloads = new Map<string, InferenceSession>();
  #last: Promise<unknown> = Promise.resolve();

  constructor(options: ExecutorOptions) {
    this.#options = options;
  }

  /** Makes state tensors of zeros. */
  define(specs: Readonly<Record<string, TensorSpec>>): Promise<void> {
    return this.#inTurn(async () => {
      for (const [name, spec] of Object.entries(specs)) {
        this.#state.set(name, { spec, current: emptyTensor(spec), spare: undefined });
      }
    });
  }

  write(values: Values): Promise<void> {
    return this.#inTurn(async () => {
      for (const [name, elements] of Object.entries(values)) {
        const cell = this.#cell(name);
        release(cell.current);
        cell.current = wrap(elements.slice(), cell.spec.shape);
      }
    });
  }

  read(names: readonly string[]): Promise<Values> {
    return this.#inTurn(async () => {
      const values: Record<string, Elements> = {};
      for (const name of names) {
        const { current, spec } = this.#cell(name);
        const here = current.location === "gpu-buffer" ? await this.#download(current, spec) : current;
        values[name] = (here.data as Elements).slice();
      }
      return values;
    });
  }

  load(description: ProgramDescription): Promise<void> {
    return this.#inTurn(async () => {
      const locations = Object.fromEntries([
        ...Object.values(description.outputs).map(({ name }) => [name, "cpu" as const]),
        ...Object.values(description.stateOutputs).map((name) => [name, "gpu-buffer" as const]),
      ]);
      const session = await InferenceSession.create(description.model, {
        ...sessionOptions(this.#options),
        enableMemPattern: description.planMemory,
        ...(this.#onDevice ? { preferredOutputLocation: locations } : {}),
      });
      this.#programs.set(description.id, { session, description });
    });
  }

  run(id: number, inputs: Values): Promise<Values> {
    return this.#inTurn(async () => {
      const { session, description } = this.#programs.get(id)!;
      const feeds: Record<string, RuntimeTensor> = {};
      for (const [name, port] of Object.entries(description.inputs)) {
        feeds[port.name] = wrap(inputs[name]!, port.shape);
      }
      for (const [name, port] of Object.entries(description.stateInputs))
        feeds[port] = this.#cell(name).current;

      const fetches: Record<string, RuntimeTensor | null> = {};
      for (const port of Object.values(description.outputs)) fetches[port.name] = emptyTensor(port);
      for (const [name, port] of Object.entries(description.stateOutputs)) {
        fetches[port] = this.#onDevice ? null : this.#spare(name);
      }
      for (const { rows, at } of Object.values(description.rowOutputs)) {
        fetches[rows.name] = emptyTensor(rows);
        fetches[at] = null;
      }
      const results = await session.run(feeds, fetches);

      const places = Object.entries(description.rowOutputs).map(([name, output]) => {
        const first = (results[output.at]!.data as Int32Array)[0]!;
        return { name, output, first: this.#requireRoom(name, output, first) };
      });
      for (const { name, output, first } of places) {
        writeRows(this.#cell(name).current, results[output.rows.name]!, output.axis, first);
      }

      for (const [name, port] of Object.entries(description.stateOutputs)) {
        const cell = this.#cell(name);
        const old = cell.current;
        cell.current = results[port]!;
        if (this.#onDevice) release(old);
        else cell.spare = old;
      }
      const values: Record<string, Elements> = {};
      for (const [name, port] of Object.entries(description.outputs)) {
        values[name] = results[port.name]!.data as Elements;
      }
      return values;
    });
  }

  unload(id: number): Promise<void> {
    return this.#inTurn(async () => {
      await this.#programs.get(id)?.session.release();
      this.#programs.delete(id);
    });
  }

  close(): Promise<void> {
    return this.#inTurn(async () => {
      // Buffers on a device belong to the sessions' allocator and must go before it.
      for (const { current } of this.#state.values()) release(current);
      this.#state.clear();
      for (const session of this.#downloads.values()) await session.release();
      for (const { session } of this.#programs.values()) await session.release();
      this.#programs.clear();
    });
  }

  get #onDevice(): boolean {
    return keepsStateOnDevice(this.#options.provider);
  }

  /** The runtime's own way back from the device, `getData`, ends the process in onnxruntime-node 1.30. */
  async #download(held: RuntimeTensor, spec: TensorSpec): Promise<RuntimeTensor> {
    const kind = describe(spec);
    let session = this.#downloads.get(kind);
    if (!session) {
      const port = { elementType: spec.dataType, shape: spec.shape };
      const copy = { operator: "Identity", inputs: ["x"], outputs: ["y"], attributes: {} };
      const model = encodeModel({
        name: "download",
        nodes: [copy],
        initialisers: [],
        inputs: [{ name: "x", ...port }],
        outputs: [{ name: "y", ...port }],
        operatorSet: OPERATOR_SET,
      });
      session = await InferenceSession.create(model, sessionOptions(this.#options));
      this.#downloads.set(kind, session);
    }
    return (await session.run({ x: held })).y!;
  }

  #cell(name: string): Cell {
    const cell = this.#state.get(name);
    if (!cell) throw new Error(`the state "${name}" was never defined`);
    return cell;
  }

  #requireRoom(name: string, { rows, axis }: RowOutput, first: number): number {
    const [length, count] = [this.#cell(name).spec.shape[axis]!, rows.shape[axis]!];
    if (!(first >= 0 && first + count <= length)) {
      throw new RangeError(`the state "${name}" has ${length} positions; ${count} do not fit from ${first}`);
    }
    return first;
  }

  #spare(name: string): RuntimeTensor {
    const cell = this.#cell(name);
    cell.spare ??= emptyTensor(cell.spec);
    return cell.spare;
  }

  /** One thing at a time, in the order asked: a run must not see half of a write. */
  #inTurn<T>(act: () => Promise<T>): Promise<T> {
    const turn = this.#last.then(act);
    this.#last = turn.catch(() => undefined);
    return turn;
  }
}

/** Whether a provider's state stays in its own memory rather than in buffers that are allocated here. */
export const keepsStateOnDevice = (provider: string): boolean => provider === "webgpu";

function sessionOptions({ provider, threads, fallback }: ExecutorOptions): InferenceSession.SessionOptions {
  return {
    executionProviders: [provider],
    intraOpNumThreads: threads,
    interOpNumThreads: 1,
    enableMemPattern: false,
    logSeverityLevel: 4,
    extra: {
      // Idle threads that spin take the core from whoever shares the machine.
      session: {
        intra_op: { allow_spinning: "0" },
        disable_cpu_ep_fallback: fallback || provider === "cpu" ? "0" : "1",
      },
      // It would turn the transposes that `matmul`'s gradient makes on purpose back into the slow kernel.
      optimization: { disable_specified_optimizers: "MatmulTransposeFusion" },
    },
  };
}

function wrap(elements: Elements, shape: Shape): RuntimeTensor {
  return new RuntimeTensor(dataTypeOf(elements), elements as never, shape);
}

function emptyTensor({ dataType, shape }: TensorSpec): RuntimeTensor {
  return wrap(emptyElements(dataType, sizeOf(shape)), shape);
}

/** Copies `rows` into `whole`, from position `first` of `axis` on. */
function writeRows(whole: RuntimeTensor, rows: RuntimeTensor, axis: number, first: number): void {
  const outer = sizeOf(whole.dims.slice(0, axis));
  const inner = sizeOf(whole.dims.slice(axis + 1));
  const [length, count] = [whole.dims[axis]! * inner, rows.dims[axis]! * inner];
  const [target, source] = [whole.data as Elements, rows.data as Elements];
  for (let i = 0; i < outer; i++) {
    target.set(source.subarray(i * count, (i + 1) * count), i * length + first * inner);
  }
}

function release(old: RuntimeTensor): void {
  if (old.location === "gpu-buffer") old.dispose();
}
