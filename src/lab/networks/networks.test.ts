import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { RandomStream } from "../../core/index.ts";
import {
  crossEntropy,
  float32,
  initialise,
  int32,
  type ParameterSpec,
  parameterState,
  Runtime,
  sum,
  type Tensor,
} from "../../engine/index.ts";
import { evaluate, gradientError } from "../../engine/testing.ts";
import {
  type Architecture,
  type ArchitectureSettings,
  architecture,
  cacheBytes,
  parameters,
  presets,
} from "../../model/index.ts";
import { network, parameterCount } from "./network.ts";

/** Settings under which every option of every primitive is used by some case. */
const plain: ArchitectureSettings = {
  vocabulary: 7,
  attention: { heads: 2, kvHeads: 1, headDim: 4, valueDim: 4 },
  window: { window: 3, sink: 2 },
  ssm: { innerWidth: 8, headDim: 4, stateSize: 3 },
  feedForward: { hidden: 6 },
  experts: { experts: 4, hidden: 5, sharedHidden: 3 },
};
const joint = {
  attention: { heads: 2, kvHeads: 1, valueDim: 4, headDim: 4 },
  ssm: { innerWidth: 8, headDim: 4 },
};
const cases: Record<string, [layers: string, settings: ArchitectureSettings]> = {
  "grouped-query attention": ["A", plain],
  "attention with biases, norms of heads and no positions": [
    "A",
    {
      ...plain,
      attention: { ...plain.attention, qkvBias: true, outputBias: true, qkNorm: true, ropeTheta: null },
    },
  ],
  "a window with a sink": ["W", plain],
  "a window without a sink": ["W", { ...plain, window: { window: 4, sink: 0 } }],
  "Mamba-2": ["S", plain],
  "Mamba-2 with groups and biases, without its norm": [
    "S",
    {
      ...plain,
      ssm: {
        innerWidth: 16,
        headDim: 4,
        stateSize: 3,
        groups: 2,
        projectionBias: true,
        convBias: false,
        gatedNorm: false,
      },
    },
  ],
  "a gated feed-forward layer": ["F", plain],
  "an ungated one with biases": ["F", { ...plain, feedForward: { hidden: 6, gated: false, bias: true } }],
  "two of four experts and a gated shared one": [
    "E",
    { ...plain, experts: { experts: 4, active: 2, hidden: 5, shared: 2, sharedHidden: 3, sharedGate: true } },
  ],
  "one of four experts": ["E", { ...plain, experts: { experts: 4, active: 1, hidden: 5, shared: 0 } }],
  "the published intra-layer hybrid": ["H", plain],
  "a hybrid that adds scaled branches": [
    "H",
    { ...plain, hybrid: { ...joint, fusion: "add", scale: "vector" } },
  ],
  "a hybrid that shares values and one projection": [
    "H",
    { ...plain, hybrid: { ...joint, values: "shared", output: "joint", scale: "scalar", norm: "none" } },
  ],
  "a hybrid that concatenates": [
    "H",
    { ...plain, hybrid: { ...joint, fusion: "concatenate", output: "joint" } },
  ],
  "all six, untied, with layer norms": ["SAFWHE", { ...plain, tiedEmbeddings: false, norm: "layer" }],
};
const built = Object.entries(cases).map(
  ([name, [layers, settings]]) => [name, architecture(layers, 8, settings)] as const,
);

