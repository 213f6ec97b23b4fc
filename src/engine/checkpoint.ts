/**
 * Checkpoints: a folder a step, `step-00000120/`, with
 *
 *   config.json            what the parameters are for, in the ecosystem's form; the caller's
 *   model.safetensors      the parameters
 *   optimizer.safetensors  the moments, as the optimiser keeps them
 *   trainer.json           the step, and the caller's position in its data and random streams
 *
 * A folder is written under another name, brought to the disk, and renamed: it is there whole or not at all.
 */

import { mkdir, open, readdir, readFile, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { InputError } from "../core/index.ts";
import { describe } from "./graph.ts";
import type { Specs } from "./runtime.ts";
import { readSafetensors, type StoredTensors, writeSafetensors } from "./safetensors.ts";
import type { Trainer } from "./train.ts";

export interface Checkpoint {
  readonly step: number;
  /** What the parameters are for; any JSON. */
  readonly config: unknown;
  /** Where the caller's data and randomness stand; any JSON. */
  readonly position: unknown;
  readonly parameters: StoredTensors;
  readonly optimiser: StoredTensors;
}

/** A step saved again gets a number after it: a folder cannot be renamed onto one that is not empty. */
const FINISHED = /^step-(\d{8,})(?:-(\d+))?$/;
const PARTIAL = /^\.step-.*\.partial$/;

/**
 * Writes a checkpoint into `folder` and then removes all but the newest `keep`. When it fails, on a full disk or in a kill,
 * the earlier ones are untouched. Returns the path of the new one.
 */
export async function saveCheckpoint(folder: string, checkpoint: Checkpoint, keep = 2): Promise<string> {
  await mkdir(folder, { recursive: true });
  const entries = await readdir(folder);
  for (const left of entries.filter((entry) => PARTIAL.test(entry))) {
    await rm(join(folder, left), { recursive: true });
  }
  const first = `step-${String(checkpoint.step).padStart(8, "0")}`;
  let name = first;
  for (let again = 2; entries.includes(name); again++) name = `${first}-${again}`;
  const target = join(folder, name);
  const partial = join(folder, `.${name}.partial`);
  try {
    await mkdir(partial);
    await writeJson(join(partial, "config.json"), checkpoint.config);
    await writeJson(join(partial, "trainer.json"), { step: checkpoint.step, position: checkpoint.position });
    await writeSafetensors(join(partial, "model.safetensors"), checkpoint.parameters);
    await writeSafetensors(join(partial, "optimizer.safetensors"), checkpoint.optimiser);
    await syncFolder(partial);
    await rename(partial, target);
  } catch (error) {
    await rm(partial, { recursive: true, force: true });
    throw error;
  }
  await syncFolder(folder);
  for (const old of (await finishedIn(folder)).slice(0, -keep))
    await rm(join(folder, old), { recursive: true });
  return target;
}

/** The newest checkpoint in `folder`, or undefined where there is none. */
export async function newestCheckpoint(folder: string): Promise<string | undefined> {
  const newest = (await finishedIn(folder)).at(-1);
  return newest === undefined ? undefined : join(folder, newest);
}

/** Reads the checkpoint at `path`, the folder of one step. Throws an InputError naming the file that is wrong. */
export async function loadCheckpoint(path: string): Promise<Checkpoint> {
  const { step, position } = (await readJson(join(path, "trainer.json"))) as {
    step: number;
    position: unknown;
  };
  return {
    step,
    position,
    config: await readJson(join(path, "config.json")),
    parameters: await readSafetensors(join(path, "model.safetensors")),
    optimiser: await readSafetensors(join(path, "optimizer.safetensors")),
  };
}

export interface SaveOptions {
  readonly config: unknown;
  readonly position: unknown;
  /** Checkpoints to leave in the folder. Default 2. */
  readonly keep?: number;
}

/** Saves all that a trainer goes on from, once the updates asked for are done. */
export async function saveTrainer(trainer: Trainer, folder: string, options: SaveOptions): Promise<string> {
  const { step, parameters, optimiser } = await trainer.state();
  const { config, position, keep } = options;
  return saveCheckpoint(folder, { step, config, position, parameters, optimiser }, keep);
}

/**
 * Puts the checkpoint at `path` into a trainer, which then goes on as if it had never stopped. Throws an InputError that
 * names each tensor that is missing, strange or of another shape, and changes nothing.
 */
export async function restoreTrainer(
  trainer: Trainer,
  path: string,
): Promise<Pick<Checkpoint, "config" | "position">> {
  const checkpoint = await loadCheckpoint(path);
  requireSame(join(path, "model.safetensors"), checkpoint.parameters, trainer.specs.parameters);
  requireSame(join(path, "optimizer.safetensors"), checkpoint.optimiser, trainer.specs.optimiser);
  await trainer.restore(checkpoint);
  return checkpoint;
}

/** Requires that a file holds exactly the tensors of `expected`. */
export function requireSame(file: string, found: StoredTensors, expected: Specs): void {
  const names = [...new Set([...Object.keys(expected), ...Object.keys(found)])];
  const problems = names.flatMap((name) => {
    const [has, needs] = [found[name], expected[name]].map((spec) =>
      spec ? describe(spec) : "no such tensor",
    );
    return has === needs ? [] : [{ place: { file, path: name }, found: has!, expected: needs! }];
  });
  if (problems.length > 0) throw new InputError(problems);
}

async function finishedIn(folder: string): Promise<string[]> {
  const entries = await readdir(folder).catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return [];
    throw error;
  });
  const order = (name: string): [number, number] => {
    const [, step, again] = FINISHED.exec(name)!;
    return [Number(step), Number(again ?? 1)];
  };
  return entries
    .filter((name) => FINISHED.test(name))
    .sort((a, b) => order(a)[0] - order(b)[0] || order(a)[1] - order(b)[1]);
}

async function writeJson(file: string, value: unknown): Promise<void> {
  const handle = await open(file, "w");
  try {
    await handle.writeFile(`${JSON.stringify(value, null, 2)}\n`);
    await handle.sync();
  } finally {
    await handle.close();
  }
}

async function readJson(file: string): Promise<unknown> {
  try {
    return JSON.parse(await readFile(file, "utf8"));
  } catch (error) {
    throw new InputError({
      place: { file },
      found: (error as Error).message,
      expected: "a JSON file of a checkpoint",
    });
  }
}

/** Makes the names in a folder durable. Windows has no such call and needs none. */
async function syncFolder(folder: string): Promise<void> {
  if (process.platform === "win32") return;
  const handle = await open(folder, "r");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
