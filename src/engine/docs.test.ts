import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { expect, test } from "vitest";

const root = new URL("../../", import.meta.url);

test("the worked example of the documentation prints what it says", async () => {
  const page = await readFile(new URL("docs/engine.md", root), "utf8");
  const [, code] = /```ts\n(.*?)```/s.exec(page)!;
  const [, printed] = /```text\n(.*?)```/s.exec(page)!;
  const local = code!.replace(
    /"terrarium\/(\w+)"/g,
    (_, room) => `"${new URL(`src/${room}/index.ts`, root)}"`,
  );
  const folder = await mkdtemp(join(tmpdir(), "engine-docs-"));
  try {
    const file = join(folder, "example.mjs");
    await writeFile(file, local);
    const { stdout } = await promisify(execFile)(process.execPath, [
      "--import",
      new URL("../../test/typescript.mjs", import.meta.url).href,
      file,
    ]);
    expect(stdout).toBe(printed);
  } finally {
    await rm(folder, { recursive: true });
  }
});
