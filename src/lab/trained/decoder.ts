/** Decoding with caches: a prompt is read in pieces, then text is written some tokens a run. */
import { InputError } from "../../core/index.ts";
import {
  float32,
  int32,
  type Program,
  parameterState,
  type Runtime,
  type Specs,
  sizeOf,
} from "../../engine/index.ts";
import { prefixed, type Tensors, within } from "../networks/layer.ts";
import type { LanguageModel } from "../training/index.ts";
import type { Sampling } from "./sampling.ts";
import { continued } from "./writing.ts";

/** Tokens of one pass over a prompt. Shapes are static: what is left over goes through one token at a time. */
const PIECE = 64;

/** Tokens that one run writes: what a run costs beside computing is shared by them (measured: bench/engine). */
const TOKENS_A_RUN = 8;

type Reading = Program<{ tokens: Specs[string]; start: Specs[string] }, never>;
type Writing = Program<{ token: Specs[string]; start: Specs[string]; chances: Specs[string] }, "tokens">;

/** Decodes one sequence of up to `capacity` tokens. The parameters must be in the runtime under their names. */
export class Decoder {
  readonly capacity: number;
  readonly #runtime: Runtime;
  readonly #cache: Specs;
  /** By the tokens that one pass takes in, most first; none for a network that keeps nothing. */
  readonly #reading: ReadonlyMap<number, Reading>;
  readonly #writing: Writing;
  #position = 0;

  private constructor(
    runtime: Runtime,
    capacity: number,
    cache: Specs,
    reading: ReadonlyMap<number, Reading>,
    writing: Writing,
  ) {
    this.#runtime = runtime;
    this.capacity = capacity;
    this.#cache = cache;
    this.#reading = reading;
    this.#writing = writing;
  }

  /** It writes by the parameters as they are now; later changes of them do not reach it. */
  static async create(
    runtime: Runtime,
    { network, parameters }: LanguageModel,
    capacity: number,
    sampling: Sampling,
  ): Promise<Decoder> {
    // The last run is whole even where fewer tokens are asked for.
    const room = capacity + TOKENS_A_RUN;
    // Other decoders of the same runtime have caches of their own.
    const own = `cache/${room}`;
    const cache: Specs = prefixed(own, network.cache(1, room));
    const weights = parameterState(parameters);

    const reading = new Map<number, Reading>();
    // Without attention or state nothing of what is read is kept.
    const pieces = Object.keys(cache).length === 0 ? [] : room >= PIECE ? [PIECE, 1] : [1];
    for (const length of pieces) {
      const program = await runtime.compile(
        `read ${length}`,
        ({ tokens, start }, state: Tensors) => {
          const { cache: next } = network.advance(state, tokens, start, within(state, own), room);
          return { outputs: {}, state: prefixed(own, next!) };
        },
        {
          inputs: { tokens: int32([1, length]), start: int32([1]) },
          state: { ...weights, ...cache } as Specs,
        },
      );
      reading.set(length, program);
    }
    const writing = await runtime.compile(
      "write",
      (given, state: Tensors) => {
        const { tokens, cache: next } = continued(network, state, within(state, own), given, room, sampling);
        return { outputs: { tokens }, state: prefixed(own, next) };
      },
      {
        inputs: { token: int32([1]), start: int32([1]), chances: float32([TOKENS_A_RUN]) },
        state: cache,
        fixed: weights,
      },
    );
    return new Decoder(runtime, capacity, cache, reading, writing);
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

  /** Takes in `tokens`, the next ones of a prompt. Throws an InputError where there is no room for them. */
  async read(tokens: ArrayLike<number>): Promise<void> {
    this.#requireRoom(tokens.length);
    let left = Int32Array.from(tokens);
    for (const [length, program] of this.#reading) {
      for (; left.length >= length; left = left.subarray(length)) {
        await program.run({ tokens: left.slice(0, length), start: Int32Array.of(this.#position) });
        this.#position += length;
      }
    }
    this.#position += left.length;
  }

  /**
   * Takes in `token` and gives the tokens after it, some at a time, one for each of `chances`, numbers in [0, 1) that they
   * are drawn by. Afterwards the caches may be ahead of what was asked for: restart before anything else.
   */
  async *write(token: number, chances: Float32Array): AsyncGenerator<Int32Array> {
    this.#requireRoom(chances.length);
    let latest = token;
    for (let done = 0; done < chances.length; done += TOKENS_A_RUN) {
      const some = new Float32Array(TOKENS_A_RUN);
      some.set(chances.subarray(done, done + TOKENS_A_RUN));
      const start = Int32Array.of(this.#position);
      const run = await this.#writing.run({ token: Int32Array.of(latest), start, chances: some });
      const tokens = run.tokens as Int32Array;
      this.#position += TOKENS_A_RUN;
      latest = tokens.at(-1)!;
      yield tokens.subarray(0, chances.length - done);
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
    for (const program of [...this.#reading.values(), this.#writing]) await program.unload();
  }
}
