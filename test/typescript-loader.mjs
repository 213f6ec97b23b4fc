import { readFile } from "node:fs/promises";
import { transformSync } from "rolldown/utils";

export async function load(url, context, next) {
  if (!url.endsWith(".ts")) return next(url, context);
  const { code, errors } = transformSync(url, await readFile(new URL(url), "utf8"), { sourcemap: false });
  if (errors.length > 0) throw new SyntaxError(`${url}: ${errors[0].message}`);
  return { format: "module", source: code, shortCircuit: true };
}