describe("the parameters of a network", () => {
  test.each(built)("%s: as many as the model room counts", (_, a) => {
    expect(parameterCount(network(a))).toBe(parameters(a).total);
  });

  test.each([...presets().keys()])("%s: as many as the model room counts", (name) => {
    const a = presets().get(name)!.architecture;
    expect(parameterCount(network(a))).toBe(parameters(a).total);
  });

  test("random architectures: as many as the model room counts", () => {
    const some = fc.record({
      layers: fc.array(fc.constantFrom("A", "W", "S", "H", "F", "E"), { minLength: 1, maxLength: 6 }),
      heads: fc.constantFrom(1, 2, 4),
      kvHeads: fc.constantFrom(1, 2, 4),
      dims: fc.tuple(...Array.from({ length: 8 }, () => fc.integer({ min: 1, max: 9 }))),
      flags: fc.tuple(...Array.from({ length: 11 }, () => fc.boolean())),
      hybrid: fc.record({
        norm: fc.constantFrom("group", "none"),
        scale: fc.constantFrom("none", "vector", "scalar"),
        fusion: fc.constantFrom("difference", "add"),
        values: fc.constantFrom("separate", "shared"),
        output: fc.constantFrom("separate", "joint"),
      }),
    });
    fc.assert(
      fc.property(some, ({ layers, heads, kvHeads, dims, flags, hybrid }) => {
        const [width, head, value, state, taps, hidden, experts, groups] = dims as number[];
        const attention = {
          heads: heads * kvHeads,
          kvHeads,
          headDim: 2 * head!,
          valueDim: value!,
          qkvBias: flags[0]!,
          outputBias: flags[1]!,
          qkNorm: flags[2]!,
          ropeTheta: flags[3] ? 1e4 : null,
        };
        const ssm = {
          innerWidth: attention.heads * value! * groups!,
          headDim: value!,
          groups: groups!,
          stateSize: state!,
          convWidth: taps!,
          convBias: flags[4]!,
          projectionBias: flags[5]!,
          gatedNorm: flags[6]!,
        };
        const a = architecture(layers as Architecture["layers"], 4 * width!, {
          vocabulary: 11,
          attention,
          ssm,
          feedForward: { hidden: hidden!, gated: flags[7]!, bias: flags[8]! },
          experts: {
            experts: experts!,
            active: Math.ceil(experts! / 2),
            shared: hidden! % 3,
            sharedGate: flags[9]!,
          },
          hybrid: {
            ...(hybrid as ArchitectureSettings["hybrid"]),
            attention,
            ssm: { ...ssm, innerWidth: attention.heads * value!, groups: 1 },
          },
          tiedEmbeddings: flags[10]!,
          norm: flags[9] ? "layer" : "rms",
        });
        expect(parameterCount(network(a))).toBe(parameters(a).total);
      }),
      { numRuns: 200, seed: 11 },
    );
  });

  test("equal layers at equal places start with equal values, whatever stands around them", () => {
    const first = (layers: string) =>
      initialise(network(architecture(layers, 8, plain)).parameters, new RandomStream(5));
    const [a, b] = [first("SFAF"), first("SFSF")];
    expect(a.get("layers.1.feed_forward.up")).toEqual(b.get("layers.1.feed_forward.up"));
    expect(a.get("layers.0.ssm.A_log")).toEqual(b.get("layers.0.ssm.A_log"));
    expect(a.has("layers.2.ssm.A_log")).toBe(false);
  });

  test("decay spares norms, biases, A, D, dt and balancing biases", () => {
    const specs = network(architecture("SAFWHE", 8, { ...plain, norm: "layer" })).parameters;
    const spared = specs.filter(({ decay }) => !decay).map(({ name }) => name.split(".").at(-1));
    expect(new Set(spared)).toEqual(
      new Set([
        "weight",
        "bias",
        "norm",
        "A_log",
        "D",
        "dt_bias",
        "convolution_bias",
        "branch_norm",
        "balance",
      ]),
    );
    for (const { shape, decay } of specs) expect(decay).toBe(shape.length === 2);
  });

  test("step sizes and decays start in the published ranges", () => {
    const a = architecture("S", 64, { vocabulary: 7, ssm: { headDim: 1 } });
    for (const range of [
      [0.01, 2],
      [1, 16],
    ] as const) {
      const values = initialise(network(a, { decayRange: range }).parameters, new RandomStream(1));
      const decays = [...values.get("layers.0.ssm.A_log")!].map(Math.exp);
      expect(Math.min(...decays)).toBeGreaterThanOrEqual(range[0]);
      expect(Math.max(...decays)).toBeLessThanOrEqual(range[1]);
      expect(Math.max(...decays)).toBeGreaterThan(0.9 * range[1]);
      const steps = [...values.get("layers.0.ssm.dt_bias")!].map((bias) => Math.log1p(Math.exp(bias)));
      expect(Math.min(...steps)).toBeGreaterThan(0.99e-3);
      expect(Math.max(...steps)).toBeLessThan(0.101);
    }
  });

  test("an odd head with rotary embeddings is refused", () => {
    const odd = architecture("AF", 9, { vocabulary: 7, attention: { heads: 3, kvHeads: 3, headDim: 3 } });
    expect(() => network(odd)).toThrow(/found {5}3[\s\S]*even number of channels/);
  });
});

/** Values in double precision, larger than first values so that no path is nearly linear. */
function values(parameters: readonly ParameterSpec[]): number[][] {
  const first = initialise(parameters, new RandomStream(3));
  const stream = new RandomStream(4);
  return parameters.map(({ name, trained }) =>
    [...first.get(name)!].map((value) => (trained === false ? 0 : value + 0.1 * stream.normal())),
  );
}

