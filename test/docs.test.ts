/**
 * The worked examples of docs/: every ```js block that a ```text block follows is run, and so is every ```sh block of
 * `terrarium` commands; what they print must be what the page says.
 */
import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";

const root = fileURLToPath(new URL("../", import.meta.url));
const EXAMPLE = /```(js|sh)\n((?:(?!```).)*)```\n+```text\n(.*?)```/gs;

type Print = (...words: unknown[]) => void;
const AsyncFunction = (async () => {}).constructor as new (
  ...parts: string[]
) => (rooms: Record<string, object>, print: Print) => Promise<void>;

async function runScript(code: string): Promise<string> {
  const rooms: Record<string, object> = {};
  for (const [, room] of code.matchAll(/from "terrarium\/(\w+)"/g)) {
    rooms[room!] = (await import(`${root}src/${room}/index.ts`)) as object;
  }
  const body = code
    .replace(/^import (\{.*?\}) from "terrarium\/(\w+)";$/gms, "const $1 = rooms.$2;")
    .replaceAll('"examples/', `"${root}examples/`);
  const lines: string[] = [];
  await new AsyncFunction("rooms", "print", body)(rooms, (...words) => lines.push(words.join(" ")));
  return `${lines.join("\n")}\n`;
}

/** Runs each line as a command of the built program, in the repository's folder. */
function runCommands(code: string): string {
  return code
    .trim()
    .split("\n")
    .map((line) => {
      const words = [...line.matchAll(/"([^"]*)"|(\S+)/g)].map((match) => match[1] ?? match[2]!);
      const operands = words.slice(words.indexOf("terrarium") + 1);
      return execFileSync(process.execPath, ["dist/cli/main.js", ...operands], {
        cwd: root,
        encoding: "utf8",
        stdio: ["ignore", "pipe", "ignore"],
      });
    })
    .join("");
}

const withoutTrailingSpace = (text: string) => text.replace(/[ \t]+$/gm, "");

for (const name of readdirSync(`${root}docs`).filter((file) => file.endsWith(".md"))) {
  const examples = [...readFileSync(`${root}docs/${name}`, "utf8").matchAll(EXAMPLE)];
  describe(`docs/${name}`, () => {
    it("has an example that runs", () => expect(examples.length).toBeGreaterThan(0));

    it.each(examples.map(([, language, code, output], i) => [i + 1, language!, code!, output!] as const))(
      "prints what example %i says",
      async (_, language, code, output) => {
        const printed = language === "js" ? await runScript(code) : runCommands(code);
        expect(withoutTrailingSpace(printed)).toBe(withoutTrailingSpace(output));
      },
    );
  });
}
