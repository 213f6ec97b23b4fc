/** Where tensors live and run: compiled programs, and named state that stays between their runs. */

import { availableParallelism } from "node:os";
import { type Channel, openInCaller, openInWorker } from "./channel.ts";
import { keepsStateOnDevice, type ProgramDescription, type Values } from "./executor.ts";
import {
  axisOf,
  constant,
  dataTypeOf,
  describe,
  type Elements,
  input,
  sizeOf,
  type Tensor,
  type TensorSpec,
} from "./graph.ts";
import { emit, requireSpec } from "./onnx/emit.ts";
import { withRows } from "./operations/cache.ts";

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
  /** Let operations that the provider lacks run on the CPU; without, such a program fails to compile. Default true. */
  readonly fallback?: boolean;
}

export type Specs = Readonly<Record<string, TensorSpec>>;
export type TensorsOf<T> = { readonly [K in keyof T]: Tensor };
export type ValuesOf<T> = { readonly [K in keyof T]: Elements };

/** What a traced function returns. */
export interface Traced<O extends string, S extends string> {
  readonly outputs: Readonly<Record<O, Tensor>>;
  /** New values of state, taken over after the run: whole ones of the same shape and element type, or some rows. */
  readonly state?: Readonly<Partial<Record<S, Tensor | StateRows>>>;
}

/**
 * New values for some positions of one axis of a state, such as the newest keys of a cache. The rest stays where it is:
 * on the CPU nothing else is copied.
 */
export interface StateRows {
  /** The state's shape, but for the length of `axis`. */
  readonly rows: Tensor;
  readonly axis: number;
  /** int32 [1]: where the first row goes. The run fails when the rows do not fit from there. */
  readonly at: Tensor;
}

export interface ProgramSpec<I extends Specs, S extends Specs, F extends Specs = Specs> {
  readonly inputs: I;
  /** State of the runtime that the function reads; it starts as zeros. Programs share state by its name. */
  readonly state?: S;
  /**
   * State that the program takes in as constants, with the values that it has when the program is compiled: weights that
   * nobody trains any more. The runtime lays them out for its kernels, at the cost of a copy of its own (measured:
   * bench/engine).
   */
  readonly fixed?: F;
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
    const fallback = options.fallback ?? true;
    this.#channel = open({ provider: this.provider, threads: this.threads, fallback });
  }

  /**
   * Traces `trace` once with symbolic tensors and makes a program of it. Shapes are static: another shape is another
   * program. Throws an OperationError while tracing.
   */
  async compile<
    I extends Specs,
    O extends string,
    const S extends Specs = Record<never, never>,
    const F extends Specs = Record<never, never>,
  >(
    name: string,
    trace: (inputs: TensorsOf<I>, state: TensorsOf<S & F>) => Traced<O, Extract<keyof S, string>>,
    spec: ProgramSpec<I, S, F>,
  ): Promise<Program<I, O>> {
    const stateSpecs: Specs = spec.state ?? {};
    const fixed = spec.fixed ? await this.#constants(spec.fixed) : {};
    const inputs = mapValues(spec.inputs, (given, key) => input(`in.${key}`, given));
    const state = mapValues(stateSpecs, (given, key) => input(`state.${key}`, given));
    const traced = trace(inputs as TensorsOf<I>, { ...state, ...fixed } as TensorsOf<S & F>);
    const outputs: Record<string, Tensor> = traced.outputs;
    const { whole, rows } = this.#newState(name, stateSpecs, traced.state ?? {}, state);
    // Most often one position serves all caches: it is given out once.
    const positions = [...new Set(Object.values(rows).map(({ at }) => at))];
    const positionName = (at: Tensor): string => `at.${positions.indexOf(at)}`;
    const model = emit({
      name,
      provider: this.provider,
      inputs: [...Object.values(inputs), ...Object.values(state)] as Tensor<"input">[],
      outputs: {
        ...prefixed("out.", outputs),
        ...prefixed("next.", whole),
        ...prefixed(
          "rows.",
          mapValues(rows, (part) => part.rows),
        ),
        ...Object.fromEntries(positions.map((at) => [positionName(at), at])),
      },
    });
    const fed = new Set(model.inputs);
    const description: ProgramDescription = {
      id: this.#programs++,
      model: model.bytes,
      inputs: ports("in.", spec.inputs, fed),
      outputs: ports("out.", outputs),
      planMemory: spec.fixed !== undefined,
      stateInputs: mapValues(ports("state.", stateSpecs, fed), (port) => port.name),
      stateOutputs: mapValues(whole, (_, key) => `next.${key}`),
      rowOutputs: mapValues(rows, (part, key) => ({
        rows: { name: `rows.${key}`, shape: part.rows.shape, dataType: part.rows.dataType },
        at: positionName(part.at),
        axis: part.axis,
      })),
    };
    await this.define(stateSpecs);
    await this.#channel.call("load", description);
    return {
      inputs: spec.inputs,
      outputs: mapValues(outputs, ({ shape, dataType }) => ({ shape, dataType })) as Record<O, TensorSpec>,
      nodeCount: model.nodeCount,
      run: async (values) => {
        requireInputs(name, spec.inputs, values);
        return (await this.#channel.call("run", description.id, values)) as Record<O, Elements>;
      },
      unload: () => this.#channel.call("unload", description.id),
    };
  }

  /** State as it is now, as part of a graph. */
  async #constants(specs: Specs): Promise<Record<string, Tensor>> {
    await this.define(specs);
    const values = await this.read(Object.keys(specs));
    return mapValues(specs, ({ shape }, key) => constant(values[key]!, shape));
  }

  /** Checks new state against its declaration; where state lives on a device, rows become a whole new value. */
  #newState(
    program: string,
    declared: Specs,
    next: Readonly<Record<string, Tensor | StateRows | undefined>>,
    old: Readonly<Record<string, Tensor>>,
  ): { whole: Record<string, Tensor>; rows: Record<string, StateRows> } {
    const whole: Record<string, Tensor> = {};
    const rows: Record<string, StateRows> = {};
    for (const [key, value] of Object.entries(next)) {
      if (!value) continue;
      const spec = declared[key];
      if (!spec)
        throw new RangeError(`compile: "${program}" returns state "${key}", which it does not declare`);
      if (!("rows" in value)) {
        requireSpec(`state "${key}"`, value, spec.shape, spec.dataType);
        whole[key] = value;
        continue;
      }
      const axis = axisOf("compile", old[key]!, value.axis);
      const length = value.rows.shape[axis] ?? 0;
      const shape = spec.shape.map((own, i) => (i === axis ? Math.min(own, length) : own));
      requireSpec(`rows of state "${key}"`, value.rows, shape, spec.dataType);
      requireSpec(`the position in state "${key}"`, value.at, [1], "int32");
      if (keepsStateOnDevice(this.provider)) whole[key] = withRows(old[key]!, value.rows, axis, value.at);
      else rows[key] = { ...value, axis };
    }
    return { whole, rows };
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

/** Throws a RangeError naming the first input whose elements are missing or of another length or type. */
export function requireInputs(
  where: string,
  specs: Specs,
  values: Readonly<Record<string, Elements | undefined>>,
): void {
  for (const [name, expected] of Object.entries(specs)) requireElements(where, name, values[name], expected);
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
