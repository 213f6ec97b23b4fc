/** Runs the examples of `docs/laws.md` and compares what they print. */
import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import * as core from "../core/index.ts";
import * as model from "../model/index.ts";
import * as laws from "./index.ts";

const page = readFileSync(new URL("../../docs/laws.md", import.meta.url), "utf8");
const examples = [...page.matchAll(/```js\n(.*?)```\n+```text\n(.*?)```/gs)];

it.each(examples.map(([, code, output], i) => [i + 1, code!, output!] as const))(
  "example %i of docs/laws.md prints what it says",
  (_, code, output) => {
    const lines: string[] = [];
    const body = code.replace(/^import (\{.*?\}) from "terrarium\/(\w+)";$/gm, "const $1 = rooms.$2;");
    new Function("rooms", "print", body)({ core, model, laws }, (...words: unknown[]) =>
      lines.push(words.join(" ")),
    );
    expect(`${lines.join("\n")}\n`).toBe(output);
  },
);

it("has examples", () => {
  expect(examples).toHaveLength(2);
});
