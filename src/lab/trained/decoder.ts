/** Decoding with caches: a prompt goes through in pieces, then one token at a time, each at a cost of its own pass. */
import { InputError, type RandomStream } from "../../core/index.ts";
import {
  add,
  concatenate,
  fill,
  float32,
  int32,
  type Program,
  parameterState,
  type Runtime,
  reshape,
  type Specs,
  type StateRows,
  sizeOf,
  slice,
  type Tensor,
} from "../../engine/index.ts";
import type { Kept, Tensors } from "../networks/layer.ts";
import type { LanguageModel } from "../training/index.ts";
import { draw, type Sampling } from "./sampling.ts";

/** Tokens of one pass over a prompt. Shapes are static: what is left over goes through one token at a time. */
const PIECE = 64;

type Pass = Program<{ tokens: Specs[string]; start: Specs[string] }, "logits">;

/** Tokens that one run writes: what a run costs beside computing is shared by them (measured: bench/engine). */
const TOKENS_A_RUN = 8;

type Writing = Program<{ token: Specs[string]; start: Specs[string]; chance: Specs[string] }, "tokens">;

/** Decodes one sequence of up to `capacity` tokens. The parameters must be in the runtime under their names. */
export class Decoder {
  readonly capacity: number;
  /** Of all caches, as they are kept here (float32). */
  readonly cacheBytes: number;
  readonly #runtime: Runtime;
  readonly #cache: Specs;
  readonly #passes: ReadonlyMap<number, Pass>;
  readonly #writing: Writing | undefined;
  #position = 0;

  private constructor(
    runtime: Runtime,
    capacity: number,
    cache: Specs,
    passes: ReadonlyMap<number, Pass>,
    writing: Writing | undefined,
  ) {
    this.#runtime = runtime;
    this.capacity = capacity;
    this.#cache = cache;
    this.#passes = passes;
    this.#writing = writing;
    this.cacheBytes = Object.values(cache).reduce((total, { shape }) => total + 4 * sizeOf(shape), 0);
  }

  /** With `sampling` it can `write`, by the parameters as they are now, and its caches have room for one run more. */
  static async create(
    runtime: Runtime,
    model: LanguageModel,
    capacity: number,
    sampling?: Sampling,
  ): Promise<Decoder> {
    const { network, parameters } = model;
    const room = sampling ? capacity + TOKENS_A_RUN : capacity;
    // Other decoders of the same runtime have caches of their own.
    const prefix = `cache/${room}/`;
    const cache = renamed(network.cache(1, room), (name) => prefix + name);
    const own = (state: Tensors): Tensors =>
      renamed(Object.fromEntries(Object.keys(cache).map((name) => [name, state[name]!])), (name) =>
        name.slice(prefix.length),
      );
    const kept = <T>(next: Readonly<Record<string, T>>): Record<string, T> =>
      renamed(next, (name) => prefix + name);
    const pass = (length: number): Promise<Pass> =>
      runtime.compile(
        length === 1 ? "decode" : "prefill",
        ({ tokens, start }, state: Tensors) => {
          const { hidden, cache: next } = network.advance(state, tokens, start, own(state), room);
          const last = length === 1 ? hidden : slice(hidden, 1, length - 1);
          return { outputs: { logits: reshape(network.logits(state, last), [-1]) }, state: kept(next!) };
        },
        {
          inputs: { tokens: int32([1, length]), start: int32([1]) },
          state: { ...parameterState(parameters), ...cache } as Specs,
        },
      );
    const writing = (by: Sampling): Promise<Writing> =>
      runtime.compile(
        "write",
        ({ token, start, chance }, state: Tensors) => {
          const tokens: Tensor[] = [];
          const rows = new Map<string, Tensor[]>();
          let before = own(state);
          let next: Kept = {};
          for (let i = 0; i < TOKENS_A_RUN; i++) {
            const latest = reshape(tokens.at(-1) ?? token, [1, 1]);
            const at = i === 0 ? start : add(start, fill(i, [1], "int32"));
            const result = network.advance(state, latest, at, before, room);
            const logits = reshape(network.logits(state, result.hidden), [1, -1]);
            tokens.push(draw(logits, slice(chance, 0, i, i + 1), by));
            next = result.cache!;
            for (const [name, value] of Object.entries(next)) {
              if ("whole" in value) rows.set(name, [...(rows.get(name) ?? []), value.rows]);
            }
            before = Object.fromEntries(
              Object.entries(next).map(([name, value]) => [name, "whole" in value ? value.whole : value]),
            );
          }
          const after = Object.entries(next).map(([name, value]): [string, Tensor | StateRows] => [
            name,
            "whole" in value
              ? { rows: concatenate(rows.get(name)!, value.axis), axis: value.axis, at: start }
              : value,
          ]);
          return { outputs: { tokens: concatenate(tokens, 0) }, state: kept(Object.fromEntries(after)) };
        },
        {
          inputs: { token: int32([1]), start: int32([1]), chance: float32([TOKENS_A_RUN]) },
          state: cache,
          fixed: parameterState(parameters),
        },
      );
    const passes = new Map<number, Pass>();
    for (const length of room >= PIECE ? [1, PIECE] : [1]) passes.set(length, await pass(length));
    return new Decoder(runtime, capacity, cache, passes, sampling && (await writing(sampling)));
  }

