/** Runs the examples of `docs/fleet.md` and compares what they print. */
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";
import * as core from "../core/index.ts";
import * as fleet from "./index.ts";

const root = fileURLToPath(new URL("../../", import.meta.url));
const page = readFileSync(`${root}docs/fleet.md`, "utf8");
const examples = [...page.matchAll(/```js\n(.*?)```\n+```text\n(.*?)```/gs)];
const AsyncFunction = (async () => {}).constructor as new (
  ...parts: string[]
) => (rooms: object, print: (...words: unknown[]) => void) => Promise<void>;

it.each(examples.map(([, code, output], i) => [i + 1, code!, output!] as const))(
  "example %i of docs/fleet.md prints what it says",
  async (_, code, output) => {
    const lines: string[] = [];
    const body = code
      .replace(/^import (\{.*?\}) from "terrarium\/(\w+)";$/gm, "const $1 = rooms.$2;")
      .replaceAll('"examples/', `"${root}examples/`);
    await new AsyncFunction("rooms", "print", body)({ core, fleet }, (...words) => {
      lines.push(words.join(" ").replaceAll(root, ""));
    });
    expect(`${lines.join("\n")}\n`).toBe(output);
  },
);

it("has examples", () => {
  expect(examples).toHaveLength(4);
});

it("tells a command that asks for what the reader uses", () => {
  expect(page).toContain(fleet.SACCT_FIELDS.join(","));
});
