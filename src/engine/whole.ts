/** Files that are there whole or not at all. */
import { rename, rm } from "node:fs/promises";

/** Has `write` make `file` under another name and renames it. When that fails, what was there before stays, and no rest. */
export async function writeWhole(file: string, write: (partial: string) => Promise<void>): Promise<void> {
  const partial = `${file}.partial`;
  try {
    await write(partial);
    await rename(partial, file);
  } catch (error) {
    await rm(partial, { force: true });
    throw error;
  }
}
