import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it } from "vitest";
import { InputError, RandomStream, Sampler } from "../core/index.ts";
import { drawLaw, lossAt } from "./chinchilla.ts";
import { publishedLaw } from "./published-laws.ts";
import { lawOfRuns, readRuns } from "./run-file.ts";

const file = (text: string) => {
  const path = join(mkdtempSync(join(tmpdir(), "runs-")), "runs.csv");
  writeFileSync(path, text);
  return path;
};
const problemOf = (text: string): string => {
  try {
    readRuns(file(text));
  } catch (error) {
    if (error instanceof InputError) return error.message.replace(/\S*runs\.csv/g, "runs.csv");
    throw error;
  }
  return "read";
};

const truth = publishedLaw("hoffmann").fits[0]!;
const noise = new RandomStream(5);
const runs = [2e7, 1e8, 5e8, 2e9].flatMap((parameters) =>
  [5e8, 2e9, 1e10, 5e10].map((tokens) => ({
    parameters,
    tokens,
    loss: lossAt(truth, parameters, tokens) * Math.exp(0.003 * noise.normal()),
  })),
);

it("reads runs and makes a law whose interval holds the truth beyond them", () => {
  const rows = runs.map((run) => `${run.parameters},run,${run.tokens},${run.loss}`).join("\n");
  const read = readRuns(file(`parameters,name,tokens,loss\n${rows}\n`));
  expect(read).toEqual(runs);
  for (const objective of ["huber-log", "least-squares"] as const) {
    const { law, goodness } = lawOfRuns(
      read,
      { name: "ours", evidence: { basis: "fitted", sources: [] }, objective, resamples: 300 },
      new RandomStream(2),
    );
    expect(goodness.meanRelativeError).toBeLessThan(0.004);
    expect(law.range).toEqual({ parameters: [2e7, 2e9], tokens: [5e8, 5e10] });
    const { low, high } = drawLaw(law, new Sampler(1)).loss(1e10, 2e11).interval();
    const expected = lossAt(truth, 1e10, 2e11);
    expect(low).toBeLessThan(expected);
    expect(high).toBeGreaterThan(expected);
    expect(high - low).toBeLessThan(0.2);
  }
});

it("says which columns are missing", () => {
  expect(problemOf("N,D,loss\n1e9,2e10,2.5\n")).toMatchInlineSnapshot(`
    "runs.csv:1
      found     the columns N, D, loss
      expected  a row a run with the columns parameters, tokens, loss (missing: parameters, tokens)
      to mend   name the columns so; N without embeddings, and the loss in nats a token"
  `);
  expect(problemOf("")).toContain("no rows");
});

it("names every cell that is not a positive number", () => {
  expect(
    problemOf("parameters,tokens,loss\n1e9,2e10,nan\n-1,2e10,2.5\n1e9,2e10,2.5\n"),
  ).toMatchInlineSnapshot(`
    "runs.csv:2  loss
      found     "nan"
      expected  a positive number
      to mend   leave out runs that diverged or did not finish

    runs.csv:3  parameters
      found     "-1"
      expected  a positive number
      to mend   leave out runs that diverged or did not finish"
  `);
});
