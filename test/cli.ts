/** The command line as people run it: built, in a process of its own. */
import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";

export const root = fileURLToPath(new URL("../", import.meta.url));
const main = `${root}dist/cli/main.js`;

export interface Ran {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs `terrarium` with `args`; `npm test` builds it first. */
export function terrarium(args: readonly string[], cwd = root): Promise<Ran> {
  if (!existsSync(main)) throw new Error("dist/cli/main.js is missing: npm run build");
  return new Promise((resolve) => {
    execFile(process.execPath, [main, ...args], { cwd, maxBuffer: 2 ** 28 }, (error, stdout, stderr) =>
      resolve({ code: error ? Number(error.code ?? 1) : 0, stdout, stderr }),
    );
  });
}
