import { afterAll, describe, expect, test } from "vitest";
import { RandomStream } from "../../core/index.ts";
import { float32, Runtime } from "../../engine/index.ts";
import { draw, type Sampling } from "./sampling.ts";

const LOGITS = [0.5, -1, 2, 1.5, -40, 0, 1.5, -0.3];
/** The 0.999 quantile of chi-square with 7 degrees of freedom, which bounds it for fewer too. */
const CHI_SQUARE = 24.32;

const runtime = new Runtime({ thread: "caller", threads: 1 });
afterAll(() => runtime.close());

/** Draws by `sampling`, one a chance. */
async function drawer(sampling: Sampling, logits: readonly number[] = LOGITS) {
  const program = await runtime.compile(
    "draw",
    ({ logits, chance }) => ({ outputs: { token: draw(logits, chance, sampling) } }),
    { inputs: { logits: float32([logits.length]), chance: float32([1]) } },
  );
  const fed = Float32Array.from(logits);
  return async (chance: number): Promise<number> =>
    (await program.run({ logits: fed, chance: Float32Array.of(chance) })).token[0]!;
}

/** What the softmax says, in double precision, with no more than `topK` tokens left. */
function probabilities({ temperature, topK = LOGITS.length }: Sampling): number[] {
  const order = LOGITS.map((_, token) => token).sort((a, b) => LOGITS[b]! - LOGITS[a]! || a - b);
  const weights = LOGITS.map((logit, token) =>
    order.indexOf(token) < topK ? Math.exp(logit / temperature) : 0,
  );
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  return weights.map((weight) => weight / total);
}

describe("drawing a token", () => {
  test.each<[string, Sampling]>([
    ["all tokens", { temperature: 1 }],
    ["a low temperature", { temperature: 0.4 }],
    ["a high temperature", { temperature: 3 }],
    ["the three likeliest, of which two are equal", { temperature: 1, topK: 3 }],
    ["one of two equal tokens left out", { temperature: 0.8, topK: 2 }],
    ["more likeliest tokens than there are", { temperature: 1, topK: 50 }],
  ])("%s: frequencies agree with the softmax", async (_, sampling) => {
    const next = await drawer(sampling);
    const stream = new RandomStream(5);
    const draws = 4000;
    const counts = LOGITS.map(() => 0);
    for (let i = 0; i < draws; i++) counts[await next(stream.uniform())]! += 1;
    const expected = probabilities(sampling).map((probability) => probability * draws);
    let chiSquare = 0;
    for (const [token, count] of counts.entries()) {
      if (expected[token]! < 1e-9) expect(count, `token ${token}`).toBe(0);
      else chiSquare += (count - expected[token]!) ** 2 / expected[token]!;
    }
    expect(chiSquare).toBeLessThan(CHI_SQUARE);
  });

  test("nothing of what is left out is drawn at either end of the chances", async () => {
    for (const topK of [1, 2, 3]) {
      const next = await drawer({ temperature: 1, topK });
      const allowed = [2, 3, 6].slice(0, topK);
      // The nearest to one in double precision is one in single precision.
      for (const chance of [0, 1e-8, 1 - 2 ** -24, 1 - 2 ** -53])
        expect(allowed).toContain(await next(chance));
    }
    const unlikely = await drawer({ temperature: 1 }, [-200, 0, -200, 0, -200]);
    expect([await unlikely(0), await unlikely(1 - 2 ** -53)]).toEqual([1, 3]);
  });

  test("at temperature 0, or next to it, the likeliest is taken, the first of equals at 0", async () => {
    const greedy = await drawer({ temperature: 0, topK: 4 }, [0, 3, 1, 3]);
    const cold = await drawer({ temperature: Number.MIN_VALUE });
    for (const chance of [0, 0.5, 0.999]) {
      expect(await greedy(chance)).toBe(1);
      expect(await cold(chance)).toBe(2);
    }
  });
});
