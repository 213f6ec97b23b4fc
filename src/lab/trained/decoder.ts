/** Decoding with caches: a prompt goes through in pieces, then one token at a time, each at a cost of its own pass. */
import { InputError } from "../../core/index.ts";
import {
  int32,
  type Program,
  parameterState,
  type Runtime,
  reshape,
  type Specs,
  sizeOf,
  slice,
} from "../../engine/index.ts";
import type { LanguageModel } from "../training/index.ts";

/** Tokens of one pass over a prompt. Shapes are static: what is left over goes through one token at a time. */
const PIECE = 64;

type Pass = Program<{ tokens: Specs[string]; start: Specs[string] }, "logits">;

/** Decodes one sequence of up to `capacity` tokens. The parameters must be in the runtime under their names. */
export class Decoder {
  readonly capacity: number;
  /** Of all caches, as they are kept here (float32). */
  readonly cacheBytes: number;
  readonly #runtime: Runtime;
  readonly #cache: Specs;
  readonly #step: Pass;
  readonly #piece: Pass | undefined;
  #position = 0;

  private constructor(runtime: Runtime, capacity: number, cache: Specs, step: Pass, piece: Pass | undefined) {
    this.#runtime = runtime;
    this.capacity = capacity;
    this.#cache = cache;
    this.#step = step;
    this.#piece = piece;
    this.cacheBytes = Object.values(cache).reduce((total, { shape }) => total + 4 * sizeOf(shape), 0);
  }

  static async create(runtime: Runtime, model: LanguageModel, capacity: number): Promise<Decoder> {
    const named = model.network.cache(1, capacity);
    // Other decoders of the same runtime have caches of their own.
    const cache = Object.fromEntries(
      Object.entries(named).map(([name, spec]) => [`cache/${capacity}/${name}`, spec]),
    );
    const pass = (length: number): Promise<Pass> =>
      runtime.compile(
        length === 1 ? "decode" : "prefill",
        ({ tokens, start }, state) => {
          const own = Object.fromEntries(
            Object.keys(named).map((name) => [name, state[`cache/${capacity}/${name}`]!]),
          );
          const { hidden, cache: next } = model.network.advance(state, tokens, start, own, capacity);
          const last = length === 1 ? hidden : slice(hidden, 1, length - 1);
          return {
            outputs: { logits: reshape(model.network.logits(state, last), [-1]) },
            state: Object.fromEntries(
              Object.entries(next!).map(([name, value]) => [`cache/${capacity}/${name}`, value]),
            ),
          };
        },
        {
          inputs: { tokens: int32([1, length]), start: int32([1]) },
          state: { ...parameterState(model.parameters), ...cache } as Specs,
        },
      );
    const step = await pass(1);
    return new Decoder(runtime, capacity, cache, step, capacity >= PIECE ? await pass(PIECE) : undefined);
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
    if (this.#position + tokens.length > this.capacity) {
      throw new InputError({
        place: { path: "context" },
        found: `${this.#position + tokens.length} tokens`,
        expected: `at most ${this.capacity}`,
        remedy: "shorten the prompt or ask for fewer tokens",
      });
    }
    const all = Int32Array.from(tokens);
    let logits = new Float32Array(0);
    for (let done = 0; done < all.length; ) {
      const whole = this.#piece !== undefined && all.length - done >= PIECE;
      const size = whole ? PIECE : 1;
      const pass = whole ? this.#piece! : this.#step;
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

  async close(): Promise<void> {
    await this.#step.unload();
    await this.#piece?.unload();
  }
}