  /** Tokens seen since the start. */
  get position(): number {
    return this.#position;
  }

  /** Forgets everything. */
  async restart(): Promise<void> {
    const zeros = Object.entries(this.#cache).map(([name, { shape }]) => [
      name,
      new Float32Array(sizeOf(shape)),
    ]);
    await this.#runtime.write(Object.fromEntries(zeros));
    this.#position = 0;
  }

  /** Takes in `tokens`, at least one; returns the logits of the token after them. */
  async advance(tokens: ArrayLike<number>): Promise<Float32Array> {
    this.#requireRoom(tokens.length);
    const all = Int32Array.from(tokens);
    let logits = new Float32Array(0);
    for (let done = 0; done < all.length; ) {
      const size = all.length - done >= PIECE && this.#passes.has(PIECE) ? PIECE : 1;
      const pass = this.#passes.get(size)!;
      const result = await pass.run({
        tokens: all.slice(done, done + size),
        start: Int32Array.of(this.#position),
      });
      logits = result.logits as Float32Array<ArrayBuffer>;
      this.#position += size;
      done += size;
    }
    return logits;
  }

  /**
   * Takes in `token` and gives the `count` tokens after it, some at a time, each drawn with a number of `stream`. Runs are
   * whole, so that the caches may end up beyond the last token that was asked for: restart before anything else.
   */
  async *write(token: number, count: number, stream: RandomStream): AsyncGenerator<Int32Array> {
    if (!this.#writing) throw new RangeError("write: this decoder was made without a way of sampling");
    this.#requireRoom(count);
    let latest = token;
    for (let left = count; left > 0; left -= TOKENS_A_RUN) {
      const chance = Float32Array.from({ length: TOKENS_A_RUN }, () => stream.uniform());
      const inputs = { token: Int32Array.of(latest), start: Int32Array.of(this.#position), chance };
      const tokens = (await this.#writing.run(inputs)).tokens as Int32Array;
      this.#position += TOKENS_A_RUN;
      latest = tokens.at(-1)!;
      yield tokens.subarray(0, left);
    }
  }

  #requireRoom(tokens: number): void {
    const needed = this.#position + tokens;
    if (needed <= this.capacity) return;
    throw new InputError({
      place: { path: "context" },
      found: `${needed} tokens`,
      expected: `at most ${this.capacity}`,
      remedy: "shorten the prompt or ask for fewer tokens",
    });
  }

  async close(): Promise<void> {
    for (const pass of this.#passes.values()) await pass.unload();
    await this.#writing?.unload();
  }
}

function renamed<T>(record: Readonly<Record<string, T>>, name: (old: string) => string): Record<string, T> {
  return Object.fromEntries(Object.entries(record).map(([key, value]) => [name(key), value]));
}
