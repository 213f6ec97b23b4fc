import { afterAll, describe, expect, test } from "vitest";
import { RandomStream } from "../core/index.ts";
import { gradients } from "./differentiate.ts";
import { bool, constant, fill, float32, input, int32, type Tensor } from "./graph.ts";
import { attention, causalAttention, causalMask } from "./operations/attention.ts";
import { add, cast, equal, multiply, where } from "./operations/elementwise.ts";
import { argMax, gather, matmul, topIndices } from "./operations/matmul.ts";
import { crossEntropy } from "./operations/neural.ts";
import { sum } from "./operations/reduce.ts";
import { concatenate, reshape, slice } from "./operations/shape.ts";
import { Runtime } from "./runtime.ts";
import { evaluate } from "./testing.ts";

const runtimes: Runtime[] = [];
afterAll(() => Promise.all(runtimes.map((runtime) => runtime.close())));
const open = (thread: "worker" | "caller"): Runtime => {
  const runtime = new Runtime({ thread, threads: 1 });
  runtimes.push(runtime);
  return runtime;
};

describe.each(["worker", "caller"] as const)("a runtime in its %s thread", (thread) => {
  test("keeps state between runs, shared by name between programs, and replaces it in the order asked", async () => {
    const runtime = open(thread);
    const append = await runtime.compile(
      "append",
      ({ value, at }, { cache }) => ({
        outputs: {},
        state: { cache: where(equal(constant(Int32Array.of(0, 1, 2, 3), [4]), at), value, cache) },
      }),
      { inputs: { value: float32([1]), at: int32([1]) }, state: { cache: float32([4]) } },
    );
    const total = await runtime.compile("total", (_, { cache }) => ({ outputs: { total: sum(cache) } }), {
      inputs: {},
      state: { cache: float32([4]) },
    });
    const totals = [0, 1, 2, 3].map((at) => {
      void append.run({ value: Float32Array.of(10 ** at), at: Int32Array.of(at) });
      return total.run({});
    });
    expect((await Promise.all(totals)).map((result) => result.total[0])).toEqual([1, 11, 111, 1111]);
    await runtime.write({ cache: Float32Array.of(5, 5, 5, 5) });
    expect((await total.run({})).total[0]).toBe(20);
    expect((await runtime.read(["cache"])).cache).toEqual(Float32Array.of(5, 5, 5, 5));
  });

  test("writes rows into state in place, and refuses those that do not fit", async () => {
    const runtime = open(thread);
    const append = await runtime.compile(
      "append rows",
      ({ rows, at }, { cache }) => ({
        outputs: { before: sum(cache) },
        state: { cache: { rows, axis: 1, at } },
      }),
      { inputs: { rows: float32([2, 2, 2]), at: int32([1]) }, state: { cache: float32([2, 3, 2]) } },
    );
    const rows = Float32Array.of(1, 2, 3, 4, 5, 6, 7, 8);
    expect((await append.run({ rows, at: Int32Array.of(1) })).before[0]).toBe(0);
    expect((await runtime.read(["cache"])).cache).toEqual(
      Float32Array.of(0, 0, 1, 2, 3, 4, 0, 0, 5, 6, 7, 8),
    );
    await expect(append.run({ rows, at: Int32Array.of(2) })).rejects.toThrowErrorMatchingInlineSnapshot(
      `[RangeError: the state "cache" has 3 positions; 2 do not fit from 2]`,
    );
    expect((await append.run({ rows, at: Int32Array.of(0) })).before[0]).toBe(36);
    expect((await runtime.read(["cache"])).cache).toEqual(
      Float32Array.of(1, 2, 3, 4, 3, 4, 5, 6, 7, 8, 7, 8),
    );
  });

  test("gives back outputs that are inputs, constants, or one result under two names", async () => {
    const program = await open(thread).compile(
      "names",
      ({ x }) => {
        const twice = multiply(x, 2);
        return { outputs: { x, one: fill(1, [2]), a: twice, b: twice, flags: equal(x, 1) } };
      },
      { inputs: { x: float32([2]) } },
    );
    expect(await program.run({ x: Float32Array.of(1, 3) })).toEqual({
      x: Float32Array.of(1, 3),
      one: Float32Array.of(1, 1),
      a: Float32Array.of(2, 6),
      b: Float32Array.of(2, 6),
      flags: Uint8Array.of(1, 0),
    });
  });

  test("says which input is missing or wrong, and that it was closed", async () => {
    const runtime = open(thread);
    const program = await runtime.compile("double", ({ x }) => ({ outputs: { y: multiply(x, 2) } }), {
      inputs: { x: float32([2, 3]) },
    });
    await expect(program.run({ x: new Float64Array(6) })).rejects.toThrowErrorMatchingInlineSnapshot(
      `[RangeError: double: "x" needs float32[2, 3], was given 6 elements of float64]`,
    );
    await expect(program.run({} as never)).rejects.toThrowErrorMatchingInlineSnapshot(
      `[RangeError: double: "x" needs float32[2, 3], was given nothing]`,
    );
    await expect(runtime.write({ x: new Float32Array(1) })).rejects.toThrowErrorMatchingInlineSnapshot(
      `[RangeError: there is no state "x"]`,
    );
    await expect(
      runtime.define({ s: float32([1]) }).then(() => runtime.define({ s: float32([2]) })),
    ).rejects.toThrowErrorMatchingInlineSnapshot(`[RangeError: the state "s" is float32[1], not float32[2]]`);
    await runtime.close();
    await expect(program.run({ x: new Float32Array(6) })).rejects.toThrow("the runtime was closed");
  });
});

