/** Runs the examples of `docs/model.md` and compares what they print. */
import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import * as room from "./index.ts";

const page = readFileSync(new URL("../../docs/model.md", import.meta.url), "utf8");
const examples = [...page.matchAll(/```js\n(.*?)```\n+```text\n(.*?)```/gs)];

it.each(examples.map(([, code, output], i) => [i + 1, code!, output!] as const))(
  "example %i of docs/model.md prints what it says",
  (_, code, output) => {
    const lines: string[] = [];
    const body = code.replace(/^import (\{.*?\}) from "terrarium\/model";$/ms, "const $1 = room;");
    new Function("room", "print", body)(room, (...words: unknown[]) => lines.push(words.join(" ")));
    expect(`${lines.join("\n")}\n`).toBe(output);
  },
);

it("has examples", () => {
  expect(examples).toHaveLength(2);
});
