/** Where tensors live and run: compiled programs, and named state that stays between their runs. */

import { availableParallelism } from "node:os";
import { type Channel, openInCaller, openInWorker } from "./channel.ts";
import type { ProgramDescription, Values } from "./executor.ts";
import { dataTypeOf, describe, type Elements, input, sizeOf, type Tensor, type TensorSpec } from "./graph.ts";
import { emit, requireSpec } from "./onnx/emit.ts";

export interface RuntimeOptions {
  /** Execution provider of ONNX Runtime; `providers()` lists those of this machine. Default "cpu". */
  readonly provider?: string;
  /** Threads of one operation on the CPU. The results do not depend on it. Default: one a core. */
  readonly threads?: number;
  /**
   * "worker" computes in a thread of its own and never blocks the caller. "caller" saves the messages and blocks the event
   * loop during each run. Default "worker".
   */
  readonly thread?: "worker" | "caller";
}

export type Specs = Readonly<Record<string, TensorSpec>>;
export type TensorsOf<T> = { readonly [K in keyof T]: Tensor };
export type ValuesOf<T> = { readonly [K in keyof T]: Elements };

/** What a traced function returns. */
export interface Traced<O extends string, S extends string> {
  readonly outputs: Readonly<Record<O, Tensor>>;
  /** New values that replace state after the run, with the same shapes and element types. */
  readonly state?: Readonly<Partial<Record<S, Tensor>>>;
}

export interface ProgramSpec<I extends Specs, S extends Specs> {
  readonly inputs: I;
  /** State of the runtime that the function reads; it starts as zeros. Programs share state by its name. */
  readonly state?: S;
}

export interface Program<I extends Specs = Specs, O extends string = string> {
  readonly inputs: I;
  readonly outputs: Readonly<Record<O, TensorSpec>>;
  /** ONNX nodes of the emitted graph, before the runtime's own optimisation. */
  readonly nodeCount: number;
  /**
   * Runs once. Runs of one runtime happen in the order asked; several may be asked before the first is done.
   * Throws a RangeError naming the input when elements are missing or have another length or type.
   */
  run(inputs: ValuesOf<I>): Promise<Readonly<Record<O, Elements>>>;
  /** Frees the program; state stays. */
  unload(): Promise<void>;
}

export class Runtime {
  readonly provider: string;
  readonly threads: number;
  readonly #channel: Channel;
  readonly #state = new Map<string, TensorSpec>();
  #programs = 0;

  constructor(options: RuntimeOptions = {}) {
    this.provider = options.provider ?? "cpu";
    this.threads = options.threads ?? availableParallelism();
    const open = options.thread === "caller" ? openInCaller : openInWorker;
    this.#channel = open({ provider: this.provider, threads: this.threads });
  }