test("a run in a worker leaves the caller's event loop free", async () => {
  const program = await open("worker").compile(
    "long",
    ({ x }) => ({ outputs: { y: sum(Array.from({ length: 40 }).reduce<Tensor>((t) => matmul(t, x), x)) } }),
    { inputs: { x: float32([512, 512]) } },
  );
  let running = true;
  const run = program.run({ x: new Float32Array(512 * 512) }).finally(() => {
    running = false;
  });
  let turns = 0;
  while (running && turns < 1000) {
    await new Promise((resolve) => setImmediate(resolve));
    turns++;
  }
  await run;
  // A run in the caller's thread would let two or three turns through.
  expect(turns).toBeGreaterThan(20);
});

describe("errors while tracing name the operation and the shapes", () => {
  const x = input("x", float32([8, 256]));
  const messages = (...acts: readonly (() => unknown)[]): string =>
    acts
      .map((act) => {
        try {
          act();
          return "nothing was thrown";
        } catch (error) {
          return `${(error as Error).name}: ${(error as Error).message}`;
        }
      })
      .join("\n");

  test("each operation", () => {
    expect(
      messages(
        () => matmul(x, input("w", float32([128, 512]))),
        () => add(x, input("b", float32([255]))),
        () => add(x, input("b", int32([256]))),
        () => reshape(x, [3, -1]),
        () => slice(x, 1, 200, 300),
        () => sum(x, 2),
        () => concatenate([x, input("y", float32([8, 2, 3]))], 0),
        () => gather(x, input("i", float32([2]))),
        () => topIndices(x, 300),
        () => crossEntropy(x, input("t", int32([9]))),
        () => where(x, x, 0),
        () =>
          attention(
            ...(["q", "k", "v"].map((name) => input(name, float32([1, 3, 4, 8]))) as [
              Tensor,
              Tensor,
              Tensor,
            ]),
            {
              mask: causalMask(4, 5),
            },
          ),
        () => gradients(x, [x]),
      ),
    ).toMatchInlineSnapshot(`
      "OperationError: matmul(float32[8, 256], float32[128, 512]): the last axis of the first (256) must equal the last but one axis of the second (128)
      OperationError: add(float32[8, 256], float32[255]): the shapes do not broadcast
      OperationError: add(float32[8, 256], int32[256]): the element types differ; use cast
      OperationError: reshape(float32[8, 256]): 2048 elements do not fill the shape [3, -1]
      OperationError: slice(float32[8, 256]): 200..300 is not within axis 1 of length 256
      OperationError: sum(float32[8, 256]): axis 2 is not one of the 2 axes
      OperationError: concatenate(float32[8, 256], float32[8, 2, 3]): the parts may differ on axis 0 only
      OperationError: gather(float32[8, 256], float32[2]): needs a table of at least one axis and int32 indices
      OperationError: topIndices(float32[8, 256]): cannot choose 300 of 256 along the last axis
      OperationError: crossEntropy(float32[8, 256], int32[9]): the int32 targets must have the logits' leading axes
      OperationError: where(float32[8, 256], float32[8, 256], float32[]): the condition must be bool
      OperationError: attention(float32[1, 3, 4, 8], float32[1, 3, 4, 8], float32[1, 3, 4, 8], float32[4, 5]): the mask does not broadcast to [1, 3, 4, 4]
      OperationError: gradients(float32[8, 256]): only a scalar can be differentiated"
    `);
  });

  test("an input of another function, and state of another shape", async () => {
    const runtime = open("caller");
    await expect(
      runtime.compile("stranger", ({ y }) => ({ outputs: { z: add(y, x) } }), {
        inputs: { y: float32([8, 256]) },
      }),
    ).rejects.toThrowErrorMatchingInlineSnapshot(
      `[OperationError: compile(float32[8, 256]): the outputs depend on an input "x" of another function]`,
    );
    await expect(
      runtime.compile("grown", (_, { s }) => ({ outputs: {}, state: { s: concatenate([s, s], 0) } }), {
        inputs: {},
        state: { s: float32([2]) },
      }),
    ).rejects.toThrowErrorMatchingInlineSnapshot(
      `[OperationError: compile(float32[4]): state "s" was declared float32[2], not float32[4]]`,
    );
  });
});

