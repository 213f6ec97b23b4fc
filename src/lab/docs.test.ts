/** Runs the examples of `docs/lab.md` and compares what they print. */
import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import * as model from "../model/index.ts";
import * as lab from "./index.ts";

const page = readFileSync(new URL("../../docs/lab.md", import.meta.url), "utf8");
const examples = [...page.matchAll(/```js\n(.*?)```\n+```text\n(.*?)```/gs)];
const AsyncFunction = (async () => undefined).constructor as FunctionConstructor;

it.each(examples.map(([, code, output], i) => [i + 1, code!, output!] as const))(
  "example %i of docs/lab.md prints what it says",
  async (_, code, output) => {
    const lines: string[] = [];
    const body = code.replace(/^import (\{.*?\}) from "terrarium\/(\w+)";$/gm, "const $1 = rooms.$2;");
    await new AsyncFunction("rooms", "print", body)({ model, lab }, (...words: unknown[]) =>
      lines.push(words.join(" ")),
    );
    expect(`${lines.join("\n")}\n`).toBe(output);
  },
);

it("has an example", () => {
  expect(examples).toHaveLength(1);
});
