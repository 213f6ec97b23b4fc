/** Where tests find the log of a small real Slurm 22.05 (four virtual nodes, 57 attempts). */
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";

const folder = fileURLToPath(new URL("../../../examples/fleet/lab/", import.meta.url));

export function labFile(name: string): string {
  const file = `${folder}${name}`;
  if (!existsSync(file)) throw new Error(`${file} is missing`);
  return file;
}

/** A log given as text, under a name for messages. */
export function textSource(text: string | Buffer, name = "sacct.psv"): { name: string; bytes: Uint8Array } {
  return { name, bytes: Buffer.from(text as string) };
}