  /**
   * Traces `trace` once with symbolic tensors and makes a program of it. Shapes are static: another shape is another
   * program. Throws an OperationError while tracing.
   */
  async compile<I extends Specs, O extends string, const S extends Specs = Record<never, never>>(
    name: string,
    trace: (inputs: TensorsOf<I>, state: TensorsOf<S>) => Traced<O, Extract<keyof S, string>>,
    spec: ProgramSpec<I, S>,
  ): Promise<Program<I, O>> {
    const stateSpecs: Specs = spec.state ?? {};
    const inputs = mapValues(spec.inputs, (given, key) => input(`in.${key}`, given));
    const state = mapValues(stateSpecs, (given, key) => input(`state.${key}`, given));
    const traced = trace(inputs as TensorsOf<I>, state as TensorsOf<S>);
    const outputs: Record<string, Tensor> = traced.outputs;
    const next = (traced.state ?? {}) as Record<string, Tensor>;
    for (const [key, value] of Object.entries(next)) {
      const declared = stateSpecs[key];
      if (!declared)
        throw new RangeError(`compile: "${name}" returns state "${key}", which it does not declare`);
      requireSpec(`state "${key}"`, value, declared.shape, declared.dataType);
    }
    const model = emit({
      name,
      provider: this.provider,
      inputs: [...Object.values(inputs), ...Object.values(state)] as Tensor<"input">[],
      outputs: { ...prefixed("out.", outputs), ...prefixed("next.", next) },
    });
    const fed = new Set(model.inputs);
    const description: ProgramDescription = {
      id: this.#programs++,
      model: model.bytes,
      inputs: ports("in.", spec.inputs, fed),
      outputs: ports("out.", outputs),
      stateInputs: mapValues(ports("state.", stateSpecs, fed), (port) => port.name),
      stateOutputs: mapValues(next, (_, key) => `next.${key}`),
    };
    await this.define(stateSpecs);
    await this.#channel.call("load", description);
    return {
      inputs: spec.inputs,
      outputs: mapValues(outputs, ({ shape, dataType }) => ({ shape, dataType })) as Record<O, TensorSpec>,
      nodeCount: model.nodeCount,
      run: async (values) => {
        for (const [key, expected] of Object.entries(spec.inputs))
          requireElements(name, key, values[key], expected);
        return (await this.#channel.call("run", description.id, values)) as Record<O, Elements>;
      },
      unload: () => this.#channel.call("unload", description.id),
    };
  }

  /** Makes state that is not there yet, as zeros. Throws a RangeError when a name exists with another shape. */
  async define(specs: Specs): Promise<void> {
    const fresh = Object.entries(specs).filter(([name, spec]) => {
      const known = this.#state.get(name);
      if (known && describe(known) !== describe(spec)) {
        throw new RangeError(`the state "${name}" is ${describe(known)}, not ${describe(spec)}`);
      }
      return !known;
    });
    for (const [name, { shape, dataType }] of fresh) this.#state.set(name, { shape, dataType });
    if (fresh.length > 0) await this.#channel.call("define", Object.fromEntries(fresh));
  }

  /** Replaces the values of state. The elements are copied. */
  async write(values: Values): Promise<void> {
    for (const [name, elements] of Object.entries(values))
      requireElements("write", name, elements, this.#spec(name));
    await this.#channel.call("write", values);
  }

  /** Copies of the values of state. */
  async read(names: readonly string[]): Promise<Values> {
    for (const name of names) this.#spec(name);
    return await this.#channel.call("read", names);
  }

  /** Waits for what was asked, then frees everything. Nothing may be asked afterwards. */
  close(): Promise<void> {
    return this.#channel.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #spec(name: string): TensorSpec {
    const spec = this.#state.get(name);
    if (!spec) throw new RangeError(`there is no state "${name}"`);
    return spec;
  }
}

function requireElements(
  where: string,
  name: string,
  elements: Elements | undefined,
  expected: TensorSpec,
): void {
  const found = elements === undefined ? "nothing" : `${elements.length} elements of ${dataTypeOf(elements)}`;
  if (
    elements === undefined ||
    elements.length !== sizeOf(expected.shape) ||
    dataTypeOf(elements) !== expected.dataType
  ) {
    throw new RangeError(`${where}: "${name}" needs ${describe(expected)}, was given ${found}`);
  }
}

function mapValues<T, U>(
  record: Readonly<Record<string, T>>,
  map: (value: T, key: string) => U,
): Record<string, U> {
  return Object.fromEntries(Object.entries(record).map(([key, value]) => [key, map(value, key)]));
}

function prefixed<T>(prefix: string, record: Readonly<Record<string, T>>): Record<string, T> {
  return Object.fromEntries(Object.entries(record).map(([key, value]) => [prefix + key, value]));
}

function ports(prefix: string, specs: Specs, only?: ReadonlySet<string>): ProgramDescription["inputs"] {
  const all = mapValues(specs, ({ shape, dataType }, key) => ({ name: prefix + key, shape, dataType }));
  return Object.fromEntries(Object.entries(all).filter(([, port]) => !only || only.has(port.name)));
}