describe("operations without gradients", () => {
  test("topIndices lists the largest first and argMax takes the first of equals", async () => {
    const { top, best, hot } = await evaluate(
      ({ x, on }) => ({ top: topIndices(x, 2), best: argMax(x), hot: cast(on, "int32") }),
      { x: float32([2, 4]), on: bool([3]) },
      { x: Float32Array.of(1, 9, 3, 4, 7, 7, 0, -1), on: Uint8Array.of(1, 0, 1) },
    );
    expect([...top]).toEqual([1, 3, 0, 1]);
    expect([...best]).toEqual([1, 0]);
    expect([...hot]).toEqual([1, 0, 1]);
  });

  test("a causal mask with a window and sinks", async () => {
    const { mask } = await evaluate(
      () => ({ mask: equal(causalMask(3, 5, { window: 2, sinks: 1 }), 0) }),
      {},
      {},
    );
    expect([...mask]).toEqual([1, 1, 1, 0, 0, 1, 0, 1, 1, 0, 1, 0, 0, 1, 1]);
  });

  test.each([{}, { window: 40 }, { window: 5, sinks: 3 }])(
    "causal attention in blocks equals masked attention: %o",
    async (causal) => {
      const stream = new RandomStream(1);
      const draw = (length: number): Float32Array => Float32Array.from({ length }, () => stream.normal());
      const { blocks, whole } = await evaluate(
        ({ q, k, v }) => ({
          blocks: causalAttention(q, k, v, causal),
          whole: attention(q, k, v, { mask: causalMask(200, 210, causal) }),
        }),
        { q: float32([1, 4, 200, 8]), k: float32([1, 2, 210, 8]), v: float32([1, 2, 210, 6]) },
        { q: draw(4 * 200 * 8), k: draw(2 * 210 * 8), v: draw(2 * 210 * 6) },
      );
      for (const [i, value] of whole.entries()) expect(blocks[i]).toBeCloseTo(value, 5);
    },
  );

  test("cross-entropy of -100 is nothing, and of a certain answer is zero", async () => {
    const { losses } = await evaluate(
      ({ x, t }) => ({ losses: crossEntropy(x, t).losses }),
      { x: float32([3, 3]), t: int32([3]) },
      { x: Float32Array.of(500, 0, 0, 500, 0, 0, 0, 0, 0), t: Int32Array.of(0, -100, 1) },
    );
    expect(losses[0]).toBe(0);
    expect(losses[1]).toBe(0);
    expect(losses[2]).toBeCloseTo(Math.log(3), 6);
  });
});