describe("the gradient of a network", () => {
  // Every entry of every parameter is moved both ways: as narrow as it can be.
  const narrow = Object.entries(cases)
    .filter(([name]) => !name.startsWith("all"))
    .map(([name, [layers, settings]]) => [name, architecture(layers, 2, settings)] as const);
  test.each(narrow)("%s: agrees with finite differences", async (_, a) => {
    const net = network(a);
    const [batch, time] = [2, 5];
    const error = await gradientError({
      operands: net.parameters.map(({ shape }, i) => ({ shape, values: values(net.parameters)[i]! })),
      index: { shape: [batch, time], values: [0, 3, 1, 6, 2, 5, 5, 4, 0, 1] },
      apply: (...given) => {
        const tokens = given.at(-1)!;
        const p = Object.fromEntries(net.parameters.map(({ name }, i) => [name, given[i]!]));
        const logits = net.logits(p, net.forward(p, tokens).hidden);
        return sum(crossEntropy(logits, tokens).losses, 1);
      },
    });
    expect(error).toBeLessThan(1e-6);
  });
});

describe("decoding", () => {
  const [batch, time, prompt] = [2, 12, 5];
  const tokens = Int32Array.from({ length: batch * time }, (_, i) => (i * i + 3 * i) % 7);

  test.each(built)(
    "%s: a prompt and then one token after the other give what one pass over all gives",
    async (_, a) => {
      const net = network(a);
      const state = { ...parameterState(net.parameters), ...net.cache(batch, time) };
      const names = Object.keys(net.cache(batch, time));
      await using runtime = new Runtime({ thread: "caller", threads: 1 });
      const advance = (length: number) =>
        runtime.compile(
          "advance",
          (inputs: Readonly<Record<string, Tensor>>, s: Readonly<Record<string, Tensor>>) => {
            const cache = Object.fromEntries(names.map((name) => [name, s[name]!]));
            const { hidden, cache: next } = net.advance(s, inputs.tokens!, inputs.start!, cache, time);
            return { outputs: { logits: net.logits(s, hidden) }, state: next! };
          },
          { inputs: { tokens: int32([batch, length]), start: int32([1]) }, state },
        );
      const whole = await runtime.compile(
        "forward",
        (inputs: Readonly<Record<string, Tensor>>, s: Readonly<Record<string, Tensor>>) => ({
          outputs: { logits: net.logits(s, net.forward(s, inputs.tokens!).hidden) },
        }),
        { inputs: { tokens: int32([batch, time]) }, state: parameterState(net.parameters) },
      );
      const list = values(net.parameters);
      await runtime.write(
        Object.fromEntries(net.parameters.map(({ name }, i) => [name, Float32Array.from(list[i]!)])),
      );
      const { logits: expected } = await whole.run({ tokens });
      const programs = { prompt: await advance(prompt), step: await advance(1) };
      let worst = 0;
      let largest = 0;
      for (let start = 0; start < time; ) {
        const length = start === 0 ? prompt : 1;
        const now = Int32Array.from(
          { length: batch * length },
          (_, i) => tokens[Math.floor(i / length) * time + start + (i % length)]!,
        );
        const program = start === 0 ? programs.prompt : programs.step;
        const { logits } = await program.run({ tokens: now, start: Int32Array.of(start) });
        for (const [i, value] of logits.entries()) {
          const [row, rest] = [Math.floor(i / (7 * length)), i % (7 * length)];
          const wanted = expected[row * time * 7 + start * 7 + rest]!;
          worst = Math.max(worst, Math.abs(value - wanted));
          largest = Math.max(largest, Math.abs(wanted));
        }
        start += length;
      }
      expect(worst / largest).toBeLessThan(2e-5);
      expect(largest).toBeGreaterThan(0.1);
    },
  );

  test.each(["A", "W", "S", "H"])("%s keeps as many bytes as the model room says", (layers) => {
    const a = architecture(layers, 8, plain);
    const bytes = Object.values(network(a).cache(1, 64)).reduce(
      (total, { shape }) => total + 4 * shape.reduce((product, length) => product * length, 1),
      0,
    );
    expect(bytes).toBe(cacheBytes(a, 64, 4).total);
  });
});

describe("causality", () => {
  test.each(built)("%s: no logit depends on a later token", async (_, a) => {
    const net = network(a);
    const time = 9;
    const specs = { tokens: int32([2, time]) };
    const list = values(net.parameters);
    const { hidden } = await evaluate(
      ({ tokens, ...p }: Readonly<Record<string, Tensor>>) => ({ hidden: net.forward(p, tokens!).hidden }),
      { ...specs, ...Object.fromEntries(net.parameters.map(({ name, shape }) => [name, float32(shape)])) },
      {
        // Two rows that part at position 5.
        tokens: Int32Array.of(1, 2, 3, 4, 5, 6, 0, 1, 2, 1, 2, 3, 4, 5, 0, 1, 2, 3),
        ...Object.fromEntries(net.parameters.map(({ name }, i) => [name, Float32Array.from(list[i]!)])),
      },
    );
    const row = time * a.width;
    const same = 5 * a.width;
    for (let i = 0; i < same; i++) expect(hidden[i]).toBeCloseTo(hidden[row + i]!, 5);
    expect(hidden.slice(same, row)).not.toEqual(hidden.slice(row + same));
  });
});
