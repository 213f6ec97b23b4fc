/** Runs the examples of `docs/carbon.md` and compares what they print. */
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";
import * as core from "../core/index.ts";
import * as carbon from "./index.ts";

const root = fileURLToPath(new URL("../../", import.meta.url));
const page = readFileSync(`${root}docs/carbon.md`, "utf8");
const examples = [...page.matchAll(/```js\n(.*?)```\n+```text\n(.*?)```/gs)];
const AsyncFunction = (async () => {}).constructor as new (
  ...parts: string[]
) => (rooms: object, print: (...words: unknown[]) => void) => Promise<void>;

it.each(examples.map(([, code, output], i) => [i + 1, code!, output!] as const))(
  "example %i of docs/carbon.md prints what it says",
  async (_, code, output) => {
    const lines: string[] = [];
    const body = code
      .replace(/^import (\{.*?\}) from "terrarium\/(\w+)";$/gm, "const $1 = rooms.$2;")
      .replaceAll('"examples/', `"${root}examples/`);
    await new AsyncFunction("rooms", "print", body)({ core, carbon }, (...words) =>
      lines.push(words.join(" ")),
    );
    expect(`${lines.join("\n")}\n`).toBe(output);
  },
);

it("has examples", () => {
  expect(examples).toHaveLength(4);
});

it("has a ledger of all phases that stands", async () => {
  const sampler = new core.Sampler(1);
  const ledger = await carbon.readLedger(`${root}examples/carbon/model.yaml`, sampler);
  expect(carbon.ledgerTotals(ledger).phases).toHaveLength(carbon.PHASES.length);
  const bill = carbon.readBill(`${root}examples/carbon/dell-r740.yaml`, sampler);
  expect(bill.total.value("kgCO2e")).toBeCloseTo(
    23.1434 + 330.42857 + 8 * (136.0457 + 1.95) + 62.75 + 2.85,
    2,
  );
});
